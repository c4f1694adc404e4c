"""From the book's lists to the series of the exposition (metrics.md "Names", "Grouping", "Limits", "No data")."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import product
from typing import TYPE_CHECKING

from . import derived
from .book import Book, Fact, Group, Item, Labels
from .rows import DERIVED, ROWS, ZERO_KINDS, Row
from .windows import length_of, pane_of, panes, panes_before, quantile, top

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .config import Config

Key = tuple[str, tuple[tuple[str, str], ...]]
Cell = tuple[str, Group]  # (by, the dimension labels)
TOP = 10
AT_RISK = 15 * 60_000


class Exposition:
    """Turns a filled book into series; `series` is the result."""

    def __init__(self, book: Book, at: int, config: Config) -> None:
        self.book, self.at, self.config = book, at, config
        self.series: dict[Key, float] = {}
        self.facts: dict[str, list[Fact]] = defaultdict(list)
        for fact in book.facts:
            self.facts[fact.metric].append(fact)
        self.allowed = self._limits()
        self.zeros = {kind: self._active(names) for kind, names in ZERO_KINDS.items()}

    # Groupings and limits

    def _limits(self) -> list[set[str]]:
        """Of a dimension's values the 100 with the most events in the longest window; the rest is `other`.

        Values without events there are in no ranking: if those with events leave a place free, they all stay.
        """
        windows = {w for name, row in ROWS.items() if row.kind != "stock" for w in self.windows(name, row.windows)}
        windows |= {w for name, default in DERIVED.items() for w in self.windows(name, default)}
        recent = self.within(self.book.activity, max(windows, key=length_of))
        book = self.book
        shown = {thing.group for things in (book.facts, book.items, book.totals, book.spans) for thing in things}
        shown |= {event.group for event in book.activity}
        result = []
        for place in range(len(self.config.names)):
            counts = Counter(event.group[place] for event in recent)
            busy = len(counts.keys() - {""})
            everyone = {group[place] for group in shown}
            result.append(everyone if busy < self.config.limit else top(counts, self.config.limit))
        return result

    def cells(self, group: Group) -> Iterable[Cell]:
        """The group's place in every grouping; values past the limit are summed into `other`."""
        names = self.config.names
        for grouping in self.config.groupings:
            by = ",".join(grouping) or "all"
            if self.config.show_groupings is None or grouping in self.config.show_groupings:
                yield (
                    by,
                    tuple(
                        (value if value in self.allowed[i] else "other") if names[i] in grouping else ""
                        for i, value in enumerate(group)
                    ),
                )

    def _active(self, kinds: tuple[str, ...]) -> set[Cell]:
        """Every group of the accepted events of the last 24 h of the same kind."""
        recent = self.within([f for f in self.book.activity if dict(f.labels)["kind"] in kinds], "24h")
        return {cell for group in {fact.group for fact in recent} for cell in self.cells(group)}

    # Windows

    def windows(self, name: str, default: tuple[str, ...]) -> list[str]:
        windows = list(self.config.metrics.get(name, {}).get("windows", default))
        return [w for w in windows if self.config.show_windows is None or w in self.config.show_windows]

    def within(self, facts: list[Fact], window: str, *, before: bool = False) -> list[Fact]:
        size, first, last = (panes_before if before else panes)(window, self.at, self.config.zone)
        return [f for f in facts if first <= pane_of(f.at, size, timed=f.timed) <= last]

    def gather(self, name: str, window: str, *, before: bool = False) -> dict[tuple[Cell, Labels], list[Fact]]:
        """The facts of a window by cell and own labels; open labels past the top 10 are `other`."""
        label = ROWS[name].open_label
        kept = self._top_labels(name, label) if label else set()
        result: dict[tuple[Cell, Labels], list[Fact]] = defaultdict(list)
        for fact in self.within(self.facts[name], window, before=before):
            labels = fact.labels
            if label:
                labels = tuple((k, v if k != label or v in kept else "other") for k, v in labels)
            for cell in self.cells(fact.group):
                result[cell, labels].append(fact)
        return result

    def _top_labels(self, name: str, label: str) -> set[str]:
        """Top 10 over all groups by the metric's own longest window; what is only in others has the places left (33b)."""
        windows = self.windows(name, ROWS[name].windows)
        if not windows:
            return set()
        counts = Counter({dict(fact.labels)[label]: 0 for w in windows for fact in self.within(self.facts[name], w)})
        counts.update(dict(fact.labels)[label] for fact in self.within(self.facts[name], max(windows, key=length_of)))
        return top(counts, TOP)

    # Series

    def add(self, family: str, cell: Cell, labels: Labels, value: float, window: str = "") -> None:
        by, dims = cell
        items = {"by": by, **dict(zip(self.config.names, dims, strict=True)), **dict(labels)}
        if window:
            items["window"] = window
        self.series["support_" + family, tuple(sorted(items.items()))] = float(value)

    def quantiles(
        self, name: str, cell: Cell, labels: Labels, values: list[int], window: str, unit: float, below: int
    ) -> None:
        for q in self.config.quantiles:
            shown = quantile(values, q, exact_below=below) * unit
            self.add(name, cell, (*labels, ("quantile", str(q))), shown, window)

    def run(self) -> dict[Key, float]:
        for name, row in ROWS.items():
            if self._shown(name):
                if row.kind == "stock":
                    self._stock(name, row)
                else:
                    for window in self.windows(name, row.windows):
                        self._windowed(name, row, window)
        for name, default in DERIVED.items():
            if self._shown(name):
                for window in self.windows(name, default):
                    getattr(derived, name)(self, window)
        for name in ("customers_active", "churn_risk_customers"):
            if self._shown(name):
                self._total(name)
        return self.series

    def _shown(self, name: str) -> bool:
        return self.config.show_metrics is None or name in self.config.show_metrics

    def _zero_keys(self, row: Row) -> Iterable[tuple[Cell, Labels]]:
        """A count is shown as 0 for every active group, for all fixed label values."""
        if row.zero:
            for cell in self.zeros[row.zero]:
                for values in product(*row.fixed.values()):
                    yield cell, tuple(sorted(zip(row.fixed, values, strict=True)))

    def _windowed(self, name: str, row: Row, window: str) -> None:
        gathered = self.gather(name, window)
        if row.kind == "count":
            for cell, labels in self._zero_keys(row):
                self.add(name, cell, labels, 0, window)
        for (cell, labels), facts in gathered.items():
            total, n = sum(f.value for f in facts), sum(f.n for f in facts)
            values = [f.value for f in facts]
            if row.kind == "count":
                self.add(name, cell, labels, total, window)
            elif row.kind == "duration":
                self.quantiles(name + "_seconds", cell, labels, values, window, 1e-3, 0)
                self.add(name + "_mean_seconds", cell, labels, total / n / 1000, window)
                self.add(name + "_samples", cell, labels, n, window)
            elif row.kind == "value":
                self.quantiles(name, cell, labels, values, window, 1.0, 64)
                self.add(name + "_mean", cell, labels, total / n, window)
                self.add(name + "_samples", cell, labels, n, window)
            elif n:
                weighted = name == "repeat_spend_share_ratio"  # numerator and denominator are amounts
                self.add(name, cell, labels, total / n * (1.0 if weighted else row.scale), window)
                self.add(name + "_samples", cell, labels, n * row.scale if weighted else n, window)
        if name == "service_level_ratio":
            derived.live_service_level(self, window, gathered)

    def items(self, name: str) -> dict[tuple[Cell, Labels], list[Item]]:
        """Open at T when start <= T, by cell and labels."""
        result: dict[tuple[Cell, Labels], list[Item]] = defaultdict(list)
        for item in self.book.items:
            if item.metric == name and item.start <= self.at:
                for cell in self.cells(item.group):
                    if name != "queue_agents" or cell[0] == "queue":
                        result[cell, item.labels].append(item)
        return result

    def over(self, name: str, items: list[Item]) -> int:
        """over_target: due at or before T (queue_waiting: before T)."""
        strict = name == "queue_waiting"
        return sum(i.due is not None and (i.due < self.at if strict else i.due <= self.at) for i in items)

    def _stock(self, name: str, row: Row) -> None:
        families = [
            name,
            *([name + "_over_target"] if row.due else []),
            *(["sla_open_at_risk"] if name == "sla_open" else []),
        ]
        for cell, labels in self._zero_keys(row):
            for family in families:
                self.add(family, cell, labels, 0)
        for (cell, labels), items in self.items(name).items():
            self.add(name, cell, labels, len(items))
            self.add(name + "_oldest_age_seconds", cell, labels, max(self.at - i.start for i in items) / 1000)
            if row.due:
                self.add(name + "_over_target", cell, labels, self.over(name, items))
            if name == "sla_open":
                soon = sum(i.due is not None and self.at < i.due <= self.at + AT_RISK for i in items)
                self.add("sla_open_at_risk", cell, labels, soon)
        if name == "tickets_backlog":
            self._ages()

    def _ages(self) -> None:
        """tickets_backlog_age_seconds{quantile}, tickets_backlog_age_samples: over all states."""
        ages: dict[Cell, list[int]] = defaultdict(list)
        for (cell, _), items in self.items("tickets_backlog").items():
            ages[cell] += [self.at - i.start for i in items]
        for cell, values in ages.items():
            self.quantiles("tickets_backlog_age_seconds", cell, (), values, "", 1e-3, 0)
            self.add("tickets_backlog_age_samples", cell, (), len(values))

    def totals(self, name: str) -> Counter[Cell]:
        return Counter(c for item in self.book.totals if item.metric == name for c in self.cells(item.group))

    def _total(self, name: str) -> None:
        for cell, count in self.totals(name).items():
            self.add(name, cell, (), count)
