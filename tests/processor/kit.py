"""What the tests of the processor share: a group of worker processes, a producer that knows what was acknowledged,
and an independent read_committed reader of the changelogs.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from urllib.error import HTTPError, URLError

from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer, TopicPartition

from streamer.processor.mark import MARK, decode_mark, is_control
from streamer.processor.topics import ensure_topics
from tests.services.process import wait_until

ROOT = Path(__file__).parents[2]
READY = "ready: partitions"
STARTED = "STARTED"


def http_get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()
    except (URLError, OSError):
        return 0, ""


class Worker:
    """A worker process; its log goes to a file."""

    def __init__(self, group, number, hooks=None, **changes):
        self.path = group.folder / f"worker-{number}.log"
        self.path.touch()
        config = {**group.values, **changes}
        with self.path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.processor.worker_main", json.dumps(config)],
                cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "HOOKS": json.dumps(hooks or {}), "PYTHONPATH": str(ROOT)},
            )  # fmt: skip

    def log(self):
        return self.path.read_text(errors="replace")

    def count(self, text):
        return self.log().count(text)

    @property
    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill9(self):
        self.process.kill()
        self.process.wait(10)

    def stop(self):
        """SIGTERM; gives the exit code, and fails where it takes over 20 s."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"not stopped after 20 s:\n{self.log()[-3000:]}") from None

    def wait_for(self, text, count=1, seconds=60):
        try:
            wait_until(lambda: self.count(text) >= count, seconds, lambda: self.alive)
        except TimeoutError as error:
            raise AssertionError(f"{text!r} not seen ({error}):\n{self.log()[-3000:]}") from None


class Group:
    """An application with its topics, its worker processes, and its producer.

    What it computes is its subclass's: `assert_same(audit)` compares the changelogs with what was acknowledged.
    """

    def __init__(self, folder, config, values):
        """`values` are the configuration of `worker_main` as plain JSON."""
        self.folder, self.config, self.values = folder, config, values
        asyncio.run(ensure_topics(config))
        self.workers = {}
        self.producer = None
        #: a compacted changelog has its newest mark, and of the older ones those that the broker has not come to
        self.compacted = False
        #: the records (topic, key, value) that the brokers have acknowledged
        self.acknowledged = []
        #: of each source partition, the offset behind the last of them
        self.ends = {}

    def assert_same(self, audit):
        raise NotImplementedError

    def start(self, number=0, hooks=None, **changes):
        self.workers[number] = Worker(self, number, hooks, **changes)
        return self.workers[number]

    def send(self, records, rate):
        self.producer = Producer(self, records, rate)
        self.producer.start()
        return self.producer

    def rebalances(self):
        """How often a process was given partitions that had been given some before."""
        lives = [life for worker in self.workers.values() for life in worker.log().split(STARTED)]
        return sum(max(0, life.count(READY) - 1) for life in lives)

    def stop(self):
        return [worker.stop() for worker in self.workers.values() if worker.alive]

    def close(self):
        """End everything at once."""
        if self.producer:
            self.producer.give_up = True
            self.producer.join(60)
        for worker in self.workers.values():
            if worker.alive:
                worker.kill9()


class Producer(threading.Thread):
    """Sends records at a rate, idempotently, and notes with its group what was acknowledged.

    The last tenth waits until the faults are over: what it comes to depends on all that was recovered.
    """

    def __init__(self, group, records, rate):
        super().__init__(daemon=True)
        self.group, self.records, self.rate = group, records, rate
        self.errors = []
        self.faults_over = self.give_up = False

    def run(self):
        asyncio.run(self._send())

    async def _send(self):
        producer = AIOKafkaProducer(
            bootstrap_servers=self.group.config.bootstrap, enable_idempotence=self.group.config.fenced, linger_ms=10,
            acks="all", request_timeout_ms=180_000, compression_type="lz4", max_batch_size=200_000,
        )  # fmt: skip
        await producer.start()
        started, sent, waiting = time.monotonic(), 0, set()
        while sent < len(self.records) and not self.give_up:
            limit = len(self.records) if self.faults_over else len(self.records) * 9 // 10
            due = max(sent, min(limit, int((time.monotonic() - started) * self.rate) + 1))
            for record in self.records[sent:due]:
                topic, key, value = record
                future = await producer.send(topic, value, key=key)
                future.add_done_callback(lambda f, r=record: self._done(f, r))
                waiting.add(future)
                future.add_done_callback(waiting.discard)
            sent = due
            await asyncio.sleep(0.02)
        while waiting and not self.give_up:
            await asyncio.wait(set(waiting), timeout=1)
        await producer.stop()

    def _done(self, future, record):
        if future.exception():
            self.errors.append(future.exception())
            return
        self.group.acknowledged.append(record)
        told, ends = future.result(), self.group.ends
        ends[told.topic_partition] = max(told.offset + 1, ends.get(told.topic_partition, 0))

    def wait(self, seconds=120):
        """Send the rest, and wait until all is acknowledged."""
        self.faults_over = True
        self.join(seconds)
        assert not self.is_alive()
        assert self.errors == []


class Audit:
    """Reads both changelogs with another client (kafka-python), and goes on where it stopped."""

    def __init__(self, group):
        self.group, config = group, group.config
        self.consumer = KafkaConsumer(
            bootstrap_servers=config.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
            isolation_level=config.isolation_level, max_partition_fetch_bytes=4 << 20, consumer_timeout_ms=1000,
        )  # fmt: skip
        self.tables = config.changelogs
        self.tps = [TopicPartition(topic, p) for topic in self.tables for p in range(config.partitions)]
        self.consumer.assign(self.tps)
        self.consumer.seek_to_beginning(*self.tps)
        self.rows = {tp: {} for tp in self.tps}
        self.marks = {tp: [] for tp in self.tps}
        self.unmarked = dict.fromkeys(self.tps, 0)
        self.records = 0

    def read(self):
        """Up to the last stable offset of each changelog."""
        ends = self.ends = self.consumer.end_offsets(self.tps)
        deadline = time.monotonic() + 60
        while any(self.consumer.position(tp) < ends[tp] for tp in self.tps):
            assert time.monotonic() < deadline
            for tp, records in self.consumer.poll(timeout_ms=200, max_records=20_000).items():
                for record in records:
                    self.records += 1
                    if record.key == MARK:
                        self.marks[tp].append(decode_mark(record.value))
                        self.unmarked[tp] = 0
                    elif not is_control(record.key):
                        self.unmarked[tp] += 1
                        if record.value is None:
                            self.rows[tp].pop(record.key, None)
                        else:
                            self.rows[tp][record.key] = record.value

    def lag(self):
        config = self.group.config
        sources = [TopicPartition(topic, p) for topic in config.sources for p in range(config.partitions)]
        # Tansu's end is the first offset of the last batch, plus one: what was acknowledged counts too.
        told, acknowledged = self.consumer.end_offsets(sources), self.group.ends
        ends = {tp: max(told[tp], acknowledged.get(tp, 0)) for tp in sources}
        panes = config.changelog("panes")
        included = {
            p: m[-1].offsets if (m := self.marks[TopicPartition(panes, p)]) else {} for p in range(config.partitions)
        }
        return sum(ends[tp] - included[tp.partition].get(tp.topic, 0) for tp in sources)

    def settle(self, seconds=60):
        """Read until every acknowledged event is included in a mark."""
        deadline = time.monotonic() + seconds
        self.read()
        while (lag := self.lag()) > 0:
            logs = "\n".join(worker.log()[-2000:] for worker in self.group.workers.values())
            assert time.monotonic() < deadline, f"lag {lag}\n{logs}"
            time.sleep(0.3)
            self.read()
        return self

    def table(self, name):
        """By partition, the rows of a table."""
        return {tp.partition: rows for tp, rows in self.rows.items() if self.tables[tp.topic] == name}

    def letters(self):
        """Read all dead letters, in the order of each partition."""
        config = self.group.config
        tps = [TopicPartition(config.dead_letters, p) for p in range(config.partitions)]
        consumer = KafkaConsumer(
            bootstrap_servers=config.bootstrap, enable_auto_commit=False, isolation_level=config.isolation_level
        )
        consumer.assign(tps)
        consumer.seek_to_beginning(*tps)
        ends, letters = consumer.end_offsets(tps), []
        while any(consumer.position(tp) < ends[tp] for tp in tps):
            for records in consumer.poll(timeout_ms=200).values():
                letters.extend(record.value for record in records)
        consumer.close()
        return letters


def assert_exact(group, seconds=60):
    """The state is that of what was acknowledged, nothing lies after the last mark, and both changelogs' marks agree."""
    group.producer.wait()
    audit = Audit(group).settle(seconds)
    group.assert_same(audit)
    assert set(audit.unmarked.values()) == {0}
    timelines, panes = (group.config.changelog(table) for table in group.config.tables)
    for p in range(group.config.partitions):
        # An idle worker goes on writing marks, and the end of a transaction is told to each topic by itself: a reader may
        # see the newest mark in one of the two first. Another look then shows it in both; what is wrong stays wrong.
        for _ in range(20):
            marks, others = (audit.marks[TopicPartition(topic, p)] for topic in (panes, timelines))
            if group.compacted:
                marks, others = marks[-1:], others[-1:]
            if marks == others:
                break
            time.sleep(0.1)
            audit.read()
        assert marks == others, (
            len(marks),
            len(others),
            [pair for pair in zip(marks, others, strict=False) if pair[0] != pair[1]][:3],
        )
        assert [m.clock for m in marks] == sorted(m.clock for m in marks)
    audit.consumer.close()
    return audit
