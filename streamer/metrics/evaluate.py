"""Panes and open work to numbers at an instant: what `/metrics`, the JSON API, `top` and `replay` show.

One `Snapshot` is a set of panes (of one partition, or of all added up), the names of groups and open rows, and the open
work. What `evaluate` gives is a pure function of it, the settings and T; the `Windows` that it may be handed only save it
the work of adding up again what was added up before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streamer.metrics import formulas
from streamer.metrics.catalogue import ACTIVITY, FIXED_ROWS, METRICS, Kind, Labels, Metric, Series, row
from streamer.metrics.comparison.numbers import Part, driver_rows, lifts
from streamer.metrics.comparison.segments import Groups
from streamer.metrics.grouping import Places
from streamer.metrics.plan import longest, slices, windows_of
from streamer.metrics.stock import Stocks
from streamer.metrics.windows import ALWAYS, Rows, Windows
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


def evaluate(
    snapshot: Snapshot,
    settings: Settings,
    at: int,
    windows: Windows | None = None,
    *,
    dropped: Sequence[int] = (0, 0, 0),
) -> Iterator[Block]:
    """Return every number at the instant `at` (ms; shown as of its whole second), block by block.

    `windows` are those that were told all changes of the snapshot's panes; without them all is added up from the panes.
    `dropped` are the first slices, by size, that the store still has: a comparison that reaches before them is left out.
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
            chosen = tuple(w for w in windows_of(metric, settings) if shown is None or w in shown)
            if chosen:
                yield from view.windowed(metric, chosen)
    if all(first >= bound for first, bound in zip(windows.comparison.first_slices(at), dropped, strict=True)):
        yield from view.compared(None if wanted is None else set(wanted))


class _View:
    """The numbers of all groupings at one instant."""

    def __init__(self, snapshot: Snapshot, settings: Settings, at: int, windows: Windows) -> None:
        self.snapshot = snapshot
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

    # ---- windows: arrays are by window first, then by place ---------------------------------------------------------

    def blocks(
        self, family: str, metric: Metric, labels: Labels, windows: tuple[str, ...], values: Any, shown: Mask
    ) -> Iterator[Block]:
        """Yield a block a window, of those that show anything."""
        if metric.only_by is not None:
            shown = shown & self.places.by(metric.only_by)
        name, places = "support_" + family, self.places
        for i, any_ in enumerate(np.logical_or.reduce(shown, axis=1).tolist()):
            if any_:
                yield Block(name, metric, (*labels, ("window", windows[i])), places, values[i], shown[i])

    def windowed(self, metric: Metric, windows: tuple[str, ...]) -> Iterator[Block]:
        """Yield the blocks of a metric in some windows."""
        if metric.open is not None:
            yield from self._open(metric, windows)
            return
        stack = self.windows.stack(windows)
        special = _SPECIAL.get(metric.name)
        for series in metric.series:
            labels = series.labels
            if special is not None:
                yield from special(self, metric, series, windows)
            elif metric.kind is Kind.COUNT:
                values = stack.of(series.numerator)
                shown = (values != 0) | self.zero(metric, series)
                yield from self.blocks(metric.name, metric, labels, windows, values, shown)
            elif metric.kind in (Kind.DURATION, Kind.VALUE):
                yield from self._distribution(metric, series, windows)
            else:
                yield from self.ratio(metric, labels, windows, stack.of(series.numerator), stack.of(series.denominator))

    def ratio(
        self,
        metric: Metric,
        labels: Labels,
        windows: tuple[str, ...],
        over: Ints,
        under: Ints,
        where: Mask | None = None,
    ) -> Iterator[Block]:
        """Yield a ratio or mean and its samples, where the denominator is not 0 (and only `where`)."""
        shown = under != 0 if where is None else (under != 0) & where
        if not shown.any():
            return
        values = formulas.divided(over, under, shown)
        if metric.scale != 1.0:
            values = values * metric.scale
        yield from self.blocks(metric.name, metric, labels, windows, values + metric.offset, shown)
        samples = under if metric.samples_scale == 1.0 else under * metric.samples_scale
        yield from self.blocks(f"{metric.name}_samples", metric, labels, windows, samples, shown)

    def _distribution(self, metric: Metric, series: Series, windows: tuple[str, ...]) -> Iterator[Block]:
        stack, row_, labels = self.windows.stack(windows), series.numerator[0].row, series.labels
        count, total = stack.count[:, row_], stack.total[:, row_]
        shown = count > 0
        if not shown.any():
            return
        seconds = metric.kind is Kind.DURATION
        for q in self.settings.exposition.quantiles:
            found = stack.quantile(row_, q)
            values = shown_duration(found) if seconds else shown_value(found)
            name = f"{metric.name}_seconds" if seconds else metric.name
            yield from self.blocks(name, metric, (*labels, ("quantile", _number(q))), windows, values, shown)
        unit = MILLISECONDS if seconds else 1
        mean = f"{metric.name}_mean_seconds" if seconds else f"{metric.name}_mean"
        values = formulas.divided(total, count * unit, shown)
        yield from self.blocks(mean, metric, labels, windows, values, shown)
        yield from self.blocks(f"{metric.name}_samples", metric, labels, windows, count, shown)

    def _open(self, metric: Metric, windows: tuple[str, ...]) -> Iterator[Block]:
        how = metric.open
        assert how is not None
        sums = [self.windows.sums(window) for window in windows]
        numerator = [one.total if how.sums else one.count for one in sums]
        denominator = [one.total if how.over_sums else one.count for one in sums]
        for values, stored in self._shown_values(metric).items():
            labels = tuple(zip(metric.open_labels, values, strict=True))
            over = self._rows(numerator, how.family, stored)
            if metric.kind is Kind.COUNT:
                yield from self.blocks(metric.name, metric, labels, windows, over, over != 0)
            elif how.over_rows:
                under = self.windows.stack(windows).of(how.over_rows)
                yield from self.ratio(metric, labels, windows, over, under, over != 0)
            else:
                yield from self.ratio(metric, labels, windows, over, self._rows(denominator, how.over, stored))

    def _rows(self, tables: list[Ints], family: str, values: list[tuple[str, ...]]) -> Ints:
        numbers = [number for number, labels in self._families.get(family, ()) if labels in values]
        return np.stack([table[numbers].sum(axis=0) for table in tables])

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
        # A row may be left of a state that only one order of arrival went through: only what has facts can be ranked.
        top = [v for v in ranked[: how.top] if sizes[v]] if how.top else ranked
        shown: dict[tuple[str, ...], list[tuple[str, ...]]] = {v: [v] for v in top}
        for v in sizes:
            if not any(v):
                shown.setdefault(v, []).append(v)
        rest = ranked[len(top) :]
        if rest:
            shown.setdefault(("other",) * len(rest[0]), []).extend(rest)
        return shown

    # ---- comparison ----

    def compared(self, wanted: set[str] | None) -> Iterator[Block]:
        """Yield the blocks of the comparison, family by family in the catalogue's order."""
        comparison, places, store = self.windows.comparison, self.places, self.snapshot.store
        groups = Groups(self.settings.dimensions.names, self.snapshot.groups)
        month = self.windows.sums("30d")
        parts: list[Part] = [
            *comparison.deviations(store, places, groups, self.at),
            *lifts(
                places,
                month.count,
                month.total,
                driver_rows(self.snapshot.open_rows),
                self.settings.surveys.min_samples,
            ),
            *comparison.shifts(store, places, self.at),
        ]
        for metric in METRICS:
            if wanted is None or metric.name in wanted:
                for part in parts:
                    if part.metric is metric and part.shown.any():
                        yield Block("support_" + metric.name, metric, part.labels, places, part.values, part.shown)

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


def _change(view: _View, metric: Metric, series: Series, windows: tuple[str, ...]) -> Iterator[Block]:
    now = view.windows.stack(windows).of(series.numerator)
    before = np.stack([view.windows.sums(window, before=True).of(series.numerator) for window in windows])
    yield from view.ratio(metric, series.labels, windows, now - before, before)


def _service_level(view: _View, metric: Metric, series: Series, windows: tuple[str, ...]) -> Iterator[Block]:
    stack = view.windows.stack(windows)
    under = stack.of(series.denominator)
    if ("formula", "live") in series.labels:
        under = under + view.stocks.over[view.stocks.of(_WAITING)]
    yield from view.ratio(metric, series.labels, windows, stack.of(series.numerator), under)


def _bounds(view: _View, metric: Metric, series: Series, windows: tuple[str, ...]) -> Iterator[Block]:
    stack = view.windows.stack(windows)
    good, all_ = stack.of(series.numerator), stack.of(series.denominator)
    shown = all_ > 0
    values = formulas.wilson(good, all_, shown, upper="upper" in metric.name)
    yield from view.blocks(metric.name, metric, series.labels, windows, values, shown)
    yield from view.blocks(f"{metric.name}_samples", metric, series.labels, windows, all_, shown)


def _nps_margin(view: _View, metric: Metric, series: Series, windows: tuple[str, ...]) -> Iterator[Block]:
    count = view.windows.stack(windows).count
    promoters, passives, detractors = (
        count[:, row("nps_share", **{"class": c})] for c in ("promoter", "passive", "detractor")
    )
    n = promoters + passives + detractors
    values = formulas.nps_margin(promoters, detractors, n)
    yield from view.blocks(metric.name, metric, series.labels, windows, values, n > 0)


def _churn(view: _View, metric: Metric, series: Series, windows: tuple[str, ...]) -> Iterator[Block]:
    count = view.windows.stack(windows).count
    active = view.windows.sums(ALWAYS).total[_ACTIVE]
    churned = count[:, _CHURNED]
    at_start = active - count[:, _JOINED] + churned
    over = at_start - churned if metric.name == "retention_ratio" else churned
    yield from view.ratio(metric, series.labels, windows, over, np.maximum(at_start, 0))


def _occupancy(view: _View, metric: Metric, series: Series, windows: tuple[str, ...]) -> Iterator[Block]:
    """Add to the summed time the open piece of each agent's interval, as far as it lies in the window."""
    stack = view.windows.stack(windows)
    zone = view.settings.time.zone
    starts = [formulas.slice_start(*slices(window, view.at, zone)[:2]) for window in windows]
    over, under = (
        stack.of(terms) + np.stack([view.stocks.agent_time(terms[0].row, start) for start in starts])
        for terms in (series.numerator, series.denominator)
    )
    yield from view.ratio(metric, series.labels, windows, over, under)


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
