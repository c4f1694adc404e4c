"""Sums of a few rows slice by slice: one array over some time, of which only what is new or has changed is read again."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from streamer.facts import ROW_BITS, ROW_LIMIT
from streamer.metrics.catalogue import Term
from streamer.panes.histogram import Ints
from streamer.panes.store import Batch, Store

Mask = npt.NDArray[np.bool_]
_ROW: Final = ROW_LIMIT - 1


class Layout(Protocol):
    """How stored groups make columns; see `streamer.metrics.grouping.Places`, which is one."""

    of_group: Ints
    grouping: Ints

    @property
    def groupings(self) -> tuple[tuple[str, ...], ...]:
        """The dimensions of each grouping."""

    @property
    def width(self) -> int:
        """Number of places."""


class Slices:
    """The sums of some terms by column and slice of one size; a column is a place, of `single` those of one value only."""

    def __init__(self, size: int, sums: Sequence[tuple[Term, ...]], *, single: bool) -> None:
        rows = sorted({term.row for terms in sums for term in terms})
        self._rank = np.full(ROW_LIMIT, -1, dtype=np.int64)
        self._rank[rows] = np.arange(len(rows))
        self._factors = np.zeros((2, len(sums), len(rows)), dtype=np.int64)
        for i, terms in enumerate(sums):
            for term in terms:
                self._factors[int(term.sums), i, rows.index(term.row)] += term.factor
        #: index of the slice size
        self.size = size
        self._single = single
        self._of_group: Ints = np.empty((0, 0), dtype=np.int64)
        self._dirty: set[int] = set()
        #: first slice of `data`, which is [sum, column, slice]
        self.low = 0
        self.data: Ints = np.zeros((len(sums), 0, 0), dtype=np.int64)
        #: the place of each column
        self.places: Ints = np.empty(0, dtype=np.int64)
        self._columns: Ints = np.empty(0, dtype=np.int64)
        #: of the last `move`: slices of before that are not what they were, and of which sums and columns; None: all
        self.changed: list[tuple[int, Mask]] | None = None

    def change(self, batch: Batch) -> None:
        """Tell that panes of this size have changed."""
        chosen = self._rank[batch.cells >> 1 & _ROW] >= 0
        self._dirty.update(np.unique(batch.slices[chosen]).tolist())

    def move(self, store: Store, places: Layout, low: int, high: int) -> None:
        """Bring the sums to the slices low..high of the store as it is now."""
        kept = self._lay_out(places)
        old, old_low = self.data, self.low
        n, old_n = high - low + 1, old.shape[2] if kept else 0
        first, last = max(low, old_low), min(high, old_low + old_n - 1)
        if (low, n) != (old_low, old_n) or old.shape[1] != len(self.places):
            self.data = np.zeros((len(old), len(self.places), n), dtype=np.int64)
            if first <= last:
                part = old[:, :, first - old_low : last + 1 - old_low]
                self.data[:, : old.shape[1], first - low : last + 1 - low] = part
        self.low = low
        self.changed = [] if kept else None
        for number in range(low, high + 1):
            known = first <= number <= last
            if known and number not in self._dirty:
                continue
            new, place = self._sums(store, number), self.data[:, :, number - low]
            if known and self.changed is not None:
                self.changed.append((number, new != place))
            place[...] = new
        self._dirty.clear()

    def _lay_out(self, places: Layout) -> bool:
        """Learn the columns; return whether those of before still stand for the same groups."""
        old, new = self._of_group, places.of_group
        kept = new.shape[1] >= old.shape[1] > 0 and np.array_equal(new[:, : old.shape[1]], old)
        wanted = [number for number, names in enumerate(places.groupings) if len(names) <= 1 or not self._single]
        self._of_group = new
        self.places = np.flatnonzero(np.isin(places.grouping, wanted))
        self._columns = np.full(places.width, -1, dtype=np.int64)
        self._columns[self.places] = np.arange(len(self.places))
        self._wanted = wanted
        return kept

    def _sums(self, store: Store, number: int) -> Ints:
        """Return the sums of one pane by column."""
        width = len(self.places)
        pane = store.panes.get((self.size, number))
        if pane is None:
            return np.zeros((len(self.data), width), dtype=np.int64)
        rank = self._rank[pane.cells >> 1 & _ROW]
        chosen = rank >= 0
        rank, group = rank[chosen] * width, pane.cells[chosen] >> (ROW_BITS + 1)
        found = np.zeros((2, self._factors.shape[2] * width), dtype=np.int64)
        for line in self._of_group[self._wanted]:
            at = rank + self._columns[line[group]]
            np.add.at(found[0], at, pane.counts[chosen])
            np.add.at(found[1], at, pane.totals[chosen])
        count, total = found.reshape(2, self._factors.shape[2], width)
        sums: Ints = self._factors[0] @ count + self._factors[1] @ total
        return sums
