"""A worker process on a real broker that works off a backlog: wall time, CPU, memory and what it writes."""

import os
import tempfile
import time
from asyncio import run
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.figures import say, show
from bench.inputs import lines
from bench.processes import BROKER_CORE, WORKER_CORE, cpu_seconds, numbers, peak, pin, settings_of, streamer
from streamer.embedded import free_port
from streamer.processor.command import worker_config
from streamer.processor.topics import ensure_topics
from streamer.producers.kafka import KafkaSender, address
from tests.services.kafka import Kafka
from tests.services.process import wait_until

#: each look at /metrics costs the worker some 3 ms
_LOOK_SECONDS = 0.25
_LIMIT_SECONDS = 180.0


@dataclass
class Backlog:
    """What one worker took for the whole backlog."""

    #: seconds from the first record until the lag was 0
    wall: float
    #: CPU seconds of all its threads in that time, and until everything was flushed
    cpu: float
    flushed: float
    #: peak memory in bytes
    peak: int
    changelog: int
    rows: float


def _work_off(kafka: Kafka, app: str, events: int) -> Backlog:
    """Let a fresh worker, with changelogs of its own, work off all that is in the topics."""
    settings = settings_of(kafka, app)
    run(ensure_topics(worker_config(settings)))
    port, log = free_port(), kafka.folder / f"{app}.log"
    with streamer(kafka, app, "worker", port, log, core=WORKER_CORE) as process:
        begun = time.monotonic(), cpu_seconds(process.pid)
        counted: dict[str, float] = {}
        deadline = time.monotonic() + _LIMIT_SECONDS

        def look() -> dict[str, float]:
            time.sleep(_LOOK_SECONDS)
            if process.poll() is not None or time.monotonic() > deadline:
                msg = f"the worker did not work the backlog off: {counted}\n{log.read_text(errors='replace')[-3000:]}"
                raise RuntimeError(msg)
            return numbers(port)

        while counted.get("support_worker_records_total", 0) < events:
            if not counted.get("support_worker_records_total"):
                begun = time.monotonic(), cpu_seconds(process.pid)  # consumption begins after this look
            counted = look()
        wall, cpu = time.monotonic() - begun[0], cpu_seconds(process.pid) - begun[1]
        flushes = counted["support_worker_flushes_total"]
        # A cut under way may not hold the last events: after two more of each partition everything is written.
        while counted.get("support_worker_flushes_total", 0) < flushes + 2 * settings.kafka.partitions:
            counted = look()
        flushed = cpu_seconds(process.pid) - begun[1]
        highest = peak(process.pid)
    logs = kafka.folder.glob(f"data/{app}-*/*.log")
    size = sum(file.stat().st_size for file in logs)
    return Backlog(wall, cpu, flushed, highest, size, counted["support_worker_flushed_rows_total"])


def main(events: int, customers: int, runs: int) -> None:
    """Send the input once, let `runs` fresh workers work it off, one after the other, and print medians."""
    # Recent, as the input of a worker that keeps up: history of last January would be folded as it comes.
    input_ = lines(events, customers, start="-10m")
    pin(BROKER_CORE)
    found = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Kafka(Path(folder)) as kafka:
        settings = settings_of(kafka, "bench")
        run(ensure_topics(worker_config(settings)))
        with KafkaSender(settings) as sender:
            for line in input_:
                topic, key = address(msgspec.json.decode(line))
                sender.send_record(topic, key.encode(), line.rstrip(b"\n"))
        wait_until(lambda: sender.acknowledged == events, 30)
        for number in range(runs):
            found.append(_work_off(kafka, f"bench{number}", events))
            say(f"  run {number}: {found[-1]}")
    say(f"worker: {events} events, population {customers}, 4 partitions, load {os.getloadavg()[0]:.1f}")
    show("events", [events / r.wall for r in found], "a second of wall time")
    show("wall", [r.wall / events * 1e6 for r in found], "us an event")
    show("CPU until lag 0", [r.cpu / events * 1e6 for r in found], "us an event")
    show("CPU until all is flushed", [r.flushed / events * 1e6 for r in found], "us an event")
    show("changelog records", [r.rows / events for r in found], "an event")
    show("changelogs on disk (zstd)", [r.changelog / events for r in found], "bytes an event")
    show("peak memory", [r.peak / 2**20 for r in found], "MiB")
