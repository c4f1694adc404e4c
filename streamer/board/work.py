"""Open work of all timelines as columns with free places, so that a flush changes only what it names."""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec
import numpy as np

from streamer.panes.histogram import Ints
from streamer.panes.work import Work

_FIRST: Final = 1_024
#: an empty place is a row that nobody has
_EMPTY: Final = 1 << 40
_decode = msgspec.msgpack.Decoder(list[tuple[int, int, int, int, int, str]]).decode

Owner = tuple[int, bytes]
"""A partition and the key of a timeline."""


class Item(NamedTuple):
    """A piece of open work, as a list shows it; times in ms, `due` 0 where there is none."""

    row: int
    group: int
    start: int
    due: int
    until: int
    entity: str


class OpenWork:
    """The table of items: `put` replaces those of one timeline."""

    def __init__(self) -> None:
        self._columns = self._fresh(_FIRST)
        self._entities: list[str] = [""] * _FIRST
        self._free = list(range(_FIRST - 1, -1, -1))
        self._places: dict[Owner, list[int]] = {}

    @staticmethod
    def _fresh(size: int) -> Ints:
        columns = np.zeros((len(Work._fields), size), dtype=np.int64)
        columns[0] = _EMPTY
        return columns

    def put(self, owner: Owner, value: bytes | None, group: Callable[[int], int]) -> None:
        """Replace the open work of a timeline; `value` is the record, `group` turns its numbers into those kept here."""
        free, columns = self._free, self._columns
        freed = self._places.pop(owner, None)
        if freed is not None:
            columns[0, freed] = _EMPTY
            free += freed
        items = _decode(value) if value else []
        if not items:
            return
        if len(free) < len(items):
            self._grow(len(items))
            columns = self._columns
        places = [free.pop() for _ in items]
        columns[:, places] = np.array(
            [(row, group(number), start, due, until) for row, number, start, due, until, _ in items], dtype=np.int64
        ).T
        for place, item in zip(places, items, strict=True):
            self._entities[place] = item[5]
        self._places[owner] = places

    def _grow(self, wanted: int) -> None:
        size = self._columns.shape[1]
        more = max(size, wanted)
        self._columns = np.concatenate((self._columns, self._fresh(more)), axis=1)
        self._entities += [""] * more
        self._free += range(size + more - 1, size - 1, -1)

    @property
    def columns(self) -> Work:
        """All items, and empty places, which are in no row."""
        return Work(*self._columns)

    def oldest(self, rows: Ints, groups: Ints, at: int, limit: int) -> tuple[int, list[Item]]:
        """Return how many items of some rows and groups are open at `at` (ms), and the oldest, ties by name."""
        row, group, start, _, until = self._columns
        chosen = np.flatnonzero((start <= at) & (at < until) & np.isin(row, rows))
        chosen = chosen[np.isin(group[chosen], groups)]
        count = len(chosen)
        if count > limit:  # those as old as the last that is shown, too: names decide
            last = np.partition(start[chosen], limit - 1)[limit - 1]
            chosen = chosen[start[chosen] <= last]
        items = [Item._make((*self._columns[:, place].tolist(), self._entities[place])) for place in chosen.tolist()]
        return count, sorted(items, key=lambda item: (item.start, item.entity))[:limit]
