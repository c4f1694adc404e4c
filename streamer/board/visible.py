"""How long events take to be seen: from their append to the log to their being applied by the board."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from streamer.processor.mark import Mark

#: upper bounds in seconds; the goal is a 99th percentile under 1 s
BOUNDS: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
#: instants at which a flush's events are taken to have been appended, at most
_POINTS: Final = 16


class Visible:
    """A histogram over events, not flushes.

    A mark says, for each source topic, the next offset and the Kafka timestamp (the append, with LogAppendTime) of the
    last record that its flush includes. The board does not see single events, so those between two marks are taken as
    spread evenly: the newest was appended at this mark's timestamp; the oldest at the one before it at the earliest, but
    not before the last flush was cut while the worker kept up, since it would have been in that one. A topic's offsets
    also count control records, a few a transaction of the producer. Clocks are the broker's against the board's.
    """

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0
        self._last: dict[int, Mark] = {}

    def flushed(self, partition: int, mark: Mark, applied: int, *, sample: bool) -> None:
        """Take in that a partition's flush was applied at wall time `applied` (ms); `sample` says if it counts."""
        before = self._last.get(partition)
        self._last[partition] = mark
        if before is None or not sample:
            return
        for topic, offset in mark.offsets.items():
            events = offset - before.offsets.get(topic, offset)
            if events > 0 and topic in mark.arrivals:
                newest = mark.arrivals[topic]
                oldest = min(newest, max(before.arrivals.get(topic, 0), before.time))
                for appended, weight in _spread(oldest, newest, events):
                    self._observe(max(0, applied - appended) / 1000, weight)

    def _observe(self, seconds: float, weight: int) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += weight
        self.sum += seconds * weight

    def buckets(self) -> list[tuple[str, float]]:
        """Return the cumulated counts by upper bound."""
        result, running = [], 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self.counts, strict=True):
            running += count
            result.append((bound, float(running)))
        return result


def _spread(oldest: int, newest: int, events: int) -> Iterator[tuple[int, int]]:
    """Return (instant, events) of events that lie evenly after `oldest` up to `newest`."""
    points = min(events, _POINTS)
    for i in range(points):
        weight = events * (i + 1) // points - events * i // points
        yield oldest + (newest - oldest) * (i + 1) // points, weight
