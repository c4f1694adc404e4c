"""Scores of the last minutes against what is usual, the spikes that they make, and whose excess a spike is."""

from typing import Final, NamedTuple

import numpy as np

from streamer.metrics.catalogue.comparison import COMPARED
from streamer.metrics.comparison.baselines import Floats, Mask, values_of
from streamer.panes.histogram import Ints

#: whole minutes that are looked at, starting clear
MINUTES: Final = 120
#: length of the window that is compared, in minutes, and its part of an hour
WINDOW: Final = 15
_PART: Final = WINDOW / 60
#: a count's noise grows with the root of time
_NOISE: Final = _PART**0.5
_SET: Final = 4.0
_CLEARED: Final = 2.0
_EVENTS_MIN: Final = 30


class Scores(NamedTuple):
    """By metric, column and window: score (NaN: none), what is over expectation, and whether there are events enough."""

    score: Floats
    excess: Floats
    enough: Mask


def window_sums(minutes: Ints) -> Ints:
    """Return the sums of every 15 slices in a row, along the last axis."""
    running = np.cumsum(np.concatenate((np.zeros_like(minutes[..., :1]), minutes), axis=-1), axis=-1)
    sums: Ints = running[..., WINDOW:] - running[..., :-WINDOW]
    return sums


def scores(windows: Ints, baseline: Floats, spread: Floats) -> Scores:
    """Compare windows, [sum, column, window] as in `Baselines`, with what is usual in their hours."""
    n = len(COMPARED)
    over, under = windows[:n], windows[n:]
    score, excess = np.full((2, *over.shape), np.nan)
    enough = np.zeros(over.shape, dtype=bool)
    for i, compared in enumerate(COMPARED):
        now = values_of(compared, over[i], under[i])
        expected, noise = baseline[i], spread[i]
        if compared.is_count:
            expected, noise = expected * _PART, noise * _NOISE
            excess[i] = now - expected
            enough[i] = (now >= _EVENTS_MIN) | (expected >= _EVENTS_MIN)
        else:
            excess[i] = over[i] * compared.scale - expected * (under[i] * compared.unit)
            enough[i] = under[i] >= _EVENTS_MIN
        some = noise > 0
        score[i] = np.where(some, (now - expected) / np.where(some, noise, 1.0), np.nan)
    return Scores(score, excess, enough)


def spiking(score: Floats, enough: Mask) -> Mask:
    """Return, by metric and column, whether a spike is set after all these minutes, starting clear."""
    with np.errstate(invalid="ignore"):
        hot = (score > _SET) & enough
        cold = score < _CLEARED
    state = np.zeros(score.shape[:2], dtype=bool)
    for i in range(1, score.shape[2]):
        state = (state & ~cold[:, :, i]) | (hot[:, :, i - 1] & hot[:, :, i])
    return state
