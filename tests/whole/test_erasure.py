"""After `support.customer.erased` no byte of the id is left: segments, Redis, board, worker and logs are searched."""

import asyncio
import os
import random
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime

import pytest
import redis
from aiokafka.admin import NewTopic

from streamer.metrics.catalogue import METRICS
from streamer.processor.config import WorkerConfig
from streamer.processor.topics import CHANGELOG, administer
from streamer.producers.kafka import KafkaSender
from tests.cli.test_cli import run
from tests.services.kafka import Kafka
from tests.services.process import wait_until
from tests.services.redis_server import RedisServer
from tests.whole import test_whole
from tests.whole.test_whole import PARTITIONS, ROOT, House, get

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
CANARY = f"canary{random.randrange(1 << 60):015x}"
SOON = {
    **CHANGELOG,
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "1000",
    "min.cleanable.dirty.ratio": "0.01",
    "delete.retention.ms": "100",
    "segment.ms": "1000",
    "file.delete.delay.ms": "100",
    # Else the bytes would be there, and not be found.
    "compression.type": "uncompressed",
}
# The margin of ten minutes is for clocks that differ; here it would be ten minutes of waiting.
WORKER = "import streamer.partition as p; p.FOLD_MARGIN = 0\nfrom streamer.cli import main; main(['worker'])"


class CleaningKafka(Kafka):
    """A broker whose log cleaner looks every half second instead of every 15."""

    def __init__(self, folder):
        super().__init__(folder)
        with self._settings.open("a") as file:
            file.write("log.cleaner.backoff.ms=500\n")


class Worker(test_whole.Process):
    """`streamer worker` without the margin of folding."""

    def __init__(self, house):
        self.log = house.folder / f"worker-{len(house.running)}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", WORKER],
                cwd=ROOT,
                env={**os.environ, **house.environment, "STREAMER_WORKER__PORT": str(house.worker_port)},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        house.running.append(self)


async def make_changelogs(config):
    async with administer(config) as admin:
        topics = [NewTopic(topic, PARTITIONS, 1, topic_configs=SOON) for topic in config.changelogs]
        assert all(code == 0 for _, code, *_ in (await admin.create_topics(topics)).topic_errors)
        while not set(config.changelogs) <= set(await admin.list_topics()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.fixture
def house(services, tmp_path, monkeypatch):
    monkeypatch.setattr(test_whole, "Kafka", CleaningKafka)
    house = House(services, tmp_path)
    house.redis = services.start(RedisServer)
    house.environment |= {
        "STREAMER_REDIS__URL": house.redis.url,
        "STREAMER_TIME__GRACE": "10s",
        "STREAMER_WORKER__MARK_INTERVAL": "500ms",
        "STREAMER_LOGS__LEVEL": "debug",
    }
    house.config = WorkerConfig(bootstrap=house.kafka.bootstrap, app_id="streamer", configuration="c")
    asyncio.run(make_changelogs(house.config))
    yield house
    house.stop()


def event(number, type_, subject, customer, **data):
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "test",
        "type": f"support.{type_}",
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "subject": subject,
        "data": {"customer": customer, **data},
    }


def life_of(customer):
    """Give something of every entity; much of it is open work, and every id has the customer's bytes in it."""
    return [
        event(f"{customer}-{number}", type_, f"{customer}-{kind}" if kind else customer, customer, **data)
        for number, (type_, kind, data) in enumerate(
            [
                ("customer.joined", "", {}),
                ("ticket.created", "ticket", {"queue": "billing"}),
                ("ticket.message", "ticket", {"author": "customer"}),
                ("chat.queued", "chat", {"queue": "billing"}),
                ("call.queued", "call", {"queue": "billing"}),
                ("survey.sent", "survey", {"survey": "post-chat", "kind": "csat", "about": f"{customer}-ticket"}),
                ("cart.opened", "cart", {}),
                ("customer.purchased", "", {"amount": 3, "currency": "EUR", "product": "lamp"}),
                ("mention.posted", "mention", {"platform": "x", "sentiment": 0.5}),
            ]
        )
    ]


def files_with_canary(house):
    """Return the files of the changelogs, every segment and index, that have the id's bytes in them."""
    found = set()
    for topic in house.config.changelogs:
        for file in (house.kafka.folder / "data").glob(f"{topic}-[0-9]*/*"):
            try:
                if CANARY.encode() in file.read_bytes():
                    found.add(f"{file.parent.name.rsplit('-', 1)[0]}/{file.name}")
            except FileNotFoundError:  # compaction has just replaced it
                found.add(file.name)
    return found


def topics_with_canary(house):
    return {name.split("/")[0] for name in files_with_canary(house)}


def stored(house):
    """Return all keys and values of Redis."""
    with redis.Redis.from_url(house.redis.url) as client:
        found = []
        for key in client.scan_iter():
            kind = client.type(key)
            assert kind in {b"string", b"hash"}  # else this would not read it
            found += [key, repr(client.get(key) if kind == b"string" else client.hgetall(key)).encode()]
        return b"\n".join(found).decode()


def shown(house):
    """Return all that the board and the worker say."""
    paths = [
        "/metrics",
        "/api/metrics",
        *(f"/api/open?metric={m.name}&limit=1000" for m in METRICS if m.kind == "stock"),
    ]
    texts = [get(house.board_port, path) for path in paths] + [get(house.worker_port, "/metrics")]
    assert texts[0][0] == texts[1][0] == texts[-1][0] == 200
    with urllib.request.urlopen(f"http://127.0.0.1:{house.board_port}/api/stream", timeout=20) as stream:
        update = next(line for line in stream if line.startswith(b"data:"))
    return "\n".join([*(text for _, text in texts), update.decode()])


def journey(house, customer):
    return get(house.board_port, f"/api/journey/{customer}")


def test_no_byte_of_an_erased_customer_is_left(house):
    worker = Worker(house)
    house.wait_ready(house.worker_port)
    board = house.board()
    with KafkaSender(house.settings) as sender:
        for one in [*life_of("bystander"), *life_of(CANARY)]:
            sender.send(one)
        sender.flush()
        # What is looked for afterwards can be found before.
        wait_until(lambda: topics_with_canary(house) == set(house.config.changelogs), 60)
        house.wait_ready(house.board_port)
        wait_until(lambda: f"{CANARY}-ticket" in shown(house) and f"{CANARY}-chat" in shown(house), 30)
        wait_until(lambda: f"{CANARY}-ticket" in stored(house) and "bystander-ticket" in stored(house), 30)

        assert f"{CANARY}-ticket" in journey(house, CANARY)[1]

        erased = run("erase", CANARY, environ=house.environment)
        assert (erased.returncode, erased.stdout) == (0, "sent 1 erasures\n")
        assert CANARY not in erased.stderr
        wait_until(lambda: CANARY not in shown(house), 30)
        wait_until(lambda: journey(house, CANARY)[0] == 404, 30)
        # Whoever takes the partition over before the grace has passed must know what is still to be erased.
        worker.kill9()
        worker = Worker(house)
        house.wait_ready(house.worker_port)

        deadline = time.monotonic() + 150
        number = 0
        while (left := files_with_canary(house)) and time.monotonic() < deadline:
            # Life goes on, which rolls segments.
            number += 1
            sender.send(event(f"more-{number}", "ticket.message", "bystander-ticket", "bystander", author="customer"))
            sender.flush()
            time.sleep(0.5)
    assert left == set()
    text = shown(house)
    assert CANARY not in text
    assert "bystander-ticket" in text
    wait_until(lambda: CANARY not in stored(house), 30)
    assert "bystander-ticket" in stored(house)
    # What comes from the changelog alone: a worker and a board that start now.
    assert worker.stop() == 0
    assert board.stop() == 0
    worker, board = Worker(house), house.board()
    house.wait_ready(house.worker_port)
    house.wait_ready(house.board_port)
    text = shown(house)
    assert CANARY not in text
    assert "bystander-ticket" in text
    wait_until(lambda: not files_with_canary(house), 30)  # a file that is just being replaced counts as found
    assert CANARY not in stored(house)
    house.stop()
    logs = list(house.folder.glob("*.log"))
    assert len(logs) == 5
    assert [log for log in logs if CANARY.encode() in log.read_bytes()] == []


def test_an_id_that_no_event_may_carry_is_refused_and_not_said_again():
    refused = run("erase", "")
    assert refused.returncode == 2
    many = subprocess.run(
        [sys.executable, "-m", "streamer", "erase", "-"],
        input=f"fine\n{'x' * 200}{CANARY}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert many.returncode == 2
    assert "customer 2 is no id" in many.stderr
    assert CANARY not in many.stderr
