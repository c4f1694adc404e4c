"""Lines of a queue_log to events: parsed without I/O, and followed by the real tail into a real broker.

100,000 lines of a day of calls.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from typing import NamedTuple

from bench.figures import say, show
from bench.ingest import make_topics, stored
from bench.processes import BROKER_CORE, WORKER_CORE, pin, started
from streamer.ingest.adapters.base import Source
from streamer.ingest.asterisk import QueueLog
from tests.services.kafka import Kafka

_START = 1_795_500_000
_KEY = b"0123456789abcdef"
_TAIL_SECONDS = 300.0


def lines(count: int, start: int = _START) -> list[str]:
    """Return the lines of calls that begin a second apart; one in four rings in vain first, one in six hangs up."""
    found: list[tuple[int, str]] = []
    call = 0
    while len(found) < count:
        call += 1
        begun, unique, queue = start + call, f"{start + call}.{call}", f"queue-{call % 20}"
        agent = f"PJSIP/{100 + call % 200}"
        found.append((begun, f"{begun}|{unique}|{queue}|NONE|ENTERQUEUE||+49151{call % 10_000:07}|1"))
        if call % 6 == 0:
            found.append((begun + 40, f"{begun + 40}|{unique}|{queue}|NONE|ABANDON|1|1|40"))
            continue
        if call % 4 == 0:
            found.append((begun + 15, f"{begun + 15}|{unique}|{queue}|{agent}|RINGNOANSWER|15000"))
        found.append((begun + 20, f"{begun + 20}|{unique}|{queue}|{agent}|CONNECT|20|{begun}.9|4"))
        found.append((begun + 200, f"{begun + 200}|{unique}|{queue}|{agent}|COMPLETECALLER|20|180|1"))
    return [line for _, line in sorted(found)[:count]]


class _Took(NamedTuple):
    wall: float
    cpu: float
    events: int


def _tail(kafka: Kafka, folder: Path, text: list[str]) -> _Took:
    """Let `streamer tail` send a file of lines to its end."""
    number = len(list(folder.glob("queue_log-*")))
    file, position = folder / f"queue_log-{number}", folder / f"position-{number}"
    file.write_text("".join(f"{line}\n" for line in text))
    command = [sys.executable, "-m", "streamer", "tail", str(file), "--position", str(position)]
    environment = {"STREAMER_KAFKA__BOOTSTRAP": kafka.bootstrap, "STREAMER_INGEST__KEY_FILE": str(folder / "key")}
    before, begun, used = stored(kafka.bootstrap), time.perf_counter(), getrusage(RUSAGE_CHILDREN)
    options = ["--from-start", "--once"]
    with started(command + options, folder / "tail.log", core=WORKER_CORE, environment=environment) as process:
        assert process.wait(_TAIL_SECONDS) == 0, (folder / "tail.log").read_text()[-2000:]
    wall, after = time.perf_counter() - begun, getrusage(RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return _Took(wall, cpu, stored(kafka.bootstrap) - before)


def _deliver(count: int, runs: int) -> None:
    """Send a file by `streamer tail`, its start taken off, and print medians."""
    pin(BROKER_CORE)
    rates, cpu = [], []
    with tempfile.TemporaryDirectory(prefix="bench-") as name, Kafka(Path(name)) as kafka:
        folder = Path(name)
        (folder / "key").write_bytes(_KEY)
        make_topics(kafka.bootstrap)
        text = lines(count, int(time.time()) - count)
        start, events = _tail(kafka, folder, text[:1]), 0
        for _ in range(runs):
            took = _tail(kafka, folder, text)
            events = took.events - start.events
            rates.append(events / (took.wall - start.wall))
            cpu.append((took.cpu - start.cpu) / events * 1e6)
    say(f"streamer tail: {count} lines, {events} events, parsed, validated and acknowledged by Kafka")
    show("events delivered", rates, "events/s")
    show("    CPU", cpu, f"us an event, load {os.getloadavg()[0]:.1f}")


def main(count: int, runs: int) -> None:
    """Parse and then deliver `count` lines `runs` times and print medians."""
    text = lines(count)
    rates, cpu, events = [], [], 0
    for _ in range(runs):
        log = QueueLog(Source("pbx", _KEY))
        wall, used = time.perf_counter(), time.process_time()
        events = sum(len(log.line(line)) for line in text)
        rates.append(count / (time.perf_counter() - wall))
        cpu.append(count / (time.process_time() - used))
        assert not log.refused
        assert not log.unknown
    say(f"queue_log: {count} lines, {events} events, load {os.getloadavg()[0]:.1f}")
    show("lines parsed", rates, "lines/s")
    show("lines parsed, CPU time", cpu, "lines/s")
    say(f"{'events made':<44}{median(rates) * events / count:>12.2f} events/s")
    _deliver(count, runs)
