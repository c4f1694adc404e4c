"""Processes that are measured: started on a core of their own, their CPU time read from outside (Linux)."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from streamer.settings import Settings
from tests.services.kafka import Kafka

BROKER_CORE, WORKER_CORE = 0, 1
ROOT = Path(__file__).parents[1]
_STOP_SECONDS = 25.0
_UNEVEN = 0.1
Started = AbstractContextManager[subprocess.Popen[str]]
_TICKS = os.sysconf("SC_CLK_TCK")
_SAMPLE = re.compile(r"^([a-z]\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


def pin(core: int) -> None:
    """Keep this process, and what it starts from now on, on one core, where the machine has it."""
    if (os.cpu_count() or 1) > core:
        os.sched_setaffinity(0, {core})


def _children(pid: int) -> Iterator[int]:
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = [int(word) for word in file.read_text().split()]
        except OSError:
            continue  # the thread has ended meanwhile
        for child in found:
            yield child
            yield from _children(child)


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and all below it, all threads, ended children included."""
    total = 0
    for process in (pid, *_children(pid)):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # its time is now its parent's
        total += sum(map(int, fields[11:15]))
    return total / _TICKS


def peak(pid: int) -> int:
    """Return a process's peak memory in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def numbers(port: int, seconds: float = 20) -> dict[str, float]:
    """Return what a process's /metrics says, summed over labels; nothing while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=seconds) as answer:
            text = answer.read().decode()
    except OSError:
        return {}
    sums: dict[str, float] = {}
    for name, value in _SAMPLE.findall(text):
        sums[name] = sums.get(name, 0.0) + float(value)
    return sums


@contextmanager
def started(
    command: Sequence[str],
    log: Path,
    *,
    core: int | None,
    environment: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> Iterator[subprocess.Popen[str]]:
    """Run a command, on one core if `core` says so, else on this process's; its stdout is a pipe, its stderr goes to `log`.

    At the end it gets SIGTERM if it still runs, and is killed with all below it where that does not help.
    """
    before = os.sched_getaffinity(0)
    if core is not None:
        pin(core)
    try:
        with log.open("ab") as out:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=out,
                text=True,
                start_new_session=True,
            )
    finally:
        os.sched_setaffinity(0, before)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def settings_of(kafka: Kafka, app: str) -> Settings:
    """Return the product's settings on a broker, all else as it comes."""
    return Settings.model_validate({"kafka": {"bootstrap": kafka.bootstrap, "app": app}})


def streamer(kafka: Kafka, app: str, command: str, port: int, log: Path, *, core: int | None) -> Started:
    """Run `streamer worker` or `streamer board` on a broker; see `started`."""
    environment = {
        "STREAMER_KAFKA__BOOTSTRAP": kafka.bootstrap,
        "STREAMER_KAFKA__APP": app,
        f"STREAMER_{command.upper()}__PORT": str(port),
        "STREAMER_LOGS__LEVEL": "warning",
    }
    return started([sys.executable, "-m", "streamer", command], log, core=core, environment=environment)


class Mark(NamedTuple):
    """How far a process was (events), when (s), and what CPU time (s) it and all below it had taken.

    `source` is how many events it had read: where an engine works in two stages, the first may be ahead.
    """

    events: int
    wall: float
    cpu: float
    source: int


def marks(process: subprocess.Popen[str], seconds: float, last: int) -> list[Mark]:
    """Read the lines `MARK events [source]` that a process prints, up to `last` events or its end.

    After `seconds` it is killed.
    """
    found: list[Mark] = []
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("MARK "):
                words = [int(float(word)) for word in line.split()[1:3]]
                found.append(Mark(words[0], time.monotonic(), cpu_seconds(process.pid), words[-1]))
                if found[-1].events >= last:
                    break
    finally:
        timer.cancel()
    return found


class Cost(NamedTuple):
    """CPU us an event, events a second of wall time, and events read for each event done in that time.

    `whole` is the CPU us an event since the process began, with its start and its warming up.
    """

    cpu: float
    rate: float
    read: float
    whole: float

    def __str__(self) -> str:
        """Return it for people."""
        uneven = "" if self.even else f", {self.read:.2f} read an event done, {self.whole:,.2f} us since its start"
        return f"{self.cpu:,.2f} us, {self.rate:,.0f}/s{uneven}"

    @property
    def even(self) -> bool:
        """Whether about as many events were read as done, so that the cost is that of both stages."""
        return abs(self.read - 1) <= _UNEVEN


def steady(found: Sequence[Mark], warm: float = 1 / 3) -> Cost | None:
    """Return the cost once a share `warm` of the events had passed; None where marks are too few."""
    if len(found) < 2:  # noqa: PLR2004 (a difference needs two)
        return None
    first = next(mark for mark in found if mark.events >= found[-1].events * warm)
    return between(found[0] if first is found[-1] else first, found[-1])


def between(first: Mark, last: Mark) -> Cost:
    """Return the cost between two marks."""
    events = last.events - first.events
    return Cost(
        (last.cpu - first.cpu) / events * 1e6,
        events / (last.wall - first.wall),
        (last.source - first.source) / events,
        last.cpu / last.events * 1e6,
    )
