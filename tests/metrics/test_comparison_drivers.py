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


def drivers(events):
    """Return driver -> (answers, low ones); the empty name is that of all answers."""
    accepted = [accept(DECODER, json.dumps(raw).encode()) for raw in events]
    snapshot = snapshot_of(replayed(SETTINGS, [(arrival, e, time) for e, time, arrival in accepted], 1_772_578_800_000))
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
FIVE = ("waited_over_target", "replies_over_2", "reopened", "breached", "channel:email", "topic:invoice", "")


def test_the_drivers_of_a_ticket():
    assert drivers([*TICKET, LOW]) == dict.fromkeys(FIVE, (1, 1))


def test_a_second_answer_takes_the_place_of_the_first():
    assert drivers([*TICKET, LOW, HIGH]) == dict.fromkeys(FIVE, (1, 0))


def test_an_answer_of_another_kind_or_about_nothing_known_has_none():
    assert drivers([*TICKET, answer("12:00:00", 1, "nps")]) == {}
    assert drivers([LOW]) == {}


@pytest.mark.parametrize("late", range(len(TICKET)))
def test_any_order_gives_the_same(late):
    events = [*TICKET, LOW, HIGH]
    assert drivers([*events[late:], *events[:late]]) == dict.fromkeys(FIVE, (1, 0))


def test_a_call_that_waited_was_transferred_and_abandoned_before():
    call = {"queue": "billing", "channel": "phone"}
    events = [
        event("call.queued", "08:00:00", "zero", **call),
        event("call.abandoned", "08:01:00", "zero"),
        event("call.queued", "09:00:00", **call),
        event("call.answered", "09:00:21", agent="a"),
        event("call.transferred", "09:02:00", to_queue="support", kind="blind"),
        event("call.answered", "09:02:05", agent="b"),
        event("call.ended", "09:03:00"),
        LOW,
    ]
    names = ("waited_over_target", "transferred", "repeat_contact", "abandoned_first", "channel:phone", "")
    assert drivers(events) == dict.fromkeys(names, (1, 1))
