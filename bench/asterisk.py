"""Lines of a queue_log to events, in one process without I/O: 100,000 lines of a day of calls."""

import os
import time
from statistics import median

from bench.figures import say, show
from streamer.ingest.adapters.base import Source
from streamer.ingest.asterisk import QueueLog

_START = 1_795_500_000
_KEY = b"0123456789abcdef"


def lines(count: int) -> list[str]:
    """Return the lines of calls that begin a second apart; one in four rings in vain first, one in six hangs up."""
    found: list[tuple[int, str]] = []
    call = 0
    while len(found) < count:
        call += 1
        begun, unique, queue = _START + call, f"{_START + call}.{call}", f"queue-{call % 20}"
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


def main(count: int, runs: int) -> None:
    """Parse `count` lines `runs` times and print medians."""
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
