"""Arrival time of a partition: how far its input has come, and how far its topics may be apart. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

# Topics are joined by customer, and the older topic's events decide what the newer ones mean. Worked off in step, a
# backlog keeps timelines' tails short: an event waits in a tail until the slowest topic has passed it.
STEP_MS = 30_000


class End(NamedTuple):
    """Where a source topic's log ended, and when (ms) the broker said so."""

    offset: int
    seen: int


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


def release_limit(topics: Iterable[tuple[Progress, int | None]]) -> int | None:
    """Latest arrival (ms) that may be handed out now, or None for no limit.

    Each topic comes with the arrival of its first record that is fetched and not handed out (None: no such record).
    """
    slowest = min(
        (p.arrival if waiting is None else waiting for p, waiting in topics if waiting is not None or not p.finished),
        default=None,
    )
    return None if slowest is None else slowest + STEP_MS
