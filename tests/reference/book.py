"""Plain lists that the modules fill: contributions, open work, time spans, activity."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Group = tuple[str, ...]
Labels = tuple[tuple[str, str], ...]


@dataclass
class Fact:
    """One contribution. A ratio: value 0 or 1 (or an amount) of n; a duration: ms; timed: `at` is no event's time."""

    metric: str
    labels: Labels
    group: Group
    at: int
    value: int = 1
    n: int = 1
    timed: bool = False


@dataclass
class Item:
    """Open work at T."""

    metric: str
    labels: Labels
    group: Group
    start: int
    due: int | None = None


@dataclass
class Span:
    """A stretch of an agent's time for the occupancy."""

    group: Group
    start: int
    end: int
    busy: bool


@dataclass
class Book:
    facts: list[Fact] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    activity: list[Fact] = field(default_factory=list)
    totals: list[Item] = field(default_factory=list)  # running sums: customers_active, churn_risk_customers

    def put(
        self, metric: str, group: Group, at: int, value: int = 1, *, n: int = 1, timed: bool = False, **labels: str
    ) -> None:
        self.facts.append(Fact(metric, tuple(sorted(labels.items())), group, at, value, n, timed))

    def time(self, metric: str, group: Group, at: int, millis: int, *, timed: bool = False, **labels: str) -> None:
        """A duration: negative ones (clock skew) count as 0."""
        self.put(metric, group, at, max(0, millis), timed=timed, **labels)

    def open(self, metric: str, group: Group, start: int, due: int | None = None, **labels: str) -> None:
        """Starts are cut to the second, due times rounded up to the second."""
        up = None if due is None else -(-due // 1000) * 1000
        self.items.append(Item(metric, tuple(sorted(labels.items())), group, start // 1000 * 1000, up))

    def seen(self, kind: str, group: Group, at: int) -> None:
        """The hidden row activity{kind}: accepted events by group."""
        self.activity.append(Fact("activity", (("kind", kind),), group, at))


class Dims:
    """An entity's dimension values over its life; a missing value is the empty string."""

    def __init__(self, names: list[str], **defaults: str) -> None:
        self.names = names
        self.now: dict[str, str] = {k: v for k, v in defaults.items() if k in names}
        self.history: list[tuple[int, int, dict[str, str]]] = []  # (idx, time, values after that event)

    def apply(self, data: dict[str, Any], *, agent: bool = True) -> None:
        """A later event changes only the fields it has."""
        for name in self.names:
            if name in data and (agent or name != "agent"):
                self.now[name] = str(data[name])

    def set(self, name: str, value: str) -> None:
        if name in self.names:
            self.now[name] = value

    def mark(self, idx: int, time: int) -> None:
        self.history.append((idx, time, dict(self.now)))

    def group(self, **override: str) -> Group:
        return tuple(override.get(name, self.now.get(name, "")) for name in self.names)

    def before(self, at: int, **override: str) -> Group:
        """The group of a time-made fact: an event strictly before `at` that changes a dimension moves it."""
        earlier = [values for _, time, values in self.history if time < at]
        values = earlier[-1] if earlier else self.history[0][2] if self.history else {}
        return tuple(override.get(name, values.get(name, "")) for name in self.names)

    def at_idx(self, idx: int) -> dict[str, str] | None:
        """The values as they were at a place in the order; None: unknown then."""
        earlier = [values for place, _, values in self.history if place < idx]
        return earlier[-1] if earlier else None
