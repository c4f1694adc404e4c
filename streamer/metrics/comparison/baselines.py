"""What is usual for a metric in an hour of the week, and how much it varies (metrics.md, metric_baseline)."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streamer.metrics.catalogue.comparison import COMPARED, Compared
from streamer.metrics.comparison.slices import Slices
from streamer.panes.histogram import Ints

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_WEEK: Final = 7 * 24
_WEEKS: Final = 4
#: hours that the baseline of an hour is made of, all before it
HOURS: Final = _WEEKS * _WEEK
#: fewer values than these in the same hour of the week: there is no pattern yet
_WEEKS_MIN: Final = 2
_DAY: Final = 24
_ALPHA: Final = 0.3
#: makes a median absolute deviation a standard deviation where what it is of is normal
_MAD: Final = 1.4826
_LEAST_SHARE: Final = 0.1
#: what is compared with a baseline is 15 min: of an hour this part
PART: Final = 0.25


def median(values: Floats, known: Mask) -> Floats:
    """Return the median of the known values along the last axis; NaN where there is none."""
    ascending = np.sort(np.where(known, values, np.inf), axis=-1)
    n = known.sum(axis=-1)[..., np.newaxis]
    low = np.take_along_axis(ascending, np.maximum(n - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ascending, np.minimum(n // 2, values.shape[-1] - 1), axis=-1)
    return np.where(n > 0, (low + high) / 2, np.nan)[..., 0]


def values_of(compared: Compared, over: Ints, under: Ints) -> Floats:
    """Return the values of a metric, NaN where a ratio has nothing under it."""
    if compared.is_count:
        return over.astype(np.float64)
    known = under != 0
    return np.where(known, over / np.where(known, under * compared.unit, 1) * compared.scale, np.nan)


class Usual(NamedTuple):
    """What is usual in an hour, by column: the baseline, the spread of 15 minutes, and how many samples these have.

    `deviation` is that of hours alone; `before` and `after` are the baselines of the hours next to it.
    """

    baseline: Floats
    spread: Floats
    samples: Floats
    deviation: Floats
    before: Floats
    after: Floats


def usual(compared: Compared, over: Ints, under: Ints) -> Usual:
    """Return what is usual in the hour after these hours; arrays are [column, hour], 4 weeks of hours."""
    events = over if compared.is_count else under
    # before its first event nothing is known, not that there was none
    begun = np.logical_or.accumulate(events != 0, axis=-1)
    numbers = events.astype(np.float64)
    if compared.is_count:
        values, known = numbers, begun
        baseline = samples = _expected(values, known)
    else:
        values, known = values_of(compared, over, under), under != 0
        baseline, samples = _expected(values, known), _expected(numbers, begun, hours=1)
    deviation = _MAD * _deviation(values, known, baseline)
    usual_now = baseline[:, 0]
    spread = np.fmax(deviation, _LEAST_SHARE * np.abs(usual_now))
    if compared.is_count:
        spread = np.fmax(spread * PART, np.sqrt(usual_now * PART))
    return Usual(usual_now, spread, samples[:, 0] * PART, deviation, *_next_to(baseline))


def baseline_of(compared: Compared, over: Ints, under: Ints) -> Floats:
    """Return only the baseline of `usual`."""
    if compared.is_count:
        return _expected(over.astype(np.float64), np.logical_or.accumulate(over != 0, axis=-1), hours=1)[:, 0]
    return _expected(values_of(compared, over, under), under != 0, hours=1)[:, 0]


def _expected(values: Floats, known: Mask, hours: int = _WEEK) -> Floats:
    """Return the baseline of the first hours of the week: the median, of fewer than 2 weeks what was smoothed."""
    by_hour = (-1, _WEEKS, _WEEK)
    weeks = values.reshape(by_hour)[..., :hours].swapaxes(1, 2)
    some = known.reshape(by_hour)[..., :hours].swapaxes(1, 2)
    enough = some.sum(axis=-1) >= _WEEKS_MIN
    found = median(weeks, some)
    return found if enough.all() else np.where(enough, found, _smoothed(values, known)[:, np.newaxis])


def _next_to(baseline: Floats) -> tuple[Floats, Floats]:
    """Return the baselines of the hours before and after the first of the week; its own where they have none."""
    before, after = (np.where(np.isnan(hour), baseline[:, 0], hour) for hour in (baseline[:, -1], baseline[:, 1]))
    return before, after


def _deviation(values: Floats, known: Mask, baseline: Floats) -> Floats:
    """Return the median absolute deviation of what the hours have over the baseline of their hour of the week."""
    residuals = values - np.tile(baseline, _WEEKS)
    known = known & ~np.isnan(residuals)
    return median(np.abs(residuals - median(residuals, known)[:, np.newaxis]), known)


def _smoothed(values: Floats, known: Mask) -> Floats:
    """Return the exponentially weighted mean of the last 24 hours, NaN where none of them has a value."""
    mean = np.full(len(values), np.nan)
    for i in range(values.shape[1] - _DAY, values.shape[1]):
        value = values[:, i]
        new = np.where(np.isnan(mean), value, _ALPHA * value + (1 - _ALPHA) * mean)
        mean = np.where(known[:, i], new, mean)
    return mean


class Baselines:
    """What is usual by hour, metric and column; kept as long as the panes that it is made of do not change.

    The sums of hours are those of all metrics' numerators, then those of their denominators.
    """

    def __init__(self) -> None:
        self._kept: dict[int, Floats] = {}

    def of(self, hours: Slices, wanted: list[int]) -> dict[int, Floats]:
        """Return what is usual, [field of `Usual`; metric; column], of some hours (numbers of 1 h slices)."""
        n, width = len(COMPARED), len(hours.places)
        old = {} if hours.changed is None else self._kept
        self._kept = {}
        for hour in wanted:
            stale = np.ones((n, width), dtype=bool)
            found = np.full((len(Usual._fields), n, width), np.nan)
            if hour in old:
                known = old[hour].shape[2]
                found[..., :known] = old[hour]
                stale[:, :known] = False
                for number, mask in hours.changed or ():
                    if hour - HOURS <= number < hour:
                        stale |= mask[:n] | mask[n:]
            first = hour - HOURS - hours.low
            data = hours.data[:, :, first : first + HOURS]
            for i in np.flatnonzero(stale.any(axis=1)).tolist():
                columns = np.flatnonzero(stale[i])
                over, under = data[i, columns], data[n + i, columns]
                some = (over != 0).any(axis=1) | (under != 0).any(axis=1)
                found[:, i, columns] = np.nan
                if some.any():
                    found[:, i, columns[some]] = usual(COMPARED[i], over[some], under[some])
            self._kept[hour] = found
        return self._kept
