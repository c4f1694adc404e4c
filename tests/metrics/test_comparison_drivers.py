"""Drivers: what was the case in the contact that an answer is about, counted once, whatever came first or was answered again."""

import json

import pytest

from streamer.events.codec import Decoder
from streamer.facts import ROW_LIMIT
from streamer.metrics.catalogue import FIXED_ROWS
from streamer.metrics.catalogue.comparison import ALL_ANSWERS, DRIVER, OPEN_DRIVERS
from streamer.replay import accept, replayed, snapshot_of
from streamer.settings import Settings

SETTINGS = Settings()
DECODER = Decoder(SETTINGS.surveys.scales, SETTINGS.time.future)


def event(what, clock, subject="one", **data):
    time = f"2026-03-02T{clock}Z"
    head = {"specversion": "1.0", "source": "test", "id": f"{what} {clock}", "subject": subject, "time": time}
    return head | {
        "type": f"support.{what}",
        "recordedtime": "2026-03-02T23:00:00Z",
        "data": {"customer": "ada"} | data,
    }


def answer(clock, score, kind="csat"):
    scale = {"scale_min": 1, "scale_max": 5}
    return event("survey.answered", clock, "s", kind=kind, score=score, about="one", **scale)


def drivers(events, settings=SETTINGS):
    """Return driver -> (answers, low ones); the empty name is that of all answers."""
    accepted = [accept(DECODER, json.dumps(raw).encode()) for raw in events]
    snapshot = snapshot_of(replayed(settings, [(arrival, e, time) for e, time, arrival in accepted], 1_772_578_800_000))
    names = {number: name for name, number in DRIVER.items()} | {ALL_ANSWERS: ""}
    names |= {FIXED_ROWS + i: v[0] for i, (family, v) in enumerate(snapshot.open_rows) if family == OPEN_DRIVERS}
    found = {}
    for (size, _), pane in snapshot.store.panes.items():
        for cell, count, total in zip(pane.cells.tolist(), pane.counts.tolist(), pane.totals.tolist(), strict=True):
            name = names.get(cell >> 1 & (ROW_LIMIT - 1))
            if size == 2 and name is not None:  # by the hour
                a, b = found.get(name, (0, 0))
                found[name] = (a + count, b + total)
    return {name: sums for name, sums in found.items() if sums != (0, 0)}


#: first reply after 2 h, the target is 1 h; three replies; solved and reopened
TICKET = [
    event("ticket.created", "08:00:00", channel="email", topic="invoice"),
    *(event("ticket.message", f"10:0{i}:00", author="agent") for i in range(3)),
    event("ticket.status_changed", "11:00:00", status="solved"),
    event("ticket.status_changed", "11:30:00", status="open"),
]
LOW, HIGH = answer("12:00:00", 1), answer("13:00:00", 5)
OF_TICKET = ("replies_over_2", "reopened", "breached", "channel:email", "topic:invoice", "")


def test_the_drivers_of_a_ticket():
    assert drivers([*TICKET, LOW]) == dict.fromkeys(OF_TICKET, (1, 1))


def test_a_second_answer_takes_the_place_of_the_first():
    assert drivers([*TICKET, LOW, HIGH]) == dict.fromkeys(OF_TICKET, (1, 0))


def test_an_answer_of_another_kind_or_about_nothing_known_has_none():
    assert drivers([*TICKET, answer("12:00:00", 1, "nps")]) == {}
    assert drivers([LOW]) == {}


@pytest.mark.parametrize("late", range(len(TICKET)))
def test_any_order_gives_the_same(late):
    events = [*TICKET, LOW, HIGH]
    assert drivers([*events[late:], *events[:late]]) == dict.fromkeys(OF_TICKET, (1, 0))


CALL = {"queue": "billing", "channel": "phone"}


def test_a_call_that_waited_was_transferred_and_abandoned_before():
    events = [
        event("call.queued", "08:00:00", "zero", **CALL),
        event("call.abandoned", "08:01:00", "zero"),
        event("call.queued", "09:00:00", **CALL),
        event("call.answered", "09:00:21", agent="a"),
        event("call.transferred", "09:02:00", to_queue="support", kind="blind"),
        event("call.answered", "09:02:05", agent="b"),
        event("call.ended", "09:03:00"),
        LOW,
    ]
    names = ("waited_over_target", "transferred", "repeat_contact", "abandoned_first", "channel:phone", "")
    assert drivers(events) == dict.fromkeys(names, (1, 1))


def names(*events):
    """Return the fixed drivers at an answer at noon."""
    return {name for name in drivers([*events, LOW]) if name and ":" not in name}


def test_each_leg_has_the_target_of_its_own_queue():
    first = [event("call.queued", "09:00:00", queue="billing"), event("call.answered", "09:00:20")]
    moved = event("call.transferred", "09:01:00", to_queue="support")
    assert names(*first, moved, event("call.answered", "09:01:20")) == {"transferred"}
    assert names(*first, moved, event("call.answered", "09:01:21")) == {"transferred", "waited_over_target"}
    assert names(event("call.queued", "07:00:00")) == {"waited_over_target"}  # lost after 4 h
    assert names(event("call.queued", "11:59:40")) == set()  # waits, not yet too long
    assert names(event("call.queued", "11:59:39")) == {"waited_over_target"}
    assert names(event("call.queued", "09:00:00", direction="outbound"), event("call.answered", "09:09:00")) == set()


def test_an_abandon_counts_in_the_first_leg_or_before_the_contact():
    queued = event("call.queued", "09:00:00", queue="billing")
    assert names(queued, event("call.abandoned", "09:00:10")) == {"abandoned_first"}
    later = [
        event("call.left_queue", "09:00:10", reason="overflow"),
        event("call.queued", "09:00:11", queue="support"),
        event("call.abandoned", "09:00:20"),
    ]
    assert names(queued, *later) == set()
    after = [event("call.queued", "10:00:00", "other"), event("call.abandoned", "10:00:01", "other")]
    assert names(queued, event("call.answered", "09:00:10"), *after) == set()


def test_what_begins_with_a_call_to_the_customer_is_no_contact_of_theirs():
    before = [event("call.queued", "08:00:00", "zero"), event("call.answered", "08:00:01", "zero")]
    for direction, repeats in (("inbound", {"repeat_contact"}), ("callback", set())):
        own = [event("call.queued", "09:00:00", direction=direction), event("call.answered", "09:00:01")]
        assert names(*before, *own) == repeats


def test_a_miss_stays_one_whatever_comes_after():
    created = event("ticket.created", "08:00:00")
    in_time, late = (event("ticket.message", clock, author="agent") for clock in ("09:00:00", "09:00:01"))
    assert names(created, in_time) == set()
    assert names(created, late) == {"breached"}
    solved = event("ticket.status_changed", "09:00:02", status="solved")
    opened = event("ticket.status_changed", "09:30:00", status="open")
    assert names(created, solved) == {"breached"}
    assert names(created, in_time, solved, opened) == {"reopened"}
    assert names(created, solved, opened) == {"breached", "reopened"}


# What the customer says at 03:10 owes an answer within 4 h.
@pytest.mark.parametrize(("clock", "expected"), [("07:10:00", set()), ("07:10:01", {"breached"})])
@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("ticket.message", {"author": "agent"}),
        ("ticket.status_changed", {"status": "solved"}),
        ("ticket.merged", {"into": "other"}),
        ("ticket.deleted", {}),
    ],
)
def test_a_late_response_is_a_miss(what, data, clock, expected):
    asked = [
        event("ticket.created", "02:00:00"),
        event("ticket.message", "02:30:00", author="agent"),
        event("ticket.message", "03:10:00", author="customer"),
    ]
    assert names(*asked, event(what, clock, **data)) == expected


def test_a_chat_has_replies_and_a_topic():
    events = [event("chat.queued", "09:00:00", topic="invoice"), event("chat.answered", "09:00:01")]
    events += [event("chat.message", f"09:0{i}:00", author="agent") for i in range(1, 4)]
    assert drivers([*events, LOW]).keys() == {"replies_over_2", "channel:chat", "topic:invoice", ""}


@pytest.mark.parametrize("dimensions", [["queue"], ["channel", "queue"]])
def test_the_channel_is_a_driver_also_where_it_is_no_dimension(dimensions):
    settings = Settings.model_validate({"dimensions": {"names": dimensions, "groupings": [[]]}})
    created = event("ticket.created", "11:30:00")
    web, none = (event("ticket.assigned", "11:30:01", channel=channel) for channel in ("web", ""))
    assert drivers([created, LOW], settings).keys() == {"channel:email", ""}
    assert drivers([created, web, LOW], settings).keys() == {"channel:web", ""}
    assert drivers([created, none, LOW], settings).keys() == {""}
    assert drivers([event("call.queued", "11:59:59", channel="web"), LOW], settings).keys() == {"channel:web", ""}
