"""What is usual for a metric in an hour of the week, and how much it varies (metrics.md, metric_baseline)."""

from typing import Final

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


def usual(compared: Compared, over: Ints, under: Ints) -> tuple[Floats, Floats]:
    """Return baseline and spread of the hour after these hours; arrays are [column, hour], 4 weeks of hours."""
    values = values_of(compared, over, under)
    known = ~np.isnan(values)
    if compared.is_count:  # before its first event nothing is known, not that there was none
        known = np.logical_or.accumulate(over != 0, axis=-1)
    by_hour = (-1, _WEEKS, _WEEK)
    weeks = values.reshape(by_hour).swapaxes(1, 2), known.reshape(by_hour).swapaxes(1, 2)
    pattern = median(*weeks)
    seasonal = weeks[1][:, 0].sum(axis=-1) >= _WEEKS_MIN
    baseline = np.where(seasonal, pattern[:, 0], _smoothed(values, known))
    residuals = np.where(known, values - np.tile(pattern, _WEEKS), 0.0)
    deviations = np.abs(residuals - median(residuals, known)[:, np.newaxis])
    spread = np.maximum(_MAD * median(deviations, known), _LEAST_SHARE * np.abs(baseline))
    if compared.is_count:
        spread = np.maximum(spread, np.sqrt(np.maximum(baseline, 0)))
    return baseline, spread


def _smoothed(values: Floats, known: Mask) -> Floats:
    """Return the exponentially weighted mean of the last 24 hours, NaN where none of them has a value."""
    mean = np.full(len(values), np.nan)
    for i in range(values.shape[1] - _DAY, values.shape[1]):
        value = values[:, i]
        new = np.where(np.isnan(mean), value, _ALPHA * value + (1 - _ALPHA) * mean)
        mean = np.where(known[:, i], new, mean)
    return mean


class Baselines:
    """Baseline and spread by hour, metric and column; kept as long as the panes that they are made of do not change.

    The sums of hours are those of all metrics' numerators, then those of their denominators.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Floats, Floats]] = {}

    def of(self, hours: Slices, wanted: list[int]) -> dict[int, tuple[Floats, Floats]]:
        """Return baseline and spread, both [metric, column], of some hours (numbers of 1 h slices)."""
        n, width = len(COMPARED), len(hours.places)
        old = {} if hours.changed is None else self._kept
        self._kept = {}
        for hour in wanted:
            stale = np.ones((n, width), dtype=bool)
            baseline, spread = np.full((2, n, width), np.nan)
            if hour in old:
                known = old[hour][0].shape[1]
                baseline[:, :known], spread[:, :known] = old[hour]
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
                baseline[i, columns], spread[i, columns] = np.nan, np.nan
                if some.any():
                    found = usual(COMPARED[i], over[some], under[some])
                    baseline[i, columns[some]], spread[i, columns[some]] = found
            self._kept[hour] = baseline, spread
        return self._kept
