"""Spikes: six simulated weeks with known incidents, put into panes, and what the product flags in the last two of them.

Counts are drawn minute by minute (Poisson, with a day, a week, and hours that are busier than others for no reason). An
incident is three times the normal level of one queue or one channel for half an hour, where at least 30 events are
normal in 15 minutes. Ratios and means have their usual noise and no incidents, so that each of their alarms is a false one.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from bench.figures import say
from streamer.facts import GROUP_UNIT
from streamer.metrics.catalogue import row
from streamer.metrics.comparison.segments import Groups
from streamer.metrics.windows import Windows
from streamer.panes.histogram import Ints
from streamer.panes.store import MINUTE, NO_CELLS, Store
from streamer.settings import Settings

Floats = npt.NDArray[np.float64]

_HOUR: Final = 60
_DAY: Final = 24 * _HOUR
_WEEK: Final = 7 * _DAY
_MINUTES: Final = 6 * _WEEK
_WATCHED: Final = 4 * _WEEK
#: minutes since the epoch of a Monday
_START: Final = 29_458_080
#: tickets, and as many legs, in 15 min at the busiest time
_QUEUES: Final = {"billing": 70.0, "orders": 55.0, "support": 45.0, "returns": 40.0, "vip": 12.0}
_CHANNELS: Final = ("phone", "chat", "email")
#: how the contacts of a queue divide among the channels
_MIX: Final = ((0.5, 0.3, 0.2), (0.3, 0.4, 0.3), (0.4, 0.2, 0.4), (0.2, 0.3, 0.5), (0.6, 0.2, 0.2))
_TIMES: Final = 3.0
_NORMAL_MIN: Final = 30.0
_LONG: Final = 30
_WITHIN: Final = 10
#: an alarm so long after an incident's end still belongs to it: the window has not let go of it
_AFTER: Final = 20
_EVERY: Final = 11 * _HOUR
_COUNTS: Final = ("tickets_created", "queue_legs")


class _Incident(NamedTuple):
    metric: str
    dimension: str
    value: str
    start: int


@dataclass
class _Result:
    found: list[int] = field(default_factory=list)
    named: int = 0
    incidents: int = 0
    alarms: int = 0
    false: dict[str, int] = field(default_factory=dict)
    #: of the false ones, those of all segments together
    whole: int = 0
    seconds: float = 0.0


def _shape(random: np.random.Generator) -> Floats:
    """Return how busy each minute is, 0 to 1 and a little more: a day, a week, and 5 % of whim an hour."""
    minute = np.arange(_MINUTES)
    day = 0.08 + 0.92 * np.clip(np.sin((minute % _DAY / _DAY - 0.25) * 2 * np.pi), 0, 1)
    week = np.where(minute % _WEEK >= 5 * _DAY, 0.45, 1.0)
    return day * week * np.repeat(random.lognormal(0, 0.05, _MINUTES // _HOUR), _HOUR)


def _rates(random: np.random.Generator) -> Floats:
    """Return the normal rate a minute by group (queue, then channel) and minute."""
    peak = np.array([n / 15 * share for n, mix in zip(_QUEUES.values(), _MIX, strict=True) for share in mix])
    return np.outer(peak, _shape(random))


def _groups() -> list[tuple[str, ...]]:
    return [(channel, queue, "") for queue in _QUEUES for channel in _CHANNELS]


def _members(dimension: str, value: str) -> npt.NDArray[np.bool_]:
    place = ("channel", "queue").index(dimension)
    return np.array([group[place] == value for group in _groups()])


def _incidents(random: np.random.Generator, rates: Floats) -> list[_Incident]:
    """Return incidents in the watched weeks, some 11 hours apart, each where its segment is busy enough."""
    segments = [("queue", queue) for queue in _QUEUES] + [("channel", channel) for channel in _CHANNELS]
    found = []
    for begin in range(_WATCHED + _HOUR, _MINUTES - 3 * _HOUR, _EVERY):
        start = begin + int(random.integers(2 * _HOUR))
        normal = {s: rates[_members(*s), start : start + 15].sum() for s in segments}
        busy = [s for s in segments if normal[s] >= _NORMAL_MIN]
        if busy:
            segment = busy[random.integers(len(busy))]
            found.append(_Incident(_COUNTS[random.integers(2)], *segment, start))
    return found


def _rows(random: np.random.Generator, rates: Floats, incidents: Sequence[_Incident]) -> dict[int, tuple[Ints, Ints]]:
    """Return count and sum of each row by group and minute."""
    level = {name: np.ones(rates.shape) for name in _COUNTS}
    for incident in incidents:
        members = np.flatnonzero(_members(incident.dimension, incident.value))
        level[incident.metric][members, incident.start : incident.start + _LONG] = _TIMES
    tickets, legs = (random.poisson(rates * level[name]) for name in _COUNTS)
    lost = random.binomial(legs, 0.06)
    solved = random.poisson(rates)
    reopened = random.binomial(solved, 0.05)
    asked = random.poisson(rates * 0.3)
    happy = random.binomial(asked, 0.8)
    rated = random.poisson(rates * 0.3)
    promoters = random.binomial(rated, 0.55)
    detractors = random.binomial(rated - promoters, 0.4)

    def waits(n: Ints, mean: float) -> Ints:
        return np.where(n > 0, random.gamma(np.maximum(n, 1), mean), 0).astype(np.int64)

    def plain(n: Ints) -> tuple[Ints, Ints]:
        return n, n

    return {
        row("tickets_created"): plain(tickets),
        row("leg", outcome="answered", reached="within"): plain(legs - lost),
        row("leg", outcome="abandoned", reached="beyond"): plain(lost),
        row("answer_wait"): (legs - lost, waits(legs - lost, 40_000)),
        row("first_response"): (solved, waits(solved, 1_800_000)),
        row("replies_per_resolution"): (solved, solved + random.poisson(2 * solved)),
        row("reopen_ratio"): (solved, reopened),
        row("csat_ratio", kind="csat"): (asked, happy),
        row("nps_share", **{"class": "promoter"}): plain(promoters),
        row("nps_share", **{"class": "passive"}): plain(rated - promoters - detractors),
        row("nps_share", **{"class": "detractor"}): plain(detractors),
    }


def _store(rows: dict[int, tuple[Ints, Ints]]) -> Store:
    """Return all as panes of a minute and of an hour."""
    numbers = sorted(rows)
    count, total = (np.stack([rows[number][i] for number in numbers], axis=1) for i in range(2))
    groups = len(count)
    cells = (np.arange(groups)[:, np.newaxis] * GROUP_UNIT + np.array(numbers) * 2).reshape(-1)
    store = Store()
    for size, width in ((0, 1), (2, _HOUR)):
        counts = count.reshape(len(cells), -1, width).sum(axis=2)
        totals = total.reshape(len(cells), -1, width).sum(axis=2)
        for i in range(counts.shape[1]):
            some = counts[:, i] != 0
            store.put(
                size,
                _START // width + i,
                NO_CELLS._replace(cells=cells[some], counts=counts[some, i], totals=totals[some, i]),
            )
    return store


def _watch(store: Store) -> list[tuple[dict[str, bool], dict[str, set[tuple[str, str]]]]]:
    """Return for every watched minute's end which metrics spike anywhere, and which segment is named."""
    windows = Windows(Settings())
    groups = _groups()
    windows.places.update(groups, np.ones(len(groups), dtype=np.int64))
    all_groups = Groups(Settings().dimensions.names, groups)
    found = []
    for minute in range(_WATCHED, _MINUTES):
        parts = list(windows.comparison.deviations(store, windows.places, all_groups, (_START + minute + 1) * MINUTE))
        on: dict[str, bool] = {}
        named: dict[str, set[tuple[str, str]]] = {}
        for part in parts:
            own = dict(part.labels)
            if part.metric.name == "spike":
                set_ = part.shown & (part.values == 1)
                on[own["metric"]] = bool(set_.any())
                on[f"{own['metric']} of all"] = bool(set_[windows.places.by(())].any())
            elif part.metric.name == "spike_contributor_ratio" and part.shown[windows.places.by(())].any():
                named.setdefault(own["metric"], set()).add((own["dimension"], own["value"]))
        found.append((on, named))
    return found


def _judge(
    result: _Result, seen: list[tuple[dict[str, bool], dict[str, set[tuple[str, str]]]]], known: list[_Incident]
) -> None:
    expected: dict[str, set[int]] = {}
    for incident in known:
        first = incident.start - _WATCHED
        expected.setdefault(incident.metric, set()).update(range(first, first + _LONG + _AFTER))
        result.incidents += 1
        minutes = range(first, first + _WITHIN)
        on = [i for i in minutes if seen[i][0].get(incident.metric)]
        if on:
            result.found.append(on[0] - first + 1)
            result.named += any(incident[1:3] in seen[i][1].get(incident.metric, ()) for i in on)
    for metric in sorted({name for on, _ in seen for name in on}):
        flags = [on.get(metric, False) for on, _ in seen]
        starts = [i for i, flag in enumerate(flags) if flag and not (i and flags[i - 1])]
        false = sum(i not in expected.get(metric.removesuffix(" of all"), ()) for i in starts)
        if metric.endswith(" of all"):
            result.whole += false
            continue
        result.alarms += len(starts)
        if false:
            result.false[metric] = result.false.get(metric, 0) + false


def main(seeds: Sequence[int]) -> None:
    """Watch two weeks of every seed; print recall, precision and false alarms a week, all metrics and segments together."""
    total = _Result()
    for seed in seeds:
        random = np.random.default_rng(seed)
        rates = _rates(random)
        known = _incidents(random, rates)
        store = _store(_rows(random, rates, known))
        result = _Result()
        begun = time.perf_counter()
        _judge(result, _watch(store), known)
        result.seconds = time.perf_counter() - begun
        _print(f"seed {seed}", result, 1)
        total.found += result.found
        total.named, total.incidents = total.named + result.named, total.incidents + result.incidents
        total.alarms, total.seconds = total.alarms + result.alarms, total.seconds + result.seconds
        total.whole += result.whole
        for metric, n in result.false.items():
            total.false[metric] = total.false.get(metric, 0) + n
    _print("all", total, len(seeds))


def _print(name: str, result: _Result, seeds: int) -> None:
    weeks = seeds * (_MINUTES - _WATCHED) / _WEEK
    false = sum(result.false.values())
    say(
        f"{name}: {result.incidents} incidents, flagged within {_WITHIN} min {len(result.found)}"
        f" (recall {len(result.found) / result.incidents:.3f}), right segment {result.named};"
        f" slowest {max(result.found, default=0)} min"
    )
    say(
        f"  {result.alarms} alarms, {false} false (precision {1 - false / max(result.alarms, 1):.3f}),"
        f" {false / weeks:.2f} a week over all metrics and segments {result.false or ''},"
        f" {result.whole / weeks:.2f} a week where only `all` is looked at;"
        f" {result.seconds / seeds / (_MINUTES - _WATCHED) * 1000:.1f} ms an evaluation"
    )
