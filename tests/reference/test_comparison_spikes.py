"""Spikes and contributors: by hand. Monday 2026-03-02 is day 0."""

from __future__ import annotations

from math import sqrt

import pytest

from .book import Fact
from .comparison_baseline import METRICS, Segment
from .comparison_cases import Result, created
from .config import HOUR, MINUTE

# spike: 24 hours of 2 a minute. EWMA 120 an hour, 30 in 15 min, spread sqrt(30) = 5.477: a score of 4 is 51.9, 2 is 40.95


def steady(per_minute=2, **more):
    """Tickets by minute: `per_minute` in each of 27 hours, and more in minutes of hour 24: m10=22."""
    counts = dict.fromkeys(range(27 * 60), per_minute)
    for name, extra in more.items():
        counts[24 * 60 + int(name[1:])] += extra
    return Segment(
        METRICS[0],
        [Fact("tickets_created", (), (), minute * MINUTE) for minute, n in counts.items() for _ in range(n)],
    )


def at(minute, second=0):
    return 24 * HOUR + minute * MINUTE + second * 1000


def test_a_spike_is_set_in_the_second_minute_past_4():
    """32 more at 24:10: 62 at the ends of 24:10 .. 24:24. Set at the end of 24:11, cleared at the end of 24:25."""
    segment = steady(m10=32)
    assert segment.score(24 * 60 + 10, 24) == pytest.approx(32 / sqrt(30))
    assert [segment.spikes(at(minute)) for minute in (11, 12, 25, 26)] == [False, True, True, False]
    assert segment.spikes(at(11, 59)) is False  # 24:11 has not ended


def test_one_minute_past_4_sets_nothing():
    """16 more at 24:10 and 24:24: 62 at the end of 24:24 alone, else 46. At 24:11 and 24:24: at the ends of two."""
    segment = steady(m10=16, m24=16)
    assert not any(segment.spikes(at(minute)) for minute in range(10, 60))
    assert [steady(m11=16, m24=16).spikes(at(minute)) for minute in (25, 26)] == [False, True]


def test_a_spike_stays_until_it_is_below_2():
    """15 more at 24:24: 45 at the ends of 24:25 .. 24:38, 2.74: it stays, though 45 alone would not set it."""
    segment = steady(m10=32, m24=15)
    assert [segment.spikes(at(minute)) for minute in (26, 39, 40)] == [True, True, False]
    assert steady(m24=15).spikes(at(30)) is False


# beyond chance


def test_a_count_past_4_is_not_yet_beyond_chance():
    """No hour differs. 61: 31 above 30, past 4 by the score (5.66), but not 4 sqrt(61) = 31.24. 62: 32 > 31.50. Of the two
    minutes past 4, it is the second that counts: 61, then 62."""
    assert steady(m10=31).spikes(at(12)) is False
    assert steady(m10=32).spikes(at(12)) is True
    assert steady(m10=31, m11=1).spikes(at(12)) is True


def test_the_usual_at_the_middle_of_the_window():
    """The hour has 120, the next 240. The 15 min to 24:30 have their middle at 24:22:30 and the hour before has 120: 30 are
    usual. To 24:55, at 24:47:30: 120 + 120 x 17.5 / 60 = 155, 38.75: 4 sqrt(n) above it is 73 (34.25 > 34.18), not 72."""

    def rising(minute, now):
        segment = steady(**{f"m{minute}": now - 30})
        for week in range(1, 5):
            for hour, n in ((23, 120), (24, 120), (25, 240)):
                segment.hours[hour - week * 168] = [1] * n
        return segment.spikes(at(minute + 2))

    assert [rising(28, now) for now in (61, 62)] == [False, True]
    assert [rising(53, now) for now in (72, 73)] == [False, True]


def test_the_errors_of_means_ratios_and_nps():
    """Of 36 values: a mean of 30 has 30 / 6 = 5, so 4 x 5 = 20 above the usual 10 is not beyond it and 21 above it is (at 31,
    20.67). A ratio of 32 of 40 has sqrt(32) / 40: 0.55 above a quarter, 0.5657 are needed; 33: 0.575, 0.5745. An NPS of 75 by 4 n
    answers is 25 above the usual: 400 / sqrt(4 n) is less from n = 65 on. No hour differs."""

    def beyond(metric, usual, now):
        facts = [(hour * HOUR, value) for hour in range(24) for value in usual] + [(24 * HOUR, value) for value in now]
        return Segment(metric, [Fact("", (), (), when, value) for when, value in facts]).spikes(at(12))

    _, _, wait, abandoned, *_, nps = METRICS
    assert [beyond(wait, [10_000], [w * 1000] * 36) for w in (30, 31)] == [False, True]
    assert [beyond(abandoned, [0, 0, 0, 1], [1] * n + [0] * (40 - n)) for n in (32, 33)] == [False, True]
    assert [beyond(nps, [0, 1], [1, 1, 1, 0] * n) for n in (64, 65)] == [False, True]


def test_how_hours_differ_adds_to_the_error():
    """12 hours of 100 and 12 of 140 by turns: an EWMA of 123.52, in 15 min 30.88; deviation 1.4826 x 20 / 4 = 7.413.
    77: 46.12 > 4 sqrt(7.413^2 + 77) = 45.95; 76: 45.12 < 45.77."""
    segment = Segment(METRICS[0], [])
    for hour in range(24):
        segment.hours[hour] = [1] * (140 if hour % 2 else 100)
    for now, expected in ((76, False), (77, True)):
        segment.minutes[24 * 60 + 10] = [1] * now
        assert segment.spikes(at(12)) is expected


def test_it_starts_clear_two_hours_ago():
    """Two weeks of 120 an hour, so that the median stays. 3 a minute from 24:00 on: 45, score 2.74. 40 more at 24:10 set
    a spike that 45 does not clear; at 26:40 the first minute looked at is 24:40."""
    more = {f"m{minute}": 1 for minute in range(170)} | {"m10": 41}
    segment = steady(**more)
    for hour in range(-24 * 13, 0):
        segment.hours[hour] = [1] * 120
    assert segment.score(24 * 60 + 150, 26) == pytest.approx(15 / sqrt(30))
    assert segment.spikes(at(120)) is True
    assert segment.spikes(at(160)) is False


def test_the_minimum_sample():
    """8 an hour: 2 in 15 min, spread sqrt(2). 29 now: 19.1, but neither expected nor observed are 30 events."""

    def few(now):
        minutes = [hour * 60 for hour in range(24) for _ in range(8)] + [24 * 60 + 10] * now
        return Segment(METRICS[0], [Fact("tickets_created", (), (), minute * MINUTE) for minute in minutes])

    assert few(29).spikes(at(12)) is False
    assert few(30).spikes(at(12)) is True


def test_the_contributor_of_each_dimension():
    """9 h, 10 h: 6 of queue a, 2 of b. 11:07: 10 of a, 30 of b. All: 40 - 2 = 38; a: 10 - 1.5 = 8.5, b: 30 - 0.5 =
    29.5: 0.7763 of it. All are e-mails."""
    events = []
    for hour in ("09", "10"):
        events += [*created(f"{hour}:30", 6, queue="a"), *created(f"{hour}:31", 2, queue="b")]
    events += [*created("11:07", 10, queue="a"), *created("11:07", 30, queue="b")]
    r = Result(events, "11:10")
    spike = {"metric": "tickets_created"}
    assert r("spike", **spike) == 1
    assert r("spike_contributor_ratio", **spike, dimension="queue", value="b") == pytest.approx(29.5 / 38)
    assert r("spike_contributor_ratio", **spike, dimension="channel", value="email") == 1
    assert r.named("support_spike_contributor_ratio") == {"channel": "email", "queue": "b", "team": ""}
    # queue b spikes (30 of 0.5 expected), a does not (10 observed)
    assert (r("spike", by="queue", queue="b", **spike), r("spike", by="queue", queue="a", **spike)) == (1, 0)
    assert r("spike_contributor_ratio", by="queue", queue="b", **spike, dimension="channel", value="email") == 1


def test_the_contributor_to_a_mean_is_weighed_by_its_samples():
    """Waits 10 s of queues a, b at 9 h and 10 h. 11:01 .. : 30 of a at 20 s, 10 of b at 90 s: mean 37.5, 27.5 x 40 =
    1,100 s more than usual; a 10 x 30 = 300, b 80 x 10 = 800: 0.7273."""
    facts = [(queue, hour * HOUR + MINUTE, 10_000) for hour in (9, 10) for queue in ("a", "b")]
    facts += [("a", 11 * HOUR + MINUTE, 20_000)] * 30 + [("b", 11 * HOUR + MINUTE, 90_000)] * 10
    whole, a, b = (
        Segment(
            METRICS[2], [Fact("answer_wait", (), (), when, value) for queue, when, value in facts if queue in names]
        )
        for names in ("ab", "a", "b")
    )
    last = 11 * 60 + 3
    assert whole.score(last, 11) == pytest.approx(27.5)  # spread: 10 % of 10 s
    excess = [segment.excess(last, 0.0) for segment in (whole, a, b)]
    assert excess == pytest.approx([1100, 300, 800])
