"""The whole house on a real Kafka: worker and board as processes, against an offline replay of the same events."""

import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streamer.embedded import free_port
from streamer.events.codec import encode
from streamer.producers.kafka import KafkaSender
from streamer.producers.simulator import demo, pace, simulate
from streamer.replay import exposition, read_all
from streamer.settings import Settings
from tests.services.kafka import Kafka
from tests.services.process import wait_until

ROOT = Path(__file__).parents[2]
SECOND, MINUTE = 1_000, 60_000
PARTITIONS = 4


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
    except (URLError, OSError):
        return 0, ""


class Process:
    """A command of the program as a child; its log goes to a file."""

    def __init__(self, folder, environment, *arguments):
        self.log = folder / f"{arguments[0]}-{random.randrange(1 << 30):x}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streamer", *arguments],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill9(self):
        self.process.kill()
        self.process.wait(10)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill9()
                raise AssertionError(f"not stopped after 20 s: {self.log.read_text()[-2000:]}") from None
        return self.process.returncode


class House:
    """A broker of one's own with workers and a board."""

    def __init__(self, services, folder):
        self.folder = folder
        self.kafka = services.start(Kafka)
        self.worker_port, self.board_port = free_port(), free_port()
        self.settings = Settings.model_validate(
            {"kafka": {"bootstrap": self.kafka.bootstrap, "partitions": PARTITIONS}}
        )
        self.environment = {
            "STREAMER_KAFKA__BOOTSTRAP": self.kafka.bootstrap,
            "STREAMER_KAFKA__PARTITIONS": str(PARTITIONS),
            "STREAMER_WORKER__SESSION_TIMEOUT": "6s",
            "STREAMER_BOARD__PORT": str(self.board_port),
            "STREAMER_LOGS__LEVEL": "warning",
        }
        self.running = []

    def worker(self, port=None):
        port = port or self.worker_port
        process = Process(self.folder, {**self.environment, "STREAMER_WORKER__PORT": str(port)}, "worker")
        self.running.append(process)
        return process

    def board(self):
        process = Process(self.folder, self.environment, "board")
        self.running.append(process)
        return process

    def wait_ready(self, port, seconds=60):
        wait_until(lambda: get(port, "/ready")[0] == 200, seconds, lambda: True)

    def stop(self):
        return [process.stop() for process in self.running]


@pytest.fixture
def house(services, tmp_path):
    with ExitStack() as stack:
        house = House(services, tmp_path)
        stack.callback(house.stop)
        yield house


def simulated(minutes, seed):
    """Give a stretch of the past as dicts with `recordedtime`, not quite in order, some of them twice."""
    start = (time.time_ns() // 1_000_000 - (minutes + 5) * MINUTE) // MINUTE * MINUTE
    events = list(
        pace(
            simulate(
                replace(demo(customers=400), established_ms=0), start_ms=start, duration_ms=minutes * MINUTE, seed=seed
            )
        )
    )
    random.seed(seed)
    for i in range(0, len(events) - 60, 60):
        part = events[i : i + 60]
        random.shuffle(part)
        events[i : i + 60] = part
    repeats = random.sample(events, len(events) // 20)
    return events + repeats, start + minutes * MINUTE


def replayed(settings, events, at, folder):
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    refused = []
    text = exposition(settings, read_all(settings, [str(path)], refused), at)
    assert refused == []
    return {line for line in text.splitlines() if not line.startswith("#")}


def instant(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at // SECOND))


def test_the_board_shows_what_replay_computes_through_kill_9_and_a_second_worker(house):
    """Law 1, 3 and 6 at once: the same numbers to the last unit, whatever happened to the workers."""
    events, end = simulated(minutes=40, seed=7)
    at = end + 2 * MINUTE
    worker = house.worker()
    house.wait_ready(house.worker_port)
    house.board()
    third = len(events) // 3
    with KafkaSender(house.settings) as sender:
        for event in events[:third]:
            sender.send(event)
        sender.flush()
        time.sleep(1)
        worker.kill9()
        for event in events[third : 2 * third]:
            sender.send(event)
        sender.flush()
        second_port = free_port()
        worker, second = house.worker(), house.worker(second_port)
        for port in (house.worker_port, second_port):
            house.wait_ready(port)
        for event in events[2 * third :]:
            sender.send(event)
        sender.flush()
        second.kill9()
    expected = replayed(house.settings, events, at, house.folder)

    def shown():
        _, text = get(house.board_port, f"/metrics?at={instant(at)}")
        return {line for line in text.splitlines() if not line.startswith("#")}

    deadline = time.monotonic() + 90
    while not expected <= (seen := shown()) and time.monotonic() < deadline:
        time.sleep(1)
    own = (
        "support_as_of",
        "support_event_visible",
        "support_metric_target",
        "support_series",
        "support_board",
        "support_store",
    )
    assert sorted(expected - seen)[:20] == []
    assert [line for line in sorted(seen - expected) if line.startswith("support_") and not line.startswith(own)][
        :20
    ] == []
    assert worker.stop() == 0


def test_prometheus_scrapes_both_and_promtool_finds_nothing(house, prometheus, promtool):
    events, end = simulated(minutes=15, seed=3)
    house.worker()
    house.wait_ready(house.worker_port)
    house.board()
    with KafkaSender(house.settings) as sender:
        for event in events:
            sender.send(event)
        sender.flush()
    house.wait_ready(house.board_port)
    wait_until(
        lambda: "support_queue_legs{" in get(house.board_port, f"/metrics?at={instant(end)}")[1], 60, lambda: True
    )
    for port in (house.worker_port, house.board_port):
        _, text = get(port, "/metrics")
        checked = subprocess.run(
            [promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False
        )
        assert (checked.returncode, checked.stderr) == (0, "")
    server = prometheus([f"127.0.0.1:{house.worker_port}", f"127.0.0.1:{house.board_port}"], scrape_interval="1s")
    wait_until(
        lambda: server.query("support_tickets_backlog") and server.query("support_events_total"), 60, lambda: True
    )
    assert all(float(sample["value"][1]) == 1 for sample in server.query("up"))


def poison(event):
    """Give every kind of bad input as (topic, key, value, code)."""
    good = json.loads(encode_dict(event))
    key = good["data"]["customer"].encode()

    def changed(**changes):
        return json.dumps({**good, **changes}).encode()

    topic = "support.tickets"
    ahead = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    answer = {
        **good,
        "type": "support.survey.answered",
        "data": {"customer": good["data"]["customer"], "kind": "csat", "score": 9, "scale_min": 1, "scale_max": 5},
    }
    bare = {**answer, "data": {"customer": good["data"]["customer"], "kind": "csat", "score": 3}}
    return [
        (topic, key, b"\xff\xfe", "not_json"),
        (topic, key, b'{"specversion"', "not_json"),
        (topic, key, b"", "not_json"),
        (topic, key, None, "not_json"),
        (topic, key, b"[" * 200_000, "too_deep"),
        (topic, key, changed(note="x" * 70_000), "too_large"),
        (topic, key, json.dumps({k: v for k, v in good.items() if k != "time"}).encode(), "missing_attribute"),
        (topic, key, changed(data={**good["data"], "queue": 5}), "wrong_type"),
        (topic, key, changed(type="support.ticket.exploded"), "unknown_type"),
        ("support.calls", key, json.dumps(good).encode(), "wrong_topic"),
        (topic, b"somebody else", json.dumps(good).encode(), "wrong_key"),
        (topic, key, changed(time=ahead, recordedtime=good["time"]), "future_time"),
        ("support.surveys", key, json.dumps(answer).encode(), "score_out_of_scale"),
        ("support.surveys", key, json.dumps(bare).encode(), "no_scale"),
    ]


def encode_dict(event):
    return event if isinstance(event, bytes) else (json.dumps(event) if isinstance(event, dict) else encode(event))


def test_bad_input_becomes_dead_letters_byte_for_byte_and_the_next_record_is_processed(house):
    house.worker()
    house.wait_ready(house.worker_port)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    good = {
        "specversion": "1.0",
        "id": "good",
        "source": "test",
        "type": "support.ticket.created",
        "time": now,
        "subject": "t-1",
        "data": {"customer": "ada"},
    }
    bad = poison(good)
    producer = KafkaProducer(bootstrap_servers=house.kafka.bootstrap, acks="all", max_request_size=4 << 20)
    trace = [("traceparent", b"00-1"), ("traceparent", b"00-2")]
    sent = [producer.send(topic, key=key, value=value, headers=trace) for topic, key, value, _ in bad]
    producer.send("support.tickets", key=b"ada", value=json.dumps(good).encode())
    producer.flush()
    places = [future.get(timeout=30) for future in sent]
    producer.close()
    consumer = KafkaConsumer(
        bootstrap_servers=house.kafka.bootstrap, isolation_level="read_committed", enable_auto_commit=False
    )
    consumer.assign([TopicPartition("support.dead-letters", number) for number in range(PARTITIONS)])
    consumer.seek_to_beginning()
    found = []
    limit = time.monotonic() + 40
    while len(found) < len(bad) and time.monotonic() < limit:
        for records in consumer.poll(timeout_ms=500).values():
            found += records
    consumer.close()
    letters = {}
    for record in found:
        assert record.headers[: len(trace)] == trace
        said = {name.removeprefix("streamer_error_"): value.decode() for name, value in record.headers[len(trace) :]}
        assert said.pop("stage")
        place = (said.pop("topic"), int(said.pop("partition")), int(said.pop("offset")))
        letters[place] = (record.key, record.value, said.pop("code"))
        assert not said
    assert letters == {
        (at.topic, at.partition, at.offset): tuple(rest) for at, (_, *rest) in zip(places, bad, strict=True)
    }
    assert len(found) == len(bad)
    text = get(house.worker_port, "/metrics")[1]
    for _, _, _, code in bad:
        assert f'code="{code}"' in text
    wait_until(
        lambda: (
            'support_events_total{source="test",topic="support.tickets"} 1.0' in get(house.worker_port, "/metrics")[1]
        ),
        30,
        lambda: True,
    )
