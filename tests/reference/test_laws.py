"""What must hold of the reference itself on noise: order and repetition do not matter, groupings add up."""

from __future__ import annotations

import random
from datetime import datetime

import pytest

from . import evaluate
from .noise import START, noise

pytestmark = pytest.mark.slow

DAY = 86_400_000
_BASE = int(START.timestamp()) * 1000


@pytest.mark.parametrize("seed", range(4))
def test_arrival_order_and_repetition_do_not_matter(seed):
    events = noise(700, seed, days=9, customers=25)
    at = _BASE + 10 * DAY + seed * 3_723_000
    expected = evaluate(events, at, {})
    shuffled = [*events, *random.Random(seed).sample(events, 100)]
    random.Random(seed).shuffle(shuffled)
    assert evaluate(shuffled, at, {}) == expected


@pytest.mark.parametrize("seed", range(4))
def test_what_is_after_the_instant_changes_nothing(seed):
    events = noise(700, seed, days=9, customers=25)
    at = _BASE + 5 * DAY
    past = [e for e in events if datetime.fromisoformat(e["time"]).timestamp() * 1000 <= at]
    assert evaluate(past, at, {}) == evaluate(events, at, {})


def test_counts_of_a_grouping_add_up_to_all():
    events = noise(1500, 7, days=9, customers=25)
    series = evaluate(events, _BASE + 9 * DAY, {})
    names = {
        "support_" + n
        for n in ("tickets_created", "queue_legs", "contacts", "surveys_answered", "tickets_backlog", "handle_samples")
    }
    whole: dict = {}
    parts: dict = {}
    for (family, items), value in series.items():
        labels = dict(items)
        if family not in names:
            continue
        key = (family, tuple((k, v) for k, v in items if k not in {"by", "channel", "queue", "team"}))
        if labels["by"] == "all":
            whole[key] = value
        elif labels["by"] == "queue":
            parts[key] = parts.get(key, 0) + value
    assert whole
    assert parts == whole


def test_ratios_stay_within_their_range():
    series = evaluate(noise(3000, 5), _BASE + 38 * DAY, {})
    for (family, _), value in series.items():
        flows = any(word in family for word in ("resolution", "change", "churn", "retention"))
        if family.endswith("_ratio") and not flows:
            assert 0 <= value <= 1, family
        if "seconds" in family or family.endswith("_samples"):
            assert value >= 0, family
