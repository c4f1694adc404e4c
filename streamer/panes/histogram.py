"""Mergeable log-bucket histograms: 32 buckets an octave, relative error at most 1.1 % (metrics.md, Quantiles).

A bucket is numbered by an integer. Durations: 0 for 0 ms, 1 + i for 2^(i/32) <= v < 2^((i+1)/32). Unit-less values: the
value itself below 64, then 64 + i - 192 for the same i (2^(192/32) is 64).
"""

from decimal import Decimal, localcontext
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt

PER_OCTAVE: Final = 32
#: 2^40 ms are 34 years: no duration that an event can give is longer
_OCTAVES: Final = 40
EXACT: Final = 64
_EXACT_BUCKETS: Final = 6 * PER_OCTAVE
#: bits that hold any bucket number
BUCKET_BITS: Final = 11

Ints = npt.NDArray[np.int64]


def _edges() -> Ints:
    """Return the smallest integer of every log bucket; integers, since a logarithm in binary is not exact at an edge."""
    with localcontext() as context:
        context.prec = 60
        step = Decimal(2) ** (Decimal(1) / PER_OCTAVE)
        edges = [ceil(Decimal(2) ** (i // PER_OCTAVE) * step ** (i % PER_OCTAVE)) for i in range(_OCTAVES * PER_OCTAVE)]
    return np.array(edges, dtype=np.int64)


_EDGES: Final = _edges()


def log_bucket(values: Ints) -> Ints:
    """Return i with 2^(i/32) <= v < 2^((i+1)/32) for each v >= 1; of the buckets no integer lies in, the last counts."""
    return np.searchsorted(_EDGES, values, side="right").astype(np.int64) - 1


def duration_bucket(values: Ints) -> Ints:
    """Return the bucket numbers of durations in whole milliseconds, at least 0."""
    return np.where(values > 0, log_bucket(np.maximum(values, 1)) + 1, 0)


def value_bucket(values: Ints) -> Ints:
    """Return the bucket numbers of unit-less whole numbers, at least 0."""
    logs = log_bucket(np.maximum(values, 1)) + (EXACT - _EXACT_BUCKETS)
    return np.where(values < EXACT, values, logs)


_SHOWN: Final = 2.0 ** ((np.arange(_OCTAVES * PER_OCTAVE) + 0.5) / PER_OCTAVE)


def shown_duration(buckets: Ints) -> npt.NDArray[np.float64]:
    """Return what is shown for a duration's bucket, in seconds: the middle of the bucket, 2^((i+0.5)/32) ms."""
    return np.where(buckets > 0, _SHOWN[np.maximum(buckets - 1, 0)] / 1000, 0.0)


def shown_value(buckets: Ints) -> npt.NDArray[np.float64]:
    """Return what is shown for a unit-less value's bucket: exact below 64."""
    logs = np.clip(buckets - (EXACT - _EXACT_BUCKETS), 0, len(_SHOWN) - 1)
    return np.where(buckets < EXACT, buckets.astype(np.float64), _SHOWN[logs])
