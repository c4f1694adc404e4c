"""The text of `replay` has the numbers of the reference on whole days of the simulated centre, every family among them.

A weekend on which Europe changes to summer time, and 25 days later, when that weekend is the measure of what is usual, a
Wednesday with an incident: 37,000 events of all types.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import ceil, isclose
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streamer.events import TYPES
from streamer.events.codec import Decoder
from streamer.metrics.catalogue import METRICS
from streamer.metrics.explain import families
from streamer.producers.simulator import Centre, Incident, demo, simulate
from streamer.replay import accept, exposition
from streamer.settings import Settings

from . import evaluate

pytestmark = pytest.mark.slow

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
WEEKEND = 1_774_656_000_000  # Saturday, 28 March 2026, 00:00 UTC
WEDNESDAY = WEEKEND + 25 * DAY
INCIDENT = WEDNESDAY + 10 * HOUR
# part of the demo's contacts, shop and staff
SHARE = 0.03

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]

# so short that some of the work is past each of them at any time
TARGETS = {
    "surveys": {"min_samples": 1, "follow_up_target": "1m"},
    "tickets": {
        "first_response_target": "3m",
        "response_target": "20m",
        "resolution_target": "30m",
        "review_age": "10m",
    },
}
ABROAD = {
    "time": {"zone": "Europe/Berlin"},
    "dimensions": {
        "names": ["channel", "queue", "team", "agent"],
        "groupings": [[], ["agent"], ["channel", "queue"]],
        "limit": 3,
    },
}
CASES = {
    "sunday": (WEEKEND + DAY + 12 * HOUR, ABROAD),
    "incident": (INCIDENT + 40 * MINUTE, TARGETS),
    "night after": (WEDNESDAY + DAY, TARGETS),
}


def centre(**more: Any) -> Centre:
    """Return the demo, made small enough to be counted by brute force."""
    whole = demo(customers=100)
    queues = tuple(
        replace(
            queue,
            calls_per_hour=queue.calls_per_hour * SHARE,
            chats_per_hour=queue.chats_per_hour * SHARE,
            tickets_per_hour=queue.tickets_per_hour * SHARE,
            agents=ceil(queue.agents * SHARE),
            desk_agents=ceil(queue.desk_agents * SHARE),
        )
        for queue in whole.queues
    )
    return replace(
        whole,
        queues=queues,
        heartbeat_ms=10 * MINUTE,
        survey_share=0.9,
        churn=0.3,
        carts_per_hour=whole.carts_per_hour * SHARE,
        intercepts_per_hour=whole.intercepts_per_hour * SHARE,
        relationship_per_hour=whole.relationship_per_hour * SHARE * 4,
        **more,
    )


@pytest.fixture(scope="module")
def days() -> list[dict[str, Any]]:
    """The events of the three days, in order."""
    incident = Incident(queue="billing", start_ms=INCIDENT, duration_ms=HOUR, factor=40)
    wednesday = centre(established_ms=0, incidents=(incident,))
    return [
        *simulate(centre(), start_ms=WEEKEND, duration_ms=2 * DAY, seed=3),
        *simulate(wednesday, start_ms=WEDNESDAY, duration_ms=DAY, seed=4),
    ]


@pytest.fixture(scope="module")
def series(days):
    """The program's and the reference's series of a case, each made once."""

    @cache
    def of(case: str) -> tuple[Series, Series]:
        at, config = CASES[case]
        return _of_the_program(days, at, config), evaluate(days, at, config)

    return of


def _of_the_program(events, at, config):
    settings = Settings.model_validate(config)
    decoder, encode = Decoder(settings.surveys.scales, settings.time.future), msgspec.json.Encoder().encode
    arrived = [(arrival, event, time) for event, time, arrival in (accept(decoder, encode(raw)) for raw in events)]
    arrived.sort(key=lambda record: record[0])
    parsed = text_string_to_metric_families(exposition(settings, arrived, at))
    samples = [sample for family in parsed for sample in family.samples]
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


def test_everything_happens_in_these_days(days):
    assert {event["type"] for event in days} == set(TYPES)


@pytest.mark.parametrize("case", CASES)
def test_simulated_days_have_the_numbers_of_the_reference(series, case):
    ours, theirs = series(case)
    assert {
        key: (ours.get(key), theirs.get(key))
        for key in ours.keys() | theirs.keys()
        if key not in ours or key not in theirs or not isclose(ours[key], theirs[key], rel_tol=1e-9, abs_tol=1e-12)
    } == {}


def test_every_family_is_compared_with_another_value_than_0(series):
    """Another simulation, or seed, may need other days for it: a spike, a shift, a detractor whom nobody called."""
    catalogue = {family for metric in METRICS for family in families(metric)} | {"support_metric_target"}
    for side in zip(*map(series, CASES), strict=True):
        shown = {family for found in side for (family, _), value in found.items() if value}
        assert catalogue - shown == set()
        assert shown <= catalogue
