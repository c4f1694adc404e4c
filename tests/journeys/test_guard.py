"""The survey guard's rules: it refuses exactly what the metrics would count as an overlap, or as fatigue."""

import datetime as dt
import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streamer.events.codec import Decoder
from streamer.journeys.guard import FATIGUE, RECENT, Refusal, as_answer, instant, judge, oldest, refusals, unpacked
from streamer.journeys.store import Position
from streamer.metrics.catalogue import row
from streamer.replay import accept
from streamer.settings import Settings
from streamer.timelines.context import Context
from streamer.timelines.journey import _row
from streamer.timelines.timeline import Timeline
from tests.board.changelog import START
from tests.board.journeys import DAY, event

OVERLAPS = {row("survey_overlaps", same_department=same) for same in ("true", "false")}
RULES = Settings().surveys
DEPARTMENTS = st.sampled_from(["sales", "support", ""])


def entry(number, at, department, settings):
    data = {"kind": "csat", **({"department": department} if department else {})}
    raw = event(number, at, "survey.sent", f"S-{number}", "ada", **data)
    decoder = Decoder(settings.surveys.scales, settings.time.future)
    made, time, _ = accept(decoder, json.dumps(raw).encode())
    return (time, made.rank, made.source, made.id, made)


@st.composite
def gaps(draw):
    """Days between surveys, and around the windows' edges to the millisecond."""
    days = draw(st.sampled_from([0, 1, 3, 7, 8, 16, 23, 30, 31]))
    return max(days * DAY + draw(st.sampled_from([-1, 0, 1])), 0)


@given(st.lists(st.tuples(gaps(), DEPARTMENTS), max_size=6), gaps(), DEPARTMENTS, st.integers(1, 3))
def test_what_is_refused_is_what_would_be_counted(sent, later, department, limit):
    settings = Settings.model_validate({"surveys": {"fatigue_limit": limit}})
    ctx, timeline, at = Context(settings), Timeline(customer=True), START
    for number, (gap, by) in enumerate(sent):
        at += gap
        timeline.add(ctx, [entry(number, at, by, settings)])
    now = at + later
    verdict = judge(refusals(timeline.state.sends, settings.surveys), now, now, 0, department)
    assert verdict.allowed == (not verdict.refusals)

    ctx.facts = []
    timeline.add(ctx, [entry(len(sent), now, department, settings)])
    counted = {_row(fact) for fact in ctx.facts} & OVERLAPS
    recent = [refusal for refusal in verdict.refusals if refusal.reason == RECENT]
    assert bool(recent) == bool(counted)
    same = row("survey_overlaps", same_department="true") in counted
    assert any((refusal.department or "") == department for refusal in recent) == same
    tired = any(refusal.reason == FATIGUE for refusal in verdict.refusals)
    assert tired == (timeline.state.fatigued_until > now)


def test_each_refusal_says_who_when_and_until_when_and_the_longest_comes_first():
    sends = [(START, "sales"), (START + 10 * DAY, ""), (START + 20 * DAY, "support")]
    now = START + 22 * DAY
    verdict = judge(refusals(sends, RULES), now - 1000, now, 1000, "support")
    at = instant(START)
    assert verdict.refusals == (
        Refusal(FATIGUE, "support", at + 20 * dt.timedelta(1), at + 40 * dt.timedelta(1), True),
        Refusal(
            RECENT,
            "support",
            at + 20 * dt.timedelta(1),
            at + 27 * dt.timedelta(1) + dt.timedelta(milliseconds=1),
            True,
        ),
    )
    assert not verdict
    assert as_answer(verdict, "ada")["reasons"][1] == {
        "reason": "recent_survey",
        "department": "support",
        "sent": "2026-01-25T08:00:00Z",
        "until": "2026-02-01T08:00:00.001000Z",
        "same_department": True,
    }
    kept = json.dumps(as_answer(verdict, "ada")["reasons"]).encode()
    assert judge(unpacked(kept), now, now, 0, "support").refusals == verdict.refusals


def test_what_is_old_refuses_but_does_not_allow():
    known = refusals([(START, "sales")], RULES)
    assert judge(known, None, START + DAY, 1000).allowed is False
    assert judge(known, START, START + 8 * DAY, 1000).allowed is None
    assert judge(known, START + 8 * DAY - 1001, START + 8 * DAY, 1000).allowed is None
    assert judge(known, START + 8 * DAY - 1000, START + 8 * DAY, 1000).allowed is True
    assert not judge([], None, START, 1000)


def test_a_limit_of_none_is_one_for_the_guard():
    rules = Settings.model_validate({"surveys": {"fatigue_limit": 0}}).surveys
    assert [refusal.reason for refusal in refusals([], rules)] == []
    assert FATIGUE in [refusal.reason for refusal in refusals([(START, "")], rules)]


def test_a_model_with_a_partition_that_was_not_read_is_as_of_never():
    read, unread = (msgspec.json.encode(Position(9, time, START)) for time in (START, 0))
    assert oldest([read]) == START
    assert oldest([read, unread]) is None
    assert oldest([]) is None
