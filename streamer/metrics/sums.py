"""The sums of a window, or of some windows together, as arrays by row and place: what formulas read."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from streamer.metrics.catalogue import FIXED_ROWS, Term
from streamer.metrics.formulas import rank
from streamer.metrics.grouping import PLACE_BITS
from streamer.metrics.tally import NOTHING
from streamer.panes.histogram import BUCKET_BITS, Ints

_PLACE: Final = (1 << PLACE_BITS) - 1
_BUCKET: Final = (1 << BUCKET_BITS) - 1


class Sums:
    """The counts and sums of one window by row and place, and its buckets."""

    def __init__(self, count: Ints, total: Ints, buckets: Ints, bucket_count: Ints) -> None:
        self.count = count
        self.total = total
        kept = bucket_count > 0
        self._buckets = buckets[kept]
        self._counts = bucket_count[kept]
        cell = self._buckets >> BUCKET_BITS
        starts = np.flatnonzero(np.concatenate((np.ones(min(1, len(cell)), dtype=bool), cell[1:] != cell[:-1])))
        self._cells = cell[starts]
        self._running = np.cumsum(self._counts)
        ends = np.concatenate((starts[1:], [len(cell)])) if len(cell) else starts
        self._before = np.where(starts > 0, self._running[starts - 1], 0) if len(cell) else NOTHING
        self._n = (self._running[ends - 1] - self._before) if len(cell) else NOTHING

    def of(self, terms: tuple[Term, ...]) -> Ints:
        """Return the sum of some terms, a value a place."""
        result = np.zeros(self.count.shape[1], dtype=np.int64)
        for term in terms:
            values = (self.total if term.sums else self.count)[term.row]
            result += values if term.factor == 1 else values * term.factor
        return result

    def quantiles(self, q: float) -> Ints:
        """Return by fixed row and place the bucket of the ceil(q n)-th smallest; 0 where there is none."""
        result = np.zeros((FIXED_ROWS, self.count.shape[1]), dtype=np.int64)
        found = self._buckets[np.searchsorted(self._running, self._before + rank(q, self._n))] & _BUCKET
        result[self._cells >> PLACE_BITS, self._cells & _PLACE] = found
        return result


class Stack:
    """The sums of some windows, fixed rows only, so that a formula runs once for all of them: arrays by window first."""

    def __init__(self, sums: Sequence[Sums]) -> None:
        self._sums = sums
        self.count = np.stack([one.count[:FIXED_ROWS] for one in sums])
        self.total = np.stack([one.total[:FIXED_ROWS] for one in sums])
        self._tables = np.concatenate((self.count, self.total), axis=1)
        self._quantiles: dict[float, Ints] = {}

    def of(self, terms: tuple[Term, ...]) -> Ints:
        """Return the sum of some terms, by window and place."""
        return self.each((terms,))[:, 0]

    def each(self, sums: tuple[tuple[Term, ...], ...]) -> Ints:
        """Return several sums of terms, by window, sum and place."""
        rows, factors, starts = _places(sums)
        found = self._tables[:, rows]
        if factors is not None:
            found *= factors
        return found if starts is None else np.add.reduceat(found, starts, axis=1)

    def quantile(self, q: float) -> Ints:
        """Return by window, row and place the bucket of a quantile."""
        if q not in self._quantiles:
            self._quantiles[q] = np.stack([one.quantiles(q) for one in self._sums])
        return self._quantiles[q]


@lru_cache(maxsize=1_000)  # as many as the catalogue has
def _places(sums: tuple[tuple[Term, ...], ...]) -> tuple[Ints, Ints | None, Ints | None]:
    """Return where terms are in a stack's counts and sums, their factors (None: all 1), where each sum begins (None: at each)."""
    terms = [term for one in sums for term in one]
    rows = np.array([term.row + FIXED_ROWS * term.sums for term in terms], dtype=np.int64)
    factors = np.array([[term.factor] for term in terms], dtype=np.int64)
    starts = np.cumsum([0, *(len(one) for one in sums[:-1])])
    return rows, None if (factors == 1).all() else factors, None if len(starts) == len(terms) else starts
