"""Six simulated weeks of a support centre with known incidents, minute by minute.

Counts are Poisson, with a day, a week, and hours that are busier than others for no reason. Ratios and means come from those
events one by one: binomial shares, exponential waits, first responses of a heavy tail (lognormal); they too have hours that
are a little better or worse. An incident is three to five times the normal number of tickets or legs of one queue or one
channel for half an hour, where at least 30 are normal in 15 minutes.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streamer.metrics.catalogue import row
from streamer.panes.histogram import Ints

Floats = npt.NDArray[np.float64]
#: count and sum of each row, by group and minute
Rows = dict[int, tuple[Ints, Ints]]

HOUR: Final = 60
_DAY: Final = 24 * HOUR
WEEK: Final = 7 * _DAY
MINUTES: Final = 6 * WEEK
#: incidents lie from here on: four weeks are the history
WATCHED: Final = 4 * WEEK
#: minutes since the epoch of a Monday
START: Final = 29_458_080
#: tickets, and as many legs, in 15 min at the busiest time
_QUEUES: Final = {"billing": 70.0, "orders": 55.0, "support": 45.0, "returns": 40.0, "vip": 12.0}
_CHANNELS: Final = ("phone", "chat", "email")
#: how the contacts of a queue divide among the channels
_MIX: Final = ((0.5, 0.3, 0.2), (0.3, 0.4, 0.3), (0.4, 0.2, 0.4), (0.2, 0.3, 0.5), (0.6, 0.2, 0.2))
GROUPS: Final = [(channel, queue, "") for queue in _QUEUES for channel in _CHANNELS]
_TIMES: Final = (3.0, 5.0)
_NORMAL_MIN: Final = 30.0
#: how long an incident lasts
LONG: Final = 30
_EVERY: Final = 4 * HOUR
_COUNTS: Final = ("tickets_created", "queue_legs")
#: standard deviation, as a share, of what hours differ for no reason
_WHIM: Final = 0.05


class Incident(NamedTuple):
    """From minute `start` on a metric is `times` its normal in the segment where the dimension has the value."""

    metric: str
    dimension: str
    value: str
    start: int
    times: float


class World(NamedTuple):
    """What happened, and what of it was an incident."""

    rows: Rows
    incidents: list[Incident]


def simulated(seed: int) -> World:
    """Return the six weeks of a seed."""
    random = np.random.default_rng(seed)
    peak = np.array([n / 15 * share for n, mix in zip(_QUEUES.values(), _MIX, strict=True) for share in mix])
    rates = np.outer(peak, _shape() * _whim(random))
    incidents = _incidents(random, rates)
    return World(_rows(random, rates, incidents), incidents)


def _shape() -> Floats:
    """Return how busy each minute is, 0 to 1: a day, a week."""
    minute = np.arange(MINUTES)
    day = 0.08 + 0.92 * np.clip(np.sin((minute % _DAY / _DAY - 0.25) * 2 * np.pi), 0, 1)
    return day * np.where(minute % WEEK >= 5 * _DAY, 0.45, 1.0)


def _whim(random: np.random.Generator) -> Floats:
    return np.repeat(random.lognormal(0, _WHIM, MINUTES // HOUR), HOUR)


def _members(dimension: str, value: str) -> npt.NDArray[np.bool_]:
    place = ("channel", "queue").index(dimension)
    return np.array([group[place] == value for group in GROUPS])


def _incidents(random: np.random.Generator, rates: Floats) -> list[Incident]:
    """Return incidents in the watched weeks, at least two hours apart, each where its segment is busy enough."""
    segments = [("queue", queue) for queue in _QUEUES] + [("channel", channel) for channel in _CHANNELS]
    found = []
    for begin in range(WATCHED + HOUR, MINUTES - 3 * HOUR, _EVERY):
        start = begin + int(random.integers(2 * HOUR))
        busy = [s for s in segments if rates[_members(*s), start : start + 15].sum() >= _NORMAL_MIN]
        if busy:
            segment = busy[random.integers(len(busy))]
            found.append(Incident(_COUNTS[random.integers(2)], *segment, start, random.uniform(*_TIMES)))
    return found


def _rows(random: np.random.Generator, rates: Floats, incidents: list[Incident]) -> Rows:
    level = {name: np.ones(rates.shape) for name in _COUNTS}
    for incident in incidents:
        members = np.flatnonzero(_members(incident.dimension, incident.value))
        level[incident.metric][members, incident.start : incident.start + LONG] = incident.times

    def some(n: Ints, share: float) -> Ints:
        return random.binomial(n, np.minimum(share * _whim(random), 1))

    def lasting(n: Ints, draw: Callable[[int], Floats]) -> Ints:
        """Return the sums of so many durations each."""
        cell = np.repeat(np.arange(n.size), n.reshape(-1))
        sums = np.bincount(cell, weights=draw(len(cell)), minlength=n.size).reshape(n.shape)
        return (sums * _whim(random)).astype(np.int64)

    tickets, legs = (random.poisson(rates * level[name]) for name in _COUNTS)
    lost = some(legs, 0.06)
    solved = random.poisson(rates * _whim(random))
    asked, rated = (random.poisson(rates * 0.3) for _ in range(2))
    promoters = some(rated, 0.55)
    detractors = some(rated - promoters, 0.4)
    return {
        row("tickets_created"): (tickets, tickets),
        row("leg", outcome="answered", reached="within"): (legs - lost, legs - lost),
        row("leg", outcome="abandoned", reached="beyond"): (lost, lost),
        row("answer_wait"): (legs - lost, lasting(legs - lost, lambda n: random.exponential(40_000, n))),
        row("first_response"): (solved, lasting(solved, lambda n: random.lognormal(np.log(1_100_000), 1.0, n))),
        row("replies_per_resolution"): (solved, solved + random.poisson(2 * solved)),
        row("reopen_ratio"): (solved, some(solved, 0.05)),
        row("csat_ratio", kind="csat"): (asked, some(asked, 0.8)),
        row("nps_share", **{"class": "promoter"}): (promoters, promoters),
        row("nps_share", **{"class": "passive"}): (rated - promoters - detractors,) * 2,
        row("nps_share", **{"class": "detractor"}): (detractors, detractors),
    }
