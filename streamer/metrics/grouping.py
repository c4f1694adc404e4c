"""Groupings: which coarse groups a stored group belongs to, with the limit of shown values a dimension applied.

The coarse groups of all groupings are numbered together, as *places*: an array of a value a place is then one number for
each of them, and every formula runs once for all groupings.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streamer.panes.histogram import Ints
from streamer.settings import Settings

OTHER: Final = "other"
#: bits that hold any place: 100 values and two more, of two dimensions, are 10,404
PLACE_BITS: Final = 24


class Places:
    """All coarse groups. Places are only ever added, and keep their number; `order` is the order to show them in."""

    def __init__(self, settings: Settings) -> None:
        self._names = settings.dimensions.names
        self._limit = settings.dimensions.limit
        shown = settings.exposition.groupings
        self.groupings = tuple(g for g in settings.dimensions.groupings if shown is None or g in shown)
        self._members = [tuple(self._names.index(name) for name in grouping) for grouping in self.groupings]
        self._numbers: dict[tuple[int, tuple[str, ...]], int] = {}
        self._seen = 0
        #: of each dimension, also of one that no grouping has: value -> what it is shown as
        self.shown: list[dict[str, str]] = [{} for _ in self._names]
        #: of each place: its `by` label, and the values of all dimensions, empty for those not in the grouping
        self.labels: list[tuple[str, tuple[str, ...]]] = []
        #: of each place: the number of its grouping
        self.grouping: Ints = np.empty(0, dtype=np.int64)
        #: the place of a group, by grouping and group
        self.of_group: Ints = np.empty((len(self.groupings), 0), dtype=np.int64)
        self.order: Ints = np.empty(0, dtype=np.int64)
        #: for whoever makes texts of numbers: kept as long as the places are
        self.lines: Any = None

    @property
    def width(self) -> int:
        """Number of places."""
        return len(self.labels)

    def by(self, names: tuple[str, ...]) -> npt.NDArray[np.bool_]:
        """Return which places belong to one grouping, as booleans."""
        if names not in self.groupings:
            return np.zeros(self.width, dtype=bool)
        mask: npt.NDArray[np.bool_] = self.grouping == self.groupings.index(names)
        return mask

    def by_any(self, names: AbstractSet[str]) -> npt.NDArray[np.bool_]:
        """Return which places belong to a grouping that has one of these dimensions, as booleans."""
        found = [i for i, grouping in enumerate(self.groupings) if not names.isdisjoint(grouping)]
        return np.isin(self.grouping, found)

    def update(self, groups: Sequence[tuple[str, ...]], counts: Ints) -> tuple[Ints, Ints]:
        """Take in new groups and new counts of events by group; return the groups that moved and their old places.

        The values of a dimension with the most events are shown as they are, ties in byte order; the rest is `other`. Values
        without events take no place: they are shown as they are while those with events leave one free, else as `other`.
        """
        shown = [self._ranked(groups, counts, place) for place in range(len(self._names))]
        known = self._seen
        changed = shown != self.shown
        if known == len(groups) and not changed:
            return np.empty(0, dtype=np.int64), self.of_group[:, :0]
        self.shown, self._seen = shown, len(groups)
        first = 0 if changed else known
        fresh = np.empty((len(self.groupings), len(groups)), dtype=np.int64)
        fresh[:, :first] = self.of_group[:, :first]
        for number, members in enumerate(self._members):
            for i in range(first, len(groups)):
                values = groups[i]
                fresh[number, i] = self._place(number, tuple(shown[m].get(values[m], OTHER) for m in members))
        moved = np.flatnonzero((fresh[:, :known] != self.of_group).any(axis=0))
        before = self.of_group[:, moved]
        self.of_group = fresh
        self._arrange()
        return moved, before

    def _ranked(self, groups: Sequence[tuple[str, ...]], counts: Ints, place: int) -> dict[str, str]:
        """Return value -> what it is shown as, for the values of one dimension."""
        old = self.shown[place]
        if len(groups) == self._seen and len(old.keys() - {""}) <= self._limit:
            return old  # there is a place for every value, so counts do not matter
        sizes: dict[str, int] = {}
        for values, count in zip(groups, counts.tolist(), strict=True):
            sizes[values[place]] = sizes.get(values[place], 0) + count
        # A group may be left of a state that only one order of arrival went through: only what has events can be ranked.
        ranked = sorted((v for v, size in sizes.items() if v and size), key=lambda v: (-sizes[v], v.encode()))
        if len(ranked) < self._limit:
            return {value: value for value in sizes}
        kept = {"", *ranked[: self._limit]}
        return {value: value if value in kept else OTHER for value in sizes}

    def _place(self, grouping: int, values: tuple[str, ...]) -> int:
        key = (grouping, values)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.labels)
            names = self.groupings[grouping]
            own = dict(zip(names, values, strict=True))
            self.labels.append((",".join(names) or "all", tuple(own.get(name, "") for name in self._names)))
        return number

    def _arrange(self) -> None:
        keys = list(self._numbers)
        self.grouping = np.array([grouping for grouping, _ in keys], dtype=np.int64)
        sort = sorted(range(len(keys)), key=lambda i: (keys[i][0], [value.encode() for value in keys[i][1]]))
        self.order = np.array(sort, dtype=np.int64)
