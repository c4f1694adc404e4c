"""Panes, windows, quantiles, limits, zeros, order, lateness, erasure: by hand."""

from __future__ import annotations

import pytest

from .cases import Result, event, ms
from .windows import bucket, midnight, panes, quantile


def created(at, subject="t", customer="c", recorded="", **data):
    return event("ticket.created", subject, at, customer, recorded=recorded, **data)


def test_a_window_is_panes_of_its_slice():
    """1h at 10:30:20 has the 1-min panes 09:31 .. 10:30: a fact at 09:30:59 is out, at 09:31:00 in."""
    out, in_ = created("09:30:59", "a"), created("09:31:00", "b")
    assert Result([out, in_], "10:30:20")("tickets_created", window="1h") == 1
    # 24h in 15-min panes: day 1 10:07 sees from day 0 10:15 (pane 10:00 - 24 h + 15 min)
    assert Result([created("10:14:59", "a"), created("10:15", "b")], "1 10:07")("tickets_created", window="24h") == 1


def test_a_time_made_fact_goes_into_the_first_pane_that_begins_at_or_after_it():
    """First response due 10:00:30 + 1 h = 11:00:30, 15-min slices: pane 11:15. Not seen at 11:14:59, seen at 11:15."""
    events = [created("10:00:30")]
    assert Result(events, "11:14:59")("sla_met_ratio", target="first_response", window="24h") is None
    assert Result(events, "11:15")("sla_met_ratio", target="first_response", window="24h") == 0
    # 7d has 1-h slices: pane 12:00
    assert Result(events, "11:59")("sla_met_ratio", target="first_response", window="7d") is None
    assert Result(events, "12:00")("sla_met_ratio", target="first_response", window="7d") == 0


def test_today_starts_at_local_midnight():
    """Berlin (UTC+1) midnight of Tuesday is Monday 23:00 UTC: at Tuesday 09:00 UTC the ticket of 22:59 is
    yesterday's."""
    events = [created("22:59", "a"), created("23:00", "b")]
    r = Result(events, "1 09:00", {"time": {"zone": "Europe/Berlin"}})
    assert r("tickets_created", window="today") == 1
    assert Result(events, "1 09:00")("tickets_created", window="today") == 0
    # the day after the switch to summer time (2026-03-29) begins at 22:00 UTC
    assert midnight(ms("28 12:00"), "Europe/Berlin") == ms("27 22:00")
    assert panes("today", ms("01:00"), "UTC") == (900_000, ms("00:00") // 900_000, ms("01:00") // 900_000)


def test_quantile_buckets():
    """1000 ms: log2(1000) = 9.96578, times 32 = 318.9: bucket 318, shown as 2^(318.5/32) = 991.2.
    The border 2^10 = 1024 begins bucket 320. ceil(0.9 * 10) = 9th smallest."""
    assert bucket(1000) == 318
    assert (bucket(1024), bucket(1023)) == (320, 319)
    assert quantile([1000], 0.5) == pytest.approx(991.2, abs=0.1)
    assert quantile(list(range(1, 11)), 0.9, exact_below=64) == 9
    assert quantile([0, 0, 5], 0.5) == 0
    assert quantile([64], 0.5, exact_below=64) == pytest.approx(2 ** (192.5 / 32))


def test_no_data_is_no_series_and_the_zero_rule():
    """A ticket of queue a 23 h ago: counts are 0 in 1h for a, ratios absent. 25 h ago: nothing at all."""
    r = Result([created("10:00", queue="a")], "1 09:00")
    assert r("tickets_created", window="1h") == 0
    assert r("tickets_created", by="queue", queue="a", window="1h") == 0
    assert r("tickets_created", by="queue", queue="b", window="1h") is None
    assert r("tickets_solved", unit="tickets", window="1h") == 0
    assert r("contacts_after_purchase", days="0-1", window="24h") == 0
    assert r("queue_legs", outcome="lost", window="1h") is None
    assert r("surveys_sent", kind="nps", window="24h") is None
    assert r("one_touch_ratio", window="1h") is None
    assert Result([created("10:00", queue="a")], "1 11:00")("tickets_created", window="1h") is None


def test_limits_other_and_the_empty_string():
    """limit 1: queue a has two events, b and c one: b and c become `other`; the empty queue stays."""
    events = [created("10:00", f"t{i}", queue=q) for i, q in enumerate(["a", "a", "b", "c"])] + [created("10:00", "x")]
    r = Result(events, "10:30", {"dimensions": {"limit": 1}})
    assert r("tickets_created", by="queue", queue="a", window="1h") == 2
    assert r("tickets_created", by="queue", queue="other", window="1h") == 2
    assert r("tickets_created", by="queue", queue="", window="1h") == 1
    assert r("tickets_created", by="queue", queue="b", window="1h") is None


def test_values_without_events_take_no_place():
    """limit 1, 91 d on: a and b have open tickets and no events in 90 d, so both are shown; an event of c makes both
    `other`. An agent's queues are no events either."""
    old = [created("10:00", "a", queue="a"), created("10:00", "b", "d", queue="b")]
    r = Result(old, "91 10:00", {"dimensions": {"limit": 1}})
    assert r("tickets_unassigned", by="queue", queue="a") == 1
    assert r("tickets_unassigned", by="queue", queue="b") == 1
    r = Result([*old, created("91 10:00", "c", "e", queue="c")], "91 10:00", {"dimensions": {"limit": 1}})
    assert r("tickets_unassigned", by="queue", queue="c") == 1
    assert r("tickets_unassigned", by="queue", queue="other") == 2
    agent = event("agent.status_changed", "i", "10:00", status="available", queues=["a", "b"])
    r = Result([agent], "10:01", {"dimensions": {"limit": 1}})
    assert r("queue_agents", by="queue", queue="a", status="available") == 1
    assert r("queue_agents", by="queue", queue="b", status="available") == 1


def test_groupings_of_two_and_own_windows():
    """by="channel,queue", and a configured window of 90 min in 1-min panes."""
    config = {
        "dimensions": {"groupings": [["channel", "queue"]]},
        "metrics": {"tickets_created": {"windows": ["90m"]}},
    }
    r = Result([created("09:05", queue="a")], "10:30", config)
    assert r("tickets_created", by="channel,queue", channel="email", queue="a", window="90m") == 1
    assert r("tickets_created", window="90m") is None
    assert r("tickets_created", by="channel,queue", channel="email", queue="a", window="1h") is None


def test_late_future_and_duplicates():
    """24 h and 1 ms late: not applied; exactly 24 h: applied. 5 min ahead: applied once T is there. A repeat: once."""
    late = created("10:00", "a", recorded="1 10:00:00.001")
    edge = created("10:00", "b", recorded="1 10:00")
    ahead = created("1 10:10", "c", recorded="1 10:05")
    too_far = created("1 10:10:00.001", "d", recorded="1 10:05")
    events = [late, edge, dict(edge), ahead, too_far]
    config = {"metrics": {"tickets_created": {"windows": ["7d"]}}}
    assert Result(events, "1 10:09", config)("tickets_created", window="7d") == 1
    assert Result(events, "1 11:00", config)("tickets_created", window="7d") == 2


def test_replay_at_and_final():
    """Happened 10:00, became known 12:00: unknown at 11:00, there under --final."""
    events = [created("10:00", recorded="12:00")]
    assert Result(events, "11:00")("tickets_created", window="24h") is None
    assert Result(events, "11:00", final=True)("tickets_created", window="24h") == 1


def test_erasure():
    """Erased at 10:30: the created ticket stays counted, open work closes, the miss pending for 11:00 never comes."""
    events = [created("10:00"), event("customer.erased", "c", "10:30")]
    r = Result(events, "12:00")
    assert r("tickets_created", window="24h") == 1
    assert r("tickets_backlog", state="new") == 0
    assert r("sla_met_ratio", target="first_response", window="24h") is None
    assert Result(events[:1], "12:00")("sla_met_ratio", target="first_response", window="24h") == 0


def test_starts_are_cut_and_due_times_rounded_up():
    """Clock 10:00:00.400, due 11:00:00.400, rounded up 11:00:01: not over target at 11:00:00; age there 3600 s."""
    r = Result([created("10:00:00.400")], "11:00")
    assert r("tickets_awaiting_first_response_over_target") == 0
    assert r("tickets_awaiting_first_response_oldest_age_seconds") == 3600
    assert Result([created("10:00:00.400")], "11:00:01")("tickets_awaiting_first_response_over_target") == 1
