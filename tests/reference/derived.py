"""Rows made from other rows: ratios of two flows (~), shares, bounds, churn, occupancy, the live service level."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import sqrt
from typing import TYPE_CHECKING

from .windows import panes

if TYPE_CHECKING:
    from .book import Fact, Labels
    from .expose import Cell, Exposition

Z = 1.959964


def _count(exposition: Exposition, name: str, window: str, *, before: bool = False, **labels: str) -> Counter[Cell]:
    counts: Counter[Cell] = Counter()
    for (cell, own), facts in exposition.gather(name, window, before=before).items():
        if labels.items() <= dict(own).items():
            counts[cell] += sum(f.value for f in facts)
    return counts


def _ratio(exposition: Exposition, name: str, window: str, above: Counter[Cell], below: Counter[Cell]) -> None:
    for cell, n in below.items():
        if n > 0:
            exposition.add(name, cell, (), above[cell] / n, window)
            exposition.add(name + "_samples", cell, (), n, window)


def tickets_created_change_ratio(exposition: Exposition, window: str) -> None:
    """(n in W - n in the W before) / n in the W before."""
    now = _count(exposition, "tickets_created", window)
    then = _count(exposition, "tickets_created", window, before=True)
    _ratio(exposition, "tickets_created_change_ratio", window, Counter({c: now[c] - n for c, n in then.items()}), then)


def resolution_ratio(exposition: Exposition, window: str) -> None:
    """tickets_solved{tickets} / tickets_created, each at its own time."""
    solved = _count(exposition, "tickets_solved", window, unit="tickets")
    _ratio(exposition, "resolution_ratio", window, solved, _count(exposition, "tickets_created", window))


def resolutions_per_conversation_ratio(exposition: Exposition, window: str) -> None:
    """tickets_solved{tickets} / tickets that got their first human reply."""
    solved = _count(exposition, "tickets_solved", window, unit="tickets")
    replied: Counter[Cell] = Counter()
    for (cell, _), facts in exposition.gather("first_response", window).items():
        replied[cell] += len(facts)
    _ratio(exposition, "resolutions_per_conversation_ratio", window, solved, replied)


def topic_share_ratio(exposition: Exposition, window: str) -> None:
    """Share of all created tickets of the group."""
    created = _count(exposition, "tickets_created", window)
    for (cell, labels), facts in exposition.gather("tickets_by_topic", window).items():
        exposition.add("topic_share_ratio", cell, labels, len(facts) / created[cell], window)
        exposition.add("topic_share_ratio_samples", cell, labels, created[cell], window)


def churn_ratio(exposition: Exposition, window: str) -> None:
    """Churned in W / active at its start (active now - joined in W + churned in W)."""
    _churn(exposition, window, "churn_ratio")


def retention_ratio(exposition: Exposition, window: str) -> None:
    """1 - churn_ratio."""
    _churn(exposition, window, "retention_ratio")


def _churn(exposition: Exposition, window: str, name: str) -> None:
    churned = _count(exposition, "customers_churned", window)
    joined = _count(exposition, "customers_joined", window)
    active = exposition.totals("customers_active")
    at_start = Counter({c: active[c] - joined[c] + churned[c] for c in {*churned, *joined, *active}})
    stayed = Counter({c: n - churned[c] for c, n in at_start.items()})
    _ratio(exposition, name, window, churned if name == "churn_ratio" else stayed, at_start)


def csat_lower_bound_ratio(exposition: Exposition, window: str) -> None:
    _wilson(exposition, window, "csat_lower_bound_ratio", -1)


def csat_upper_bound_ratio(exposition: Exposition, window: str) -> None:
    _wilson(exposition, window, "csat_upper_bound_ratio", 1)


def _wilson(exposition: Exposition, window: str, name: str, sign: int) -> None:
    """Wilson 95 % interval of csat_ratio."""
    for (cell, labels), facts in exposition.gather("csat_ratio", window).items():
        n, good = len(facts), sum(f.value for f in facts)
        p = good / n
        middle = p + Z * Z / (2 * n)
        spread = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
        exposition.add(name, cell, labels, (middle + sign * spread) / (1 + Z * Z / n), window)
        exposition.add(name + "_samples", cell, labels, n, window)


def nps_margin(exposition: Exposition, window: str) -> None:
    """100 z sqrt((p + d - (p - d)^2) / n)."""
    for (cell, _), facts in exposition.gather("nps_score", window).items():
        n = len(facts)
        p, d = sum(f.value == 1 for f in facts) / n, sum(f.value == -1 for f in facts) / n
        exposition.add("nps_margin", cell, (), 100 * Z * sqrt((p + d - (p - d) ** 2) / n), window)


def agent_occupancy_ratio(exposition: Exposition, window: str) -> None:
    """(on_contact + wrap_up) time / (those + available) time inside the window up to T; samples in seconds."""
    size, first, _ = panes(window, exposition.at, exposition.config.zone)
    busy: Counter[Cell] = Counter()
    whole: Counter[Cell] = Counter()
    for span in exposition.book.spans:
        inside = max(0, min(span.end, exposition.at) - max(span.start, first * size))
        for cell in exposition.cells(span.group):
            whole[cell] += inside
            busy[cell] += inside if span.busy else 0
    for cell, millis in whole.items():
        if millis:
            exposition.add("agent_occupancy_ratio", cell, (), busy[cell] / millis, window)
            exposition.add("agent_occupancy_ratio_samples", cell, (), millis / 1000, window)


def live_service_level(exposition: Exposition, window: str, gathered: dict[tuple[Cell, Labels], list[Fact]]) -> None:
    """`live`: answered within T / (all + those of queue_waiting_over_target)."""
    live = (("formula", "live"),)
    good: Counter[Cell] = Counter()
    whole: Counter[Cell] = Counter()
    for (cell, labels), facts in gathered.items():
        if labels == live:
            good[cell], whole[cell] = sum(f.value for f in facts), len(facts)
    waiting: dict[Cell, int] = defaultdict(int)
    for (cell, _), items in exposition.items("queue_waiting").items():
        waiting[cell] += exposition.over("queue_waiting", items)
    for cell in {*whole, *waiting}:
        n = whole[cell] + waiting[cell]
        if n:
            exposition.add("service_level_ratio", cell, live, good[cell] / n, window)
            exposition.add("service_level_ratio_samples", cell, live, n, window)
