"""What the sparklines show: the last 60 minutes from the panes, so a board that has just started has them too. Pure."""

from typing import Final

import numpy as np

from streamer.board.answer import Samples
from streamer.metrics.catalogue import METRICS, Term
from streamer.metrics.comparison.slices import Slices
from streamer.metrics.grouping import Places
from streamer.panes.store import SIZES, Store

POINTS: Final = 60
#: each point is of this many minutes, as the number beside it
_WINDOW: Final = 15
#: CSAT is of the last 24 h, which moves by slices of 15 min
_DAY_SLICES: Final = 96
_DAY_POINTS: Final = 5
_MILLISECONDS: Final = 1000
#: metrics whose usual is drawn as a band, the family that holds the last 15 minutes, and its own labels
_BANDS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "abandon_ratio": ("abandon_ratio", {"short": "included"}),
    "first_response": ("first_response_mean_seconds", {}),
}

Trend = list[float | None]


def _terms(name: str, **labels: str) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    (series,) = (
        s for metric in METRICS if metric.name == name for s in metric.series if labels.items() <= set(s.labels)
    )
    (first, *_) = series.numerator
    return series.numerator, series.denominator or (Term(first.row),)


_LEVEL = _terms("service_level_ratio", formula="offered")
_ABANDONED = _terms("abandon_ratio", short="included")
_FIRST = (Term(_terms("first_response")[0][0].row, sums=True),), _terms("first_response")[1]
_CSAT = _terms("csat_ratio", kind="csat")


def trends(store: Store, places: Places, at: int) -> dict[str, dict[str, Trend]]:
    """Return points of the last hour up to the instant `at` (ms) by metric and queue; all queues are the queue "".

    Durations are means, in seconds. None: no data.
    """
    minute, quarter = at // SIZES[0], at // SIZES[1]
    minutes = Slices(0, (*_LEVEL, *_ABANDONED, *_FIRST), single=True)
    minutes.move(store, places, minute - POINTS - _WINDOW + 2, minute)
    quarters = Slices(1, _CSAT, single=True)
    quarters.move(store, places, quarter - _DAY_POINTS - _DAY_SLICES + 2, quarter)
    return {
        "service_level_ratio": _series(minutes, places, 0, _WINDOW),
        "abandon_ratio": _series(minutes, places, 2, _WINDOW),
        "first_response": _series(minutes, places, 4, _WINDOW, unit=_MILLISECONDS),
        "csat_ratio": _series(quarters, places, 0, _DAY_SLICES),
    }


def _series(slices: Slices, places: Places, first: int, window: int, unit: int = 1) -> dict[str, Trend]:
    found = {}
    sums = slices.data[first : first + 2]
    running = np.cumsum(np.concatenate((np.zeros_like(sums[..., :1]), sums), axis=-1), axis=-1)
    over, under = running[..., window:] - running[..., :-window]
    for column, place in enumerate(slices.places.tolist()):
        by, values = places.labels[place]
        name = "".join(values)
        if by == "all" or (by == "queue" and name):
            points = zip(over[column].tolist(), under[column].tolist(), strict=True)
            found[name] = [_rounded(a / (b * unit)) if b else None for a, b in points]
    return found


def _rounded(value: float) -> float:
    """Three digits are shown and more cannot be seen in a line; every page gets them each minute."""
    return float(f"{value:.3g}")


def bands(samples: Samples) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the usual, less and plus its spread, by metric and queue: the spread is what the score was divided by."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for metric, (family, own) in _BANDS.items():
        bands_of: dict[str, tuple[float, float]] = {}
        for (by, labels), baseline in samples.get("metric_baseline", {}).items():
            known = dict(labels)
            if known.get("metric") != metric or by not in ("all", "queue"):
                continue
            queue = known.get("queue", "")
            group = {"queue": queue} if queue else {}
            now = samples.get(family, {}).get((by, frozenset((own | group | {"window": f"{_WINDOW}m"}).items())))
            score = samples.get("metric_deviation_score", {}).get((by, labels))
            if now is not None and score:
                spread = (now - baseline) / score
                bands_of[queue] = (_rounded(max(0.0, baseline - spread)), _rounded(baseline + spread))
        found[metric] = bands_of
    return found
