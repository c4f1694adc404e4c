"""Panes and open work to numbers at an instant: what `/metrics`, the JSON API, `top` and `replay` show.

One `Snapshot` is a set of panes (of one partition, or of all added up), the names of groups and open rows, and the open
work. What `evaluate` gives is a pure function of it, the settings and T; the `Windows` that it may be handed only save it
the work of adding up again what was added up before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streamer.metrics import formulas
from streamer.metrics.catalogue import ACTIVITY, FIXED_ROWS, METRICS, Kind, Metric, Series, row
from streamer.metrics.grouping import Places
from streamer.metrics.plan import longest, slices, windows_of
from streamer.metrics.stock import Stocks
from streamer.metrics.windows import ALWAYS, Rows, Sums, Windows
from streamer.panes.histogram import Ints, shown_duration, shown_value
from streamer.panes.store import Store
from streamer.panes.work import Work
from streamer.settings import Settings

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
MILLISECONDS = 1000


@dataclass(frozen=True)
class Snapshot:
    """Everything that an evaluation reads."""

    store: Store
    groups: list[tuple[str, ...]]
    open_rows: list[tuple[str, tuple[str, ...]]]
    work: Work


class Block(NamedTuple):
    """Numbers of one family with one set of own labels (window among them): a value a place, and which are shown."""

    family: str
    metric: Metric
    labels: tuple[tuple[str, str], ...]
    places: Places
    values: Floats | Ints
    shown: Mask


def evaluate(snapshot: Snapshot, settings: Settings, at: int, windows: Windows | None = None) -> Iterator[Block]:
    """Return every number at the instant `at` (ms; shown as of its whole second), block by block.

    `windows` are those that were told all changes of the snapshot's panes; without them all is added up from the panes.
    """
    windows = windows or Windows(settings)
    windows.move(snapshot.store, Rows(snapshot.groups, snapshot.open_rows), at)
    view = _View(snapshot, settings, at, windows)
    wanted = settings.exposition.metrics
    shown = settings.exposition.windows
    for metric in METRICS:
        if wanted is not None and metric.name not in wanted:
            continue
        if metric.kind is Kind.STOCK:
            yield from view.stock(metric)
        elif metric.kind is Kind.LEVEL:
            yield from view.level(metric)
        else:
            for window in windows_of(metric, settings):
                if shown is None or window in shown:
                    yield from view.windowed(metric, window)


class _View:
    """The numbers of all groupings at one instant."""

    def __init__(self, snapshot: Snapshot, settings: Settings, at: int, windows: Windows) -> None:
        self.settings = settings
        self.at = at
        self.windows = windows
        self.places = windows.places
        self.width = windows.places.width
        self.nowhere = np.zeros(self.width, dtype=bool)
        active = windows.sums("24h").count
        self.active: dict[str, Mask] = {kind: active[number] > 0 for kind, number in ACTIVITY.items()}
        self.active["contacts"] = self.active["tickets"] | self.active["queue"]
        self.stocks = Stocks(snapshot.work, windows.places, at)
        self._families: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
        for i, (name, values) in enumerate(snapshot.open_rows):
            self._families.setdefault(name, []).append((FIXED_ROWS + i, values))

    def zero(self, metric: Metric, series: Series) -> Mask:
        """Return at which places a zero of this series is shown; never of one that an event left unnamed."""
        if not metric.zero or any(not value for _, value in series.labels):
            return self.nowhere
        return self.active[metric.zero]

    def block(self, family: str, metric: Metric, labels: Any, values: Any, shown: Mask) -> Iterator[Block]:
        """Yield the block if it shows anything."""
        if metric.only_by is not None:
            shown = shown & self.places.by(metric.only_by)
        if shown.any():
            yield Block("support_" + family, metric, labels, self.places, values, shown)

    # ---- windows ------------------------------------------------------------------------------------------------

    def windowed(self, metric: Metric, window: str) -> Iterator[Block]:
        """Yield the blocks of a metric in one window."""
        sums = self.windows.sums(window)
        if metric.open is not None:
            yield from self._open(metric, window, sums)
            return
        special = _SPECIAL.get(metric.name)
        for series in metric.series:
            labels = (*series.labels, ("window", window))
            if special is not None:
                yield from special(self, metric, series, window, labels)
            elif metric.kind is Kind.COUNT:
                values = sums.of(series.numerator)
                yield from self.block(metric.name, metric, labels, values, (values != 0) | self.zero(metric, series))
            elif metric.kind in (Kind.DURATION, Kind.VALUE):
                yield from self._distribution(metric, series.numerator[0].row, sums, labels)
            else:
                yield from self.ratio(metric, labels, sums.of(series.numerator), sums.of(series.denominator))

    def ratio(self, metric: Metric, labels: Any, over: Any, under: Any, where: Mask | None = None) -> Iterator[Block]:
        """Yield a ratio or mean and its samples, where the denominator is not 0 (and only `where`)."""
        shown = under != 0 if where is None else (under != 0) & where
        if not shown.any():
            return
        values = formulas.divided(over, under, shown)
        if metric.scale != 1.0:
            values = values * metric.scale
        yield from self.block(metric.name, metric, labels, values + metric.offset, shown)
        samples = under if metric.samples_scale == 1.0 else under * metric.samples_scale
        yield from self.block(f"{metric.name}_samples", metric, labels, samples, shown)

    def _distribution(self, metric: Metric, row_: int, sums: Sums, labels: Any) -> Iterator[Block]:
        count, total = sums.count[row_], sums.total[row_]
        shown = count > 0
        if not shown.any():
            return
        seconds = metric.kind is Kind.DURATION
        for q in self.settings.exposition.quantiles:
            found = sums.quantile(row_, q)
            values = shown_duration(found) if seconds else shown_value(found)
            name = f"{metric.name}_seconds" if seconds else metric.name
            yield from self.block(name, metric, (*labels, ("quantile", _number(q))), values, shown)
        unit = MILLISECONDS if seconds else 1
        mean = f"{metric.name}_mean_seconds" if seconds else f"{metric.name}_mean"
        yield from self.block(mean, metric, labels, formulas.divided(total, count * unit, shown), shown)
        yield from self.block(f"{metric.name}_samples", metric, labels, count, shown)

    def _open(self, metric: Metric, window: str, sums: Sums) -> Iterator[Block]:
        how = metric.open
        assert how is not None
        numerator = sums.total if how.sums else sums.count
        denominator = sums.total if how.over_sums else sums.count
        for values, stored in self._shown_values(metric).items():
            labels = (*zip(metric.open_labels, values, strict=True), ("window", window))
            over = self._rows(numerator, how.family, stored)
            if metric.kind is Kind.COUNT:
                yield from self.block(metric.name, metric, labels, over, over != 0)
            elif how.over_rows:
                yield from self.ratio(metric, labels, over, sums.of(how.over_rows), over != 0)
            else:
                yield from self.ratio(metric, labels, over, self._rows(denominator, how.over, stored))

    def _rows(self, table: Ints, family: str, values: list[tuple[str, ...]]) -> Ints:
        numbers = [number for number, labels in self._families.get(family, ()) if labels in values]
        result: Ints = table[numbers].sum(axis=0)
        return result

    def _shown_values(self, metric: Metric) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
        """Return label values as shown -> as stored: the top ones of the longest window, the rest `other`."""
        how = metric.open
        assert how is not None
        counts = self.windows.sums(longest(windows_of(metric, self.settings))).count
        # every grouping holds all of the groups once, so any one of them will do
        everywhere = self.places.grouping == 0
        sizes: dict[tuple[str, ...], int] = {}
        for number, labels in self._families.get(how.over or how.family, ()):
            sizes[labels] = sizes.get(labels, 0) + int(counts[number][everywhere].sum())
        ranked = sorted((v for v in sizes if any(v)), key=lambda v: (-sizes[v], [x.encode() for x in v]))
        top = ranked[: how.top] if how.top else ranked
        shown: dict[tuple[str, ...], list[tuple[str, ...]]] = {v: [v] for v in top}
        for v in sizes:
            if not any(v):
                shown.setdefault(v, []).append(v)
        rest = ranked[len(top) :]
        if rest:
            shown.setdefault(("other",) * len(rest[0]), []).extend(rest)
        return shown

    # ---- open work and levels -----------------------------------------------------------------------------------

    def level(self, metric: Metric) -> Iterator[Block]:
        """Yield a running sum."""
        values = self.windows.sums(ALWAYS).of(metric.series[0].numerator)
        yield from self.block(metric.name, metric, (), values, values != 0)

    def stock(self, metric: Metric) -> Iterator[Block]:
        """Yield the number of open items, the age of the oldest, and how many are over target."""
        stocks = self.stocks
        for series in metric.series:
            place = stocks.of(series.numerator[0].row)
            count = stocks.count[place]
            shown = (count > 0) | self.zero(metric, series)
            if not shown.any():
                continue
            yield from self.block(metric.name, metric, series.labels, count, shown)
            ages = (self.at - stocks.oldest[place]) / MILLISECONDS
            yield from self.block(f"{metric.name}_oldest_age_seconds", metric, series.labels, ages, count > 0)
            if metric.due:
                yield from self.block(f"{metric.name}_over_target", metric, series.labels, stocks.over[place], shown)
            if metric.name == "sla_open":
                yield from self.block("sla_open_at_risk", metric, series.labels, stocks.risk[place], shown)
        if metric.name == "tickets_backlog":
            yield from self._backlog_ages(metric)

    def _backlog_ages(self, metric: Metric) -> Iterator[Block]:
        keys, counts = self.stocks.backlog_ages()
        count = sum(self.stocks.count[self.stocks.of(series.numerator[0].row)] for series in metric.series)
        assert not isinstance(count, int)
        shown = count > 0
        for q in self.settings.exposition.quantiles:
            values = shown_duration(formulas.quantile(keys, counts, self.width, q))
            yield from self.block("tickets_backlog_age_seconds", metric, (("quantile", _number(q)),), values, shown)
        yield from self.block("tickets_backlog_age_samples", metric, (), count, shown)


def _number(q: float) -> str:
    return f"{q:g}"


# ---- metrics that are more than a division of two sums --------------------------------------------------------------

_JOINED, _CHURNED = row("customers_joined"), row("customers_churned")
_ACTIVE = row("customers_active")
_WAITING = row("queue_waiting")


def _change(view: _View, metric: Metric, series: Series, window: str, labels: Any) -> Iterator[Block]:
    now = view.windows.sums(window).of(series.numerator)
    before = view.windows.sums(window, before=True).of(series.numerator)
    yield from view.ratio(metric, labels, now - before, before)


def _service_level(view: _View, metric: Metric, series: Series, window: str, labels: Any) -> Iterator[Block]:
    sums = view.windows.sums(window)
    under = sums.of(series.denominator)
    if ("formula", "live") in series.labels:
        under = under + view.stocks.over[view.stocks.of(_WAITING)]
    yield from view.ratio(metric, labels, sums.of(series.numerator), under)


def _bounds(view: _View, metric: Metric, series: Series, window: str, labels: Any) -> Iterator[Block]:
    sums = view.windows.sums(window)
    good, all_ = sums.of(series.numerator), sums.of(series.denominator)
    shown = all_ > 0
    values = formulas.wilson(good, all_, shown, upper="upper" in metric.name)
    yield from view.block(metric.name, metric, labels, values, shown)
    yield from view.block(f"{metric.name}_samples", metric, labels, all_, shown)


def _nps_margin(view: _View, metric: Metric, _series: Series, window: str, labels: Any) -> Iterator[Block]:
    count = view.windows.sums(window).count
    promoters, passives, detractors = (
        count[row("nps_share", **{"class": c})] for c in ("promoter", "passive", "detractor")
    )
    n = promoters + passives + detractors
    yield from view.block(metric.name, metric, labels, formulas.nps_margin(promoters, detractors, n), n > 0)


def _churn(view: _View, metric: Metric, _series: Series, window: str, labels: Any) -> Iterator[Block]:
    sums = view.windows.sums(window)
    active = view.windows.sums(ALWAYS).total[_ACTIVE]
    at_start = active - sums.count[_JOINED] + sums.count[_CHURNED]
    churned = sums.count[_CHURNED]
    over = at_start - churned if metric.name == "retention_ratio" else churned
    yield from view.ratio(metric, labels, over, np.maximum(at_start, 0))


def _occupancy(view: _View, metric: Metric, series: Series, window: str, labels: Any) -> Iterator[Block]:
    """Add to the summed time the open piece of each agent's interval, as far as it lies in the window."""
    sums = view.windows.sums(window)
    size, low, _ = slices(window, view.at, view.settings.time.zone)
    start = formulas.slice_start(size, low)
    over, under = (
        sums.of(terms) + view.stocks.agent_time(terms[0].row, start) for terms in (series.numerator, series.denominator)
    )
    yield from view.ratio(metric, labels, over, under)


_SPECIAL = {
    "tickets_created_change_ratio": _change,
    "service_level_ratio": _service_level,
    "csat_lower_bound_ratio": _bounds,
    "csat_upper_bound_ratio": _bounds,
    "nps_margin": _nps_margin,
    "churn_ratio": _churn,
    "retention_ratio": _churn,
    "agent_occupancy_ratio": _occupancy,
}
