"""Recovery: changelogs of many finished customers, as the product's writer writes them, read by `streamer worker`."""

import asyncio
import os
import re
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from bench.figures import say, show
from bench.population import Pair, Past, past
from bench.processes import BROKER_CORE, WORKER_CORE, cpu_seconds, numbers, peak, pin, settings_of, started
from streamer.embedded import free_port
from streamer.partition import PANES, TIMELINES
from streamer.processor.command import worker_config
from streamer.processor.config import WorkerConfig
from streamer.processor.mark import MARK, Mark, encode_mark
from streamer.processor.topics import ensure_topics
from streamer.processor.writer import PartitionWriter, Row
from tests.services.kafka import Kafka

#: timelines a flush: what a worker with a backlog writes at once
_FLUSH = 10_000
_LIMIT_SECONDS = 180.0
_LOOK_SECONDS = 0.2


class Recovered(NamedTuple):
    """One recovery: records, seconds of wall time as the worker counts them, CPU seconds since its start, peak bytes.

    `reading` are those of the seconds in which it read and applied records: without fencing, connecting and closing.
    `whole` is wall time from the start of the process until all partitions are held.
    """

    records: float
    seconds: float
    reading: float
    whole: float
    cpu: float
    peak: int


def _rows(pairs: list[Pair], mark: Mark) -> list[Row]:
    return [*((key, value, []) for key, value in pairs), (MARK, encode_mark(mark), [])]


async def _write(config: WorkerConfig, customers: int, before: Past) -> None:
    """Write the changelogs of all partitions: each the same panes, and its part of the customers."""
    await ensure_topics(config)
    pairs, share = before.known(customers), -(-customers // config.partitions)
    for partition in range(config.partitions):
        writer = PartitionWriter(config, partition)
        await writer.fence()
        part, panes = islice(pairs, share), before.panes
        while known := list(islice(part, _FLUSH)):
            now = time.time_ns() // 1_000_000
            mark = Mark(
                offsets=dict.fromkeys(config.sources, 0),
                arrivals={},
                clock=0,
                time=now,
                configuration=config.configuration,
            )
            rows = {config.changelog(TIMELINES): _rows(known, mark), config.changelog(PANES): _rows(panes, mark)}
            await writer.write(rows, now)
            panes = []
        await writer.stop()


def _recover(kafka: Kafka, app: str) -> Recovered:
    """Start a worker, and end it once it has recovered and holds all partitions."""
    log, port, begun = kafka.folder / "recovery.log", free_port(), time.monotonic()
    log.unlink(missing_ok=True)
    environment = {"STREAMER_KAFKA__BOOTSTRAP": kafka.bootstrap, "STREAMER_KAFKA__APP": app}
    environment |= {"STREAMER_WORKER__PORT": str(port), "STREAMER_LOGS__LEVEL": "info"}  # it says what it took
    command = [sys.executable, "-m", "streamer", "worker"]
    with started(command, log, core=WORKER_CORE, environment=environment) as process:
        deadline, seen = time.monotonic() + _LIMIT_SECONDS, dict[str, float]()
        while not seen.get("support_worker_partitions"):
            if process.poll() is not None or time.monotonic() > deadline:
                msg = f"the worker did not recover: {log.read_text(errors='replace')[-3000:]}"
                raise RuntimeError(msg)
            time.sleep(_LOOK_SECONDS)
            seen = numbers(port)
        records, seconds = seen["support_worker_recovered_records_total"], seen["support_worker_recovery_seconds"]
        whole = time.monotonic() - begun
        told = re.search(r"(\S+) s of it reading", log.read_text(errors="replace"))
        assert told is not None
        return Recovered(records, seconds, float(told[1]), whole, cpu_seconds(process.pid), peak(process.pid))


def main(customers: int, runs: int) -> None:
    """Write once, recover with `runs` workers one after the other, and print medians."""
    before = past()
    pin(BROKER_CORE)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Kafka(Path(folder)) as kafka:
        asyncio.run(_write(worker_config(settings_of(kafka, "bench")), customers, before))
        size = sum(file.stat().st_size for file in kafka.folder.glob("data/bench-*/*.log"))
        found = [_recover(kafka, "bench") for _ in range(runs)]
    say(
        f"recovery: {customers} finished customers, {size / 2**20:.0f} MiB of changelogs, load {os.getloadavg()[0]:.1f}"
    )
    show("records recovered", [r.records for r in found])
    show("recovery, wall", [r.seconds for r in found], "s")
    show("recovered: read and applied", [r.records / r.reading for r in found], "records a second")
    show("recovered: fencing and connecting too", [r.records / r.seconds for r in found], "records a second")
    show("recovered: the process's start too", [r.records / r.whole for r in found], "records a second")
    show("CPU of the process, its start included", [r.cpu for r in found], "s")
    show("peak memory", [r.peak / 2**20 for r in found], "MiB")
