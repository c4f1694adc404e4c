"""Customers, surveys and agents, by hand."""

from __future__ import annotations

from math import sqrt

import pytest

from .cases import Result, event

D = {"window": "24h"}
W = {"window": "7d"}
M = {"window": "30d"}


def answer(subject, at, score, kind="nps", low=0, high=10, customer="c", **data):
    return event(
        "survey.answered", subject, at, customer, kind=kind, score=score, scale_min=low, scale_max=high, **data
    )


def sent(subject, at, kind="csat", customer="c", **data):
    return event("survey.sent", subject, at, customer, kind=kind, **data)


def solved(at, subject="t", customer="c"):
    return event("ticket.status_changed", subject, at, customer, status="solved")


def test_published_nps():
    """60 % promoters and 15 % detractors: 45. Margin 100 z sqrt((0.6 + 0.15 - 0.45^2) / 20)."""
    scores = [9] * 6 + [10] * 6 + [7] * 5 + [6, 0, 3]
    events = [answer(f"s{i}", "10:00", score, customer=f"c{i}") for i, score in enumerate(scores)]
    r = Result(events, "10:30")
    assert r("nps_score", **D) == pytest.approx(45)
    assert r("nps_share_ratio", class_="detractor", **D) == pytest.approx(0.15)
    assert r("nps_share_ratio", class_="passive", **D) == pytest.approx(0.25)
    assert r("nps_margin", **D) == pytest.approx(100 * 1.959964 * sqrt((0.75 - 0.45**2) / 20))
    assert r("word_of_mouth_reach", bound="low", **D) == 27
    assert r("word_of_mouth_reach", bound="high", **D) == 45


def test_scales_and_satisfied():
    """1-5 high: 4 is x 0.75, satisfied; 3 not. 1-10: 7 yes, 6 no. 1-10 low: 4 mirrors to 7, yes; 5 no. 0-10 low: 3 yes.
    Mean of x of the first two: (0.75 + 0.5) / 2."""
    cases = [
        (4, 1, 5, "high", 1),
        (3, 1, 5, "high", 0),
        (7, 1, 10, "high", 1),
        (6, 1, 10, "high", 0),
        (4, 1, 10, "low", 1),
        (5, 1, 10, "low", 0),
        (3, 0, 10, "low", 1),
    ]
    for score, low, high, best, good in cases:
        r = Result([answer("s", "10:00", score, "csat", low, high, best=best)], "10:30")
        assert r("csat_ratio", kind="csat", **D) == good
    two = [answer("a", "10:00", 4, "csat", 1, 5), answer("b", "10:00", 3, "csat", 1, 5)]
    assert Result(two, "10:30")("csat_mean_ratio", kind="csat", **D) == pytest.approx(0.625)


def test_configured_scale_and_dead_letters():
    """Scale by survey name, threshold 9: 8 is not satisfied. No scale at all, or a score outside: not accepted."""
    config = {"surveys": {"scales": {"post": {"min": 1, "max": 10, "satisfied": 9}}}}
    plain = event("survey.answered", "a", "10:00", kind="csat", survey="post", score=8)
    none = event("survey.answered", "b", "10:00", kind="csat", score=8)
    outside = event("survey.answered", "d", "10:00", kind="csat", survey="post", score=11)
    r = Result([plain, none, outside], "10:30", config)
    assert r("csat_ratio", kind="csat", **D) == 0
    assert r("surveys_answered", kind="csat", **D) == 1


def test_satisfaction_classes_round_half_up():
    """0-10 scale: 1 + 9 x: 6 gives 6.4 -> 6 at_risk; 7 gives 7.3 -> 7; 8.333.. on 0-10 gives 8.5 -> 9 promoter (1-7
    scale: 6 gives 8.5)."""
    for score, low, high, grade in ((6, 0, 10, "at_risk"), (7, 0, 10, "satisfied"), (6, 1, 7, "promoter")):
        r = Result([answer("s", "10:00", score, "relationship", low, high)], "10:30")
        assert r("satisfaction_class_ratio", class_=grade, **D) == 1


def test_wilson_bounds():
    """8 of 10: centre (0.8 + z2/20)/(1 + z2/10), lower bound 0.4902, upper 0.9433 (textbook)."""
    events = [answer(f"s{i}", "10:00", 5 if i < 8 else 1, "csat", 1, 5, customer=f"c{i}") for i in range(10)]
    r = Result(events, "10:30")
    assert r("csat_lower_bound_ratio", kind="csat", **D) == pytest.approx(0.4902, abs=1e-4)
    assert r("csat_upper_bound_ratio", kind="csat", **D) == pytest.approx(0.9433, abs=1e-4)


def test_ces():
    """1-7, best high: 5 is 1 + 6 * 4/6 = 5: easy. Best low, 5: x = 1/3, 3: not easy. Mean 4."""
    r = Result([answer("a", "10:00", 5, "ces", 1, 7), answer("b", "10:00", 5, "ces", 1, 7, best="low")], "10:30")
    assert r("ces_mean", **D) == pytest.approx(4)
    assert r("ces_easy_ratio", **D) == 0.5


def test_a_second_answer_moves_all_facts_and_the_first_decides_in_time():
    """Sent day 0, answered day 1 with 2 and again day 8 with 9: one nps answer, 100, on day 8; response within 7 d:
    yes."""
    events = [sent("s", "10:00", "nps"), answer("s", "1 10:00", 2), answer("s", "8 10:00", 9)]
    r = Result(events, "8 11:00")
    assert r("nps_score", **M) == 100
    assert r("nps_score_samples", **M) == 1
    assert r("surveys_answered", kind="nps", **D) == 1
    assert r("survey_response_ratio", kind="nps", **M) == 1
    assert r("survey_decided_response_ratio", kind="nps", **M) == 1


def test_sent_plus_expiry():
    """Sent day 0 10:00. Answered at exactly day 7 10:00: in time and first. Without an answer: decided day 7 10:00
    (hour pane at once)."""
    events = [sent("s", "10:00", "nps"), answer("s", "7 10:00", 9)]
    r = Result(events, "7 10:00")
    assert r("survey_response_ratio", kind="nps", **M) == 1
    assert r("survey_decided_response_ratio", kind="nps", **M) == 1
    late = Result([events[0], answer("s", "7 10:00:00.001", 9)], "7 10:30")
    assert late("survey_response_ratio", kind="nps", **M) == 0
    assert late("survey_decided_response_ratio", kind="nps", **M) == 0
    assert late("survey_decided_response_ratio_samples", kind="nps", **M) == 1
    assert Result(events[:1], "6 10:00")("survey_decided_response_ratio", kind="nps", **M) is None


def test_survey_group_comes_from_the_contact_as_it_was():
    """The ticket is in team a at the survey, in team b later: the survey's facts stay in a. Its own team wins."""
    created = event("ticket.created", "t", "09:00", team="a")
    later = event("ticket.assigned", "t", "11:00", team="b")
    plain = Result([created, sent("s", "10:00", about="t"), later], "11:30")
    assert plain("surveys_sent", kind="csat", by="team", team="a", **D) == 1
    assert plain("surveys_sent", kind="csat", by="channel", channel="email", **D) == 1
    own = Result([created, sent("s", "10:00", about="t", team="x"), later], "11:30")
    assert own("surveys_sent", kind="csat", by="team", team="x", **D) == 1


def test_coverage_and_delay():
    """Solved 10:00; survey 10:20: delay 1200 s, covered at 11:00. Sent at 11:00 exactly: covered; 11:00:01: not.
    At the very instant of the solve: covers, and has no delay."""
    base = [event("ticket.created", "t", "09:00"), solved("10:00")]
    for at, covered, delay in (("10:20", 1, 1200), ("11:00", 1, 3600), ("11:00:01", 0, 3601), ("10:00", 1, None)):
        r = Result([*base, sent("s", at, about="t")], "12:00")
        assert r("survey_coverage_ratio", **W) == covered
        assert r("survey_delay_mean_seconds", **D) == delay


def test_fatigue_and_overlap():
    """Sent on days 0, 5, 12.0: the second 5 d after the first (other department): overlap false; the third exactly 7
    d after the
    second (same): true. Three in 30 d: fatigued from day 12; at day 30 10:00 the first has left."""
    events = [
        sent("a", "10:00", department="D"),
        sent("b", "5 10:00", department="E"),
        sent("d", "12 10:00", department="E"),
    ]
    r = Result(events, "12 11:00")
    assert r("survey_overlaps", same_department="false", **M) == 1
    assert r("survey_overlaps", same_department="true", **M) == 1
    assert r("survey_fatigued_customers") == 1
    assert r("survey_fatigued_customers_oldest_age_seconds") == 3600
    assert Result(events, "30 09:59:59")("survey_fatigued_customers") == 1
    assert Result(events, "30 10:00")("survey_fatigued_customers") is None
    esat = [sent(s, "10:00", "esat") for s in "abcd"]
    assert Result(esat, "11:00")("survey_fatigued_customers") == 0


def test_detractor_follow_up():
    """Detractor 10:00 (and again, still one, 10:10); human reply on any ticket 10:30: 1200 s from the last answer, in
    the answer's group."""
    reply = event("ticket.message", "t", "10:30", author="agent")
    events = [answer("s", "10:00", 3, team="x"), answer("s", "10:10", 4)]
    waiting = Result(events, "10:20")
    assert waiting("detractors_awaiting_follow_up") == 1
    assert waiting("detractors_awaiting_follow_up_oldest_age_seconds") == 600
    r = Result([*events, reply], "10:40")
    assert r("detractors_awaiting_follow_up") == 0
    assert r("detractor_follow_up_mean_seconds", by="team", team="x", **D) == 1200


def test_answer_details():
    """Worst score with resolved yes: suspect; best with sentiment 0: stated, not suspect. Sub-rating 4 on 1-5: 0.75.
    started 120 s before."""
    a = answer(
        "a",
        "10:02",
        1,
        "csat",
        1,
        5,
        survey="S",
        resolved=True,
        ratings={"tone": 4},
        started_at="2026-03-02T10:00:00Z",
        has_comment=True,
        comment_topics=["x", "x"],
    )
    b = answer("b", "10:02", 5, "csat", 1, 5, survey="S", comment_sentiment=0.0)
    r = Result([a, b], "10:30")
    assert r("scale_suspect_ratio", survey="S", **D) == 0.5
    assert r("experience_rating_mean_ratio", rating="tone", **D) == 0.75
    assert r("survey_completion_mean_seconds", **D) == 120
    assert r("survey_comment_ratio", kind="csat", **D) == 0.5
    assert r("stated_resolution_ratio", **D) == 1
    assert r("detractor_topics", topic="x", **D) == 1
    assert r("churn_risk_customers") is None  # the last answer is the 5 (id order at one instant)


def test_churn_and_retention():
    """Active at the start: c1, c2 joined 40 d ago; c3 joined in W; c1 churns. churn 1/2; active now 2 (c2, c3)."""
    events = [event("customer.joined", c, at, c) for c, at in (("c1", "10:00"), ("c2", "10:00"), ("c3", "39 10:00"))]
    events += [event("customer.joined", "c2", "1 10:00", "c2"), event("customer.churned", "c1", "40 10:00", "c1")]
    r = Result(events, "40 11:00")
    assert r("customers_active") == 2
    assert r("churn_ratio", **M) == 0.5
    assert r("retention_ratio", **M) == 0.5
    assert r("customers_joined", **M) == 1


def test_purchases_and_contacts_after():
    """Purchases 10, 30 EUR: repeat 1/2, spend share 30/40. Contacts exactly 1 d after the last: 1-7."""
    events = [
        event("customer.purchased", "c", at, amount=a, currency="EUR") for at, a in (("10:00", 10), ("11:00", 30))
    ]
    events += [
        event("ticket.created", "t0", "09:00"),
        event("ticket.created", "t1", "1 10:59"),
        event("ticket.created", "t2", "1 11:00"),
    ]
    r = Result(events, "1 12:00")
    assert r("repeat_purchase_ratio", **W) == 0.5
    assert r("repeat_spend_share_ratio", currency="EUR", **W) == 0.75
    assert r("contacts_after_purchase", days="0-1", **W) == 1
    assert r("contacts_after_purchase", days="1-7", **W) == 1
    assert r("contacts_after_purchase", days="30+", **W) == 0


def test_carts():
    """a: idle after payment step, abandoned at 11:00; b: stated reason; d: idle, but bought later: taken back. 2 of
    3."""
    events = [
        event("cart.opened", "a", "09:50"),
        event("cart.stepped", "a", "10:00", step="payment"),
        event("cart.opened", "b", "10:00"),
        event("cart.abandoned", "b", "10:10", reason="price"),
        event("cart.opened", "d", "10:00"),
        event("cart.purchased", "d", "15:00"),
    ]
    r = Result(events, "16:00")
    assert r("cart_abandonment_ratio", **W) == pytest.approx(2 / 3)
    assert r("carts_abandoned", reason="", step="payment", **W) == 1
    assert r("carts_abandoned", reason="price", step="", **W) == 1
    assert Result(events, "12:00")("cart_abandonment_ratio", **W) == 1
    assert Result(events, "10:30")("cart_abandonment_ratio_samples", **W) == 1


def test_churn_risk_and_mentions():
    """Last classed answer at risk: 1; after churn none. Sentiments 0.5 and -1: mean -0.25."""
    events = [
        answer("s", "10:00", 2, "csat", 1, 10),
        event("mention.posted", "m", "10:00", sentiment=0.5),
        event("mention.posted", "n", "10:00", sentiment=-1),
    ]
    r = Result(events, "10:30")
    assert r("churn_risk_customers") == 1
    assert r("mention_sentiment_mean", **D) == -0.25
    assert r("mentions", **D) == 2
    assert Result([*events, event("customer.churned", "c", "10:10")], "10:30")("churn_risk_customers") is None


def agent(what, at, **data):
    return event("agent." + what, "g", at, None, agent="g", **data)


def test_agents_and_unknown():
    """Available 10:00 with queues a, b; heartbeat 10:02; silent: unknown from 10:07; left out 24 h after 10:02."""
    events = [
        agent("status_changed", "10:00", status="available", queues=["a", "b"], team="x"),
        agent("heartbeat", "10:02"),
    ]
    r = Result(events, "10:06")
    assert r("agents", by="team", team="x", status="available") == 1
    assert r("queue_agents", by="queue", queue="b", status="available") == 1
    assert r("queue_agents", status="available") is None
    quiet = Result(events, "10:10")
    assert quiet("agents", status="unknown") == 1
    assert quiet("agents_oldest_age_seconds", status="unknown") == 180
    assert Result(events, "1 10:01:59")("agents", status="unknown") == 1
    assert Result(events, "1 10:02")("agents", status="unknown") is None


def test_occupancy():
    """No heartbeats: available 10:00-10:30, on_contact 10:30-10:45 (T, open piece): 15/45; samples 2700 s.
    Window 15m at 10:45 begins with pane 10:31: all busy, 840 s. With a heartbeat at 10:00 intervals count 5 min:
    5/10."""
    events = [
        agent("status_changed", "10:00", status="available"),
        agent("status_changed", "10:30", status="on_contact"),
    ]
    r = Result(events, "10:45")
    assert r("agent_occupancy_ratio", window="1h") == pytest.approx(15 / 45)
    assert r("agent_occupancy_ratio_samples", window="1h") == 2700
    assert r("agent_occupancy_ratio", window="15m") == 1
    assert r("agent_occupancy_ratio_samples", window="15m") == 840
    beats = Result([*events, agent("heartbeat", "10:00")], "10:45")
    assert beats("agent_occupancy_ratio", window="1h") == 0.5
