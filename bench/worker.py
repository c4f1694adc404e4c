"""A worker process on a real broker that works off a backlog: wall time, CPU, memory and what it writes."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from asyncio import run
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.figures import say, show
from bench.inputs import lines
from streamer.embedded import free_port
from streamer.processor import ensure_topics
from streamer.processor.command import worker_config
from streamer.producers.kafka import KafkaSender, address
from streamer.settings import Settings
from tests.services.kafka import Kafka
from tests.services.process import wait_until

BROKER_CORE, WORKER_CORE = 0, 1
#: each look at /metrics costs the worker some 3 ms
_LOOK_SECONDS = 0.25
_LIMIT_SECONDS = 180.0
_STOP_SECONDS = 25.0
_TICKS = os.sysconf("SC_CLK_TCK")
_SAMPLE = re.compile(r"^(support_worker_\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


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


def pin(core: int) -> None:
    """Keep this process, and what it starts from now on, on one core, where the system can and has it."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > core:
        os.sched_setaffinity(0, {core})


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process, all threads (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _peak(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _numbers(port: int) -> dict[str, float]:
    """Return the worker's own counters, summed over labels; nothing while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            text = answer.read().decode()
    except OSError:
        return {}
    sums: dict[str, float] = {}
    for name, value in _SAMPLE.findall(text):
        sums[name] = sums.get(name, 0.0) + float(value)
    return sums


def _settings(bootstrap: str, app: str) -> Settings:
    return Settings.model_validate({"kafka": {"bootstrap": bootstrap, "app": app, "replication": 1}})


@contextmanager
def _worker(bootstrap: str, app: str, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `streamer worker` on its core; its log goes to a file."""
    environment = {
        "STREAMER_KAFKA__BOOTSTRAP": bootstrap,
        "STREAMER_KAFKA__APP": app,
        "STREAMER_KAFKA__REPLICATION": "1",
        "STREAMER_WORKER__PORT": str(port),
        "STREAMER_LOGS__LEVEL": "warning",
    }
    pin(WORKER_CORE)
    try:
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "streamer", "worker"],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
    finally:
        pin(BROKER_CORE)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _work_off(kafka: Kafka, app: str, events: int) -> Backlog:
    """Let a fresh worker, with changelogs of its own, work off all that is in the topics."""
    settings = _settings(kafka.bootstrap, app)
    run(ensure_topics(worker_config(settings)))
    port, log = free_port(), kafka.folder / f"{app}.log"
    with _worker(kafka.bootstrap, app, port, log) as process:
        begun = time.monotonic(), cpu_seconds(process.pid)
        numbers: dict[str, float] = {}
        deadline = time.monotonic() + _LIMIT_SECONDS

        def look() -> dict[str, float]:
            time.sleep(_LOOK_SECONDS)
            if process.poll() is not None or time.monotonic() > deadline:
                msg = f"the worker did not work the backlog off: {numbers}\n{log.read_text(errors='replace')[-3000:]}"
                raise RuntimeError(msg)
            return _numbers(port)

        while numbers.get("support_worker_records_total", 0) < events:
            if not numbers.get("support_worker_records_total"):
                begun = time.monotonic(), cpu_seconds(process.pid)  # consumption begins after this look
            numbers = look()
        wall, cpu = time.monotonic() - begun[0], cpu_seconds(process.pid) - begun[1]
        flushes = numbers["support_worker_flushes_total"]
        # A cut under way may not hold the last events: after two more of each partition everything is written.
        while numbers.get("support_worker_flushes_total", 0) < flushes + 2 * settings.kafka.partitions:
            numbers = look()
        flushed = cpu_seconds(process.pid) - begun[1]
        peak = _peak(process.pid)
    logs = kafka.folder.glob(f"data/{app}-*/*.log")
    size = sum(file.stat().st_size for file in logs)
    return Backlog(wall, cpu, flushed, peak, size, numbers["support_worker_flushed_rows_total"])


def main(events: int, customers: int, runs: int) -> None:
    """Send the input once, let `runs` fresh workers work it off, one after the other, and print medians."""
    # Recent, as the input of a worker that keeps up: history of last January would be folded as it comes.
    input_ = lines(events, customers, start="-10m")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # broker and worker are to end with this
    pin(BROKER_CORE)
    found = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Kafka(Path(folder)) as kafka:
        settings = _settings(kafka.bootstrap, "bench")
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
    show("changelogs on disk (lz4)", [r.changelog / events for r in found], "bytes an event")
    show("peak memory", [r.peak / 2**20 for r in found], "MiB")
