"""The comparison rows of the program are those of the reference, on five weeks with a day's rhythm and an incident."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from math import isclose

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streamer.events.codec import Decoder
from streamer.replay import accept, exposition
from streamer.settings import Settings

from .comparison import comparison
from .noise import START, noise

pytestmark = pytest.mark.slow

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
BASE = int(START.timestamp()) * 1000
LAST = 35  # the day of the incident, at 11:20
CONFIGS = {
    "default": {"surveys": {"min_samples": 4}},
    # a dimension that no grouping has, one that only a pair has, and values that are `other`
    "few groupings": {
        "surveys": {"min_samples": 4},
        "dimensions": {
            "names": ["queue", "team", "channel"],
            "groupings": [[], ["queue"], ["team", "queue"]],
            "limit": 2,
        },
    },
    "no channel": {"surveys": {"min_samples": 1}, "dimensions": {"names": ["queue"], "groupings": [[], ["queue"]]}},
}
FAMILIES = (
    "support_metric_target",
    "support_metric_baseline",
    "support_metric_deviation_score",
    "support_spike",
    "support_spike_confirmed",
    "support_spike_contributor_ratio",
    "support_driver_lift",
    "support_driver_samples",
    "support_driver_low",
    "support_satisfaction_shift",
    "support_satisfaction_shift_timestamp_seconds",
)


def history(seed):
    """Noise of all kinds; tickets and calls by the hour of the day; on the last day a hundred more of queue b."""
    chance = random.Random(seed)
    events = [e for e in noise(2500, seed, days=LAST + 1) if e["type"] != "support.customer.erased"]

    def add(kind, subject, at, **data):
        name = f"r{len(events)}"
        when = (START + timedelta(milliseconds=at)).isoformat(timespec="milliseconds")
        envelope = {"specversion": "1.0", "id": name, "source": "rhythm", "type": "support." + kind, "time": when}
        events.append({**envelope, "subject": subject or name, "data": {"customer": subject or name, **data}})
        return name

    for day in range(LAST + 1):
        for hour in (9, 10, 11, 12):
            for _ in range(chance.randrange(8, 15)):
                at = day * DAY + hour * HOUR + chance.randrange(HOUR)
                if chance.random() < 0.6:
                    add("ticket.created", "", at, queue=chance.choice("aab"))
                else:
                    name = add("call.queued", "", at, queue=chance.choice("ab"))
                    add("call.answered", name, at + chance.randrange(20_000))
    for _ in range(100):
        at = LAST * DAY + 11 * HOUR + 20 * MINUTE + chance.randrange(30 * MINUTE)
        name = add("call.queued", "", at, queue="b")
        add("call.answered", name, at + 60_000 + chance.randrange(200_000))
        add("ticket.created", "", at, queue="b", channel="chat")
    return sorted(events, key=lambda e: e["time"])


def of_the_product(events, at, config):
    settings = Settings.model_validate(config)
    decoder = Decoder(settings.surveys.scales, settings.time.future)
    arrived = [(arrival, e, time) for e, time, arrival in (accept(decoder, json.dumps(raw).encode()) for raw in events)]
    arrived.sort(key=lambda record: record[0])
    text = exposition(settings, arrived, at)
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for s in samples if s.name in FAMILIES}


# While the incident grows, at its height, after it; at night; after five days; a week before.
MOMENTS = [
    *(LAST * DAY + 11 * HOUR + minute * MINUTE for minute in (27, 45, 75)),
    LAST * DAY + 27 * HOUR,
    5 * DAY + 10 * HOUR + 1000,
    (LAST - 7) * DAY + 11 * HOUR + 30 * MINUTE,
]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("seed", "config"), [(3, "default"), (2, "few groupings"), (4, "no channel")])
def test_the_comparison_is_that_of_the_reference(results, seed, config, family):
    wrong, compared = {}, 0
    for at in MOMENTS:
        ours, theirs = (
            {key: value for key, value in series.items() if key[0] == family} for series in results(seed, config, at)
        )
        for key in sorted(ours.keys() | theirs.keys()):
            compared += 1
            one, other = ours.get(key), theirs.get(key)
            if one is None or other is None or not isclose(one, other, rel_tol=1e-9, abs_tol=1e-9):
                wrong[at, key] = (one, other)
    assert wrong == {}
    assert compared


@pytest.fixture(scope="module")
def results():
    """The product's and the reference's series of a seed under a configuration at a moment, each made once."""
    events: dict = {}
    made: dict = {}

    def of(seed, config, moment):
        if seed not in events:
            events[seed] = history(seed)
        key = seed, config, moment
        if key not in made:
            case = events[seed], BASE + moment, CONFIGS[config]
            made[key] = of_the_product(*case), comparison(*case)
        return made[key]

    return of
