"""Scores of the last minutes against what is usual, the spikes that they make, and whose excess a spike is."""

from typing import Final, NamedTuple

import numpy as np

from streamer.metrics.catalogue import Kind
from streamer.metrics.catalogue.comparison import COMPARED, Compared
from streamer.metrics.comparison.baselines import PART, Floats, Mask, Usual, values_of
from streamer.panes.histogram import Ints

#: whole minutes that are looked at, starting clear
MINUTES: Final = 120
#: length of the window that is compared, in minutes
WINDOW: Final = round(PART * 60)
_SET: Final = 4.0
_CLEARED: Final = 2.0
_EVENTS_MIN: Final = 30
_PER_HOUR: Final = 60


class Scores(NamedTuple):
    """By metric, column and window: score (NaN: none), whether a spike begins with it, and whether beyond chance."""

    score: Floats
    begins: Mask
    confirmed: Mask


def window_sums(minutes: Ints) -> Ints:
    """Return the sums of every 15 slices in a row, along the last axis."""
    running = np.cumsum(np.concatenate((np.zeros_like(minutes[..., :1]), minutes), axis=-1), axis=-1)
    sums: Ints = running[..., WINDOW:] - running[..., :-WINDOW]
    return sums


def scores(windows: Ints, usual: Floats, hour: Ints, minute: Ints) -> Scores:
    """Compare windows, [sum, column, window] as in `Baselines`, with what is usual in their hours.

    `usual` is [field, metric, column, hour] (see `Baselines.of`); `hour` is the place of each window's hour in it, and
    `minute` the number in that hour of the window's last minute.
    """
    n = len(COMPARED)
    over, under = windows[:n], windows[n:]
    score = np.full(over.shape, np.nan)
    begins, confirmed = np.zeros((2, *over.shape), dtype=bool)
    for i, compared in enumerate(COMPARED):
        baseline, spread, samples = (field[:, hour] for field in usual[:3, i])
        now = values_of(compared, over[i], under[i])
        expected = baseline * PART if compared.is_count else baseline
        some = spread > 0
        score[i] = np.where(some, (now - expected) / np.where(some, spread, 1.0), np.nan)
        enough = ((over[i] if compared.is_count else under[i]) >= _EVENTS_MIN) | (samples >= _EVENTS_MIN)
        with np.errstate(invalid="ignore"):
            past = (score[i] > _SET) & enough
        begins[i, :, 1:] = past[:, 1:] & past[:, :-1]
        column, at = np.nonzero(begins[i])
        own = Usual(*usual[:, i, column, hour[at]])
        confirmed[i, column, at] = _beyond_chance(compared, over[i, column, at], under[i, column, at], own, minute[at])
    return Scores(score, begins, confirmed)


def _beyond_chance(compared: Compared, over: Ints, under: Ints, usual: Usual, minute: Ints) -> Mask:
    """Return whether windows are above the usual by more than hours differ and so few events vary, both together.

    The score alone holds 15 minutes against how hours differ, and against the mean of an hour in which the level may rise.
    """
    now, part = values_of(compared, over, under), PART if compared.is_count else 1.0
    # from the middle of the hour to that of the window, in hours
    shift = (minute + 1 - WINDOW / 2) / _PER_HOUR - 0.5
    level = usual.baseline + np.abs(shift) * (np.where(shift < 0, usual.before, usual.after) - usual.baseline)
    return now - level * part > _SET * np.hypot(usual.deviation * part, _standard_error(compared, over, under))


def _standard_error(compared: Compared, over: Ints, under: Ints) -> Floats:
    """Return how much chance makes of values: as if events came independently, and durations were exponential."""
    if compared.is_count:
        return np.sqrt(over)
    n = np.maximum(under, 1)
    if compared.kind is Kind.RATIO:
        return np.sqrt(over) / n
    # a duration or number has a deviation of its own size; an answer's 1, 0 or -1 one of at most 1
    each = compared.scale if compared.kind is Kind.MEAN else values_of(compared, over, under)
    return each / np.sqrt(n)


def excess(compared: Compared, over: Ints, under: Ints, baseline: Floats) -> Floats:
    """Return what windows have over the usual: events, of a ratio or mean its sum; NaN where nothing is usual."""
    if compared.is_count:
        return over - baseline * PART
    return np.where(under != 0, over * compared.scale - baseline * (under * compared.unit), 0.0)


def spiking(score: Floats, begins: Mask) -> Mask:
    """Return, by metric, column and minute, whether a spike is set after that minute, starting clear."""
    with np.errstate(invalid="ignore"):
        cold = score < _CLEARED
    state = np.zeros((*cold.shape[:2], cold.shape[2] + 1), dtype=bool)
    for i in range(cold.shape[2]):
        state[..., i + 1] = (state[..., i] & ~cold[..., i]) | begins[..., i]
    return state[..., 1:]
