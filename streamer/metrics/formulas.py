"""The formulas that turn sums into what is shown. Arrays have one value a coarse group."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from streamer.panes.histogram import BUCKET_BITS, Ints
from streamer.panes.store import SIZES

Floats = npt.NDArray[np.float64]
#: the 97.5 % point of the standard normal distribution, as metrics.md gives it
Z = 1.959964


def divided(over: Ints, under: Ints, shown: npt.NDArray[np.bool_]) -> Floats:
    """Return over / under where `shown`, 0 elsewhere."""
    result = np.zeros(over.shape, dtype=np.float64)
    np.divide(over, under, out=result, where=shown)
    return result


def rank(q: float, n: Ints) -> Ints:
    """Return ceil(q n), at least 1, of the quantile as it is written: 0.95 in binary, times n, may lie past a whole."""
    share = Fraction(str(q))
    return np.maximum(1, -(-n * share.numerator // share.denominator))


def quantile(buckets: Ints, counts: Ints, width: int, q: float) -> Ints:
    """Return for each of `width` coarse groups the bucket of the ceil(q n)-th smallest; 0 for a group without any.

    `buckets` ascend by (coarse group, bucket), packed as group << BUCKET_BITS | bucket.
    """
    group = buckets >> BUCKET_BITS
    starts = np.searchsorted(group, np.arange(width + 1))
    running = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))
    before = running[starts[:-1]]
    n = running[starts[1:]] - before
    place = np.searchsorted(running[1:], before + rank(q, n))
    found = n > 0
    result = np.zeros(width, dtype=np.int64)
    result[found] = buckets[place[found]] & ((1 << BUCKET_BITS) - 1)
    return result


def wilson(good: Ints, n: Ints, shown: npt.NDArray[np.bool_], *, upper: bool) -> Floats:
    """Return one end of the Wilson score interval of good / n (Wilson 1927, 95 %)."""
    size = np.where(shown, n, 1).astype(np.float64)
    p = good / size
    z2 = Z * Z
    centre = p + z2 / (2 * size)
    half = Z * np.sqrt(p * (1 - p) / size + z2 / (4 * size * size))
    bound = (centre + half if upper else centre - half) / (1 + z2 / size)
    return np.clip(bound, 0.0, 1.0)


def nps_margin(promoters: Ints, detractors: Ints, n: Ints) -> Floats:
    """Return 100 z sqrt((p + d - (p - d)^2) / n)."""
    size = np.maximum(n, 1).astype(np.float64)
    p, d = promoters / size, detractors / size
    return 100 * Z * np.sqrt(np.maximum(p + d - (p - d) ** 2, 0) / size)


def slice_start(size: int, number: int) -> int:
    """Return the instant (ms) at which a slice begins."""
    return SIZES[size] * number
