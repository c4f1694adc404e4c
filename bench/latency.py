"""Append to applied by the board: broker, sender, worker and board as processes on this one machine, none pinned.

Measured from outside: the broker stamps each event at its append; the board notes when it applied which flush, and a
flush says the offsets that it includes. So each event has its own time, and none is estimated.
"""

import asyncio
import json
import math
import os
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer, TopicPartition

from bench.figures import say
from bench.inputs import lines
from bench.paced import Record, send
from bench.processes import cpu_seconds, numbers, settings_of, started, streamer
from streamer.embedded import free_port
from streamer.events import TOPICS
from streamer.processor.command import worker_config
from streamer.processor.topics import ensure_topics
from streamer.producers.kafka import address
from streamer.settings import Settings
from tests.services.kafka import Kafka
from tests.services.process import answers_ok, wait_until

_APP = "bench"
#: sent at the same rate before it counts
WARM_SECONDS = 10.0
_READY_SECONDS = 120.0
#: after the last event, how long the board may still take
_DRAIN_SECONDS = 60.0
_SCRAPE_SECONDS = 5.0
_BATCH_BYTES = 1 << 20
#: events a second of the simulator's own time, at least
_SIMULATED = 400


def simulated(number: int, customers: int) -> list[Record]:
    """Return events that begin long enough ago to end before now."""
    ago = math.ceil(number / _SIMULATED / 60) + 5
    result = []
    for line in lines(number, customers, start=f"-{ago}m"):
        topic, key = address(msgspec.json.decode(line))
        result.append((topic, key.encode(), line.rstrip(b"\n")))
    return result


def _scrape(port: int, stop: threading.Event, took: list[float]) -> None:
    """Look at the board as Prometheus would, and note the seconds that each answer took, to its last byte."""
    while not stop.wait(_SCRAPE_SECONDS):
        begun = time.monotonic()
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            answer.read()
            took.append(time.monotonic() - begun)


def _noted(file: Path) -> dict[int, list[tuple[dict[str, int], int]]]:
    """Return the flushes applied, by partition, in order; a line that is being written is not one yet."""
    flushes: dict[int, list[tuple[dict[str, int], int]]] = {}
    for line in file.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            partition, offsets, applied = json.loads(line)
            flushes.setdefault(partition, []).append((offsets, applied))
    return flushes


def _tps(partitions: int) -> list[TopicPartition]:
    return [TopicPartition(topic, partition) for topic in TOPICS for partition in range(partitions)]


def _complete(file: Path, ends: dict[Any, int]) -> bool:
    flushes = _noted(file)
    return all(
        not end or (flushes.get(tp.partition) and flushes[tp.partition][-1][0].get(tp.topic, 0) >= end)
        for tp, end in ends.items()
    )


def _appended(consumer: Any, tp: TopicPartition, end: int) -> Any:
    """Return (offset, append in ms) of every record of a topic partition."""
    consumer.assign([tp])
    consumer.seek_to_beginning(tp)
    found: list[tuple[int, int]] = []
    deadline = time.monotonic() + _READY_SECONDS
    while consumer.position(tp) < end and time.monotonic() < deadline:
        for record in consumer.poll(timeout_ms=200, max_records=20_000).get(tp, ()):
            found.append((record.offset, record.timestamp))  # noqa: PERF401 (a poll at a time)
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _latencies(consumer: Any, file: Path, ends: dict[Any, int], begun: int) -> tuple[Any, int]:
    """Return the ms from append to applied of the events appended from `begun` on, and how many were not applied."""
    flushes, found, missing = _noted(file), [], 0
    for tp, end in ends.items():
        table = _appended(consumer, tp, end)
        table = table[table[:, 1] >= begun]
        mine = flushes.get(tp.partition, [])
        included = np.array([offsets.get(tp.topic, 0) for offsets, _ in mine], dtype=np.int64)
        applied = np.array([at for _, at in mine], dtype=np.int64)
        flush = np.searchsorted(included, table[:, 0], side="right")  # the first whose next offset is above the event's
        there = flush < len(mine)
        missing += int((~there).sum())
        found.append(applied[flush[there]] - table[there, 1])
    return np.concatenate(found), missing


class Running(NamedTuple):
    """Broker, worker and board, ready; `file` is what `bench.applied` notes, `scrapes` the seconds that each took."""

    kafka: Kafka
    settings: Settings
    file: Path
    board_port: int
    pids: dict[str, int]
    scrapes: list[float]

    def producer(self) -> AIOKafkaProducer:
        """Return a producer for `bench.paced`."""
        return AIOKafkaProducer(bootstrap_servers=self.kafka.bootstrap, acks="all", max_batch_size=_BATCH_BYTES)

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds of each process; the others are this one's children, so it counts itself."""
        return {name: cpu_seconds(pid) for name, pid in self.pids.items()} | {"this process": time.process_time()}


@contextmanager
def running() -> Iterator[Running]:
    """Start all on this machine, none pinned; the board is scraped every 5 s."""
    with ExitStack() as stack:
        kafka = stack.enter_context(Kafka(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))))
        settings = settings_of(kafka, _APP)
        asyncio.run(ensure_topics(worker_config(settings)))
        file, ports = kafka.folder / "applied.jsonl", (free_port(), free_port())
        log = kafka.folder / "processes.log"
        worker = stack.enter_context(streamer(kafka, _APP, "worker", ports[0], log, core=None))
        environment = {"STREAMER_KAFKA__BOOTSTRAP": kafka.bootstrap, "STREAMER_KAFKA__APP": _APP}
        environment |= {"STREAMER_BOARD__PORT": str(ports[1]), "STREAMER_LOGS__LEVEL": "warning"}
        command = [sys.executable, "-m", "bench.applied", str(file)]
        board = stack.enter_context(started(command, log, core=None, environment=environment))
        for port in ports:
            wait_until(lambda port=port: answers_ok(f"127.0.0.1:{port}", "/ready"), _READY_SECONDS)  # type: ignore[misc]
        stop, scrapes = threading.Event(), list[float]()
        stack.callback(stop.set)
        threading.Thread(target=_scrape, args=(ports[1], stop, scrapes), daemon=True).start()
        pids = {"worker": worker.pid, "board": board.pid, "broker": kafka.pid}
        yield Running(kafka, settings, file, ports[1], pids, scrapes)


def shares(before: dict[str, float], after: dict[str, float], seconds: float) -> str:
    """Return the cores that each process used, as text."""
    return "CPU, cores: " + ", ".join(f"{name} {(after[name] - before[name]) / seconds:.2f}" for name in before)


async def _sent(on: Running, input_: list[Record], rate: int) -> tuple[int, float, str]:
    """Warm up, send; return when what counts began (ms), the rate that it came to, and the CPU meanwhile."""
    partitions, warm = on.settings.kafka.partitions, int(rate * WARM_SECONDS)
    async with on.producer() as producer:
        await send(producer, input_[:warm], rate, partitions)
        begun, before = time.time(), on.cpu()
        sent = await send(producer, input_[warm:], rate, partitions)
        return int(begun * 1000), sent, shares(before, on.cpu(), time.time() - begun)


def main(rate: int, seconds: float, customers: int) -> None:
    """Send for some seconds after a warm-up, wait until the board has it all, and print percentiles."""
    input_ = simulated(int(rate * (seconds + WARM_SECONDS)), customers)
    with running() as on:
        begun, sent, cpu = asyncio.run(_sent(on, input_, rate))
        load, scrapes = os.getloadavg()[0], sorted(on.scrapes)
        consumer = KafkaConsumer(bootstrap_servers=on.kafka.bootstrap, enable_auto_commit=False)
        ends = dict(consumer.end_offsets(_tps(on.settings.kafka.partitions)))
        try:
            wait_until(lambda: _complete(on.file, ends), _DRAIN_SECONDS)
        except TimeoutError:
            say(f"after {_DRAIN_SECONDS:.0f} s more the board still has not all of it: it does not keep up")
        found, missing = _latencies(consumer, on.file, ends, begun)
        told = numbers(on.board_port)
        consumer.close()
    say(f"latency: {rate} events/s asked, {sent:.0f} sent, for {seconds:.0f} s, load {load:.1f}")
    say(f"events {len(found)}, not applied {missing}")
    if len(found):
        p50, p99 = np.percentile(found, (50, 99))
        say(f"append to applied by the board: p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {found.max()} ms")
    count = told.get("support_event_visible_seconds_count", 0)
    mean = told.get("support_event_visible_seconds_sum", 0) / count * 1000 if count else math.nan
    say(f"mean {found.mean():.0f} ms; what the board itself shows, warm-up included: {mean:.0f} ms over {count:.0f}")
    if scrapes:
        say(
            f"/metrics meanwhile: median {scrapes[len(scrapes) // 2]:.3f} s, longest {scrapes[-1]:.3f} s of {len(scrapes)}"
        )
    say(cpu)
