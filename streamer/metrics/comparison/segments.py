"""Whose excess a spike is: of each dimension, the value that has most of it (metrics.md, spike_contributor_ratio)."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from streamer.metrics.catalogue.comparison import COMPARED, Compared
from streamer.metrics.comparison.baselines import HOURS, Floats, Mask, baseline_of
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


class _Pairs:
    """Places of at most one value divided by one more dimension; they stand for `Places`, and a pair keeps its number."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, tuple[str, ...]], int] = {}
        self._values: list[tuple[str, ...]] = []
        self._members: list[tuple[int, ...]] = []
        #: what `of_group` was made from: places make another array when groups come or move
        self._for: Ints | None = None
        self._shown: list[dict[str, str]] = []
        self._divided: dict[tuple[int, int], tuple[Ints, list[str]]] = {}
        self.groupings: tuple[tuple[str, ...], ...] = ()
        self.of_group: Ints = np.empty((0, 0), dtype=np.int64)
        self.grouping: Ints = np.empty(0, dtype=np.int64)

    @property
    def width(self) -> int:
        return len(self._numbers)

    def update(self, groups: Groups, places: Places) -> None:
        if self._for is places.of_group:
            return
        if self._for is None:
            fixed = [tuple(map(groups.names.index, names)) for names in places.groupings if len(names) <= 1]
            self._members = sorted({tuple(sorted({*one, d})) for one in fixed for d in range(len(groups.names))})
            self.groupings = tuple(tuple(groups.names[m] for m in members) for members in self._members)
            self.of_group = np.empty((len(self._members), 0), dtype=np.int64)
        stand = self._for is not None and all(
            old.items() <= new.items() for old, new in zip(self._shown, places.shown, strict=True)
        )
        self._for, self._shown = places.of_group, places.shown
        self._divided.clear()
        first = self.of_group.shape[1] if stand else 0
        fresh = np.empty((len(self._members), len(groups.values)), dtype=np.int64)
        fresh[:, :first] = self.of_group[:, :first]
        for line, members in enumerate(self._members):
            of_member = [(m, places.shown[m]) for m in members]
            fresh[line, first:] = [
                self._number(line, tuple(shown.get(values[m], OTHER) for m, shown in of_member))
                for values in groups.values[first:]
            ]
        self.of_group = fresh
        self.grouping = np.array([line for line, _ in self._numbers], dtype=np.int64)

    def _number(self, line: int, values: tuple[str, ...]) -> int:
        number = self._numbers.get((line, values))
        if number is None:
            number = self._numbers[line, values] = len(self._values)
            self._values.append(values)
        return number

    def divided(self, groups: Groups, places: Places, place: int, dimension: int) -> tuple[Ints, list[str]]:
        """Return a place's pairs with the values of a dimension, and these values, ascending."""
        found = self._divided.get((place, dimension))
        if found is None:
            grouping = int(places.grouping[place])
            fixed = map(groups.names.index, places.groupings[grouping])
            line = self._members.index(tuple(sorted({*fixed, dimension})))
            at = self._members[line].index(dimension)
            pairs = np.unique(self.of_group[line][places.of_group[grouping] == place]).tolist()
            pairs.sort(key=lambda pair: self._values[pair][at].encode())
            found = np.array(pairs, dtype=np.int64), [self._values[pair][at] for pair in pairs]
            self._divided[place, dimension] = found
        return found


class _Sums:
    """One metric by pair: what the last 15 minutes sum up to, and what is usual."""

    def __init__(self, compared: Compared) -> None:
        self.compared = compared
        sums = (compared.over, compared.under)
        self.minutes = Slices(_MINUTE, sums, single=False)
        self.hours = Slices(_HOUR, sums, single=False)
        self._hour = 0
        #: numerator and denominator of the 15 minutes
        self.window: Ints = np.empty((2, 0), dtype=np.int64)
        self.baseline: Floats = np.empty(0)
        #: whether a pair had anything in the hours that the baseline is made of, or in this one
        self.seen: Mask = np.empty(0, dtype=bool)
        self._seen_before: Mask = np.empty(0, dtype=bool)

    def move(self, store: Store, pairs: _Pairs, last: int) -> None:
        """Bring the sums to the 15 minutes that `last` ends."""
        hour = last // _PER_HOUR
        self.minutes.move(store, pairs, last - WINDOW + 1, last)
        self.hours.move(store, pairs, hour - HOURS, hour)
        self.window = self.minutes.data.sum(axis=-1)
        changed = self.hours.changed
        known = len(self.baseline) if changed is not None and hour == self._hour else 0
        self._hour = hour
        stale = np.arange(pairs.width) >= known
        for number, mask in changed or ():
            if number < hour:
                stale |= mask.any(axis=0)
        self.baseline = np.concatenate((self.baseline[:known], np.empty(pairs.width - known)))
        self._seen_before = np.concatenate((self._seen_before[:known], np.empty(pairs.width - known, dtype=bool)))
        if stale.any():
            over, under = self.hours.data[:, stale, :-1]
            self.baseline[stale] = baseline_of(self.compared, over, under)
            self._seen_before[stale] = (over != 0).any(axis=1) | (under != 0).any(axis=1)
        self.seen = self._seen_before | (self.hours.data[:, :, -1] != 0).any(axis=0)


class Segments:
    """The sums of the metrics that spike, kept while they do."""

    def __init__(self) -> None:
        self._pairs = _Pairs()
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
        self._pairs.update(groups, places)
        for sums in self._sums.values():
            sums.move(store, self._pairs, last)
        for spike in spikes:
            fixed = places.groupings[places.grouping[spike.place]]
            for dimension, name in enumerate(groups.names):
                if spike.excess > 0 and name not in fixed:
                    yield self._largest(groups, places, spike, dimension)

    def _largest(self, groups: Groups, places: Places, spike: Spike, dimension: int) -> Contributor:
        sums = self._sums[spike.metric]
        pairs, values = self._pairs.divided(groups, places, spike.place, dimension)
        (over, under), baseline = sums.window[:, pairs], sums.baseline[pairs]
        # nothing was expected of a count's new segment, of a mean's what the whole has
        new = 0.0 if sums.compared.is_count else spike.baseline
        over_usual = excess(sums.compared, over, under, np.where(np.isnan(baseline), new, baseline))
        known = (over != 0) | (under != 0) | sums.seen[pairs]
        most = int(np.argmax(np.where(known, over_usual, -np.inf)))
        return Contributor(spike.metric, dimension, values[most], spike.place, float(over_usual[most] / spike.excess))
