"""Arrival time of a partition: how far its input has come, and what of it may be handed out. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from streamer.processor.partition import Record

_stamp = attrgetter("timestamp")


class End(NamedTuple):
    """Where a source topic's log ended, and when (ms) the broker said so."""

    offset: int
    seen: int
    readable: int
    """Up to where it could be read: less than `offset` while somebody's transaction is open."""


class Progress(NamedTuple):
    """How far one source topic of a partition has been applied."""

    offset: int
    """Next offset to apply."""
    arrival: int
    """Arrival (ms) of the last record applied; 0 before the first."""
    end: End | None
    """None: not told yet."""

    @property
    def finished(self) -> bool:
        """Read to its end (as last told)."""
        return self.end is not None and self.offset >= self.end.offset

    @property
    def backlog(self) -> int:
        """Records behind the end, as last told."""
        return max(0, self.end.offset - self.offset) if self.end else 0


def arrival_clock(topics: Iterable[Progress]) -> int:
    """Arrival (ms) before which nothing can still come: that of the slowest topic.

    A topic read to its end counts as now: as the moment at which the broker last said where that end is. So the clock
    stands still while the broker does not answer, and what arrives meanwhile is never behind it.
    """
    return min((max(t.arrival, t.end.seen) if t.finished and t.end else t.arrival for t in topics), default=0)


class Fetched(NamedTuple):
    """What is fetched of one source topic and not handed out yet."""

    records: Sequence[Record]
    """In the log's order."""
    more: bool
    """Whether there is more of the topic to be read behind them."""


def release_limit(topics: Sequence[Fetched], most: int) -> int | None:
    """Latest arrival (ms) that may be handed out now, so that nothing that came before it is still to be read.

    Topics are joined by customer, and an event that comes after a later one of its customer costs many times as much as in
    order. None: nothing, as a topic of which there is more has to be fetched first. No more than about `most` records.
    """
    if any(topic.more and not topic.records for topic in topics):
        return None
    # Stamps go back only where it is not the broker that makes them. The first record of the slowest goes out always.
    ends = [(max(r[0].timestamp, r[-1].timestamp), more) for r, more in topics if r]
    limit = min((end for end, more in ends if more), default=None)
    if limit is None:
        limit = max((end for end, _ in ends), default=None)
    if limit is not None and sum(len(topic.records) for topic in topics) > most:
        limit = min(limit, _stamp_of([topic.records for topic in topics if topic.records], most))
    return limit


def _stamp_of(topics: Sequence[Sequence[Record]], number: int) -> int:
    """Return the stamp up to which there are more than so many records, the least there is; by halves, not by sorting."""
    low, high = min(records[0].timestamp for records in topics), max(records[-1].timestamp for records in topics)
    while low < high:
        middle = (low + high) // 2
        if sum(bisect_right(records, middle, key=_stamp) for records in topics) > number:
            high = middle
        else:
            low = middle + 1
    return low
