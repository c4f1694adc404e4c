"""Metrics that are more than a division of two sums."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from streamer.metrics import formulas
from streamer.metrics.catalogue import Metric, Series, row
from streamer.metrics.plan import slices
from streamer.metrics.windows import ALWAYS

if TYPE_CHECKING:
    from streamer.metrics.evaluate import Block, Numbers

_JOINED, _CHURNED = row("customers_joined"), row("customers_churned")
_ACTIVE = row("customers_active")
_WAITING = row("queue_waiting")


def _change(view: "Numbers", metric: Metric, series: Series, windows: tuple[str, ...]) -> Iterator["Block"]:
    now = view.windows.stack(windows).of(series.numerator)
    before = np.stack([view.windows.sums(window, before=True).of(series.numerator) for window in windows])
    yield from view.ratio(metric, series.labels, windows, now - before, before)


def _service_level(view: "Numbers", metric: Metric, series: Series, windows: tuple[str, ...]) -> Iterator["Block"]:
    stack = view.windows.stack(windows)
    under = stack.of(series.denominator)
    if ("formula", "live") in series.labels:
        under = under + view.stocks.over[view.stocks.of(_WAITING)]
    yield from view.ratio(metric, series.labels, windows, stack.of(series.numerator), under)


def _bounds(view: "Numbers", metric: Metric, series: Series, windows: tuple[str, ...]) -> Iterator["Block"]:
    stack = view.windows.stack(windows)
    good, all_ = stack.each((series.numerator,)), stack.each((series.denominator,))
    shown = all_ > 0
    values = formulas.wilson(good, all_, shown, upper="upper" in metric.name)
    families = [(metric.name, (), values), (f"{metric.name}_samples", (), all_)]
    yield from view.blocks(metric, [series.labels], windows, shown, families)


def _nps_margin(view: "Numbers", metric: Metric, series: Series, windows: tuple[str, ...]) -> Iterator["Block"]:
    count = view.windows.stack(windows).count
    promoters, passives, detractors = (
        count[:, [row("nps_share", **{"class": c})]] for c in ("promoter", "passive", "detractor")
    )
    n = promoters + passives + detractors
    values = formulas.nps_margin(promoters, detractors, n)
    yield from view.blocks(metric, [series.labels], windows, n > 0, [(metric.name, (), values)])


def _churn(view: "Numbers", metric: Metric, series: Series, windows: tuple[str, ...]) -> Iterator["Block"]:
    count = view.windows.stack(windows).count
    active = view.windows.sums(ALWAYS).total[_ACTIVE]
    churned = count[:, _CHURNED]
    at_start = active - count[:, _JOINED] + churned
    over = at_start - churned if metric.name == "retention_ratio" else churned
    yield from view.ratio(metric, series.labels, windows, over, np.maximum(at_start, 0))


def _occupancy(view: "Numbers", metric: Metric, series: Series, windows: tuple[str, ...]) -> Iterator["Block"]:
    """Add to the summed time the open piece of each agent's interval, as far as it lies in the window."""
    stack = view.windows.stack(windows)
    zone = view.settings.time.zone
    starts = [formulas.slice_start(*slices(window, view.at, zone)[:2]) for window in windows]
    over, under = (
        stack.of(terms) + np.stack([view.stocks.agent_time(terms[0].row, start) for start in starts])
        for terms in (series.numerator, series.denominator)
    )
    yield from view.ratio(metric, series.labels, windows, over, under)


SPECIAL = {
    "tickets_created_change_ratio": _change,
    "service_level_ratio": _service_level,
    "csat_lower_bound_ratio": _bounds,
    "csat_upper_bound_ratio": _bounds,
    "nps_margin": _nps_margin,
    "churn_ratio": _churn,
    "retention_ratio": _churn,
    "agent_occupancy_ratio": _occupancy,
}
