"""`streamer board` as it runs: real Kafka, a changelog in transactions, a real Prometheus that scrapes it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from streamer.embedded import free_port
from streamer.metrics.evaluate import evaluate
from streamer.metrics.exposition import render
from streamer.partition import Partition
from streamer.processor.command import worker_config
from streamer.processor.mark import MARK, Mark, encode_mark
from streamer.processor.topics import ensure_topics
from streamer.processor.writer import PartitionWriter
from streamer.replay import snapshot_of
from streamer.settings import Settings
from tests.board.changelog import Cluster, simulated
from tests.services.kafka import Kafka
from tests.services.process import wait_until

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def now_ms():
    return time.time_ns() // 1_000_000


class Changelog:
    """Writes partitions' changes as workers do; all calls run in a thread with an event loop of its own."""

    def __init__(self, kafka, name, tmp_path):
        self.settings = Settings.model_validate(
            {"kafka": {"bootstrap": kafka.bootstrap, "app": name, "partitions": 2, "replication": 1}}
        )
        self.config = worker_config(self.settings)
        self.cluster, self.one = Cluster(self.settings, 2), Partition(self.settings)
        self.path = tmp_path / "streamer.toml"
        self.port = free_port()
        self.path.write_text(
            f'[kafka]\nbootstrap = "{kafka.bootstrap}"\napp = "{name}"\npartitions = 2\nreplication = 1\n'
            f"[board]\nport = {self.port}\ncache = 0\n"
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.offset = 0

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def make(self):
        self.run(ensure_topics(self.config))
        self.writers = [self.run(self._writer(number)) for number in range(2)]

    async def _writer(self, number):
        writer = PartitionWriter(self.config, number)
        await writer.fence()
        return writer

    def feed(self, events):
        for arrival, event, time_ in events:
            self.cluster.accept(arrival, event, time_)
            self.one.accept(event, time_, arrival)

    def mark(self, configuration=None):
        self.offset += 10
        return Mark(
            offsets={"support.chats": self.offset},
            arrivals={"support.chats": now_ms() - 100},
            clock=0,
            time=now_ms(),
            configuration=configuration or self.config.configuration,
        )

    def flush(self, **mark):
        topic = self.config.changelog("panes")
        for number, rows in self.cluster.cut(0):
            last = (MARK, encode_mark(self.mark(**mark)), [])
            written = {topic: [*((key, value, []) for key, value in rows), last]}
            self.run(self.writers[number].write(written, now_ms()))

    def write_torn(self):
        """Records of a flush that was never committed, nor given up."""

        async def write(producer, topic):
            await producer.begin_transaction()
            for number in range(3):
                await producer.send_and_wait(topic, key=b"w%d" % number, value=b"torn", partition=0)

        self.run(write(self.writers[0]._producer, self.config.changelog("panes")))

    def close(self):
        for writer in self.writers:
            self.run(writer.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class Board:
    def __init__(self, log):
        self.port = log.port
        self.process = subprocess.Popen(
            [sys.executable, "-m", "streamer", "board", "--config", str(log.path)],
            cwd=ROOT,
            env={**os.environ, "STREAMER_LOGS__FORMAT": "json"},
            stdout=subprocess.DEVNULL,
            stderr=(log.path.parent / "board.log").open("ab"),
            start_new_session=True,
        )

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def wait(self, path, wanted, seconds=60):
        try:
            wait_until(lambda: wanted(*self.get(path)), seconds, lambda: self.process.poll() is None)
        except TimeoutError as error:
            raise AssertionError(f"{error}: {self.get(path)}") from None

    def ready(self):
        self.wait("/ready", lambda status, _: status == 200)

    def end(self, number=signal.SIGTERM):
        """Its exit code; that it ends at all, within the wait, is what is asked."""
        self.process.send_signal(number)
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()


@pytest.fixture(scope="module")
def kafka(services):
    """A broker of its own: on the shared one the events' topics have another number of partitions."""
    return services.start(Kafka)


@pytest.fixture
def changelog(kafka, tmp_path, request):
    log = Changelog(kafka, f"board-{request.node.name[:30]}-{os.getpid()}", tmp_path)
    yield log
    log.close()


@pytest.fixture
def board(changelog):
    board = Board(changelog)
    yield board
    board.process.kill()
    board.process.wait(10)


def events_until_now(seed):
    start = now_ms() // 1000 * 1000 - 20 * 60_000
    return simulated(minutes=20, customers=150, seed=seed, start=start)


def kpis(text):
    """(as_of in ms, the KPI part) of an answer of /metrics."""
    found, _, rest = text.partition("# HELP support_as_of_timestamp_seconds")
    line = next(line for line in rest.splitlines() if line.startswith("support_as_of_timestamp_seconds "))
    return round(float(line.split()[1]) * 1000), found


def shown(changelog, board):
    status, text = board.get("/metrics")
    assert status == 200
    at, found = kpis(text)
    names = changelog.settings.dimensions.names
    return found, render(evaluate(snapshot_of(changelog.one), changelog.settings, at), names)


def test_a_board_shows_what_workers_wrote_and_nothing_half_written(changelog, board, prometheus):
    board.wait("/live", lambda status, _: status == 200)
    board.wait("/ready", lambda status, text: status == 503 and "does not exist" in text)
    changelog.make()
    board.wait("/ready", lambda status, text: status == 503 and "no worker has written yet" in text)
    events = events_until_now(seed=5)
    changelog.feed(events[: len(events) // 2])
    changelog.flush()
    board.ready()
    found, expected = shown(changelog, board)
    assert found == expected
    assert "support_first_response_seconds" in found

    changelog.feed(events[len(events) // 2 :])
    changelog.flush()
    board.wait("/metrics", lambda _, text: "support_board_flushes_total 4.0" in text)
    found, expected = shown(changelog, board)
    assert found == expected

    changelog.write_torn()  # were it applied, the board would end: it is no record of open work
    time.sleep(1.5)
    found, expected = shown(changelog, board)
    assert found == expected
    assert 'support_event_visible_seconds_bucket{le="+Inf"} 40.0' in board.get("/metrics")[1]

    scraper = prometheus([f"127.0.0.1:{board.port}"])
    wait_until(lambda: scraper.query("support_as_of_timestamp_seconds"), 30)
    (up,) = scraper.query("up")
    assert up["value"][1] == "1"
    (created,) = scraper.query('support_tickets_created{by="all",window="24h"}')
    assert float(created["value"][1]) > 0
    (count,) = scraper.query('count({__name__=~"support_.*"})')
    assert float(count["value"][1]) > 3_000
    assert board.end() == 0


def test_a_board_that_starts_later_shows_the_same_and_ends_at_ctrl_c(changelog, request):
    changelog.make()
    events = events_until_now(seed=6)
    for first in range(0, len(events), len(events) // 4 + 1):
        changelog.feed(events[first : first + len(events) // 4 + 1])
        changelog.flush()
    board = request.getfixturevalue("board")  # it starts now
    board.ready()
    found, expected = shown(changelog, board)
    assert found == expected
    once = subprocess.run(
        [sys.executable, "-m", "streamer", "top", "--once", "--config", str(changelog.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "service level" in once.stdout
    assert board.end(signal.SIGINT) == 0


def test_a_board_with_other_settings_than_the_workers_shows_nothing(changelog, board):
    changelog.make()
    changelog.flush(configuration="0123456789abcdef")
    board.wait("/ready", lambda status, text: status == 503 and "configuration 0123456789abcdef" in text)
    assert board.get("/metrics")[0] == 503
    assert json.loads(board.get("/live")[1]) == {"live": True}


def test_a_port_that_is_taken_is_named(changelog, board):
    board.wait("/live", lambda status, _: status == 200)
    changelog.make()
    second = subprocess.run(
        [sys.executable, "-m", "streamer", "board", "--config", str(changelog.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert second.returncode == 69
    assert f"cannot listen on 127.0.0.1:{changelog.port}" in second.stderr
