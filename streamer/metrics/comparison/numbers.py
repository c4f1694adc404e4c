"""The numbers of the comparison at an instant, as arrays by place. What is kept in between is what would be read again."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from streamer.metrics.catalogue import FIXED_ROWS, METRICS, Metric
from streamer.metrics.catalogue.comparison import ALL_ANSWERS, COMPARED, DRIVER, OPEN_DRIVERS, SCORES
from streamer.metrics.comparison import baselines, shift, spikes
from streamer.metrics.comparison.baselines import Baselines, Floats, Mask
from streamer.metrics.comparison.segments import Contributor, Groups, Segments, Spike
from streamer.metrics.comparison.slices import Slices
from streamer.metrics.grouping import Places
from streamer.panes.histogram import Ints
from streamer.panes.store import SIZES, Batch, Store

_MINUTE: Final = 0
_HOUR: Final = 2
_DAY: Final = 86_400_000
_SECOND: Final = 1000
_PER_HOUR: Final = SIZES[_HOUR] // SIZES[_MINUTE]
#: minutes that are read: a window at the beginning of the first one that is looked at, up to the one that T lies in
_MINUTES: Final = spikes.MINUTES + spikes.WINDOW
#: hours that are read: 4 weeks before the first of those minutes, up to the hour that T lies in
_HOURS: Final = baselines.HOURS + spikes.MINUTES // _PER_HOUR + 1
#: drivers of a kind (topics, channels) that are shown
_TOP: Final = 10
_METRIC: Final = {metric.name: metric for metric in METRICS}

Labels = tuple[tuple[str, str], ...]


class Part(NamedTuple):
    """Numbers of one metric with one set of own labels, as in `evaluate.Block`."""

    metric: Metric
    labels: Labels
    values: Floats | Ints
    shown: Mask


class Comparison:
    """All rows of the comparison. `change` tells what panes became; without it everything is read from the store."""

    def __init__(self) -> None:
        sums = (*(c.over for c in COMPARED), *(c.under for c in COMPARED))
        self._minutes = Slices(_MINUTE, sums, single=True)
        self._hours = Slices(_HOUR, sums, single=True)
        self._scores = Slices(_HOUR, SCORES, single=False)
        self._baselines = Baselines()
        self._segments = Segments()
        #: of the last evaluation, by metric, column and minute: whether a confirmed spike was on at the minute's end
        self._confirmed: Mask = np.zeros((len(COMPARED), 0, 1), dtype=bool)

    def change(self, size: int, batch: Batch) -> None:
        """Tell that the panes of one slice size have changed by `batch`."""
        for slices in (self._minutes, self._hours, self._scores):
            if slices.size == size:
                slices.change(batch)
        self._segments.change(size, batch)

    @staticmethod
    def first_slices(at: int) -> tuple[int, int, int]:
        """Return the first slice of each size that is read at the instant `at` (ms); of quarters of an hour none is."""
        minute, quarter, hour = (at // size for size in SIZES)
        return minute - _MINUTES + 1, quarter + 1, min(hour - _HOURS, hour - shift.HOURS) + 1

    def deviations(self, store: Store, places: Places, groups: Groups, at: int) -> Iterator[Part]:
        """Yield baselines, scores, spikes and whose excess they are at the instant `at` (ms)."""
        minute = at // SIZES[_MINUTE]
        first = minute - _MINUTES + 1
        self._minutes.move(store, places, first, minute)
        hour = at // SIZES[_HOUR]
        self._hours.move(store, places, hour - _HOURS + 1, hour)
        ends = np.arange(first + spikes.WINDOW - 1, minute + 1)
        wanted = np.unique(ends // _PER_HOUR)
        found = self._baselines.of(self._hours, wanted.tolist())
        of_end = np.searchsorted(wanted, ends // _PER_HOUR)
        usual = np.stack([found[h] for h in wanted.tolist()], axis=-1)
        sums = spikes.window_sums(self._minutes.data)
        scores = spikes.scores(sums, usual, of_end, ends % _PER_HOUR)
        # the last window is that of T; a spike is told by the minutes that have ended
        state = spikes.spiking(scores.score, scores.begins)[..., -2]
        self._confirmed = spikes.spiking(scores.score, scores.confirmed)[..., :-1]
        confirmed = self._confirmed[..., -1]
        columns, baseline = self._minutes.places, usual[0][..., of_end[-2:]]
        for i, compared in enumerate(COMPARED):
            own = (("metric", compared.name),)
            for name, values, known in (
                ("metric_baseline", baseline[i, :, -1], ~np.isnan(baseline[i, :, -1])),
                ("metric_deviation_score", scores.score[i, :, -1], ~np.isnan(scores.score[i, :, -1])),
                ("spike", state[i].astype(np.int64), ~np.isnan(baseline[i, :, -2])),
                ("spike_confirmed", confirmed[i].astype(np.int64), ~np.isnan(baseline[i, :, -2])),
            ):
                yield Part(_METRIC[name], own, *_by_place(places, columns, values, known))
        on = _spikes(columns, state & ~np.isnan(baseline[..., -2]), sums[..., -2], baseline[..., -2])
        yield from _contributors(places, groups, self._segments.contributors(store, places, groups, minute - 1, on))

    def begun(self) -> dict[tuple[str, int], int]:
        """Return by metric and place when each confirmed spike of the last evaluation was set: that minute's end, in ms."""
        metrics, columns = np.nonzero(self._confirmed[..., -1])
        was_off = np.pad(~self._confirmed[metrics, columns], ((0, 0), (1, 0)), constant_values=True)
        ago = np.argmax(was_off[:, ::-1], axis=1) - 1  # minutes since it was last off, the one it was set in left out
        last = self._minutes.low + self._minutes.data.shape[2] - 1  # the minute that has not ended
        return {
            (COMPARED[metric].name, place): (last - minutes) * SIZES[_MINUTE]
            for metric, place, minutes in zip(
                metrics.tolist(), self._minutes.places[columns].tolist(), ago.tolist(), strict=True
            )
        }

    def shifts(self, store: Store, places: Places, at: int) -> Iterator[Part]:
        """Yield whether and when satisfaction moved, as known at the instant `at` (ms)."""
        hour = at // SIZES[_HOUR]
        self._scores.move(store, places, hour - shift.HOURS + 1, hour)
        judged, points = shift.change_points(*self._scores.data)
        columns = self._scores.places
        begins = (self._scores.low + points) * SIZES[_HOUR]
        recent = (points >= 0) & (at - begins < _DAY)
        yield Part(_METRIC["satisfaction_shift"], (), *_by_place(places, columns, recent.astype(np.int64), judged))
        seconds = begins // _SECOND
        yield Part(
            _METRIC["satisfaction_shift_timestamp_seconds"], (), *_by_place(places, columns, seconds, points >= 0)
        )


def _by_place(places: Places, columns: Ints, values: Any, shown: Mask) -> tuple[Any, Mask]:
    """Return values and whether they are shown by place, of those by column."""
    at_place = np.zeros(places.width, dtype=values.dtype)
    shown_at = np.zeros(places.width, dtype=bool)
    at_place[columns[shown]], shown_at[columns[shown]] = values[shown], True
    return at_place, shown_at


def _spikes(columns: Ints, state: Mask, sums: Ints, baseline: Floats) -> list[Spike]:
    """Return the spikes that are on, with what their last whole window, [sum, column], has over the usual."""
    found = []
    for i in np.flatnonzero(state.any(axis=1)).tolist():
        over_usual = spikes.excess(COMPARED[i], sums[i], sums[len(COMPARED) + i], baseline[i])
        found += [
            Spike(i, int(columns[c]), float(over_usual[c]), float(baseline[i, c]))
            for c in np.flatnonzero(state[i]).tolist()
        ]
    return found


def _contributors(places: Places, groups: Groups, found: Iterator[Contributor]) -> Iterator[Part]:
    """Yield the shares of contributors, those of one metric, dimension and value together."""
    together: dict[tuple[int, int, str], list[Contributor]] = {}
    for one in found:
        together.setdefault(one[:3], []).append(one)
    for key in sorted(together, key=lambda key: (key[0], key[1], key[2].encode())):
        metric, dimension, value = key
        labels = (("metric", COMPARED[metric].name), ("dimension", groups.names[dimension]), ("value", value))
        shares, shown = np.zeros(places.width), np.zeros(places.width, dtype=bool)
        for one in together[key]:
            shares[one.place], shown[one.place] = one.share, True
        yield Part(_METRIC["spike_contributor_ratio"], labels, shares, shown)


def lifts(
    places: Places,
    count: Ints,
    low: Ints,
    open_rows: Sequence[tuple[int, tuple[str, ...]]],
    min_samples: int,
) -> Iterator[Part]:
    """Yield driver_lift, its samples and the low ones among them; counts and sums are by row and place.

    `open_rows` are number and values of the rows of topics and channels.
    """
    everywhere = places.grouping == 0  # every grouping holds all of the groups once, so any one of them will do
    sizes = {values[0]: int(count[number][everywhere].sum()) for number, values in open_rows}
    row_of: dict[str, int] = dict(DRIVER)
    for kind in ("channel:", "topic:"):
        ranked = sorted(
            (name for name, size in sizes.items() if name.startswith(kind) and size),
            key=lambda name: (-sizes[name], name.encode()),
        )
        row_of |= {values[0]: number for number, values in open_rows if values[0] in ranked[:_TOP]}
    for name, row in row_of.items():
        own = (("driver", name),)
        samples, bad = count[row], low[row]
        others, other_bad = count[ALL_ANSWERS] - samples, low[ALL_ANSWERS] - bad
        some = samples > 0
        shown = (samples >= max(min_samples, 1)) & (others > 0) & (other_bad > 0)
        # exact integers up to the one division
        lift = np.where(shown, (bad * others) / np.where(shown, samples * other_bad, 1), 0.0)
        yield Part(_METRIC["driver_lift"], own, lift, shown)
        yield Part(_METRIC["driver_samples"], own, samples, some)
        yield Part(_METRIC["driver_low"], own, bad, some)


def driver_rows(open_rows: Sequence[tuple[str, tuple[str, ...]]]) -> list[tuple[int, tuple[str, ...]]]:
    """Return number and values of the open rows of drivers, in byte order of their values."""
    found = [(FIXED_ROWS + i, values) for i, (family, values) in enumerate(open_rows) if family == OPEN_DRIVERS]
    return sorted(found, key=lambda row: row[1][0].encode())
