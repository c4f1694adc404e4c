"""Panes and open work to numbers at an instant: what `/metrics`, the JSON API, `top` and `replay` show.

One `Snapshot` is a set of panes (of one partition, or of all added up), the names of groups and open rows, and the open
work. What `evaluate` gives is a pure function of it, the settings and T; the `Windows` that it may be handed only save it
the work of adding up again what was added up before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streamer.metrics import formulas
from streamer.metrics.catalogue import ACTIVITY, FIXED_ROWS, METRICS, Kind, Labels, Metric, Series
from streamer.metrics.comparison.numbers import Part, driver_rows, lifts
from streamer.metrics.comparison.segments import Groups
from streamer.metrics.grouping import Places
from streamer.metrics.plan import longest, windows_of
from streamer.metrics.special import SPECIAL
from streamer.metrics.stock import Stocks
from streamer.metrics.windows import ALWAYS, Rows, Windows
from streamer.panes.histogram import Ints, shown_duration, shown_value
from streamer.panes.store import Store
from streamer.panes.work import Work
from streamer.settings import Settings

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
MILLISECONDS = 1000
Family = tuple[str, Labels, Any]
"""A family of a metric, labels of its own, and values by window, own labels of the metric, and place."""


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

    @property
    def order(self) -> Ints:
        """The places in the order to show them in, without those that came after this evaluation."""
        order = self.places.order
        return order[order < len(self.shown)]


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
    view = Numbers(snapshot, settings, at, windows)
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


class Numbers:
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
        self,
        metric: Metric,
        labels: Sequence[Labels],
        windows: tuple[str, ...],
        shown: Mask,
        families: Sequence[Family],
    ) -> Iterator[Block]:
        """Yield blocks that show anything: by own labels, then family (with labels of its own), then window.

        Arrays are by window, own labels and place. A label of its own that is a dimension too (topic) can only be shown once:
        the groupings by that dimension are left out.
        """
        if metric.only_by is not None:
            shown = shown & self.places.by(metric.only_by)
        if own_names := {name for name, _ in labels[0]}.intersection(self.settings.dimensions.names):
            shown = shown & ~self.places.by_any(own_names)
        places = self.places
        for number, some in enumerate(np.logical_or.reduce(shown, axis=2).T.tolist()):
            for family, more, values in families if True in some else ():
                name, own = f"support_{family}", (*labels[number], *more)
                for i, any_ in enumerate(some):
                    if any_:
                        own_ = (*own, ("window", windows[i]))
                        yield Block(name, metric, own_, places, values[i, number], shown[i, number])

    def windowed(self, metric: Metric, windows: tuple[str, ...]) -> Iterator[Block]:
        """Yield the blocks of a metric in some windows."""
        special = SPECIAL.get(metric.name)
        if metric.open is not None:
            yield from self._open(metric, windows)
        elif special is not None:
            for series in metric.series:
                yield from special(self, metric, series, windows)
        elif metric.kind is Kind.COUNT:
            yield from self._counts(metric, windows)
        elif metric.kind in (Kind.DURATION, Kind.VALUE):
            yield from self._distributions(metric, windows)
        else:
            stack, labels = self.windows.stack(windows), [series.labels for series in metric.series]
            over = stack.each(tuple(series.numerator for series in metric.series))
            under = stack.each(tuple(series.denominator for series in metric.series))
            yield from self.ratios(metric, labels, windows, over, under)

    def _counts(self, metric: Metric, windows: tuple[str, ...]) -> Iterator[Block]:
        values = self.windows.stack(windows).each(tuple(series.numerator for series in metric.series))
        zeros = np.stack([self.zero(metric, series) for series in metric.series])
        labels = [series.labels for series in metric.series]
        yield from self.blocks(metric, labels, windows, (values != 0) | zeros, [(metric.name, (), values)])

    def ratios(
        self,
        metric: Metric,
        labels: Sequence[Labels],
        windows: tuple[str, ...],
        over: Ints,
        under: Ints,
        where: Mask | None = None,
    ) -> Iterator[Block]:
        """Yield ratios or means and their samples, where the denominator is not 0 (and only `where`)."""
        shown = under != 0 if where is None else (under != 0) & where
        if not shown.any():
            return
        values = formulas.divided(over, under, shown)
        if metric.scale != 1.0:
            values = values * metric.scale
        samples = under if metric.samples_scale == 1.0 else under * metric.samples_scale
        families = [(metric.name, (), values + metric.offset), (f"{metric.name}_samples", (), samples)]
        yield from self.blocks(metric, labels, windows, shown, families)

    def ratio(
        self, metric: Metric, labels: Labels, windows: tuple[str, ...], over: Ints, under: Ints
    ) -> Iterator[Block]:
        """Yield one ratio; the arrays are by window and place."""
        yield from self.ratios(metric, [labels], windows, over[:, np.newaxis], under[:, np.newaxis])

    def _distributions(self, metric: Metric, windows: tuple[str, ...]) -> Iterator[Block]:
        stack, rows = self.windows.stack(windows), [series.numerator[0].row for series in metric.series]
        count, total = stack.count[:, rows], stack.total[:, rows]
        shown = count > 0
        if not shown.any():
            return
        seconds = metric.kind is Kind.DURATION
        name = f"{metric.name}_seconds" if seconds else metric.name
        families: list[Family] = []
        for q in self.settings.exposition.quantiles:
            found = stack.quantile(q)[:, rows]
            values = shown_duration(found) if seconds else shown_value(found)
            families.append((name, (("quantile", _number(q)),), values))
        mean = f"{metric.name}_mean_seconds" if seconds else f"{metric.name}_mean"
        families.append((mean, (), formulas.divided(total, count * (MILLISECONDS if seconds else 1), shown)))
        families.append((f"{metric.name}_samples", (), count))
        yield from self.blocks(metric, [series.labels for series in metric.series], windows, shown, families)

    def _open(self, metric: Metric, windows: tuple[str, ...]) -> Iterator[Block]:
        how = metric.open
        assert how is not None
        shown_values = self._shown_values(metric, windows)
        if not shown_values:
            return
        labels = [tuple(zip(metric.open_labels, values, strict=True)) for values in shown_values]
        over = self._rows(windows, how.family, shown_values, sums=how.sums)
        if metric.kind is Kind.COUNT:
            yield from self.blocks(metric, labels, windows, over != 0, [(metric.name, (), over)])
        elif how.over_rows:
            under = np.broadcast_to(self.windows.stack(windows).of(how.over_rows)[:, np.newaxis], over.shape)
            yield from self.ratios(metric, labels, windows, over, under, over != 0)
        else:
            under = self._rows(windows, how.over, shown_values, sums=how.over_sums)
            yield from self.ratios(metric, labels, windows, over, under)

    def _rows(
        self,
        windows: tuple[str, ...],
        family: str,
        shown: Mapping[tuple[str, ...], Sequence[tuple[str, ...]]],
        *,
        sums: bool,
    ) -> Ints:
        """Return the sums of a family's rows by window, shown value and place."""
        place_of = {stored: i for i, values in enumerate(shown.values()) for stored in values}
        found = [(number, place_of[values]) for number, values in self._families.get(family, ()) if values in place_of]
        numbers, into = np.array(found, dtype=np.int64).reshape(-1, 2).T
        result = np.zeros((len(windows), len(shown), self.width), dtype=np.int64)
        for i, window in enumerate(windows):
            one = self.windows.sums(window)
            np.add.at(result[i], into, (one.total if sums else one.count)[numbers])
        return result

    def _shown_values(self, metric: Metric, windows: tuple[str, ...]) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
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
        seen = self._seen(metric, windows)
        top = [v for v in ranked if v in seen][: how.top] if how.top else ranked
        shown: dict[tuple[str, ...], list[tuple[str, ...]]] = {v: [v] for v in top}
        for v in sizes:
            if not any(v):
                shown.setdefault(v, []).append(v)
        rest = [v for v in ranked if v not in shown]
        if rest:
            shown.setdefault(("other",) * len(rest[0]), []).extend(rest)
        return shown

    def _seen(self, metric: Metric, windows: tuple[str, ...]) -> set[tuple[str, ...]]:
        """Return the label values that have anything in any of these windows."""
        how = metric.open
        assert how is not None
        families = self._families.get(how.over or how.family, ())
        rows = [number for number, _ in families]
        there = np.logical_or.reduce([self.windows.sums(window).count[rows].any(axis=1) for window in windows])
        return {labels for (_, labels), some in zip(families, there.tolist(), strict=True) if some}

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
