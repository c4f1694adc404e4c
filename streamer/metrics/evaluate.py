"""Panes and open work to numbers at an instant: what `/metrics`, the JSON API, `top` and `replay` show.

One `Snapshot` is a set of panes (of one partition, or of all added up), the names of groups and open rows, and the open
work. `evaluate` is a pure function of it, the settings and T.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from streamer.facts import ROW_LIMIT
from streamer.metrics import formulas
from streamer.metrics.catalogue import ACTIVITY, FIXED_ROWS, METRICS, Kind, Metric, Series, Term, row
from streamer.metrics.grouping import Coarse, coarse_groupings
from streamer.metrics.plan import longest, slices, windows_of
from streamer.panes.histogram import BUCKET_BITS, Ints, duration_bucket, shown_duration, shown_value
from streamer.panes.store import EVER, Store
from streamer.panes.work import Work
from streamer.settings import Settings

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
MILLISECONDS = 1000
AT_RISK = 15 * 60_000


@dataclass(frozen=True)
class Snapshot:
    """Everything that an evaluation reads."""

    store: Store
    groups: list[tuple[str, ...]]
    open_rows: list[tuple[str, tuple[str, ...]]]
    work: Work


class Block(NamedTuple):
    """Numbers of one family: one grouping, one set of own labels (window among them), a value a coarse group."""

    family: str
    metric: Metric
    labels: tuple[tuple[str, str], ...]
    coarse: Coarse
    values: Floats | Ints
    shown: Mask


class Sums:
    """The counts and sums of one window by row and coarse group, and its buckets."""

    def __init__(self, count: Ints, total: Ints, buckets: Ints, bucket_count: Ints) -> None:
        self.count = count
        self.total = total
        self._buckets = buckets
        self._bucket_count = bucket_count

    def of(self, terms: tuple[Term, ...]) -> Ints:
        """Return the sum of some terms, a value a coarse group."""
        result = np.zeros(self.count.shape[1], dtype=np.int64)
        for term in terms:
            result += (self.total if term.sums else self.count)[term.row] * term.factor
        return result

    def histogram(self, row_: int, coarse: int) -> tuple[Ints, Ints]:
        """Return the buckets of one row, ascending by (coarse group, bucket), and their counts."""
        low, high = np.searchsorted(self._buckets, (row_ * coarse << BUCKET_BITS, (row_ + 1) * coarse << BUCKET_BITS))
        return self._buckets[low:high] - (row_ * coarse << BUCKET_BITS), self._bucket_count[low:high]


def _dense(snapshot: Snapshot, size: int, low: int, high: int, coarse: Coarse) -> Sums:
    """Add up the panes low..high by row and coarse group."""
    rows = FIXED_ROWS + len(snapshot.open_rows)
    width = len(coarse.labels)
    panes = list(snapshot.store.range(size, low, high))
    count = np.zeros(rows * width, dtype=np.int64)
    total = np.zeros(rows * width, dtype=np.int64)
    if not panes:
        nothing = np.empty(0, dtype=np.int64)
        return Sums(count.reshape(rows, width), total.reshape(rows, width), nothing, nothing)
    cells, counts, totals, buckets, bucket_counts = (np.concatenate([p[i] for p in panes]) for i in range(5))
    place = _place(cells, coarse, width)
    np.add.at(count, place, counts)
    np.add.at(total, place, totals)
    keys = _place(buckets >> BUCKET_BITS, coarse, width) << BUCKET_BITS | (buckets & ((1 << BUCKET_BITS) - 1))
    keys, where = np.unique(keys, return_inverse=True)
    merged = np.zeros(len(keys), dtype=np.int64)
    np.add.at(merged, where, bucket_counts)
    kept = merged > 0
    return Sums(count.reshape(rows, width), total.reshape(rows, width), keys[kept], merged[kept])


def _place(cells: Ints, coarse: Coarse, width: int) -> Ints:
    row_ = (cells >> 1) & (ROW_LIMIT - 1)
    return row_ * width + coarse.of_group[cells // (2 * ROW_LIMIT)]


def evaluate(snapshot: Snapshot, settings: Settings, at: int) -> Iterator[Block]:
    """Return every number at the instant `at` (ms; shown as of its whole second), block by block."""
    groupings = coarse_groupings(snapshot.store, snapshot.groups, settings, at)
    wanted = settings.exposition.metrics
    shown_windows = settings.exposition.windows
    for coarse in groupings:
        view = _View(snapshot, settings, at, coarse)
        for metric in METRICS:
            if wanted is not None and metric.name not in wanted:
                continue
            if metric.only_by is not None and metric.only_by != coarse.names:
                continue
            if metric.kind is Kind.STOCK:
                yield from view.stock(metric)
            elif metric.kind is Kind.LEVEL:
                yield from view.level(metric)
            else:
                for window in windows_of(metric, settings):
                    if shown_windows is None or window in shown_windows:
                        yield from view.windowed(metric, window)


class _View:
    """The numbers of one grouping."""

    def __init__(self, snapshot: Snapshot, settings: Settings, at: int, coarse: Coarse) -> None:
        self.snapshot = snapshot
        self.settings = settings
        self.at = at
        self.coarse = coarse
        self.width = len(coarse.labels)
        self._sums: dict[tuple[int, int, int], Sums] = {}
        active = self.sums("24h").count
        self.active = {kind: active[number] > 0 for kind, number in ACTIVITY.items()}
        self.active["contacts"] = self.active["tickets"] | self.active["queue"]
        work = snapshot.work
        chosen = (work.start <= at) & (at < work.until)
        self.work = Work(*(column[chosen] for column in work))
        self.work_coarse = coarse.of_group[self.work.group]

    def sums(self, window: str, *, before: bool = False) -> Sums:
        """Return the sums of a window (or of the one before it), made once."""
        key = slices(window, self.at, self.settings.time.zone, before=before)
        if key not in self._sums:
            self._sums[key] = _dense(self.snapshot, *key, self.coarse)
        return self._sums[key]

    def zero(self, metric: Metric) -> Mask:
        """Return for which coarse groups a zero of this metric is shown."""
        return self.active[metric.zero] if metric.zero else np.zeros(self.width, dtype=bool)

    def block(self, family: str, metric: Metric, labels: Any, values: Any, shown: Mask) -> Iterator[Block]:
        """Yield the block if it shows anything."""
        if shown.any():
            yield Block("support_" + family, metric, tuple(labels), self.coarse, values, shown)

    # ---- windows ------------------------------------------------------------------------------------------------

    def windowed(self, metric: Metric, window: str) -> Iterator[Block]:
        """Yield the blocks of a metric in one window."""
        sums = self.sums(window)
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
                yield from self.block(metric.name, metric, labels, values, (values != 0) | self.zero(metric))
            elif metric.kind in (Kind.DURATION, Kind.VALUE):
                yield from self._distribution(metric, series.numerator[0].row, sums, labels)
            else:
                yield from self.ratio(metric, labels, sums.of(series.numerator), sums.of(series.denominator))

    def ratio(self, metric: Metric, labels: Any, over: Any, under: Any) -> Iterator[Block]:
        """Yield a ratio or mean and its samples, where the denominator is not 0."""
        shown = under != 0
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
        buckets, counts = sums.histogram(row_, self.width)
        for q in self.settings.exposition.quantiles:
            found = formulas.quantile(buckets, counts, self.width, q)
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
        rows = self._shown_values(metric)
        numerator = sums.total if how.sums else sums.count
        for labels_values, numbers in rows.items():
            own = tuple(zip(metric.open_labels, labels_values, strict=True))
            labels = (*own, ("window", window))
            over = self._rows(numerator, how.family, numbers)
            if metric.kind is Kind.COUNT:
                yield from self.block(metric.name, metric, labels, over, over != 0)
            else:
                if how.over_rows:
                    under = sums.of(how.over_rows)
                else:
                    under = self._rows(sums.total if how.over_sums else sums.count, how.over, numbers)
                shown_over = over if not how.over_rows else np.where(over != 0, over, 0)
                for block in self.ratio(metric, labels, shown_over, under):
                    keep = block.shown & (over != 0) if how.over_rows else block.shown
                    yield from self.block(block.family[8:], metric, labels, block.values, keep)

    def _rows(self, table: Ints, family: str, values: list[tuple[str, ...]]) -> Ints:
        result = np.zeros(self.width, dtype=np.int64)
        for i, (name, labels) in enumerate(self.snapshot.open_rows):
            if name == family and labels in values:
                result += table[FIXED_ROWS + i]
        return result

    def _shown_values(self, metric: Metric) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
        """Return label values as shown -> as stored: the top ones by all groups' longest window, the rest `other`."""
        how = metric.open
        assert how is not None
        family = how.over or how.family
        counts = self.sums(longest(windows_of(metric, self.settings))).count
        sizes: dict[tuple[str, ...], int] = {}
        for i, (name, labels) in enumerate(self.snapshot.open_rows):
            if name == family:
                sizes[labels] = sizes.get(labels, 0) + int(counts[FIXED_ROWS + i].sum())
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
        sums = _dense(self.snapshot, EVER, 0, 0, self.coarse)
        values = sums.of(metric.series[0].numerator)
        yield from self.block(metric.name, metric, (), values, values != 0)

    def stock(self, metric: Metric) -> Iterator[Block]:
        """Yield the number of open items, the age of the oldest, and how many are over target."""
        for series in metric.series:
            number = series.numerator[0].row
            chosen = self.work.row == number
            count = self._count(chosen)
            shown = (count > 0) | self.zero(metric)
            yield from self.block(metric.name, metric, series.labels, count, shown)
            oldest = np.full(self.width, self.at, dtype=np.int64)
            np.minimum.at(oldest, self.work_coarse[chosen], self.work.start[chosen])
            ages = (self.at - oldest) / MILLISECONDS
            yield from self.block(f"{metric.name}_oldest_age_seconds", metric, series.labels, ages, count > 0)
            if metric.due:
                over = self._count(chosen & self.over_target(metric))
                yield from self.block(f"{metric.name}_over_target", metric, series.labels, over, shown)
            if metric.name == "sla_open":
                due = self.work.due
                risk = self._count(chosen & (due > self.at) & (due <= self.at + AT_RISK))
                yield from self.block("sla_open_at_risk", metric, series.labels, risk, shown)
        if metric.name == "tickets_backlog":
            yield from self._backlog_ages(metric)

    def over_target(self, metric: Metric) -> Mask:
        """Return which open items are over target: due at or before T (queue_waiting: before T)."""
        due = self.work.due
        return (due > 0) & ((due < self.at) if metric.due_strict else (due <= self.at))

    def _count(self, chosen: Mask) -> Ints:
        return np.bincount(self.work_coarse[chosen], minlength=self.width).astype(np.int64)

    def _backlog_ages(self, metric: Metric) -> Iterator[Block]:
        rows = [series.numerator[0].row for series in metric.series]
        chosen = np.isin(self.work.row, rows)
        buckets = duration_bucket(self.at - self.work.start[chosen])
        keys, counts = np.unique(self.work_coarse[chosen] << BUCKET_BITS | buckets, return_counts=True)
        count = self._count(chosen)
        for q in self.settings.exposition.quantiles:
            values = shown_duration(formulas.quantile(keys, counts, self.width, q))
            yield from self.block("tickets_backlog_age_seconds", metric, (("quantile", _number(q)),), values, count > 0)
        yield from self.block("tickets_backlog_age_samples", metric, (), count, count > 0)


def _number(q: float) -> str:
    return f"{q:g}"


# ---- metrics that are more than a division of two sums --------------------------------------------------------------

_JOINED, _CHURNED = row("customers_joined"), row("customers_churned")
_ACTIVE = row("customers_active")
_WAITING = row("queue_waiting")
_OPEN_TIME = {row("agent_time", state=s): row("agent_time_open", state=s) for s in ("worked", "present")}


def _change(view: _View, metric: Metric, series: Series, window: str, labels: Any) -> Iterator[Block]:
    now = view.sums(window).of(series.numerator)
    before = view.sums(window, before=True).of(series.numerator)
    yield from view.ratio(metric, labels, now - before, before)


def _service_level(view: _View, metric: Metric, series: Series, window: str, labels: Any) -> Iterator[Block]:
    sums = view.sums(window)
    under = sums.of(series.denominator)
    if ("formula", "live") in series.labels:
        waiting = next(m for m in METRICS if m.name == "queue_waiting")
        under = under + view._count((view.work.row == _WAITING) & view.over_target(waiting))  # noqa: SLF001 (one module)
    yield from view.ratio(metric, labels, sums.of(series.numerator), under)


def _bounds(view: _View, metric: Metric, series: Series, window: str, labels: Any) -> Iterator[Block]:
    sums = view.sums(window)
    good, all_ = sums.of(series.numerator), sums.of(series.denominator)
    shown = all_ > 0
    values = formulas.wilson(good, all_, shown, upper="upper" in metric.name)
    yield from view.block(metric.name, metric, labels, values, shown)
    yield from view.block(f"{metric.name}_samples", metric, labels, all_, shown)


def _nps_margin(view: _View, metric: Metric, _series: Series, window: str, labels: Any) -> Iterator[Block]:
    count = view.sums(window).count
    promoters, passives, detractors = (
        count[row("nps_share", **{"class": c})] for c in ("promoter", "passive", "detractor")
    )
    n = promoters + passives + detractors
    yield from view.block(metric.name, metric, labels, formulas.nps_margin(promoters, detractors, n), n > 0)


def _churn(view: _View, metric: Metric, _series: Series, window: str, labels: Any) -> Iterator[Block]:
    sums = view.sums(window)
    active = _dense(view.snapshot, EVER, 0, 0, view.coarse).total[_ACTIVE]
    at_start = active - sums.count[_JOINED] + sums.count[_CHURNED]
    churned = sums.count[_CHURNED]
    over = at_start - churned if metric.name == "retention_ratio" else churned
    yield from view.ratio(metric, labels, over, np.maximum(at_start, 0))


def _occupancy(view: _View, metric: Metric, series: Series, window: str, labels: Any) -> Iterator[Block]:
    """Add to the summed time the open piece of each agent's interval, as far as it lies in the window."""
    sums = view.sums(window)
    size, low, _ = slices(window, view.at, view.settings.time.zone)
    start = formulas.slice_start(size, low)
    parts = []
    for terms in (series.numerator, series.denominator):
        work = view.snapshot.work
        chosen = work.row == _OPEN_TIME[terms[0].row]
        piece = np.minimum(work.until[chosen], view.at) - np.maximum(work.start[chosen], start)
        value = sums.of(terms)
        np.add.at(value, view.coarse.of_group[work.group[chosen]], np.maximum(piece, 0))
        parts.append(value)
    yield from view.ratio(metric, labels, *parts)


_SPECIAL: dict[str, Callable[..., Iterator[Block]]] = {
    "tickets_created_change_ratio": _change,
    "service_level_ratio": _service_level,
    "csat_lower_bound_ratio": _bounds,
    "csat_upper_bound_ratio": _bounds,
    "nps_margin": _nps_margin,
    "churn_ratio": _churn,
    "retention_ratio": _churn,
    "agent_occupancy_ratio": _occupancy,
}
