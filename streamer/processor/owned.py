"""A partition that this worker holds: its state in memory, and where that stands in the logs."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from streamer.processor.clock import End, Progress, arrival_clock
from streamer.processor.mark import MARK, Mark, encode_mark
from streamer.processor.partition import PartitionState
from streamer.processor.transport import Chunk
from streamer.processor.writer import PartitionWriter, Row


def now_ms() -> int:
    """Wall time, ms since the epoch."""
    return time.time_ns() // 1_000_000


class Cut(NamedTuple):
    """What one flush writes."""

    rows: dict[str, list[Row]]
    """By topic; in a changelog the last one is the mark."""
    mark: Mark
    counters: Mapping[tuple[str, ...], float]
    """Increments to show once it is committed."""


@dataclass(slots=True, eq=False)
class Owned:
    """One partition; `active` from the end of its recovery until it is revoked or lost."""

    number: int
    state: PartitionState
    writer: PartitionWriter | None = None
    active: bool = False
    offsets: dict[str, int] = field(default_factory=dict)
    """Next offset to apply, by source topic."""
    arrivals: dict[str, int] = field(default_factory=dict)
    """Arrival of the last record applied, by source topic."""
    clock: int = 0
    positions: dict[str, int] = field(default_factory=dict)
    """Next offset of each changelog: everything before it is in `state`."""
    mark: Mark | None = None
    """The newest mark written or recovered."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the flush under way."""

    def progress(self, topic: str, end: End | None) -> Progress:
        """How far the source topic has been applied."""
        return Progress(self.offsets.get(topic, 0), self.arrivals.get(topic, 0), end)

    def missing(self, topic: str, chunk: Chunk) -> bool:
        """Whether records between what is applied and this chunk were lost on their way."""
        return chunk.start > self.offsets[topic]

    def apply(self, topic: str, chunk: Chunk) -> int:
        """Apply what is new in the chunk; gives the number of records. Not to be called where `missing`."""
        done = self.offsets[topic]
        if chunk.end <= done:
            return 0
        records = chunk.records if chunk.start == done else [r for r in chunk.records if r.offset >= done]
        if records:
            self.state.apply(topic, records)
            self.arrivals[topic] = max(records[-1].timestamp, self.arrivals.get(topic, 0))
        self.offsets[topic] = chunk.end
        return len(records)

    @property
    def changed(self) -> bool:
        """Whether memory is ahead of the log."""
        return self.state.dirty or self.mark is None or self.offsets != self.mark.offsets

    def cut(
        self, ends: Mapping[str, End | None], changelogs: Mapping[str, str], dead_letters: str, configuration: str
    ) -> Cut:
        """Take all that changed, synchronously: what is applied afterwards belongs to the next flush.

        `changelogs` is topic -> table. The mark is the last row of each changelog.
        """
        self.clock = max(self.clock, arrival_clock(self.progress(topic, ends.get(topic)) for topic in self.offsets))
        changes = self.state.changes(self.clock)
        if unknown := changes.tables.keys() - set(changelogs.values()):
            raise ValueError(f"changes of tables that have no changelog: {sorted(unknown)}")
        counters = self.state.counters() if hasattr(self.state, "counters") else {}
        mark = Mark(
            offsets=dict(self.offsets), arrivals=dict(self.arrivals), clock=self.clock, time=now_ms(),
            configuration=configuration,
        )  # fmt: skip
        last: Row = (MARK, encode_mark(mark), [])
        rows: dict[str, list[Row]] = {
            topic: [*((key, value, []) for key, value in changes.tables.get(table, ())), last]
            for topic, table in changelogs.items()
        }
        if changes.dead_letters:
            rows[dead_letters] = [(letter.key, letter.value, letter.headers) for letter in changes.dead_letters]
        return Cut(rows, mark, counters)
