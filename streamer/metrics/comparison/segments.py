"""Whose excess a spike is: of each dimension, the value that has most of it (metrics.md, spike_contributor_ratio)."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from streamer.metrics.catalogue.comparison import COMPARED, Compared
from streamer.metrics.comparison.baselines import HOURS, Floats, usual
from streamer.metrics.comparison.slices import Slices
from streamer.metrics.comparison.spikes import WINDOW, excess
from streamer.metrics.grouping import OTHER, Places
from streamer.panes.histogram import Ints
from streamer.panes.store import SIZES, Batch, Store

_MINUTE: Final = 0
_HOUR: Final = 2
_PER_HOUR: Final = SIZES[_HOUR] // SIZES[_MINUTE]


class Groups(NamedTuple):
    """The dimensions, and their values in every stored group."""

    names: Sequence[str]
    values: Sequence[tuple[str, ...]]


class Spike(NamedTuple):
    """A spike of a metric (its number) in a place: what is over the usual there, and the usual itself."""

    metric: int
    place: int
    excess: float
    baseline: float


class Contributor(NamedTuple):
    """The segment with most of a spike's excess, and its share."""

    metric: int
    dimension: int
    value: str
    place: int
    share: float


class _Combinations:
    """The combinations of all dimensions' values as they are shown; stands for `Places` with one grouping."""

    groupings: tuple[tuple[str, ...], ...] = ((),)

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, ...], int] = {}
        self.of_group: Ints = np.empty((1, 0), dtype=np.int64)
        self.grouping: Ints = np.empty(0, dtype=np.int64)

    @property
    def width(self) -> int:
        return len(self._numbers)

    @property
    def values(self) -> list[tuple[str, ...]]:
        return list(self._numbers)

    def update(self, groups: Sequence[tuple[str, ...]], places: Places) -> None:
        shown = places.shown
        numbers = self._numbers
        found = [
            numbers.setdefault(tuple(s.get(v, OTHER) for s, v in zip(shown, values, strict=True)), len(numbers))
            for values in groups
        ]
        self.of_group = np.array([found], dtype=np.int64)
        self.grouping = np.zeros(len(numbers), dtype=np.int64)


class _Division(NamedTuple):
    """One place divided by one dimension: the place's combinations, the values ascending, which each has, its usual."""

    columns: Ints
    values: list[str]
    number: Ints
    baseline: Floats
    #: whether the value had anything in the hours
    seen: Ints


class _Sums:
    """One metric's sums by combination: of the last 15 minutes, and of the hours that its baselines are made of."""

    def __init__(self, compared: Compared) -> None:
        self.compared = compared
        sums = (compared.over, compared.under)
        self.minutes = Slices(_MINUTE, sums, single=False)
        self.hours = Slices(_HOUR, sums, single=False)
        self._divisions: dict[tuple[int, int], _Division] = {}
        self._for = (0, 0)

    def move(self, store: Store, combinations: _Combinations, last: int) -> None:
        """Bring the sums to the 15 minutes that `last` ends."""
        hour = last // _PER_HOUR
        self.minutes.move(store, combinations, last - WINDOW + 1, last)
        self.hours.move(store, combinations, hour - HOURS, hour)
        changed = self.hours.changed
        if self._for != (hour, combinations.width) or changed is None or any(number < hour for number, _ in changed):
            self._divisions.clear()
        self._for = hour, combinations.width

    def divided(self, places: Places, combinations: _Combinations, place: int, dimension: int) -> _Division:
        """Return a place divided by a dimension."""
        found = self._divisions.get((place, dimension))
        if found is None:
            grouping = int(places.grouping[place])
            mine = combinations.of_group[0][places.of_group[grouping] == place]
            columns = np.unique(mine)
            names = combinations.values
            values = sorted({names[column][dimension] for column in columns.tolist()}, key=str.encode)
            number = np.array([values.index(names[column][dimension]) for column in columns.tolist()], dtype=np.int64)
            over, under = _added(self.hours.data[:, columns], number, len(values))
            baseline = usual(self.compared, over[:, :-1], under[:, :-1]).baseline
            seen = ((over != 0) | (under != 0)).any(axis=1)
            found = self._divisions[place, dimension] = _Division(columns, values, number, baseline, seen)
        return found


def _added(data: Ints, number: Ints, n: int) -> Ints:
    """Return sums by value, of those by combination; both are [sum, column, slice]."""
    result = np.zeros((data.shape[0], n, data.shape[2]), dtype=np.int64)
    np.add.at(result.swapaxes(0, 1), number, data.swapaxes(0, 1))
    return result


class Segments:
    """The sums of the metrics that spike, kept while they do."""

    def __init__(self) -> None:
        self._combinations = _Combinations()
        self._sums: dict[int, _Sums] = {}

    def change(self, size: int, batch: Batch) -> None:
        """Tell that the panes of one slice size have changed by `batch`."""
        for sums in self._sums.values():
            for slices in (sums.minutes, sums.hours):
                if slices.size == size:
                    slices.change(batch)

    def contributors(
        self, store: Store, places: Places, groups: Groups, last: int, spikes: Sequence[Spike]
    ) -> Iterator[Contributor]:
        """Yield the contributors to the spikes of the 15 minutes that `last` ends, of each dimension that is not fixed."""
        self._sums = {i: self._sums.get(i) or _Sums(COMPARED[i]) for i in sorted({spike.metric for spike in spikes})}
        if not spikes:
            return
        self._combinations.update(groups.values, places)
        for sums in self._sums.values():
            sums.move(store, self._combinations, last)
        for spike in spikes:
            fixed = places.groupings[places.grouping[spike.place]]
            for dimension, name in enumerate(groups.names):
                if spike.excess > 0 and name not in fixed:
                    yield self._largest(places, spike, dimension)

    def _largest(self, places: Places, spike: Spike, dimension: int) -> Contributor:
        sums = self._sums[spike.metric]
        columns, values, number, baseline, seen = sums.divided(places, self._combinations, spike.place, dimension)
        over, under = _added(sums.minutes.data[:, columns], number, len(values)).sum(axis=-1)
        # nothing was expected of a count's new segment, of a mean's what the whole has
        new = 0.0 if sums.compared.is_count else spike.baseline
        over_usual = excess(sums.compared, over, under, np.where(np.isnan(baseline), new, baseline))
        known = (over != 0) | (under != 0) | seen
        most = int(np.argmax(np.where(known, over_usual, -np.inf)))
        return Contributor(spike.metric, dimension, values[most], spike.place, float(over_usual[most] / spike.excess))
