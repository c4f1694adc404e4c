"""The pure core: what one partition costs in CPU and memory without any I/O."""

import cProfile
import gc
import io
import os
import pstats
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import say, show
from bench.inputs import Record, records
from streamer.partition import TIMELINES, Partition
from streamer.processor.partition import Changes
from streamer.settings import Settings

#: what the transport hands over at most
CHUNK = 5_000
#: a worker with a backlog flushes every 2 s; 20,000 events are that at 10,000 events/s
CUT = 20_000
_TOP = 15


class Counted(Partition):
    """A partition that counts its facts."""

    facts = 0

    def _apply_taken(self) -> None:
        """Apply what waits, which is where facts are made, and count them."""
        before = len(self.context.facts)
        super()._apply_taken()
        self.facts += len(self.context.facts) - before


@dataclass
class Run:
    """What one run took: CPU seconds, facts, and what its cuts would have written."""

    apply: float = 0.0
    changes: float = 0.0
    facts: int = 0
    dead: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    #: length of the newest record of each timeline
    newest: dict[bytes, int] = field(default_factory=dict)

    def wrote(self, changes: Changes) -> None:
        """Count a cut."""
        self.dead += len(changes.dead_letters)
        for table, rows in changes.tables.items():
            self.rows[table] = self.rows.get(table, 0) + len(rows)
            self.written[table] = self.written.get(table, 0) + sum(len(key) + len(value or b"") for key, value in rows)
        self.newest.update((key, len(value or b"")) for key, value in changes.tables[TIMELINES])


def chunks(input_: Sequence[Record], size: int) -> Iterator[list[tuple[str, list[Record]]]]:
    """Return the input in chunks of `size`, each by topic, as the transport hands them out."""
    for first in range(0, len(input_), size):
        topics: dict[str, list[Record]] = {}
        for record in input_[first : first + size]:
            topics.setdefault(record.topic, []).append(record)
        yield list(topics.items())


def run(input_: Sequence[Record], cut: int, partition: Counted | None = None) -> tuple[Run, Partition]:
    """Apply the whole input to a partition (None: an empty one), with a cut after every `cut` events and at the end."""
    partition, result = partition or Counted(Settings()), Run()
    size = min(CHUNK, cut)
    prepared = list(chunks(input_, size))
    gc.collect()
    gc.disable()  # as the worker does
    waiting = 0
    for number, chunk in enumerate(prepared):
        started = time.process_time()
        for topic, part in chunk:
            partition.apply(topic, part)
        partition.work_off()
        result.apply += time.process_time() - started
        waiting += size
        last = number == len(prepared) - 1
        if waiting >= cut or last:
            waiting = 0
            clock = input_[min((number + 1) * size, len(input_)) - 1].timestamp
            started = time.process_time()
            changes = partition.changes(clock)
            result.changes += time.process_time() - started
            result.wrote(changes)
    gc.enable()
    result.facts = partition.facts
    return result, partition


def resident() -> int:
    """Return this process's memory in bytes (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _profile(input_: Sequence[Record], cut: int) -> None:
    profiler = cProfile.Profile(time.process_time)
    profiler.runcall(run, input_, cut)
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).sort_stats("tottime").print_stats(_TOP)
    say(text.getvalue())


def main(events: int, customers: int, runs: int, cut: int, *, profile: bool) -> None:
    """Measure `runs` times and print medians; memory is that of the first run, whose process was fresh."""
    input_ = records(events, customers)
    if profile:
        _profile(input_, cut)
        return
    gc.collect()
    before = resident()
    first, held = run(input_, cut)
    gc.collect()
    grown = resident() - before
    del held
    found = [first, *(run(input_, cut)[0] for _ in range(runs - 1))]
    say(f"core: {events} events, population {customers}, a cut every {cut} events, load {os.getloadavg()[0]:.1f}")
    show("CPU", [(r.apply + r.changes) / events * 1e6 for r in found], "us an event")
    show("  of it apply", [r.apply / events * 1e6 for r in found], "us an event")
    show("  of it changes", [r.changes / events * 1e6 for r in found], "us an event")
    show("facts", [first.facts / events], "an event")
    for table, rows in first.rows.items():
        show(f"changelog {table}: records", [rows / events], "an event")
        show(f"changelog {table}: bytes before compression", [first.written[table] / events], "an event")
    own = [length for key, length in first.newest.items() if key.startswith(b"c:")]
    say(f"customers seen {len(own)}, other timelines {len(first.newest) - len(own)}, dead letters {first.dead}")
    show("timeline record of a customer", [sum(own) / len(own)], "bytes")
    show("memory grown, over the timelines", [grown / len(first.newest)], "bytes each, panes and all")
    show("memory grown", [grown / 2**20], "MiB")
