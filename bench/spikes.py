"""Spikes: which known incidents of simulated weeks (`bench.incidents`) the product flags, and what it flags besides.

The state after every minute is made by the product's own functions, for all minutes at once; at every incident the product
evaluates panes too, which must give the same, and tells whose excess it is.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.figures import say
from bench.incidents import GROUPS, HOUR, LONG, MINUTES, START, WATCHED, WEEK, Incident, Rows, simulated
from streamer.facts import GROUP_UNIT
from streamer.metrics.catalogue.comparison import COMPARED
from streamer.metrics.comparison import baselines, spikes
from streamer.metrics.comparison.segments import Groups
from streamer.metrics.windows import Windows
from streamer.panes.histogram import Ints
from streamer.panes.store import MINUTE, NO_CELLS, Store
from streamer.settings import Settings

Mask = npt.NDArray[np.bool_]

_WITHIN: Final = 10
#: an alarm so long after an incident's end still belongs to it: the window has not let go of it
_AFTER: Final = 20
_NAMES: Final = [compared.name for compared in COMPARED]


@dataclass
class _Result:
    weeks: float = 0.0
    incidents: int = 0
    #: minutes until each was flagged
    found: list[int] = field(default_factory=list)
    #: those whose own segment was flagged
    named: int = 0
    #: where all segments together spike: how often, and how often the incident's segment has most of it
    shared: int = 0
    most: int = 0
    alarms: int = 0
    false: Counter[str] = field(default_factory=Counter)

    def add(self, other: "_Result") -> None:
        for name in ("weeks", "incidents", "named", "shared", "most", "alarms"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.found += other.found
        self.false.update(other.false)


class _Centre:
    """The product's view of a centre: places, and the state of every series after every watched minute."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._windows = Windows(Settings())
        self._places = self._windows.places
        self._places.update(GROUPS, np.ones(len(GROUPS), dtype=np.int64))
        single = [number for number, names in enumerate(self._places.groupings) if len(names) <= 1]
        self._columns = np.flatnonzero(np.isin(self._places.grouping, single))
        #: by metric, column and minute
        self.on = _states(self._sums())
        self._store = _store(rows)

    def column(self, by: str, value: str = "") -> int:
        """Return the column of a segment."""
        labels = [self._places.labels[place] for place in self._columns.tolist()]
        return next(i for i, (of, values) in enumerate(labels) if of == by and (not value or value in values))

    def _sums(self) -> Ints:
        """Return the sums of all metrics' numerators, then denominators, [sum, column, minute]."""
        members = np.array([(self._places.of_group == place).any(axis=0) for place in self._columns], dtype=np.int64)
        sums = np.zeros((2 * len(COMPARED), len(members), MINUTES), dtype=np.int64)
        for i, terms in enumerate([c.over for c in COMPARED] + [c.under for c in COMPARED]):
            for term in terms:
                if term.row in self._rows:
                    sums[i] += term.factor * (members @ self._rows[term.row][int(term.sums)])
        return sums

    def evaluate(self, minute: int) -> dict[str, set[tuple[str, str]]]:
        """Return whose excess the spikes of all segments together are after a minute, by metric.

        Raises RuntimeError if this evaluation of panes gives other spikes than `on` has.
        """
        groups = Groups(Settings().dimensions.names, GROUPS)
        parts = list(
            self._windows.comparison.deviations(self._store, self._places, groups, (START + minute + 1) * MINUTE)
        )
        on = np.array([part.shown & (part.values == 1) for part in parts if part.metric.name == "spike_confirmed"])
        if not np.array_equal(on[:, self._columns], self.on[..., minute - WATCHED]):
            raise RuntimeError(f"minute {minute}: two ways to the spikes differ")
        named: dict[str, set[tuple[str, str]]] = {}
        for part in parts:
            own = dict(part.labels)
            if part.metric.name == "spike_contributor_ratio" and part.shown[self._places.by(())].any():
                named.setdefault(own["metric"], set()).add((own["dimension"], own["value"]))
        return named


def _states(sums: Ints) -> Mask:
    """Return what spikes after every watched minute, [metric, column, minute]; each looks at the 2 h up to it."""
    first = WATCHED - spikes.MINUTES
    ends = np.arange(first, MINUTES)
    windows = spikes.window_sums(sums[..., first - spikes.WINDOW + 1 :])
    by_hour = sums.reshape(*sums.shape[:2], -1, HOUR).sum(axis=-1)
    before = np.pad(by_hour, ((0, 0), (0, 0), (baselines.HOURS, 0)))  # nothing before the first week
    wanted, of_end = np.unique(ends // HOUR, return_inverse=True)
    usual = np.stack([_usual(before[..., hour : hour + baselines.HOURS]) for hour in wanted.tolist()], axis=-1)
    found = spikes.scores(windows, usual, of_end, ends % HOUR)
    on = np.zeros((*found.score.shape[:2], MINUTES - WATCHED), dtype=bool)
    for metric, column in np.argwhere(found.confirmed.any(axis=-1)).tolist():
        # a row is what is looked at after one minute
        score, begins = (_rows_of(part[metric, column, 1:]) for part in (found.score, found.confirmed))
        begins[:, 0] = False  # of the minute before it nothing is known
        on[metric, column] = spikes.spiking(score[np.newaxis], begins[np.newaxis])[0, :, -1]
    return on


def _rows_of(values: Any) -> Any:
    return np.lib.stride_tricks.sliding_window_view(values, spikes.MINUTES).copy()


def _usual(hours: Ints) -> npt.NDArray[np.float64]:
    """Return what is usual after 4 weeks of hours, [field, metric, column]."""
    n = len(COMPARED)
    return np.stack([baselines.usual(c, hours[i], hours[n + i]) for i, c in enumerate(COMPARED)], axis=1)


def _store(rows: Rows) -> Store:
    """Return all as panes of an hour, and what is watched as panes of a minute."""
    numbers = sorted(rows)
    count, total = (np.stack([rows[number][i] for number in numbers], axis=1) for i in range(2))
    cells = (np.arange(len(count))[:, np.newaxis] * GROUP_UNIT + np.array(numbers) * 2).reshape(-1)
    store = Store()
    for size, width, first in ((0, 1, WATCHED - 3 * HOUR), (2, HOUR, 0)):
        counts, totals = (part[..., first:].reshape(len(cells), -1, width).sum(axis=2) for part in (count, total))
        for i in range(counts.shape[1]):
            some = counts[:, i] != 0
            pane = NO_CELLS._replace(cells=cells[some], counts=counts[some, i], totals=totals[some, i])
            store.put(size, (START + first) // width + i, pane)
    return store


def _judge(centre: _Centre, known: Sequence[Incident]) -> _Result:
    result = _Result((MINUTES - WATCHED) / WEEK, len(known))
    expected = np.zeros((len(COMPARED), MINUTES - WATCHED), dtype=bool)
    for incident in known:
        metric, first = _NAMES.index(incident.metric), incident.start - WATCHED
        expected[metric, first : first + LONG + _AFTER] = True
        on = centre.on[metric, :, first : first + _WITHIN]
        anywhere = [bool(column.any()) for column in on.T]
        if any(anywhere):
            result.found.append(anywhere.index(True) + 1)
        else:
            say(f"  missed: {incident}")
        result.named += bool(on[centre.column(incident.dimension, incident.value)].any())
        contributors = centre.evaluate(incident.start + _WITHIN - 1).get(incident.metric, set())
        result.shared += bool(contributors)
        result.most += incident[1:3] in contributors
    spiking: Mask = np.logical_or.reduce(centre.on, axis=1)
    starts = spiking & ~np.pad(spiking, ((0, 0), (1, 0)))[:, :-1]
    result.alarms = int(starts.sum())
    for name, n in zip(_NAMES, (starts & ~expected).sum(axis=1).tolist(), strict=True):
        if n:
            result.false[name] = n
    return result


def main(seeds: Sequence[int]) -> None:
    """Watch two weeks of every seed; print recall, precision and false alarms a week, all metrics and segments together."""
    total = _Result()
    for seed in seeds:
        begun = time.process_time()
        world = simulated(seed)
        result = _judge(_Centre(world.rows), world.incidents)
        _print(f"seed {seed}", result, f"{time.process_time() - begun:.0f} s of CPU")
        total.add(result)
    _print("all seeds", total)


def _print(name: str, result: _Result, note: str = "") -> None:
    false = result.false.total()
    say(
        f"{name}: {result.incidents} incidents, flagged within {_WITHIN} min {len(result.found)}"
        f" (recall {len(result.found) / max(result.incidents, 1):.3f}, slowest {max(result.found, default=0)} min),"
        f" in the right segment {result.named}, most of the excess of all {result.most} of {result.shared};"
        f" {result.alarms} alarms, {false} false (precision {1 - false / max(result.alarms, 1):.3f}),"
        f" {false / result.weeks:.2f} a week {dict(result.false)} {note}".rstrip()
    )
