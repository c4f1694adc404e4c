"""What the simulation yields is a stream that the processor accepts: valid, ordered, repeatable, and without end."""

import tracemalloc
from collections import Counter
from dataclasses import replace
from itertools import islice

import msgspec
import pytest

from streamer.events import TYPES
from streamer.events.codec import Decoder
from streamer.producers.kafka import address
from streamer.producers.simulator import bench, demo, erlang_a, simulate, tickets
from streamer.producers.simulator.pacing import event_ms

pytestmark = pytest.mark.slow

START_MS = 1_767_571_200_000  # Monday 2026-01-05T00:00:00Z
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

encode = msgspec.json.Encoder().encode


def run(centre, duration_ms=HOUR_MS, seed=0, start_ms=START_MS):
    return simulate(centre, start_ms=start_ms, duration_ms=duration_ms, seed=seed)


@pytest.mark.parametrize("centre", [demo(customers=200), bench(customers=100, rate=10)], ids=["demo", "bench"])
def test_the_same_seed_gives_the_same_bytes(centre):
    first, second = ([encode(event) for event in run(centre)] for _ in range(2))
    assert first == second


def test_another_seed_gives_other_events_of_other_tickets():
    first, second = (list(run(demo(customers=0x80), seed=seed)) for seed in (1, 2))
    assert not {event["id"] for event in first} & {event["id"] for event in second}
    tickets = [{e["subject"] for e in events if e["type"] == "support.ticket.created"} for events in (first, second)]
    assert not tickets[0] & tickets[1]


@pytest.mark.parametrize("centre", [demo(customers=200), bench(customers=100, rate=10)], ids=["demo", "bench"])
def test_times_rise_and_ids_of_one_instant_sort_as_they_happened(centre):
    events = list(run(centre))
    assert events == sorted(events, key=lambda event: (event["time"], event["id"]))
    assert len({(event["source"], event["id"]) for event in events}) == len(events)


def test_events_lie_between_start_and_end_but_for_the_joining_of_the_population():
    before, within = [], []
    for event in run(demo(customers=300)):
        (within if event_ms(event) >= START_MS else before).append(event)
    assert {event["type"] for event in before} == {"support.customer.joined"}
    assert len(before) == 300
    assert event_ms(before[0]) == START_MS - 60 * DAY_MS
    assert event_ms(within[-1]) < START_MS + HOUR_MS


@pytest.mark.slow
def test_in_a_normal_day_everything_happens_and_all_of_it_is_accepted():
    decoder = Decoder({})
    seen = Counter()
    reasons = Counter()
    for event in run(demo(), DAY_MS, seed=1):
        topic, key = address(event)
        decoded, time_ms, _ = decoder.decode(topic, key.encode(), encode(event), event_ms(event))
        assert time_ms == event_ms(event)
        assert event["data"].keys() <= set(decoded.data.__struct_fields__)  # none that its type does not name
        seen[event["type"]] += 1
        if event["type"].endswith("left_queue"):
            reasons[decoded.data.reason] += 1
    assert set(seen) == set(TYPES)
    assert set(reasons) >= {"key", "empty", "voicemail", "callback"}


def test_surveys_have_all_kinds_and_scales_also_one_where_one_is_best():
    events = [event["data"] for event in run(demo(), 6 * HOUR_MS) if event["type"] == "support.survey.answered"]
    assert {data["kind"] for data in events} == {"csat", "relationship", "nps", "ces", "experience", "esat"}
    scales = {(data["scale_min"], data["scale_max"], data.get("best", "high")) for data in events}
    assert scales == {(0, 1, "high"), (1, 5, "high"), (1, 10, "high"), (0, 10, "high"), (1, 7, "high"), (1, 6, "low")}


def test_the_demo_is_lively_at_any_hour():
    for hour in (0, 3, 12, 22):
        count = sum(
            1 for event in run(demo(), HOUR_MS, start_ms=START_MS + hour * HOUR_MS) if event_ms(event) >= START_MS
        )
        assert 2 < count / 3600 < 12


@pytest.mark.slow
def test_the_bench_keeps_its_rate_and_has_150_groups():
    groups = set()
    count = 0
    channels = {"ticket": "tickets", "chat": "chat", "call": "phone"}
    for event in run(bench(rate=300), 40 * MINUTE_MS):
        entity = event["type"].split(".")[1]
        count += event_ms(event) >= START_MS + 20 * MINUTE_MS
        if event["type"] in {"support.ticket.created", "support.chat.queued", "support.call.queued"}:
            groups.add((channels[entity], event["data"]["queue"], event["data"]["team"]))
    assert len(groups) == 150
    assert count / (20 * 60) == pytest.approx(300, rel=0.15)


def test_a_textbook_queue_has_no_other_events():
    centre = erlang_a(arrivals=0.1, service=1 / 60, agents=5, impatience=1 / 30)
    assert {event["type"] for event in run(centre, 6 * HOUR_MS)} == {
        "support.call.queued",
        "support.call.answered",
        "support.call.abandoned",
        "support.call.ended",
    }


@pytest.mark.slow
def test_an_endless_run_keeps_its_memory(monkeypatch):
    """Also when tickets come faster than the desk can answer them: what nobody takes up for days is closed."""
    monkeypatch.setattr(tickets, "_DESK_WAIT_MAX_MS", 3 * HOUR_MS)
    queues = tuple(
        replace(queue, calls_per_hour=0.5, chats_per_hour=0.5, tickets_per_hour=30.0, agents=1, desk_agents=1)
        for queue in demo().queues
    )
    centre = replace(demo(customers=50), queues=queues, carts_per_hour=0.0, heartbeat_ms=0, established_ms=0)
    events = simulate(centre, start_ms=START_MS, seed=0)
    sizes = []
    tracemalloc.start()
    try:
        for hours in (16, 40):
            for event in events:
                if event_ms(event) >= START_MS + hours * HOUR_MS:
                    break
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[1] < 1.15 * sizes[0]


def test_without_customers_nothing_but_calls_can_arrive():
    with pytest.raises(ValueError, match="need customers"):
        demo(customers=0)


def test_an_endless_run_yields_as_it_goes():
    assert len(list(islice(simulate(demo(customers=10), start_ms=START_MS, seed=0), 1000))) == 1000
