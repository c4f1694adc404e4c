"""Tickets, by hand: every expected figure is derived in the test's docstring."""

from __future__ import annotations

import pytest

from .cases import Result, event

H = {"window": "1h"}
D = {"window": "24h"}


def ticket(*steps, subject="t", customer="c"):
    """steps: (what, time, data)."""
    return [event("ticket." + what, subject, at, customer, **data) for what, at, data in steps]


def status(at, value):
    return ("status_changed", at, {"status": value})


def reply(at, **data):
    return ("message", at, {"author": "agent", **data})


def asks(at, **data):
    return ("message", at, {"author": "customer", **data})


def test_first_response_is_the_first_human_reply_after_the_clock():
    """Created 10:00, bot 10:01, private note 10:02, automated agent 10:03, human 10:10: 600 s.
    Any responder: the bot at 10:01, 60 s."""
    r = Result(
        ticket(
            ("created", "10:00", {}),
            ("message", "10:01", {"author": "bot"}),
            reply("10:02", public=False),
            reply("10:03", automated=True),
            reply("10:10"),
        ),
        "10:30",
    )
    assert r("first_response_mean_seconds", **H) == 600
    assert r("response_mean_seconds", responder="human", **H) == 600
    assert r("response_mean_seconds", responder="any", **H) == 60
    assert r("response_samples", responder="any", **H) == 1


def test_created_by_agent_starts_the_clock_at_the_first_customer_message():
    """Agent writes 10:00 and 10:05; customer 10:20; agent 10:50: 1800 s, and only that reply is a first reply."""
    steps = [("created", "10:00", {"created_by": "agent"}), reply("10:05"), asks("10:20"), reply("10:50")]
    r = Result(ticket(*steps), "10:55")
    assert r("first_response_mean_seconds", **H) == 1800
    assert r("response_samples", responder="human", **H) == 1
    early = Result(ticket(*steps[:2]), "10:10")
    assert early("tickets_awaiting_first_response") == 0
    assert early("tickets_unattended") == 0


def test_automated_customer_message_starts_nothing():
    """Replied 10:10; an auto-answer at 10:20 leaves nobody waiting."""
    r = Result(ticket(("created", "10:00", {}), reply("10:10"), asks("10:20", automated=True)), "10:30")
    assert r("tickets_unattended") == 0


def test_business_hours_over_night():
    """Monday 17:30 to Tuesday 08:10 with 08:00-18:00 open: 30 + 10 min = 2400 s. The whole interval: 14 h 40 min."""
    r = Result(ticket(("created", "17:30", {}), reply("1 08:10")), "1 08:30")
    assert r("first_response_business_mean_seconds", **H) == 2400
    assert r("first_response_mean_seconds", **H) == 14 * 3600 + 40 * 60


def test_reopen_takes_the_full_resolution_back_and_keeps_the_first():
    """Solved after 1 h, reopened, solved again after 3 h: first 3600 s, full 10800 s.
    States: new 10-11, open 12-12:30, on_hold 12:30-13: requester 3600+1800+1800 = 7200, work 5400, hold 1800."""
    steps = [
        ("created", "10:00", {}),
        status("11:00", "solved"),
        status("12:00", "open"),
        status("12:30", "on_hold"),
        status("13:00", "solved"),
        status("13:30", "closed"),
    ]
    r = Result(ticket(*steps), "13:45")
    assert r("resolution_mean_seconds", kind="first", **D) == 3600
    assert r("resolution_mean_seconds", kind="full", **D) == 10800
    assert r("resolution_samples", kind="full", **D) == 1
    assert r("requester_wait_mean_seconds", **D) == 7200
    assert r("agent_work_mean_seconds", **D) == 5400
    assert r("ticket_on_hold_mean_seconds", **D) == 1800
    assert r("tickets_solved", unit="events", **D) == 2
    assert r("tickets_solved", unit="tickets", **D) == 1
    between = Result(ticket(*steps), "12:15")
    assert between("resolution_samples", kind="full", **D) is None
    assert between("resolution_samples", kind="first", **D) == 1
    assert between("tickets_backlog", state="open") == 1
    assert between("tickets_backlog_oldest_age_seconds", state="open") == 2 * 3600 + 900


def test_reopen_ratio_is_inclusive_at_seven_days():
    """Solves on day 0; reopened exactly 7 d later (counts) and 7 d 1 s later (does not): 1 of 2."""
    a = ticket(("created", "09:00", {}), status("10:00", "solved"), status("7 10:00", "open"), subject="a")
    b = ticket(("created", "09:00", {}), status("10:00", "solved"), status("7 10:00:01", "open"), subject="b")
    r = Result(a + b, "7 11:00")
    assert r("reopen_ratio", window="30d") == 0.5
    assert r("reopen_ratio_samples", window="30d") == 2
    assert r("tickets_solved", unit="tickets", window="1h") == 0


def test_closed_without_solved_is_a_solve_and_solved_to_closed_is_nothing():
    """One ticket goes straight to closed, one solved then closed: two solve events."""
    a = ticket(("created", "09:00", {}), status("10:00", "closed"), subject="a")
    b = ticket(("created", "09:00", {}), status("10:00", "solved"), status("10:05", "closed"), subject="b")
    r = Result(a + b, "10:30")
    assert r("tickets_solved", unit="events", **H) == 2
    assert r("resolution_samples", kind="full", **H) == 2


def test_a_stub_gives_solves_open_work_and_responses_but_nothing_from_the_start():
    """No `created`: message 10:00, reply 10:04 (240 s), suggested, solved 10:30, reopened 10:40."""
    steps = [
        asks("10:00"),
        reply("10:04"),
        ("suggested", "10:10", {}),
        status("10:30", "solved"),
        status("10:40", "open"),
    ]
    solved = Result(ticket(*steps[:4]), "10:35")
    assert solved("response_mean_seconds", responder="human", **H) == 240
    assert solved("tickets_solved", unit="tickets", **H) == 1
    for absent in ("first_response", "resolution", "requester_wait", "replies_per_resolution", "one_touch_ratio"):
        assert not any(key[0].startswith(f"support_{absent}_") for key in solved.series)
    assert solved("identified_first_ratio", **H) is None
    assert solved("tickets_created", **H) == 0
    assert solved("contacts", window="24h") == 0
    assert solved("sla_open", target="resolution") == 0
    again = Result(ticket(*steps), "10:45")
    assert again("tickets_backlog", state="open") == 1
    assert again("tickets_backlog_oldest_age_seconds", state="open") == 45 * 60
    assert again("reopen_ratio", window="24h") == 1


def test_created_at_the_same_instant_or_later_in_arrival_is_no_stub():
    """Rank puts `created` before `message` of the same instant, and arrival order does not matter."""
    r = Result(ticket(asks("10:00"), ("created", "10:00", {}), reply("10:05")), "10:30")
    assert r("first_response_mean_seconds", **H) == 300


def test_deleted_takes_created_topic_and_contact_back_work_done_stays():
    """Replied after 5 min, then spam: no created, no contact, no backlog; the response sample stays."""
    r = Result(
        ticket(
            ("created", "10:00", {"topic": "bill"}),
            reply("10:05"),
            ("deleted", "10:10", {"reason": "spam"}),
            reply("10:20"),
        ),
        "10:30",
    )
    assert r("tickets_created", **H) == 0
    assert r("tickets_by_topic", topic="bill", **H) is None
    assert r("contacts", window="24h") == 0
    assert r("response_samples", responder="human", **H) == 1
    assert r("tickets_backlog", state="new") == 0
    assert r("sla_open", target="resolution") == 0


def test_merged_keeps_the_contact_and_is_no_solve():
    """Merged after 10 min: contact stays, created is taken back, no solve, later events are as if they had not come."""
    r = Result(ticket(("created", "10:00", {}), ("merged", "10:10", {"into": "x"}), status("10:20", "solved")), "10:30")
    assert r("contacts", window="24h") == 1
    assert r("tickets_created", **H) == 0
    assert r("tickets_solved", unit="events", **H) == 0
    assert r("fcr_provisional_ratio", within="7d", window="24h") is None


def test_sla_response_is_missed_at_the_due_time_and_stays():
    """Message 10:00, due 14:00; answered 14:30. At 13:59 running; at 14:00 a miss, breached; after the reply still
    one miss."""
    steps = [("created", "10:00", {}), reply("14:30")]
    running = Result(ticket(*steps), "13:59")
    assert running("sla_met_ratio", target="response", **D) is None
    assert running("sla_open_at_risk", target="response") == 1
    due = Result(ticket(*steps), "14:00")
    assert due("sla_met_ratio", target="response", **D) == 0
    assert due("sla_open_over_target", target="response") == 1
    assert due("sla_open_at_risk", target="response") == 0
    after = Result(ticket(*steps), "15:00")
    assert after("sla_met_ratio_samples", target="response", **D) == 1
    assert after("sla_met_ratio", target="response", **D) == 0
    assert after("sla_open", target="response") == 0


def test_sla_met_exactly_at_the_due_time():
    """First response due after 1 h; the reply comes after exactly 1 h: met."""
    r = Result(ticket(("created", "10:00", {}), reply("11:00")), "11:30")
    assert r("sla_met_ratio", target="first_response", **D) == 1


def test_a_target_running_at_the_solve_stops_without_a_sample():
    """Solved without a reply after 10 min: no first_response or response sample ever; resolution met.
    Reopened at 10:20: awaiting_first_response shows it again, the sla target does not."""
    steps = [("created", "10:00", {}), status("10:10", "solved"), status("10:20", "open")]
    solved = Result(ticket(*steps[:2]), "10:15")
    assert solved("sla_met_ratio", target="resolution", **D) == 1
    assert solved("tickets_awaiting_first_response") == 0
    r = Result(ticket(*steps), "12:00")
    assert r("sla_met_ratio", target="first_response", **D) is None
    assert r("sla_met_ratio", target="response", **D) is None
    assert r("sla_met_ratio", target="resolution", **D) is None
    assert r("tickets_awaiting_first_response_over_target") == 1
    assert r("sla_open", target="first_response") == 0
    assert r("sla_open", target="resolution") == 1


def test_sla_resolution_state_at_the_due_time_decides():
    """Solved at 1 h, reopened at 25 h: met stays (due 24 h) and nothing is open. Reopened at 23 h: missed at 24 h."""
    late = Result(ticket(("created", "10:00", {}), status("11:00", "solved"), status("1 11:00", "open")), "1 12:00")
    assert late("sla_met_ratio", target="resolution", window="7d") == 1
    assert late("sla_open", target="resolution") == 0
    early = Result(ticket(("created", "10:00", {}), status("11:00", "solved"), status("1 09:00", "open")), "1 12:00")
    assert early("sla_met_ratio", target="resolution", window="7d") == 0
    assert early("sla_open_over_target", target="resolution") == 1


def test_message_on_a_solved_ticket_waits_from_the_message_once_reopened():
    """Solved 10:10, message 10:20, reopened 10:40, answered 10:50: unattended from 10:20; response 1800 s."""
    steps = [
        ("created", "10:00", {}),
        reply("10:05"),
        status("10:10", "solved"),
        asks("10:20"),
        status("10:40", "open"),
        reply("10:50"),
    ]
    solved = Result(ticket(*steps[:4]), "10:30")
    assert solved("tickets_unattended") == 0
    waiting = Result(ticket(*steps[:5]), "10:45")
    assert waiting("tickets_unattended_oldest_age_seconds") == 25 * 60
    r = Result(ticket(*steps), "10:55")
    assert r("response_samples", responder="human", **H) == 2
    assert r("response_mean_seconds", responder="human", **H) == (300 + 1800) / 2


def test_counts_up_to_the_net_solve():
    """Two replies before the first solve, one between reopen and the second: 3 replies, 1 suggestion, not one touch."""
    r = Result(
        ticket(
            ("created", "10:00", {}),
            reply("10:01"),
            reply("10:02"),
            status("10:10", "solved"),
            status("10:20", "open"),
            ("suggested", "10:25", {"kind": "article"}),
            reply("10:30"),
            status("10:40", "solved"),
        ),
        "10:50",
    )
    assert r("replies_per_resolution_mean", **H) == 3
    assert r("replies_per_resolution", quantile="0.5", **H) == 3
    assert r("solutions_offered_mean", **H) == 1
    assert r("one_touch_ratio", **H) == 0
    assert r("resolution_ratio", **H) == 1
    assert r("resolutions_per_conversation_ratio", **H) == 1


def test_identified_first():
    """a: assigned, queue changes later: no. b: topic set late for the first time: yes. c: topic changed: no. 1/3."""
    a = ticket(
        ("created", "10:00", {"queue": "x"}),
        ("assigned", "10:01", {"agent": "g"}),
        ("assigned", "10:05", {"queue": "y"}),
        subject="a",
    )
    b = ticket(
        ("created", "10:00", {"queue": "x"}), reply("10:01"), ("categorized", "10:05", {"topic": "p"}), subject="b"
    )
    c = ticket(
        ("created", "10:00", {"topic": "p"}), reply("10:01"), ("categorized", "10:05", {"topic": "q"}), subject="c"
    )
    assert Result(a + b + c, "10:30")("identified_first_ratio", **H) == pytest.approx(1 / 3)


def test_groups_reply_credit_and_moving_open_work():
    """Created in team a; the reply states team b: the sample is b's, and open work moves to b with its old start."""
    r = Result(ticket(("created", "10:00", {"team": "a"}), reply("10:10", team="b")), "10:30")
    assert r("first_response_samples", by="team", team="b", **H) == 1
    assert r("first_response_samples", by="team", team="a", **H) is None
    assert r("tickets_created", by="team", team="a", **H) == 1
    assert r("tickets_backlog", by="team", team="b", state="new") == 1
    assert r("tickets_backlog", by="team", team="a", state="new") == 0
    assert r("tickets_backlog_oldest_age_seconds", by="team", team="b", state="new") == 1800


def test_unassigned_and_stale():
    """Assigned 10:05, unassigned 11:00: nobody's since 11:00. No reply: stale from created + 24 h = next day 10:00."""
    steps = [("created", "10:00", {}), ("assigned", "10:05", {"agent": "g"}), ("assigned", "11:00", {"agent": ""})]
    r = Result(ticket(*steps), "1 10:00")
    assert r("tickets_unassigned_oldest_age_seconds") == 23 * 3600
    assert r("tickets_stale") == 1
    assert r("tickets_stale_oldest_age_seconds") == 0
    assert Result(ticket(*steps), "1 09:59:59")("tickets_stale") == 0


def test_topics_top_ten_rest_other_and_late_categorisation():
    """12 topics, one ticket each but topic k0 with 3: k0 and the nine first by bytes are shown, two are `other`; 14
    tickets.
    A later categorisation moves the ticket."""
    events = []
    for i in range(14):
        topic = f"k{max(0, i - 2):02d}"
        events += ticket(
            ("created", "10:00", {"topic": "old"}),
            ("categorized", "10:05", {"topic": topic}),
            subject=f"t{i}",
            customer=f"c{i}",
        )
    r = Result(events, "10:30")
    assert r("tickets_by_topic", topic="k00", **H) == 3
    assert r("tickets_by_topic", topic="k09", **H) == 1
    assert r("tickets_by_topic", topic="k10", **H) is None
    assert r("tickets_by_topic", topic="other", **H) == 2
    assert r("tickets_by_topic", topic="old", **H) is None
    assert r("topic_share_ratio", topic="k00", **H) == pytest.approx(3 / 14)


def test_created_change_ratio():
    """3 in the last hour, 2 in the hour before: (3 - 2) / 2."""
    at = ["09:10", "09:20", "10:20", "10:25", "10:29"]
    events = [e for i, t in enumerate(at) for e in ticket(("created", t, {}), subject=f"t{i}")]
    r = Result(events, "10:30")
    assert r("tickets_created_change_ratio", **H) == 0.5
    assert r("tickets_created_change_ratio_samples", **H) == 2
