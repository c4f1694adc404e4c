"""Chats and calls, by hand."""

from __future__ import annotations

import pytest

from .cases import Result, event

H = {"window": "1h"}
D = {"window": "24h"}
W = {"window": "7d"}


def call(*steps, subject="k", customer="c", entity="call"):
    return [event(f"{entity}.{what}", subject, at, customer, **data) for what, at, data in steps]


def chat(*steps, subject="k", customer="c"):
    return call(*steps, subject=subject, customer=customer, entity="chat")


def published(short="5s"):
    """1000 answered, 860 within 20 s; 60 abandoned, 20 within 20 s; all legs begun 10:00."""
    events = []
    for i in range(1000):
        events += call(
            ("queued", "10:00", {"queue": "q"}),
            ("answered", f"10:00:{10 if i < 860 else 40}", {}),
            subject=f"a{i}",
            customer=None,
        )
    for i in range(60):
        events += call(
            ("queued", "10:00", {"queue": "q"}),
            ("abandoned", f"10:00:{10 if i < 20 else 50}", {}),
            subject=f"b{i}",
            customer=None,
        )
    return Result(events, "10:30", {"queues": {"default": {"short_abandon": short}}})


def test_published_service_levels():
    """removed (860+20)/1060 = 83.0 %, answered 860/1000 = 86.0 %, offered 860/1060 = 81.1 %; no_short with 20 s:
    the 20 that waited 10 s are short: 860/1040 = 82.7 %."""
    r = published()
    assert r("service_level_ratio", formula="removed", **H) == pytest.approx(0.830, abs=5e-4)
    assert r("service_level_ratio", formula="answered", **H) == pytest.approx(0.860, abs=5e-4)
    assert r("service_level_ratio", formula="offered", **H) == pytest.approx(0.811, abs=5e-4)
    assert r("service_level_ratio", formula="live", **H) == pytest.approx(0.811, abs=5e-4)
    r = published("20s")
    assert r("service_level_ratio", formula="no_short", **H) == pytest.approx(0.827, abs=5e-4)
    assert r("service_level_ratio_samples", formula="no_short", **H) == 1040
    assert r("abandon_ratio", short="included", **H) == pytest.approx(60 / 1060)
    assert r("abandon_ratio", short="excluded", **H) == pytest.approx(40 / 1040)


def test_short_abandon_is_less_than_the_limit_and_within_is_at_most_the_target():
    """4.999 s: short; 5 s: not. Answered after exactly 20 s: within; 20.001 s: not."""
    events = (
        call(("queued", "10:00", {}), ("abandoned", "10:00:04.999", {}), subject="a")
        + call(("queued", "10:00", {}), ("abandoned", "10:00:05", {}), subject="b")
        + call(("queued", "10:00", {}), ("answered", "10:00:20", {}), subject="d")
        + call(("queued", "10:00", {}), ("answered", "10:00:20.001", {}), subject="e")
    )
    r = Result(events, "10:30")
    assert r("queue_legs", outcome="abandoned_short", **H) == 1
    assert r("queue_legs", outcome="abandoned", **H) == 1
    assert r("service_level_ratio", formula="answered", **H) == 0.5
    assert r("abandon_wait_samples", **H) == 2


def test_chat_target_and_queue_rules():
    """A chat answered after 40 s: within the default's 60 s; in a queue with service_target 30 s (and no chat
    target): not."""
    one = chat(("queued", "10:00", {"queue": "a"}), ("answered", "10:00:40", {}), subject="a")
    two = chat(("queued", "10:00", {"queue": "b"}), ("answered", "10:00:40", {}), subject="b")
    r = Result(one + two, "10:30", {"queues": {"b": {"service_target": "30s"}}})
    assert r("service_level_ratio", formula="offered", by="queue", queue="a", **H) == 1
    assert r("service_level_ratio", formula="offered", by="queue", queue="b", **H) == 0


def test_waiting_and_live_service_level():
    """One answered in time; one waiting 60 s (due after 20 s). live = 1 / (1 + 1). At exactly due: not over (before
    T)."""
    events = call(("queued", "10:00", {}), ("answered", "10:00:10", {}), subject="a") + call(
        ("queued", "10:05", {}), subject="b", customer="d"
    )
    r = Result(events, "10:06")
    assert r("queue_waiting") == 1
    assert r("queue_waiting_oldest_age_seconds") == 60
    assert r("queue_waiting_over_target") == 1
    assert r("service_level_ratio", formula="live", **H) == 0.5
    assert r("service_level_ratio", formula="offered", **H) == 1
    assert Result(events, "10:05:20")("queue_waiting_over_target") == 0


def test_transfer_handle_and_contact_wait():
    """Queued 10:00 in a, answered 10:01, held 10:02-10:03, blind transfer to b 10:05, answered 10:07, ended 10:10,
    wrapped up
    by its agent 10:12. Leg 1: talk 240-60 = 180, hold 60, total 240. Leg 2: talk 180, wrap 120, total 300.
    contact_wait 60 s once; answer_wait 60 and 120. Transferred blind 1 of 2 ended answered legs."""
    events = call(
        ("queued", "10:00", {"queue": "a"}),
        ("answered", "10:01", {"agent": "g1"}),
        ("held", "10:02", {}),
        ("resumed", "10:03", {}),
        ("transferred", "10:05", {"to_queue": "b", "kind": "blind"}),
        ("answered", "10:07", {"agent": "g2"}),
        ("ended", "10:10", {"by": "agent"}),
        ("wrapped_up", "10:12", {"agent": "g2"}),
    )
    r = Result(events, "10:30")
    assert r("contact_wait_mean_seconds", **H) == 60
    assert r("contact_wait_samples", **H) == 1
    assert r("answer_wait_mean_seconds", **H) == 90
    assert r("handle_mean_seconds", part="talk", **H) == 180
    assert r("handle_mean_seconds", part="hold", **H) == 30
    assert r("handle_mean_seconds", part="wrap_up", **H) == 60
    assert r("handle_mean_seconds", part="total", **H) == 270
    assert r("handle_mean_seconds", part="total", by="queue", queue="b", **H) == 300
    assert r("contacts_transferred_ratio", kind="blind", **H) == 0.5
    assert r("contacts_transferred_ratio", kind="consult", **H) == 0
    assert r("contacts_transferred_ratio", kind="blind", by="queue", queue="a", **H) == 1
    assert r("call_duration_mean_seconds", **H) == 540
    assert r("queue_legs", outcome="answered", **H) == 2


def test_wrap_up_counts_within_fifteen_minutes_inclusive():
    """wrapped_up after exactly 15 min: 900 s; after 15 min 1 s: 0. Another agent's: 0."""
    for at, agent, wrap in (("10:25", "g", 900), ("10:25:01", "g", 0), ("10:15", "x", 0), ("10:15", "", 300)):
        data = {"agent": agent} if agent else {}
        events = call(
            ("queued", "10:00", {}),
            ("answered", "10:01", {"agent": "g"}),
            ("ended", "10:10", {}),
            ("wrapped_up", at, data),
        )
        assert Result(events, "10:40")("handle_mean_seconds", part="wrap_up", **H) == wrap


def test_queued_of_the_next_leg_replaces_the_one_the_transfer_opened():
    """Transfer of a talk 10:05 to b, queued in b 10:06 before any ring, answered 10:08: answer wait 120 s, two legs
    in all."""
    events = call(
        ("queued", "10:00", {"queue": "a"}),
        ("answered", "10:01", {}),
        ("transferred", "10:05", {"to_queue": "b"}),
        ("queued", "10:06", {"queue": "b"}),
        ("answered", "10:08", {}),
    )
    r = Result(events, "10:30")
    assert r("answer_wait_mean_seconds", by="queue", queue="b", **H) == 120
    assert r("queue_legs", outcome="answered", **H) == 2
    assert r("queue_legs", outcome="flowed_out", **H) == 0


def test_queued_while_waiting():
    """Same queue: ignored (waits from 10:00). Other queue: the first leg flows out, a new one waits from 10:02."""
    same = Result(call(("queued", "10:00", {"queue": "a"}), ("queued", "10:02", {"queue": "a"})), "10:03")
    assert same("queue_waiting_oldest_age_seconds") == 180
    other = Result(call(("queued", "10:00", {"queue": "a"}), ("queued", "10:02", {"queue": "b"})), "10:03")
    assert other("queue_legs", outcome="flowed_out", by="queue", queue="a", **H) == 1
    assert other("queue_waiting_oldest_age_seconds") == 60


def test_left_queue_at_the_instant_of_the_first_queued_applies_after_it():
    """Both at 10:00: one leg, flowed out, wait 0; no stub."""
    r = Result(
        call(("left_queue", "10:00", {"reason": "empty", "queue": "a"}), ("queued", "10:00", {"queue": "a"})), "10:30"
    )
    assert r("queue_legs", outcome="flowed_out", by="queue", queue="a", **H) == 1
    assert r("service_level_ratio", formula="offered", **H) == 0
    assert r("contacts", **D) == 1


def test_lost_after_max_wait():
    """Queued 10:00, nothing: waiting until 14:00, lost at 14:00 (pane 14:00); answered at 14:00 exactly still counts,
    at 14:01 not."""
    events = call(("queued", "10:00", {"queue": "a"}))
    assert Result(events, "13:59:59")("queue_waiting") == 1
    lost = Result(events, "14:00")
    assert lost("queue_waiting") == 0
    assert lost("queue_legs", outcome="lost", **H) == 1
    late = Result([*events, *call(("answered", "14:01", {}), ("ended", "14:05", {}))], "14:10")
    assert late("queue_legs", outcome="answered", **H) == 0
    assert late("call_duration_samples", **H) is None
    just = Result([*events, *call(("answered", "14:00", {}))], "14:10")
    assert just("queue_legs", outcome="answered", **H) == 1
    assert just("queue_legs", outcome="lost", **H) == 0


def test_unanswered_ended_is_an_abandon_and_a_chat_is_missed_once():
    """Ended unanswered after 30 s: abandoned; chat missed at its end. An abandon followed by `ended`: still one."""
    r = Result(chat(("queued", "10:00", {}), ("ended", "10:00:30", {"by": "customer"})), "10:30")
    assert r("queue_legs", outcome="abandoned", **H) == 1
    assert r("chats_missed", **H) == 1
    both = Result(chat(("queued", "10:00", {}), ("abandoned", "10:00:30", {}), ("ended", "10:01", {})), "10:30")
    assert both("queue_legs", outcome="abandoned", **H) == 1
    assert both("chats_missed", **H) == 1


def test_stub_leg_counts_in_outcomes_only():
    """answered without queued: outcome yes; no wait, no service level. With waited_seconds: a leg that waited 15 s."""
    stub = Result(call(("answered", "10:01", {}), ("ended", "10:03", {})), "10:30")
    assert stub("queue_legs", outcome="answered", **H) == 1
    assert stub("answer_wait_samples", **H) is None
    assert stub("service_level_ratio", formula="offered", **H) is None
    assert stub("handle_mean_seconds", part="talk", **H) == 120
    assert stub("contacts", **D) == 0
    known = Result(call(("answered", "10:01", {"waited_seconds": 15}), ("ended", "10:03", {})), "10:30")
    assert known("answer_wait_mean_seconds", **H) == 15
    assert known("service_level_ratio", formula="offered", **H) == 1
    assert known("contacts", **D) == 1


def test_hold_abandon_and_reopen():
    """Held at the end and ended by the customer: 1 of 1. A new queued reopens: the end is gone, until it ends again."""
    steps = [
        ("queued", "10:00", {}),
        ("answered", "10:01", {}),
        ("held", "10:02", {}),
        ("ended", "10:05", {"by": "customer"}),
    ]
    r = Result(call(*steps), "10:30")
    assert r("hold_abandon_ratio", **H) == 1
    assert r("handle_mean_seconds", part="hold", **H) == 180
    again = Result(call(*steps, ("queued", "10:20", {})), "10:30")
    assert again("hold_abandon_ratio", **H) is None
    assert again("call_duration_samples", **H) is None


def test_chat_responses():
    """Customer text before the queue starts no wait. Queued 10:00, bot 10:00:05, human 10:01, customer 10:02, human
    10:02:30.
    First response 60 s; human 60 and 30 s; any 5 s (bot) and 30 s. The bot's chat was handed off."""
    events = chat(
        ("message", "09:59", {"author": "customer"}),
        ("queued", "10:00", {}),
        ("message", "10:00:05", {"author": "bot"}),
        ("answered", "10:00:30", {}),
        ("message", "10:01", {"author": "agent"}),
        ("message", "10:02", {"author": "customer"}),
        ("message", "10:02:30", {"author": "agent"}),
        ("ended", "10:05", {}),
    )
    r = Result(events, "10:30")
    assert r("chat_first_response_mean_seconds", **H) == 60
    assert r("chat_response_mean_seconds", responder="human", **H) == 45
    assert r("chat_response_mean_seconds", responder="any", **H) == 17.5
    assert r("bot_handoff_ratio", **H) == 1
    assert r("contacts", **D) == 1
    assert r("chat_duration_mean_seconds", **H) == 270


def test_callback_pending():
    """Left by callback 10:05: pending until the callback leg is answered 11:00; without it 7 d."""
    left = call(("queued", "10:00", {"queue": "a"}), ("left_queue", "10:05", {"reason": "callback"}))
    back = call(("queued", "10:59", {"queue": "a", "direction": "callback"}), ("answered", "11:00", {}), subject="o")
    r = Result(left, "10:35")
    assert r("callback_pending", by="queue", queue="a") == 1
    assert r("callback_pending_oldest_age_seconds") == 1800
    assert Result(left + back, "11:10")("callback_pending") == 0
    assert Result(left, "7 10:04:59")("callback_pending") == 1
    assert Result(left, "7 10:05")("callback_pending") is None  # the queue was not active for 24 h: no zero
    outbound = Result(left + back, "11:10")
    assert outbound("queue_legs", outcome="answered", **D) == 0
    assert outbound("contacts", **D) == 1


def test_repeat_contact_borders():
    """Second contact exactly 24 h after the first: repeat within 1d. 24 h 1 ms: only within 3d."""
    first = call(("queued", "10:00", {}), subject="a")
    exact = Result(first + call(("queued", "1 10:00", {}), subject="b"), "1 11:00")
    assert exact("repeat_contact_ratio", within="1d", **W) == 0.5
    late = Result(first + call(("queued", "1 10:00:00.001", {}), subject="b"), "1 11:00")
    assert late("repeat_contact_ratio", within="1d", **W) == 0
    assert late("repeat_contact_ratio", within="3d", **W) == 0.5


def answered(at, end, subject, **first):
    return call(("queued", at, first), ("answered", at, {}), ("ended", end, {}), subject=subject)


def test_fcr_windows_and_provisional():
    """Ends 10:10 on day 0. fcr within 1d is put at day 1 10:10, 1-h slice: seen from day 1 11:00. A contact at day 1
    10:10
    exactly fails it; 1 ms later does not. Provisional: 1 at the end, 0 as soon as the repeat comes."""
    base = answered("10:00", "10:10", "a")
    assert Result(base, "1 10:59")("fcr_ratio", within="1d", **W) is None
    assert Result(base, "1 11:00")("fcr_ratio", within="1d", **W) == 1
    assert Result(base, "10:30")("fcr_provisional_ratio", within="1d", **D) == 1
    exact = Result(base + answered("1 10:10", "1 10:20", "b"), "1 12:00")
    assert exact("fcr_ratio", within="1d", **W) == 0
    assert exact("fcr_provisional_ratio", within="1d", **W) == 0.5
    late = Result(base + answered("1 10:10:00.001", "1 10:20", "b"), "1 12:00")
    assert late("fcr_ratio", within="1d", **W) == 1


def test_fcr_of_a_reopened_ticket_and_finality():
    """Solved day 0, reopened day 2, solved day 3: the 1d fact of the first solve stays (1); that of the second is 0."""
    steps = [("created", "09:00"), ("solved", "10:00"), ("open", "2 10:00"), ("solved", "3 10:00")]
    events = [
        event("ticket.created", "t", at) if what == "created" else event("ticket.status_changed", "t", at, status=what)
        for what, at in steps
    ]
    r = Result(events, "4 12:00")
    assert r("fcr_ratio_samples", within="1d", **W) == 2
    assert r("fcr_ratio", within="1d", **W) == 0.5
    assert r("fcr_provisional_ratio", within="1d", **W) == 0
    assert r("fcr_provisional_ratio_samples", within="1d", **W) == 1


def test_abandoned_recovery_and_attempts():
    """Abandons 10:01 and (second call) 10:31, reached by an outbound call next day 09:00. Attempts 1 and 2.
    Recovery of the first is put at day 1 10:01 (yes), of the second day 1 10:31 (yes)."""
    events = (
        call(("queued", "10:00", {}), ("abandoned", "10:01", {}), subject="a")
        + call(("queued", "10:30", {}), ("abandoned", "10:31", {}), subject="b")
        + call(("queued", "1 09:00", {"direction": "outbound"}), ("answered", "1 09:00", {}), subject="o")
    )
    r = Result(events, "1 11:00")
    assert r("abandoned_recovered_ratio", **W) == 1
    assert r("abandoned_recovered_ratio_samples", **W) == 2
    assert Result(events, "10:45")("abandoned_attempts_mean", **H) == 1.5
    assert Result(events[:4], "1 11:00")("abandoned_recovered_ratio", **W) == 0


def test_episode():
    """Call day 0 10:00-10:10, ticket day 3 10:00 solved day 5 10:00 (3 d later: same episode): 5 d. A contact at day
    12 10:00 is exactly
    7 d after: goes on (open: no sample); at day 12 10:01: an episode of its own."""
    base = [
        *answered("10:00", "10:10", "a"),
        event("ticket.created", "t", "3 10:00"),
        event("ticket.status_changed", "t", "5 10:00", status="solved"),
    ]
    assert Result(base, "5 12:00")("time_to_solution_mean_seconds", **W) == 5 * 86400
    goes_on = Result([*base, event("ticket.created", "u", "12 10:00")], "12 11:00")
    assert goes_on("time_to_solution_samples", window="30d") is None
    own = Result([*base, event("ticket.created", "u", "12 10:01")], "12 11:00")
    assert own("time_to_solution_mean_seconds", window="30d") == 5 * 86400
