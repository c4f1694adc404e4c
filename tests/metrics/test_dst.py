"""A week across each of both changes of the clock, Berlin 2026: `today`, opening hours, and due times, by hand.

On Sunday 29 March 02:00 CET (01:00 UTC) becomes 03:00 CEST: 23 hours. On Sunday 25 October 03:00 CEST (01:00 UTC) becomes
02:00 CET: 25 hours. Times in the tests are those of the wall clock in Berlin.
"""

from datetime import UTC, timedelta

import pytest

from streamer.metrics.plan import slices

from .by_hand import Replay, event, moment

ZONE = "Europe/Berlin"
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TODAY = {"window": "today"}


def berlin(text):
    return moment(text, ZONE)


def elapsed(start, duration):
    """So much time later, whatever the wall clock says."""
    return start.astimezone(UTC) + duration


def created(number, time, **data):
    return event("ticket.created", f"t{number}", time, f"c{number}", **data)


def replied(number, time):
    return event("ticket.message", f"t{number}", time, f"c{number}", author="agent")


def settings(hours=None, holidays=(), **tickets):
    hours = hours or dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-17:00")
    calendar = {"zone": ZONE, "hours": hours, "holidays": list(holidays)}
    return {"time": {"zone": ZONE}, "calendars": {"default": calendar}, "tickets": tickets}


@pytest.fixture(scope="module")
def weeks():
    """A ticket at every half hour, from the Wednesday before a change to the Wednesday after it."""

    def week(day):
        start = berlin(f"{day} 00:30")
        times = [elapsed(start, n * HOUR) for n in range(24 * 7)]
        return Replay([created(n, time) for n, time in enumerate(times)], settings())

    return {"spring": week("2026-03-25"), "autumn": week("2026-10-21")}


# One ticket an hour: today has as many as hours have passed since midnight, on the wall 10:45 after 9, 10 or 11 hours.
@pytest.mark.parametrize(
    ("week", "time", "tickets"),
    [
        ("spring", "2026-03-28 10:45", 11),
        ("spring", "2026-03-28 23:59", 24),
        ("spring", "2026-03-29 00:00", 0),
        ("spring", "2026-03-29 00:30", 1),
        ("spring", "2026-03-29 01:59", 2),
        ("spring", "2026-03-29 03:00", 2),
        ("spring", "2026-03-29 03:30", 3),
        ("spring", "2026-03-29 10:45", 10),
        ("spring", "2026-03-29 23:59", 23),
        ("spring", "2026-03-30 00:00", 0),
        ("spring", "2026-03-30 23:59", 24),
        ("autumn", "2026-10-24 10:45", 11),
        ("autumn", "2026-10-25 00:00", 0),
        ("autumn", "2026-10-25 02:30", 3),
        ("autumn", "2026-10-25 02:30 b", 4),
        ("autumn", "2026-10-25 10:45", 12),
        ("autumn", "2026-10-25 23:59", 25),
        ("autumn", "2026-10-26 00:00", 0),
        ("autumn", "2026-10-26 23:59", 24),
    ],
)
def test_today_has_as_many_hours_as_its_day(weeks, week, time, tickets):
    assert weeks[week].at(berlin(time))("tickets_created", **TODAY) == tickets


# The W before today: the same elapsed time since midnight of the day before, in panes of 15 minutes.
@pytest.mark.parametrize(
    ("week", "time", "today", "before"),
    [
        # 9:45 h into the day; the day before to 09:45
        ("spring", "2026-03-29 10:45", 10, 10),
        # 10:45 h; the day of 23 hours to 11:45 of its clock
        ("spring", "2026-03-30 10:45", 11, 11),
        # 23:45 h: the day before had 23, so the first three quarters of today are in it too
        ("spring", "2026-03-30 23:45", 24, 24),
        # 11:45 h; the day before to 11:45
        ("autumn", "2026-10-25 10:45", 12, 12),
        # 24:45 h, and the day before had 24: the first three quarters of this day too
        ("autumn", "2026-10-25 23:45", 25, 25),
        # 23:45 h; the day of 25 hours to 22:45 of its clock: not its last hour
        ("autumn", "2026-10-26 23:45", 24, 24),
    ],
)
def test_the_window_before_today_is_as_long_as_today(weeks, week, time, today, before):
    shown = weeks[week].at(berlin(time))

    assert shown("tickets_created", **TODAY) == today
    assert shown("tickets_created_change_ratio_samples", **TODAY) == before
    assert shown("tickets_created_change_ratio", **TODAY) == (today - before) / before


# A ticket in the very pane tells where the window before ends, and no second one is told apart by its count.
@pytest.mark.parametrize(
    ("day", "last", "first_out"),
    [
        # Sunday 10:00 is 9 h into the day: Saturday to the pane of 09:00
        ("2026-03-29 10:00", "2026-03-28 09:14", "2026-03-28 09:15"),
        # Monday 10:00 is 10 h: Sunday to the pane of 11:00
        ("2026-03-30 10:00", "2026-03-29 11:14", "2026-03-29 11:15"),
        # 11 h: Saturday to 11:00
        ("2026-10-25 10:00", "2026-10-24 11:14", "2026-10-24 11:15"),
        # 10 h: Sunday to 09:00
        ("2026-10-26 10:00", "2026-10-25 09:14", "2026-10-25 09:15"),
        # 3 h: Sunday to the second 02:00
        ("2026-10-26 03:00", "2026-10-25 02:14 b", "2026-10-25 02:15 b"),
    ],
)
def test_where_the_window_before_today_ends(day, last, first_out):
    now = created(0, berlin(day))
    for time, seen in ((last, 1), (first_out, None)):
        shown = Replay([created(1, berlin(time)), now], settings()).at(berlin(day))
        assert shown("tickets_created_change_ratio_samples", **TODAY) == seen


# Midnight itself is skipped (Beirut, 29 March: 00:00 becomes 01:00) or comes twice (Havana, 1 November: 01:00 becomes 00:00).
def test_today_where_the_change_is_at_midnight():
    quarter = 900_000
    beirut = moment("2026-03-29 01:30", "Asia/Beirut")  # 22:30 UTC; the day began at 22:00 UTC
    assert slices("today", int(beirut.timestamp() * 1000), "Asia/Beirut")[1:] == (
        int(moment("2026-03-28 22:00").timestamp() * 1000) // quarter,
        int(moment("2026-03-28 22:30").timestamp() * 1000) // quarter,
    )
    havana = moment("2026-11-01 00:30 b", "America/Havana")  # 05:30 UTC; the day began at the first 00:00, 04:00 UTC
    assert slices("today", int(havana.timestamp() * 1000), "America/Havana")[1:] == (
        int(moment("2026-11-01 04:00").timestamp() * 1000) // quarter,
        int(moment("2026-11-01 05:30").timestamp() * 1000) // quarter,
    )


OFFICE = None
NIGHT = {"sun": "00:00-06:00"}
AROUND = {"sat": "20:00-24:00", "sun": "00:00-24:00", "mon": "00:00-08:00"}


@pytest.mark.parametrize(
    ("hours", "start", "reply", "open_minutes", "all_minutes"),
    [
        # Friday half an hour, Monday three quarters. Elapsed: 65:15 h of the clock less the hour that was skipped,
        (OFFICE, "2026-03-27 16:30", "2026-03-30 09:45", 75, 64 * 60 + 15),
        # and with the hour that came twice.
        (OFFICE, "2026-10-23 16:30", "2026-10-26 09:45", 75, 66 * 60 + 15),
        # Wednesday to Wednesday: half an hour, four whole days of 8 h, nine hours and a half on the last two
        (OFFICE, "2026-03-25 16:30", "2026-04-01 10:30", 30 + 4 * 480 + 90, (6 * 24 + 18 - 1) * 60),
        (OFFICE, "2026-10-21 16:30", "2026-10-28 10:30", 30 + 4 * 480 + 90, (6 * 24 + 18 + 1) * 60),
        # a night of six hours by the clock has five, and seven
        (NIGHT, "2026-03-28 20:00", "2026-03-29 08:00", 5 * 60, 11 * 60),
        (NIGHT, "2026-10-24 20:00", "2026-10-25 08:00", 7 * 60, 13 * 60),
        # 01:30 to 03:30 is one hour; 02:30 to the second 02:30 is one, and 02:45 after 02:30 is 15 minutes
        (NIGHT, "2026-03-29 01:30", "2026-03-29 03:30", 60, 60),
        (NIGHT, "2026-10-25 02:30", "2026-10-25 02:30 b", 60, 60),
        (NIGHT, "2026-10-25 02:30 b", "2026-10-25 02:45 b", 15, 15),
        # open round the clock over the Sunday: 4 + 23 + 8 h, 4 + 25 + 8 h
        (AROUND, "2026-03-28 19:00", "2026-03-30 09:00", 35 * 60, 37 * 60),
        (AROUND, "2026-10-24 19:00", "2026-10-26 09:00", 37 * 60, 39 * 60),
        # closing and opening at the edges of what is skipped, or comes twice: 01:00-02:00, 03:00-04:00 are an hour each,
        ({"sun": "01:00-02:00,03:00-04:00"}, "2026-03-29 00:00", "2026-03-29 05:00", 120, 240),
        # all of the skipped hour is none, all of the one that comes twice is two
        ({"sun": "02:00-03:00"}, "2026-03-29 00:00", "2026-03-29 05:00", 0, 240),
        ({"sun": "02:00-03:00"}, "2026-10-25 00:00", "2026-10-25 05:00", 120, 360),
    ],
)
def test_opening_hours(hours, start, reply, open_minutes, all_minutes):
    events = [created(1, berlin(start)), replied(1, berlin(reply))]
    shown = Replay(events, settings(hours)).at(berlin(reply))

    assert shown("first_response_business_mean_seconds", **TODAY) == open_minutes * 60
    assert shown("first_response_mean_seconds", **TODAY) == all_minutes * 60


# "An opening hour that is skipped does not exist": of 02:30-06:00 three hours are left, of 01:00-02:30 one.
@pytest.mark.parametrize(
    ("hours", "open_minutes"),
    [
        ("01:30-03:30", 60),
        ("02:30-06:00", 180),
        ("01:00-02:30", 60),
        ("02:15-02:45", 0),
    ],
)
def test_hours_that_begin_or_end_in_what_is_skipped(hours, open_minutes):
    events = [created(1, berlin("2026-03-29 00:00")), replied(1, berlin("2026-03-29 08:00"))]
    shown = Replay(events, settings({"sun": hours})).at(berlin("2026-03-29 08:00"))

    assert shown("first_response_business_mean_seconds", **TODAY) == open_minutes * 60


# Good Friday (3 April) and Easter Monday (6 April), each in the week after the change; and the Sundays of both changes.
@pytest.mark.parametrize(
    ("hours", "holidays", "start", "reply", "open_minutes"),
    [
        # Thursday one hour, Tuesday one and a half
        (OFFICE, ["2026-04-03", "2026-04-06"], "2026-04-02 16:00", "2026-04-07 10:30", 150),
        # without Monday's holiday its eight hours too
        (OFFICE, ["2026-04-03"], "2026-04-02 16:00", "2026-04-07 10:30", 150 + 480),
        # Saturday's four hours and Monday's eight; all of the Sunday, 23 or 25 hours long, is closed
        (AROUND, ["2026-03-29"], "2026-03-28 19:00", "2026-03-30 09:00", 12 * 60),
        (AROUND, ["2026-10-25"], "2026-10-24 19:00", "2026-10-26 09:00", 12 * 60),
    ],
)
def test_holidays(hours, holidays, start, reply, open_minutes):
    events = [created(1, berlin(start)), replied(1, berlin(reply))]
    shown = Replay(events, settings(hours, holidays)).at(berlin(reply))

    assert shown("first_response_business_mean_seconds", **TODAY) == open_minutes * 60


# Targets are elapsed time. Created Saturday 20:00 with 12 h: due on Sunday at 09:00 of the clock in spring (07:00 UTC), at
# 07:00 in autumn (06:00 UTC).
@pytest.mark.parametrize(
    ("saturday", "due", "in_time", "too_late"),
    [
        ("2026-03-28 20:00", "2026-03-29 09:00", "2026-03-29 08:30", "2026-03-29 09:01"),
        ("2026-10-24 20:00", "2026-10-25 07:00", "2026-10-25 06:30", "2026-10-25 07:01"),
    ],
)
def test_a_target_that_is_due_after_the_change(saturday, due, in_time, too_late):
    config = settings(first_response_target="12h")
    ticket = created(1, berlin(saturday))
    target = {"target": "first_response"}

    waits = Replay([ticket], config)
    before, after = waits.at(berlin(due) - MINUTE), waits.at(berlin(due))
    assert (before("sla_open_over_target", **target), after("sla_open_over_target", **target)) == (0, 1)
    assert (before("sla_met_ratio", **target, **TODAY), after("sla_met_ratio", **target, **TODAY)) == (None, 0)
    assert before("sla_open_at_risk", **target) == 1
    assert after("tickets_awaiting_first_response_oldest_age_seconds") == 12 * 3600

    for reply, met in ((in_time, 1), (too_late, 0)):
        shown = Replay([ticket, replied(1, berlin(reply))], config).at(berlin(due) + HOUR)
        assert shown("sla_met_ratio", **target, **TODAY) == met
        assert shown("sla_met_ratio_samples", **target, **TODAY) == 1


# Solved after the change: elapsed again. Created Saturday 20:00, on hold from 00:00 to 06:00 of the clock, solved at 08:00.
@pytest.mark.parametrize(
    ("saturday", "sunday", "on_hold", "whole"),
    [("2026-03-28", "2026-03-29", 5, 11), ("2026-10-24", "2026-10-25", 7, 13)],
)
def test_a_ticket_that_is_solved_after_the_change(saturday, sunday, on_hold, whole):
    def turned(status, clock):
        return event("ticket.status_changed", "t1", berlin(f"{sunday} {clock}"), "c1", status=status)

    events = [created(1, berlin(f"{saturday} 20:00")), turned("on_hold", "00:00"), turned("open", "06:00")]
    shown = Replay([*events, turned("solved", "08:00")], settings()).at(berlin(f"{sunday} 12:00"))

    assert shown("resolution_mean_seconds", kind="full", **TODAY) == whole * 3600
    assert shown("ticket_on_hold_mean_seconds", **TODAY) == on_hold * 3600
    assert shown("agent_work_mean_seconds", **TODAY) == (whole - on_hold) * 3600
