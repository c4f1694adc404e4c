"""Sums by key that grow and change in place: sorted keys beside columns of integers."""

import numpy as np

from streamer.panes.histogram import Ints

NOTHING = np.empty(0, dtype=np.int64)
#: a tally is swept when this many of its entries, and half of them, have come to nothing
_SWEEP = 1_024


def summed(keys: Ints, *columns: Ints) -> tuple[Ints, ...]:
    """Return the unique keys ascending, and each column summed by key (exact integers)."""
    if len(keys) == 0:
        return (keys, *columns)
    rising = keys[1:] > keys[:-1]
    if rising.all():
        return (keys, *columns)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    return (keys[starts], *(np.add.reduceat(column[order], starts) for column in columns))


def added(old: tuple[Ints, ...], new: tuple[Ints, ...]) -> tuple[Ints, ...]:
    """Return keys and columns of `old` and `new` summed; both are ascending and unique. Changes the arrays of `old`."""
    keys, *columns = old
    new_keys, *new_columns = new
    if len(new_keys) == 0:
        return old
    if len(keys) == 0:
        return (new_keys.copy(), *(column.copy() for column in new_columns))
    place = np.searchsorted(keys, new_keys)
    known = keys[np.minimum(place, len(keys) - 1)] == new_keys
    at = place[known]
    for column, new_column in zip(columns, new_columns, strict=True):
        column[at] += new_column[known]
    if known.all():
        return old
    unknown = ~known
    at = place[unknown]
    return (
        np.insert(keys, at, new_keys[unknown]),
        *(np.insert(c, at, n[unknown]) for c, n in zip(columns, new_columns, strict=True)),
    )


class Tally:
    """Sums of one or more columns by key."""

    def __init__(self, columns: int) -> None:
        self._arrays: tuple[Ints, ...] = (NOTHING,) * (1 + columns)

    @property
    def keys(self) -> Ints:
        """The keys, ascending; some may have come to nothing."""
        return self._arrays[0]

    @property
    def columns(self) -> tuple[Ints, ...]:
        """The sums, by key."""
        return self._arrays[1:]

    def add(self, keys: Ints, *columns: Ints) -> None:
        """Add to the sums; the keys ascend and are unique."""
        self._arrays = added(self._arrays, (keys, *columns))

    def sweep(self) -> None:
        """Forget what has come to nothing, when that is much."""
        keys, *columns = self._arrays
        kept = np.zeros(len(keys), dtype=bool)
        for column in columns:
            kept |= column != 0
        if len(keys) - int(kept.sum()) > max(_SWEEP, len(keys) // 2):
            self._arrays = tuple(array[kept] for array in self._arrays)
