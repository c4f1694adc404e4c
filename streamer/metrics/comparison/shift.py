"""When satisfaction moved for good: a two-sided CUSUM of hourly means (Page 1954; metrics.md, satisfaction_shift)."""

from typing import Final

import numpy as np

from streamer.events.scales import MILLION
from streamer.metrics.comparison.baselines import Floats, Mask
from streamer.panes.histogram import Ints

#: 30 d of hours
HOURS: Final = 30 * 24
_FIRST: Final = 7 * 24
_HOURS_MIN: Final = 2
#: both in standard deviations: what is let pass an hour, and the sum at which there is a change
_K: Final = 0.5
_H: Final = 5.0


def change_points(total: Ints, count: Ints) -> tuple[Mask, Ints]:
    """Return which columns can be judged, and the last hour in which each changed (its place; -1: never).

    `total` are millionths of x and `count` answers, [column, hour] of 30 d; the first 7 d are the measure.
    """
    known = count != 0
    means = total / np.where(known, count * MILLION, 1)
    some = known[:, :_FIRST]
    n = some.sum(axis=1)
    size = np.maximum(n, 1)
    # cumsum adds in order of time whatever else is in the array: the same numbers, the same bits
    mean = np.cumsum(np.where(some, means[:, :_FIRST], 0.0), axis=1)[:, -1] / size
    squares = np.where(some, (means[:, :_FIRST] - mean[:, np.newaxis]) ** 2, 0.0)
    deviation = np.sqrt(np.cumsum(squares, axis=1)[:, -1] / size)
    highest = np.where(some, means[:, :_FIRST], -np.inf).max(axis=1)
    lowest = np.where(some, means[:, :_FIRST], np.inf).min(axis=1)
    judged = (n >= _HOURS_MIN) & (highest > lowest)
    points = np.full(len(total), -1, dtype=np.int64)
    chosen = np.flatnonzero(judged)
    if len(chosen):
        centred = means[chosen] - mean[chosen, np.newaxis]
        points[chosen] = _crossings(centred / deviation[chosen, np.newaxis], known[chosen])
    return judged, points


def _crossings(steps: Floats, known: Mask) -> Ints:
    """Return the last hour in which one of the two sums went past h from below, by column; -1 where none did."""
    points = np.full(len(steps), -1, dtype=np.int64)
    sums = np.zeros((2, len(steps)))  # of what goes up, and of what goes down
    for i in np.flatnonzero(known.any(axis=0)).tolist():
        step = np.stack((steps[:, i], -steps[:, i]))
        new = np.where(known[:, i], np.maximum(0.0, sums + step - _K), sums)
        points[((new > _H) & (sums <= _H)).any(axis=0)] = i
        sums = new
    return points
