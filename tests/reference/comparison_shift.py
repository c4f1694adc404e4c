"""satisfaction_shift, satisfaction_shift_timestamp_seconds: a two-sided CUSUM on the hours' mean satisfaction."""

from __future__ import annotations

from statistics import fmean, pstdev
from typing import TYPE_CHECKING

from .config import HOUR
from .surveys import CLASSED
from .windows import pane_of

if TYPE_CHECKING:
    from .expose import Cell, Exposition

WINDOW, FIRST, SHOWN = 30 * 24, 7 * 24, 24  # hours
K, H = 0.5, 5.0  # standard deviations


def change_points(means: dict[int, float], begin: int) -> list[int] | None:
    """The hours in which one of the two sums goes past h; None: the 7 d from `begin` have no spread to measure by."""
    hours = sorted(means)
    first = [means[h] for h in hours if h < begin + FIRST]
    if len(first) < 2 or max(first) == min(first):
        return None
    middle, deviation = fmean(first), pstdev(first)
    up = down = 0.0
    found = []
    for hour in hours:
        z = (means[hour] - middle) / deviation
        higher, lower = max(0.0, up + z - K), max(0.0, down - z - K)
        if (higher > H >= up) or (lower > H >= down):
            found.append(hour)
        up, down = higher, lower
    return found


def put_shifts(exposition: Exposition) -> None:
    now = exposition.at // HOUR
    values: dict[Cell, dict[int, list[int]]] = {}
    for fact in exposition.facts["csat_mean_ratio"]:
        hour = pane_of(fact.at, HOUR, timed=False)
        if dict(fact.labels)["kind"] in CLASSED and now - WINDOW < hour <= now:
            for cell in exposition.cells(fact.group):
                values.setdefault(cell, {}).setdefault(hour, []).append(fact.value)
    for cell, hours in values.items():
        found = change_points({hour: sum(xs) / len(xs) / 1e6 for hour, xs in hours.items()}, now - WINDOW + 1)
        if found is None:
            continue
        exposition.add("satisfaction_shift", cell, (), int(bool(found) and exposition.at < (found[-1] + SHOWN) * HOUR))
        if found:
            exposition.add("satisfaction_shift_timestamp_seconds", cell, (), found[-1] * HOUR / 1000)
