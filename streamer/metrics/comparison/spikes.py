"""Scores of the last minutes against what is usual, the spikes that they make, and whose excess a spike is."""

from typing import Final, NamedTuple

import numpy as np

from streamer.metrics.catalogue.comparison import COMPARED, Compared
from streamer.metrics.comparison.baselines import PART, Floats, Mask, values_of
from streamer.panes.histogram import Ints

#: whole minutes that are looked at, starting clear
MINUTES: Final = 120
#: length of the window that is compared, in minutes
WINDOW: Final = round(PART * 60)
_SET: Final = 4.0
_CLEARED: Final = 2.0
_EVENTS_MIN: Final = 30


class Scores(NamedTuple):
    """By metric, column and window: score (NaN: none), and whether there are events enough."""

    score: Floats
    enough: Mask


def window_sums(minutes: Ints) -> Ints:
    """Return the sums of every 15 slices in a row, along the last axis."""
    running = np.cumsum(np.concatenate((np.zeros_like(minutes[..., :1]), minutes), axis=-1), axis=-1)
    sums: Ints = running[..., WINDOW:] - running[..., :-WINDOW]
    return sums


def scores(windows: Ints, usual: Floats) -> Scores:
    """Compare windows, [sum, column, window] as in `Baselines`, with what is usual in their hours (see `Baselines.of`)."""
    n = len(COMPARED)
    over, under = windows[:n], windows[n:]
    score = np.full(over.shape, np.nan)
    enough = np.zeros(over.shape, dtype=bool)
    for i, compared in enumerate(COMPARED):
        baseline, spread, samples = usual[:, i]
        now = values_of(compared, over[i], under[i])
        expected = baseline * PART if compared.is_count else baseline
        enough[i] = ((over[i] if compared.is_count else under[i]) >= _EVENTS_MIN) | (samples >= _EVENTS_MIN)
        some = spread > 0
        score[i] = np.where(some, (now - expected) / np.where(some, spread, 1.0), np.nan)
    return Scores(score, enough)


def excess(compared: Compared, over: Ints, under: Ints, baseline: Floats) -> Floats:
    """Return what windows have over the usual: events, of a ratio or mean its sum; NaN where nothing is usual."""
    if compared.is_count:
        return over - baseline * PART
    return np.where(under != 0, over * compared.scale - baseline * (under * compared.unit), 0.0)


def spiking(score: Floats, enough: Mask) -> Mask:
    """Return, by metric and column, whether a spike is set after all these minutes, starting clear."""
    with np.errstate(invalid="ignore"):
        hot = (score > _SET) & enough
        cold = score < _CLEARED
    state = np.zeros(score.shape[:2], dtype=bool)
    for i in range(1, score.shape[2]):
        state = (state & ~cold[:, :, i]) | (hot[:, :, i - 1] & hot[:, :, i])
    return state
