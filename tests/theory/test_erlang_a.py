"""The simulator's queue is the textbook's: abandonment, waits and service level follow from load and patience alone."""

from collections.abc import Iterable
from datetime import datetime
from statistics import fmean, stdev

import pytest

from streamer.producers.simulator import erlang_a, simulate
from tests.theory.erlang_a import ErlangA, Performance

START_MS = 1_767_571_200_000
HOUR_MS = 3_600_000
TARGET_S = 20.0

SMALL = ErlangA(arrivals=0.045, service=1 / 200, agents=10, impatience=1 / 120)
OVERLOADED = ErlangA(arrivals=0.06, service=1 / 200, agents=8, impatience=1 / 90)
LARGE = ErlangA(arrivals=0.5, service=1 / 240, agents=118, impatience=1 / 180)
IMPATIENT = ErlangA(arrivals=0.05, service=1 / 100, agents=6, impatience=1 / 30)
ALL = [
    pytest.param(SMALL, id="small"),
    pytest.param(OVERLOADED, id="overloaded"),
    pytest.param(LARGE, id="large"),
    pytest.param(IMPATIENT, id="impatient"),
]


@pytest.mark.parametrize("queue", ALL)
@pytest.mark.parametrize("target", [5.0, 20.0, 120.0])
def test_the_integral_and_the_chain_agree(queue, target):
    assert queue.by_density(target) == pytest.approx(queue.by_chain(target), rel=1e-8)


@pytest.mark.parametrize("queue", ALL)
def test_palm_s_closed_form_gives_the_same_abandonment(queue):
    assert queue.by_density(TARGET_S).abandoned == pytest.approx(queue.abandoned_by_palm(), rel=1e-9)


def test_patience_without_end_is_erlang_c():
    """A textbook value: 20 Erlang on 24 agents, 4 minutes each; P(wait) 0.2980, mean wait of all 0.2980 x 60 s."""
    queue = ErlangA(arrivals=20 / 240, service=1 / 240, agents=24, impatience=1e-9)
    performance = queue.by_density(0.0)
    assert 1 - performance.answered_within == pytest.approx(0.2980, abs=2e-4)
    assert performance.answered_wait == pytest.approx((1 - performance.answered_within) * 60, rel=1e-4)


@pytest.mark.parametrize(
    ("queue", "hours"),
    [
        pytest.param(SMALL, 300, marks=pytest.mark.slow, id="small"),
        pytest.param(OVERLOADED, 150, marks=pytest.mark.slow, id="overloaded"),
        pytest.param(LARGE, 60, marks=pytest.mark.slow, id="large"),
        pytest.param(IMPATIENT, 200, marks=pytest.mark.slow, id="impatient"),
    ],
)
def test_the_simulated_centre_is_an_erlang_a_queue(queue, hours):
    """Within four standard errors, taken from batch means: waits follow one another, so single calls would deceive."""
    centre = erlang_a(arrivals=queue.arrivals, service=queue.service, agents=queue.agents, impatience=queue.impatience)
    events = simulate(centre, start_ms=START_MS, duration_ms=hours * HOUR_MS, seed=1)
    expected = queue.by_density(TARGET_S)
    batches = _batches(events, hours, 20)
    for name, theory, measured in zip(Performance._fields, expected, zip(*batches, strict=True), strict=True):
        error = stdev(measured) / len(measured) ** 0.5
        assert error < 0.06 * theory, f"{name}: too few calls to tell"
        assert fmean(measured) == pytest.approx(theory, abs=4 * error), name


def _batches(events: Iterable[dict], hours: int, count: int) -> list[Performance]:
    """Return what callers of each stretch of time saw, without the first hour, in which the queue fills."""
    queued: dict[str, int] = {}
    waits: list[list[tuple[float, bool]]] = [[] for _ in range(count)]
    length = (hours - 1) * HOUR_MS / count
    for event in events:
        kind = event["type"].rpartition(".")[2]
        if kind == "ended":
            continue
        at = round(datetime.fromisoformat(event["time"]).timestamp() * 1000)
        if kind == "queued":
            queued[event["subject"]] = at
        else:
            since = queued.pop(event["subject"])
            batch = int((since - START_MS - HOUR_MS) // length)
            if batch >= 0:
                waits[batch].append(((at - since) / 1000, kind == "answered"))
    return [_seen(batch) for batch in waits]


def _seen(calls: list[tuple[float, bool]]) -> Performance:
    answered = [wait for wait, taken in calls if taken]
    abandoned = [wait for wait, taken in calls if not taken]
    return Performance(
        len(abandoned) / len(calls),
        sum(wait <= TARGET_S for wait in answered) / len(calls),
        fmean(answered),
        fmean(abandoned),
    )
