"""metric_baseline, metric_deviation_score, spike, spike_contributor_ratio: nine metrics, hour by hour, minute by minute."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import TYPE_CHECKING

from .config import HOUR, MINUTE
from .windows import pane_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .book import Fact, Group
    from .expose import Cell, Exposition

WEEK = 168  # hours
KEPT = 4 * WEEK
QUARTER = 15  # "now" is the last 15 min, in 1 min panes
PER_QUARTER = 0.25  # of an hour
ALPHA = 0.3
SET, CLEARED, ENOUGH, MINUTES = 4, 2, 30, 120


@dataclass
class Metric:
    """One of the nine: the facts it is made of; count, or a mean of `unit` each."""

    label: str
    row: str
    count: bool = False
    ratio: bool = False
    most: float | None = None  # no sample is more than this, up or down
    unit: float = 1.0
    own: tuple[tuple[str, str], ...] = ()  # of the row's labels, these values only


METRICS = (
    Metric("tickets_created", "tickets_created", count=True),
    Metric("queue_legs", "queue_legs", count=True),
    Metric("answer_wait", "answer_wait", unit=1e-3),
    Metric("abandon_ratio", "abandon_ratio", ratio=True, own=(("short", "included"),)),
    Metric("first_response", "first_response", unit=1e-3),
    Metric("replies_per_resolution", "replies_per_resolution"),
    Metric("reopen_ratio", "reopen_ratio", ratio=True),
    Metric("csat_ratio", "csat_ratio", ratio=True, own=(("kind", "csat"),)),
    Metric("nps_score", "nps_score", most=100.0, unit=100.0),
)


@dataclass
class Level:
    """What is usual in an hour, and how far from it is far. `usual` and `spread` are those that now is held against."""

    baseline: float  # per hour
    usual: float  # of a count: in 15 min
    spread: float
    expected: float  # events in 15 min: of a mean or ratio, its samples
    deviation: float  # of the hours' residuals, of a count that of 15 min
    ramp: tuple[float, float, float]  # what is usual in the hour before, in this one, in the one after


class Usual:
    """The baseline of each hour of the week, as it is for the hour `hour`, from the hours' values before it."""

    def __init__(self, values: dict[int, float], hour: int) -> None:
        self.values = values
        self.weekly: dict[int, list[float]] = {}
        for when, value in values.items():
            self.weekly.setdefault(when % WEEK, []).append(value)
        self.recent: float | None = None
        for when in range(hour - 24, hour):  # EWMA of the last 24 h
            if when in values:
                last = self.recent
                self.recent = values[when] if last is None else ALPHA * values[when] + (1 - ALPHA) * last

    def of(self, hour: int) -> float | None:
        """The median of the same hour of the week; of fewer than 2 weeks the EWMA."""
        same = self.weekly.get(hour % WEEK, [])
        return median(same) if len(same) >= 2 else self.recent

    def deviation(self) -> float:
        """1.4826 x median absolute deviation of the residuals of all hours of the 4 weeks."""
        pairs = [(value, self.of(when)) for when, value in self.values.items()]
        residuals = [value - usual for value, usual in pairs if usual is not None]
        if not residuals:
            return 0.0
        middle = median(residuals)
        return 1.4826 * median(abs(r - middle) for r in residuals)


class Segment:
    """One metric's facts of one group of events, in 1 h and 1 min panes."""

    def __init__(self, metric: Metric, facts: Iterable[Fact]) -> None:
        self.metric = metric
        self.hours: dict[int, list[int]] = {}
        self.minutes: dict[int, list[int]] = {}
        self.levels: dict[int, Level | None] = {}
        for fact in facts:
            for size, panes in ((HOUR, self.hours), (MINUTE, self.minutes)):
                panes.setdefault(pane_of(fact.at, size, timed=fact.timed), []).append(fact.value)

    def level(self, hour: int) -> Level | None:
        if hour not in self.levels:
            self.levels[hour] = self._level(hour)
        return self.levels[hour]

    def _level(self, hour: int) -> Level | None:
        counts = self._counts(hour)
        expected = Usual(counts, hour).of(hour)
        if self.metric.count:
            usual = Usual(counts, hour)
        else:
            usual = Usual({h: self._mean(v) for h, v in self.hours.items() if hour - KEPT <= h < hour}, hour)
        baseline = usual.of(hour)
        if baseline is None:
            return None
        scale = PER_QUARTER if self.metric.count else 1
        spread = [usual.deviation() * scale, 0.1 * abs(baseline) * scale]
        if self.metric.count:
            spread.append(sqrt(baseline * scale))
        beside = [baseline if (other := usual.of(hour + step)) is None else other for step in (-1, 0, 1)]
        ramp = (beside[0] * scale, beside[1] * scale, beside[2] * scale)
        return Level(baseline, baseline * scale, max(spread), (expected or 0) * PER_QUARTER, spread[0], ramp)

    def _counts(self, hour: int) -> dict[int, float]:
        """Events of each hour of the last 4 weeks from the first that has any; 0 where there are none."""
        held = [h for h in self.hours if hour - KEPT <= h < hour]
        return {h: float(len(self.hours.get(h, []))) for h in range(min(held), hour)} if held else {}

    def _mean(self, values: list[int]) -> float:
        return sum(values) / len(values) * self.metric.unit

    def within(self, last: int) -> list[int]:
        """The values of the 15 min up to the minute pane `last`."""
        return [v for minute in range(last - QUARTER + 1, last + 1) for v in self.minutes.get(minute, [])]

    def now(self, last: int) -> float | None:
        values = self.within(last)
        if self.metric.count:
            return float(len(values))
        return self._mean(values) if values else None

    def score(self, last: int, hour: int) -> float | None:
        level, now = self.level(hour), self.now(last)
        return (now - level.usual) / level.spread if level is not None and now is not None and level.spread else None

    def beyond_chance(self, last: int) -> bool:
        """Whether now is more than 4 times as far above the usual as hours differ and as few events vary (READINGS 136)."""
        level, now, values = self.level(last // 60), self.now(last), self.within(last)
        if level is None or now is None:
            return False
        middle = last % 60 + 1 - QUARTER / 2  # minutes since the hour began
        before, this, after = level.ramp
        rise = (this - before) * (middle - 30) / 60 if middle < 30 else (after - this) * (middle - 30) / 60
        if self.metric.count:
            variance = now
        elif self.metric.ratio:
            variance = now / len(values)
        else:
            variance = (now if self.metric.most is None else self.metric.most) ** 2 / len(values)
        return now - (this + rise) > SET * sqrt(level.deviation**2 + variance)

    def spikes(self, at: int, *, confirmed: bool = True) -> bool | None:
        """The state after the end of the last whole minute; None: nothing is usual in its hour.

        `confirmed`: of the product's own spike_confirmed, see READINGS 136.
        """
        on = before = False
        for minute in range(at // MINUTE - MINUTES, at // MINUTE):
            score, level = self.score(minute, minute // 60), self.level(minute // 60)
            if score is None or level is None:
                before = False
                continue
            past = score > SET and max(level.expected, len(self.within(minute))) >= ENOUGH
            if past and before and (not confirmed or self.beyond_chance(minute)):
                on = True
            if score < CLEARED:
                on = False
            before = past
        return on if self.level((at // MINUTE - 1) // 60) is not None else None

    def excess(self, last: int, fallback: float) -> float:
        """What is now above the usual: events; of a mean, its sum. `fallback`: the usual where there is none."""
        level, now = self.level(last // 60), self.now(last)
        usual = fallback if level is None else level.usual
        if now is None:
            return 0.0
        return (now - usual) * (1 if self.metric.count else len(self.within(last)))


def put_baselines(exposition: Exposition) -> None:
    at = exposition.at
    for metric in METRICS:
        facts = [f for f in exposition.facts[metric.row] if set(metric.own) <= set(f.labels)]
        members: dict[Cell, list[Fact]] = {}
        for fact in facts:
            for cell in exposition.cells(fact.group):
                if "," not in cell[0]:  # by `all` and single dimensions
                    members.setdefault(cell, []).append(fact)
        label = (("metric", metric.label),)
        for cell, own in members.items():
            segment = Segment(metric, own)
            level = segment.level(at // HOUR)
            if level is not None:
                exposition.add("metric_baseline", cell, label, level.baseline)
            score = segment.score(at // MINUTE, at // HOUR)
            if score is not None:
                exposition.add("metric_deviation_score", cell, label, score)
            on, confirmed = segment.spikes(at, confirmed=False), segment.spikes(at, confirmed=True)
            if on is not None:
                exposition.add("spike", cell, label, int(on))
                exposition.add("spike_confirmed", cell, label, int(confirmed or 0))
            if on:
                _contributor(exposition, segment, own, cell)


def _contributor(exposition: Exposition, whole: Segment, facts: list[Fact], cell: Cell) -> None:
    """Of each dimension that the cell does not fix, the value with the largest share of the excess."""
    last = exposition.at // MINUTE - 1
    level = whole.level(last // 60)
    total = whole.excess(last, 0.0)
    if level is None or total <= 0:
        return
    fallback = 0.0 if whole.metric.count else level.usual  # a count's new segment: nothing was expected
    for place, dimension in enumerate(exposition.config.names):
        if dimension == cell[0]:
            continue
        values: dict[str, list[Fact]] = {}
        for fact in facts:
            values.setdefault(_shown(exposition, fact.group, place), []).append(fact)
        shares = {value: Segment(whole.metric, own).excess(last, fallback) / total for value, own in values.items()}
        most = min(shares, key=lambda value: (-shares[value], value.encode()))
        labels = (("metric", whole.metric.label), ("dimension", dimension), ("value", most))
        exposition.add("spike_contributor_ratio", cell, labels, shares[most])


def _shown(exposition: Exposition, group: Group, place: int) -> str:
    return group[place] if group[place] in exposition.allowed[place] else "other"
