"""The form of a catalogue row: what a metric is, and which sums it is read from.

A `Metric` is a family of numbers as people know it. A `Row` is one sum that the store keeps: facts add to its count, its
sum and, for durations and values, its histogram. Most metrics have one row a label value; some share rows (five ways to
compute service level from one fact a leg), so a metric's `Series` names its numerator and denominator as sums of rows.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from typing import Final

WINDOWS: Final = ("5m", "15m", "1h", "24h", "today", "7d", "30d", "90d")
SHORT: Final = ("15m", "1h", "24h", "today")
LONG: Final = ("24h", "7d", "30d")

Labels = tuple[tuple[str, str], ...]


class Kind(StrEnum):
    """What kind of number a metric is; it decides the names of its families (metrics.md, Names)."""

    COUNT = "count"
    RATIO = "ratio"
    MEAN = "mean"
    DURATION = "duration"
    VALUE = "value"
    STOCK = "stock"
    #: a single number of its own formula, without a samples family
    NUMBER = "number"
    #: a running sum since the beginning of the log: a count now, without age or window
    LEVEL = "level"
    #: what worker and board say of themselves (catalogue.trust), each as Prometheus has it
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Histogram(StrEnum):
    """How a row's values are put into buckets."""

    MILLISECONDS = "ms"
    UNITLESS = "unit"


@dataclass(frozen=True, slots=True)
class Row:
    """One sum of the store: a number in the packed cells, a name and label values in people's words."""

    number: int
    name: str
    labels: Labels
    histogram: Histogram | None


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a numerator or denominator: the count (`n`) or the sum of a row's facts, times a factor."""

    row: int
    sums: bool = False
    factor: int = 1


@dataclass(frozen=True, slots=True)
class Series:
    """One number of a metric: its own labels, what is divided, and by what (nothing for a count)."""

    labels: Labels
    numerator: tuple[Term, ...]
    denominator: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Open:
    """How a metric with open labels is read, label value by label value: sums of rows of families.

    Numerator: the `family`'s sums (or counts); denominator: the same row's counts, another family's sums, or fixed rows.
    """

    family: str
    sums: bool = False
    over: str = ""
    over_sums: bool = False
    over_rows: tuple[Term, ...] = ()
    #: so many values are shown, the rest is `other`; 0: all of them
    top: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A row of metrics.md. `name` is without the prefix ``support_``; texts are for people."""

    name: str
    kind: Kind
    about: str
    formula: str
    at: str = ""
    windows: tuple[str, ...] = SHORT
    series: tuple[Series, ...] = ()
    #: labels whose values come from the events (topic, reason), and how they are read
    open_labels: tuple[str, ...] = ()
    open: Open | None = None
    #: which accepted events make a group count as alive, so that a zero is shown
    zero: str = ""
    seed: str = ""
    #: what a sum is multiplied with to be shown: 1e-6 for millionths, 100 for nps_score
    scale: float = 1.0
    #: added after scaling
    offset: float = 0.0
    #: stock only: has a due time, so `_over_target` is shown
    due: bool = False
    #: stock only: an item due exactly at T is not yet over (queue_waiting)
    due_strict: bool = False
    #: the two parts are flows, each at its own time: may exceed 1
    flows: bool = False
    #: what the denominator is multiplied with to be shown as samples
    samples_scale: float = 1.0
    #: shown by this grouping only
    only_by: tuple[str, ...] | None = None
    edge_cases: tuple[str, ...] = ()
    elsewhere: str = ""
    #: whose /metrics has it
    where: str = "board"
    #: for people: what is counted, and what is not; tests/metrics/test_explain.py wants them of every metric
    counted: str = ""
    not_counted: str = ""
    #: events it is made from, `entity.name: field field` (see `needs`); none where it is made from other metrics alone
    needs: tuple[str, ...] = ()


@dataclass(slots=True)
class Registry:
    """Collects rows and metrics while the catalogue's modules are imported; read-only afterwards."""

    rows: list[Row] = field(default_factory=list)
    by_name: dict[tuple[str, Labels], int] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)
    #: rows with open labels, made while events arrive: family name -> its label names
    families: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def row(self, name: str, histogram: Histogram | None = None, /, **labels: str) -> int:
        """Add a row (or return the one that is there) and return its number."""
        key = (name, tuple(sorted(labels.items())))
        number = self.by_name.get(key)
        if number is None:
            number = self.by_name[key] = len(self.rows)
            self.rows.append(Row(number, *key, histogram))
        return number

    def add(self, metric: Metric) -> Metric:
        """Add a metric to the catalogue and return it."""
        if any(metric.name == other.name for other in self.metrics):
            msg = f"metric {metric.name} is in the catalogue twice"
            raise ValueError(msg)
        self.metrics.append(metric)
        return metric


REGISTRY: Final = Registry()


def combinations(labels: dict[str, tuple[str, ...]]) -> list[dict[str, str]]:
    """Return every combination of label values as a dict; one empty dict where there are no labels."""
    return [dict(zip(labels, values, strict=True)) for values in product(*labels.values())]


def number(row: int) -> Term:
    """Return the count of a row's facts as a term."""
    return Term(row)


def total(row: int) -> Term:
    """Return the sum of a row's facts as a term."""
    return Term(row, sums=True)


def labelled(labels: dict[str, str]) -> Labels:
    """Return a dict of labels in the order in which series and rows hold them."""
    return tuple(sorted(labels.items()))


def count(name: str, labels: dict[str, tuple[str, ...]] | None = None, **texts: object) -> Metric:
    """Add a count with one row for each combination of its label values."""
    series = tuple(Series(labelled(c), (number(REGISTRY.row(name, **c)),)) for c in combinations(labels or {}))
    return REGISTRY.add(Metric(name=name, kind=Kind.COUNT, series=series, **texts))  # type: ignore[arg-type]  # texts are Metric's fields


def ratio(name: str, labels: dict[str, tuple[str, ...]] | None = None, **texts: object) -> Metric:
    """Add a ratio whose facts are 0 or 1: the sum is the numerator, the count the denominator."""
    return _mean(name, labels or {}, Kind.RATIO, texts)


def mean(name: str, labels: dict[str, tuple[str, ...]] | None = None, **texts: object) -> Metric:
    """Add a mean of integer values (`scale` turns their unit into the one that is shown)."""
    return _mean(name, labels or {}, Kind.MEAN, texts)


def _mean(name: str, labels: dict[str, tuple[str, ...]], kind: Kind, texts: dict[str, object]) -> Metric:
    series = []
    for c in combinations(labels):
        row = REGISTRY.row(name, **c)
        series.append(Series(labelled(c), (total(row),), (number(row),)))
    return REGISTRY.add(Metric(name=name, kind=kind, series=tuple(series), **texts))  # type: ignore[arg-type]  # texts are Metric's fields


def duration(name: str, labels: dict[str, tuple[str, ...]] | None = None, **texts: object) -> Metric:
    """Add a duration in milliseconds, with a histogram."""
    return _distribution(name, labels or {}, Kind.DURATION, Histogram.MILLISECONDS, texts)


def value(name: str, labels: dict[str, tuple[str, ...]] | None = None, **texts: object) -> Metric:
    """Add a unit-less whole number, with a histogram that is exact below 64."""
    return _distribution(name, labels or {}, Kind.VALUE, Histogram.UNITLESS, texts)


def _distribution(
    name: str, labels: dict[str, tuple[str, ...]], kind: Kind, histogram: Histogram, texts: dict[str, object]
) -> Metric:
    series = []
    for c in combinations(labels):
        row = REGISTRY.row(name, histogram, **c)
        series.append(Series(labelled(c), (total(row),), (number(row),)))
    return REGISTRY.add(Metric(name=name, kind=kind, series=tuple(series), **texts))  # type: ignore[arg-type]  # texts are Metric's fields


def stock(name: str, labels: dict[str, tuple[str, ...]] | None = None, **texts: object) -> Metric:
    """Add open work: its rows number the items of the open-work table, nothing is summed."""
    series = tuple(Series(labelled(c), (number(REGISTRY.row(name, **c)),)) for c in combinations(labels or {}))
    return REGISTRY.add(Metric(name=name, kind=Kind.STOCK, windows=(), series=series, **texts))  # type: ignore[arg-type]  # texts are Metric's fields


def family(name: str, *labels: str) -> str:
    """Declare rows whose label values come from the events; return the family's name."""
    REGISTRY.families[name] = labels
    return name


def row(name: str, /, **labels: str) -> int:
    """Return the number of an existing row; KeyError if the catalogue has no such row."""
    return REGISTRY.by_name[name, tuple(sorted(labels.items()))]
