"""Jobs J1 to J3 of the peers, done by this product's processor on a real broker, and the floors below them."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from bench.figures import say, show
from bench.job import config
from bench.processes import (
    BROKER_CORE,
    WORKER_CORE,
    Cost,
    Mark,
    between,
    cpu_seconds,
    marks,
    numbers,
    pin,
    started,
    steady,
)
from bench.states import FLUSHED, STATES
from bench.tickets import PARTITIONS, TOPIC, plain, send
from streamer.embedded import free_port
from streamer.processor.mark import END, MARK, decode_mark
from streamer.processor.topics import ensure_topics
from tests.services.kafka import Kafka

JOBS = ("j1", "j2", "j3")
_FLOORS = ("transport", "decode")
_LIMIT_SECONDS = 300.0
_LOOK_SECONDS = 0.1
#: marks a run
_MARKS = 20


class Done(NamedTuple):
    """What one run took: once warm, and all of it, from the first mark until everything was flushed."""

    warm: Cost
    whole: Cost


@contextmanager
def broker(topics: Mapping[str, int]) -> Iterator[Kafka]:
    """Run a broker on its core with topics that hold the first so many events of the input."""
    pin(BROKER_CORE)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Kafka(Path(folder)) as kafka:
        asyncio.run(ensure_topics(replace(config(kafka.bootstrap, "transport", "bench"), sources=tuple(topics))))
        for topic, events in topics.items():
            asyncio.run(send(kafka.bootstrap, topic, events))
        yield kafka


def work_off(kafka: Kafka, job: str, app: str, events: int) -> Done:
    """Let a fresh worker do a job, with changelogs of its own. Raises RuntimeError where it does not come to its end."""
    log, port = kafka.folder / f"{app}.log", free_port()
    every = max(1, events // _MARKS)
    arguments = {"bootstrap": kafka.bootstrap, "job": job, "app": app, "port": port, "every": every}
    command = [sys.executable, "-m", "bench.job", json.dumps(arguments)]
    with started(command, log, core=WORKER_CORE) as process:
        found = marks(process, _LIMIT_SECONDS, events)
        deadline = time.monotonic() + _LIMIT_SECONDS
        while numbers(port).get(f"{FLUSHED}_total", 0) < events:
            if process.poll() is not None or time.monotonic() > deadline:
                msg = f"{job} did not come to its end: {found[-1:]}\n{log.read_text(errors='replace')[-3000:]}"
                raise RuntimeError(msg)
            time.sleep(_LOOK_SECONDS)
        end = Mark(events, time.monotonic(), cpu_seconds(process.pid), events)
    warm = steady(found)
    assert warm is not None
    return Done(warm, between(found[0], end))


def read(kafka: Kafka, job: str, app: str) -> Any:
    """Return the job's result as another client reads it from the changelogs, all partitions added up.

    Raises RuntimeError where the last record of a changelog is no mark.
    """
    settings = config(kafka.bootstrap, job, app)
    consumer = KafkaConsumer(
        bootstrap_servers=kafka.bootstrap, enable_auto_commit=False, isolation_level="read_committed",
        max_partition_fetch_bytes=4 << 20,
    )  # fmt: skip
    total: dict[Any, tuple[int, int]] = {}
    for partition in range(PARTITIONS):
        state: Any = STATES[job](lambda _: None)
        for topic, table in settings.changelogs.items():
            rows, last = _rows(consumer, TopicPartition(topic, partition))
            if last != MARK:
                msg = f"{topic}[{partition}] does not end in a mark but in {last!r}"
                raise RuntimeError(msg)
            state.restore_many(table, list(rows.items()))
        state.restored()
        for key, (count, value) in state.result().items():
            before = total.get(key, (0, 0))
            total[key] = (before[0] + count, before[1] + value)
    consumer.close()
    return {key[1:]: count for key, (count, _) in total.items()} if job == "j1" else total


def _rows(consumer: Any, tp: TopicPartition) -> tuple[dict[bytes, bytes | None], bytes | None]:
    """Return the newest value of each key, but for marks, and the last key."""
    consumer.assign([tp])
    consumer.seek_to_beginning(tp)
    end = consumer.end_offsets([tp])[tp]
    rows: dict[bytes, bytes | None] = {}
    last, deadline = None, time.monotonic() + _LIMIT_SECONDS
    while consumer.position(tp) < end:
        if time.monotonic() > deadline:
            msg = f"{tp} cannot be read to its end"
            raise RuntimeError(msg)
        for record in consumer.poll(timeout_ms=200, max_records=20_000).get(tp, ()):
            last = record.key
            if last == MARK:
                decode_mark(record.value)
            elif last != END:
                rows[last] = record.value
    return rows, last


def verify(kafka: Kafka, job: str, app: str, events: int) -> str:
    """Compare the job's result with the plain computation. Raises RuntimeError where they differ."""
    expected: Any = plain(events)[JOBS.index(job)]
    found = read(kafka, job, app)
    if found != expected:
        wrong = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
        msg = f"{job}: {len(wrong)} of {len(expected)} results differ from the plain computation, first {wrong[:3]}"
        raise RuntimeError(msg)
    return f"{job}: {len(expected)} results in the changelogs equal the plain computation"


def main(events: int, runs: int) -> None:
    """Do every job `runs` times in turn, verify the last run of each, and print medians."""
    found: dict[str, list[Done]] = {job: [] for job in (*_FLOORS, *JOBS)}
    with broker({TOPIC: events}) as kafka:
        for number in range(runs):
            for job, done in found.items():
                done.append(work_off(kafka, job, f"{job}-{number}", events))
                say(f"  run {number} {job}: {done[-1].warm}; all {done[-1].whole}")
        for job in JOBS:
            say(verify(kafka, job, f"{job}-{runs - 1}", events))
    say(f"jobs: {events} events of topic {TOPIC}, {PARTITIONS} partitions, load {os.getloadavg()[0]:.1f}")
    for job, done in found.items():
        show(f"{job}: CPU once warm", [one.warm.cpu for one in done], "us an event")
        show("  CPU of all, last flush included", [one.whole.cpu for one in done], "us an event")
        show("  events", [one.warm.rate for one in done], "a second of wall time")
