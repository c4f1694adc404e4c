"""The simulated people behave: nobody is answered who did not call, and whoever waits too long leaves."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from statistics import fmean

import pytest

from streamer.producers.simulator import Incident, Shape, demo, simulate
from streamer.producers.simulator.pacing import event_ms
from streamer.producers.simulator.presets import at_midmorning

pytestmark = pytest.mark.slow

START_MS = 1_767_571_200_000
HOUR_MS = 3_600_000


def run(centre, hours, seed=0, start_ms=START_MS):
    return list(simulate(centre, start_ms=start_ms, duration_ms=hours * HOUR_MS, seed=seed))


@pytest.fixture(scope="module")
def evening():
    """Four hours around the closing of a queue, of a centre that loses many customers and expires surveys early."""
    incident = Incident(queue="billing", start_ms=START_MS + 21 * HOUR_MS, duration_ms=HOUR_MS, factor=6)
    centre = replace(demo(customers=600), churn=0.6, survey_expiry_ms=HOUR_MS, incidents=(incident,))
    return run(centre, 4, start_ms=START_MS + 20 * HOUR_MS)


def lives(events, *entities):
    """Return the events of each subject of the kinds, as (what, data, time in ms)."""
    found = defaultdict(list)
    for event in events:
        _, entity, what = event["type"].split(".")
        if entity in entities:
            found[event["subject"]].append((what, event["data"], event_ms(event)))
    return found


def test_each_contact_goes_its_way_in_order(evening):
    may_follow = {
        "": {"queued", "message"},
        "queued": {"offered", "abandoned", "left_queue"},
        "offered": {"answered", "not_answered", "abandoned"},
        "not_answered": {"offered", "abandoned", "left_queue"},
        "answered": {"held", "message", "transferred", "ended"},
        "held": {"resumed", "ended"},
        "resumed": {"message", "transferred", "ended"},
        "message": {"message", "queued", "held", "transferred", "ended"},
        "transferred": {"queued", "offered", "abandoned", "left_queue"},
        "left_queue": {"queued", "ended"},
        "abandoned": set(),
        "ended": set(),
    }
    contacts = lives(evening, "call", "chat")
    assert len(contacts) > 1000
    for subject, life in contacts.items():
        last = ""
        for what, _, _ in life:
            if what != "wrapped_up":
                assert what in may_follow[last], f"{subject}: {what} after {last or 'nothing'}"
                last = what


def test_an_agent_answers_what_they_were_offered_and_has_one_contact_at_a_time(evening):
    status = {}
    talking = {}
    for event in evening:
        _, entity, what = event["type"].split(".")
        data = event["data"]
        if what == "status_changed" and entity == "agent":
            status[data["agent"]] = data["status"]
            assert not (data["status"] == "available" and data["agent"] in talking)
        elif entity in {"call", "chat"} and what == "offered":
            assert status[data["agent"]] == "available"
        elif entity in {"call", "chat"} and what == "answered":
            assert talking.setdefault(data["agent"], event["subject"]) == event["subject"]
        elif entity in {"call", "chat"} and what == "wrapped_up":
            assert talking.pop(data["agent"]) == event["subject"]


def test_a_contact_s_events_carry_its_customer_or_none(evening):
    anonymous = 0
    for entity in ("call", "chat", "ticket", "survey", "cart"):
        for life in lives(evening, entity).values():
            customers = {data.get("customer") for _, data, _ in life}
            assert len(customers) == 1
            anonymous += customers == {None}
            assert entity == "call" or customers != {None}
    assert anonymous > 10


def test_tickets_begin_once_are_worked_on_after_and_end_once(evening):
    tickets = lives(evening, "ticket")
    bounced = reopened = 0
    for life in tickets.values():
        whats = [what for what, _, _ in life]
        assert whats[0] == "created"
        assert whats.count("created") == 1
        for end in ("merged", "deleted"):
            assert end not in whats[:-1]
        queues = [data["queue"] for what, data, _ in life if what in {"created", "assigned"} and "queue" in data]
        bounced += len(set(queues)) > 1
        statuses = [data["status"] for what, data, _ in life if what == "status_changed"]
        reopened += "open" in statuses[statuses.index("solved") :] if "solved" in statuses else 0
        assert all(first != second for first, second in pairwise(statuses))
    assert bounced > 10
    assert reopened > 10


def test_a_merged_ticket_goes_into_another_ticket_of_the_customer(evening):
    tickets = lives(evening, "ticket")
    merged = [(subject, data) for subject, life in tickets.items() for what, data, _ in life if what == "merged"]
    assert merged
    for subject, data in merged:
        assert data["into"] != subject
        assert tickets[data["into"]][0][1]["customer"] == data["customer"]


def test_surveys_are_sent_before_they_end_and_once(evening):
    for life in lives(evening, "survey").values():
        whats = [what for what, _, _ in life]
        assert whats[0] in {"sent", "offered"}
        assert set(whats[1:]) in ({"answered"}, {"declined"}, {"expired"}, set())


def test_nothing_is_heard_of_a_customer_who_was_erased(evening):
    erased = {}
    for event in evening:
        customer = event["data"].get("customer")
        assert customer not in erased, event["type"]
        if event["type"] == "support.customer.erased":
            erased[customer] = True
    assert erased


@pytest.mark.parametrize(("staff", "least", "most"), [(3.0, 0.0, 0.03), (0.3, 0.2, 0.8)])
def test_abandonment_follows_from_waiting(staff, least, most):
    """The same callers: nearly all stay where agents are plenty (a few leave while it rings), many leave otherwise."""
    queues = tuple(replace(queue, agents=round(queue.agents * staff), miss=0.0) for queue in demo().queues)
    calls = lives(run(replace(demo(), queues=queues, shape=Shape()), 2), "call").values()
    share = fmean(any(what == "abandoned" for what, _, _ in life) for life in calls)
    assert least <= share <= most


def test_a_displeased_detractor_is_called_and_a_call_back_follows_its_request(evening):
    directions = {
        data["direction"] for life in lives(evening, "call").values() for _, data, _ in life if "direction" in data
    }
    assert directions == {"outbound", "callback"}


@pytest.mark.slow
def test_an_incident_raises_abandonment_in_its_queue_and_nowhere_else():
    quiet = replace(demo(), shape=Shape())
    incident = Incident(queue="billing", start_ms=START_MS + HOUR_MS, duration_ms=HOUR_MS, factor=4)
    shares = {}
    for name, centre in (("quiet", quiet), ("incident", replace(quiet, incidents=(incident,)))):
        during = [event for event in run(centre, 2) if event_ms(event) >= incident.start_ms]
        for queue in ("billing", "orders"):
            calls = [life for life in lives(during, "call").values() if life[0][1].get("queue") == queue]
            shares[name, queue] = fmean(any(what == "abandoned" for what, _, _ in life) for life in calls)
        topics = [event["data"].get("topic") for event in during if event["data"].get("queue") == "billing"]
        shares[name, "topic"] = topics.count("double charge")
    assert shares["quiet", "billing"] < 0.1
    assert shares["incident", "billing"] > 0.25
    assert shares["incident", "orders"] < 0.1
    assert shares["quiet", "topic"] == 0
    assert shares["incident", "topic"] > 100


@pytest.mark.parametrize("hour", [0, 3, 10, 23])
@pytest.mark.parametrize("day", range(7))
def test_a_live_centre_is_at_midmorning_whatever_the_hour(hour, day):
    now = START_MS + day * 24 * HOUR_MS + hour * HOUR_MS + 1_234
    centre = at_midmorning(demo(), now)
    ordinary = Shape(hours=demo().shape.hours)
    assert centre.shape.at(now) == ordinary.at(START_MS + 10 * HOUR_MS + 1_234)
    assert centre.shape.at(now + 14 * HOUR_MS) == ordinary.at(START_MS + 1_234)


def test_the_day_has_a_shape():
    counts = []
    for hour in (3, 10):
        events = run(replace(demo(), established_ms=0), 1, start_ms=START_MS + hour * HOUR_MS)
        counts.append(sum(event["type"] == "support.call.queued" for event in events))
    assert counts[1] > 1.7 * counts[0]


def test_unsolved_problems_bring_the_customer_back():
    never, always = (
        len(lives(run(replace(demo(), repeat=share), 3), "call", "chat", "ticket")) for share in (0.0, 1.0)
    )
    assert always > 1.08 * never
