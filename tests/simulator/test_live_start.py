"""Whoever starts the demo sees a centre that keeps its targets until the incident comes, and then at once that it does not."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamer.demo import INCIDENT, TARGETS
from streamer.events.codec import Decoder
from streamer.metrics.evaluate import evaluate
from streamer.partition import Partition
from streamer.producers.simulator import Incident, command, demo, parse_incident, simulate
from streamer.producers.simulator.presets import at_midmorning
from streamer.replay import accept, snapshot_of
from streamer.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

MINUTE = 60_000
#: a Monday, ten minutes past noon
NOW = 1_767_571_200_000 + 730 * MINUTE
SEEDS = range(1, 5)
SHOWN = {
    "support_service_level_ratio": {"window": "15m", "formula": "offered"},
    "support_service_level_ratio_samples": {"window": "15m", "formula": "offered"},
    "support_abandon_ratio": {"window": "15m", "short": "excluded"},
    "support_abandon_ratio_samples": {"window": "15m", "short": "excluded"},
    "support_queue_waiting": {},
    "support_queue_waiting_oldest_age_seconds": {},
    "support_queue_waiting_over_target": {},
}
SETTINGS = Settings.model_validate(
    {
        "targets": TARGETS,
        "dimensions": {"groupings": [["queue"]]},
        "exposition": {"metrics": ["service_level_ratio", "abandon_ratio", "queue_waiting"], "windows": ["15m"]},
    }
)

Numbers = dict[str, dict[str, float]]


def chance(shown: Numbers, metric: str, queue: str) -> float:
    """Return how far past its target chance alone takes a share of so many samples, as the alerts have it."""
    target = TARGETS[metric]
    samples = shown[f"support_{metric}_samples"][queue]
    assert samples >= 20
    return 1.645 * math.sqrt(target * (1 - target) / samples)


def waits_too_long(shown: Numbers, queue: str) -> bool:
    """Return whether the condition of the alert LongestWait holds."""
    oldest = shown["support_queue_waiting_oldest_age_seconds"].get(queue, 0)
    past = shown["support_queue_waiting_over_target"].get(queue, 0)
    return (oldest > 45 and past >= 5) or oldest > 300


def numbers(seed: int, minutes: range, incident: Incident | None = None) -> Iterator[Numbers]:
    """Yield what a board shows so many minutes after a live start: family -> queue -> value."""
    start = command._start(None, NOW, None, to_file=False, live=True)
    centre = replace(at_midmorning(demo(), NOW), incidents=(incident,) if incident else ())
    decoder = Decoder(SETTINGS.surveys.scales, SETTINGS.time.future)
    events = simulate(centre, start_ms=start, duration_ms=NOW + minutes[-1] * MINUTE - start + 1, seed=seed)
    contacts = (raw for raw in events if raw["type"].split(".")[1] in {"call", "chat"})
    accepted = (accept(decoder, json.dumps(raw | {"recordedtime": raw["time"]}).encode()) for raw in contacts)
    following = next(accepted)
    partition = Partition(SETTINGS)
    for minute in minutes:
        at = NOW + minute * MINUTE
        while following is not None and following[1] <= at:
            partition.accept(*following)
            following = next(accepted, None)
        found: Numbers = {family: {} for family in SHOWN}
        for block in evaluate(snapshot_of(partition), SETTINGS, at):
            if dict(block.labels) == SHOWN.get(block.family):
                for place in block.order:
                    if block.shown[place]:
                        _, (_, queue, _) = block.places.labels[place]
                        found[block.family][queue] = float(block.values[place])
        yield found


def test_a_live_start_begins_with_a_whole_hour_of_which_the_usual_can_be_told() -> None:
    start = command._start(None, NOW, None, to_file=False, live=True)
    assert start % (60 * MINUTE) == 0
    assert 120 * MINUTE <= NOW - start < 180 * MINUTE


@pytest.mark.parametrize("seed", SEEDS)
def test_before_an_incident_no_queue_is_past_its_targets(seed: int) -> None:
    queues = {queue.name for queue in demo().queues}
    waiting, abandoned = 0.0, 0.0
    for shown in numbers(seed, range(0, 31, 3)):
        levels, left = shown["support_service_level_ratio"], shown["support_abandon_ratio"]
        assert set(levels) == set(left) == queues
        for queue in queues:
            assert levels[queue] >= TARGETS["service_level_ratio"] - chance(shown, "service_level_ratio", queue), queue
            assert left[queue] <= TARGETS["abandon_ratio"] + chance(shown, "abandon_ratio", queue), queue
            assert not waits_too_long(shown, queue), queue
        waiting += sum(shown["support_queue_waiting"].values())
        abandoned += sum(left.values())
    assert waiting  # it is no centre where all are answered at once
    assert abandoned


@pytest.mark.parametrize("seed", SEEDS)
def test_from_two_minutes_into_an_incident_its_queue_waits_too_long_and_no_other(seed: int) -> None:
    incident = parse_incident(INCIDENT, NOW)
    assert (incident.start_ms, incident.duration_ms) == (NOW + 2 * MINUTE, 10 * MINUTE)
    late = [
        {queue.name for queue in demo().queues if waits_too_long(shown, queue.name)}
        for shown in numbers(seed, range(4, 41, 2), incident)
    ]
    assert late[:5] == [{incident.queue}] * 5
    assert set().union(*late[5:]) <= {incident.queue}
    assert late[-1] == set()  # over, half an hour after its end
