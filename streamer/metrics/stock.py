"""Open work at an instant, counted by row and place once, so that each number is a look-up."""

import numpy as np

from streamer.metrics.catalogue import METRICS, Kind, row
from streamer.metrics.grouping import Places
from streamer.metrics.tally import summed
from streamer.panes.histogram import BUCKET_BITS, Ints, duration_bucket
from streamer.panes.work import Work

AT_RISK = 15 * 60_000
#: open-work rows that hold the interval of an agent which no event has ended yet
OPEN_TIME = {row("agent_time", state=s): row("agent_time_open", state=s) for s in ("worked", "present")}
_STOCKS = [m for m in METRICS if m.kind is Kind.STOCK]
_ROWS = sorted({series.numerator[0].row for m in _STOCKS for series in m.series})
_PLACE_OF_ROW = {number: i for i, number in enumerate(_ROWS)}
#: rows whose items that are due exactly now are not yet over target
_STRICT = [_PLACE_OF_ROW[s.numerator[0].row] for m in _STOCKS if m.due_strict for s in m.series]
_BACKLOG = [_PLACE_OF_ROW[s.numerator[0].row] for m in _STOCKS if m.name == "tickets_backlog" for s in m.series]
_KIND = np.full(max(_ROWS) + 1, -1, dtype=np.int64)
_KIND[_ROWS] = np.arange(len(_ROWS))


class Stocks:
    """The open items at an instant: how many, since when the oldest, how many over target and soon to be."""

    def __init__(self, work: Work, places: Places, at: int) -> None:
        self._places = places
        self._at = at
        shown = (work.start <= at) & (at < work.until) & (work.row < len(_KIND))
        kind = _KIND[work.row[shown]]
        kept = kind >= 0
        chosen = np.flatnonzero(shown)[kept]
        self._kind = kind[kept]
        self._group = work.group[chosen]
        self._start = work.start[chosen]
        self._due = work.due[chosen]
        groups = places.of_group.shape[1]
        size = len(_ROWS) * groups
        cell = self._kind * groups + self._group
        count = np.bincount(cell, minlength=size)
        oldest = np.full(size, at, dtype=np.int64)
        np.minimum.at(oldest, cell, self._start)
        # exactly now is over target but for the strict rows; 0 is no due time
        over = (self._due > 0) & (self._due <= at - np.isin(self._kind, _STRICT))
        risk = (self._due > at) & (self._due <= at + AT_RISK)
        present = np.flatnonzero(count)
        where = places.of_group[:, present % groups] + present // groups * places.width
        self.count = self._by_place(where, count[present])
        self.over = self._by_place(where, np.bincount(cell[over], minlength=size)[present])
        self.risk = self._by_place(where, np.bincount(cell[risk], minlength=size)[present])
        since = np.full(len(_ROWS) * places.width, at, dtype=np.int64)
        for line in where:
            np.minimum.at(since, line, oldest[present])
        self.oldest = since.reshape(len(_ROWS), places.width)
        self._open_time = {
            number: (work.group[found], work.start[found], np.minimum(work.until[found], at))
            for number, found in ((n, np.flatnonzero(work.row == n)) for n in OPEN_TIME.values())
        }

    def _by_place(self, where: Ints, values: Ints) -> Ints:
        result = np.zeros(len(_ROWS) * self._places.width, dtype=np.int64)
        for line in where:
            np.add.at(result, line, values)
        return result.reshape(len(_ROWS), self._places.width)

    @staticmethod
    def of(row_: int) -> int:
        """Return the place of a stock's row in the tables."""
        return _PLACE_OF_ROW[row_]

    def backlog_ages(self) -> tuple[Ints, Ints]:
        """Return the ages of the backlog as (place, bucket) ascending, and their counts."""
        chosen = np.isin(self._kind, _BACKLOG)
        keys = self._group[chosen] << BUCKET_BITS | duration_bucket(self._at - self._start[chosen])
        keys, counts = np.unique(keys, return_counts=True)
        places = self._places.of_group[:, keys >> BUCKET_BITS]
        keys = places << BUCKET_BITS | keys & ((1 << BUCKET_BITS) - 1)
        keys, counts = summed(keys.reshape(-1), np.tile(counts, len(places)))
        return keys, counts

    def agent_time(self, row_: int, start: int) -> Ints:
        """Return by place the open time of agents, ms, as far as it lies after the instant `start`."""
        group, begun, until = self._open_time[OPEN_TIME[row_]]
        piece = np.maximum(until - np.maximum(begun, start), 0)
        by_group = np.zeros(self._places.of_group.shape[1], dtype=np.int64)
        np.add.at(by_group, group, piece)
        present = np.flatnonzero(by_group)
        result = np.zeros(self._places.width, dtype=np.int64)
        for line in self._places.of_group:
            np.add.at(result, line[present], by_group[present])
        return result
