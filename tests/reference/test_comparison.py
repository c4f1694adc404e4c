"""Baselines, scores, drivers, shifts: by hand. Monday 2026-03-02 is day 0."""

from __future__ import annotations

from math import sqrt

import pytest

from .cases import event, ms
from .comparison import comparison
from .comparison_baseline import Usual
from .comparison_cases import Result, created
from .comparison_shift import change_points


def call(at, answered, subject):
    return [
        event("call.queued", subject, at, queue="a"),
        event("call.answered", subject, answered, queue="a"),
    ]


# metric_target


def test_targets_are_those_of_the_configuration_over_the_defaults():
    series = comparison([], ms("10:00"), {"targets": {"csat_ratio": 0.9, "ces_mean": 5}})
    targets = {dict(labels)["metric"]: value for (_, labels), value in series.items()}
    assert targets == {"csat_ratio": 0.9, "cart_abandonment_ratio": 0.63, "ces_mean": 5}


# metric_baseline, metric_deviation_score


def test_the_baseline_of_a_count_is_the_median_of_the_same_hour_of_four_weeks():
    """Mondays 10 h: 4, 8, 6, 10: median 7, in 15 min 1.75. The other 668 hours are 0, their baseline 0: the median of
    all residuals' deviations is 0. Spread max(0, sqrt(1.75) = 1.3229, 0.175). Now at 10:20: panes 10:06 .. 10:20 hold 3
    (10:05:59 is out). Score (3 - 1.75) / 1.3229 = 0.9449."""
    events = [*created("0 10:10", 4), *created("7 10:10", 8), *created("14 10:10", 6), *created("21 10:59:59", 10)]
    events += [*created("28 10:05:59"), *created("28 10:06", 3)]
    r = Result(events, "28 10:20")
    assert r("metric_baseline", metric="tickets_created") == 7
    assert r("metric_baseline", by="channel", channel="email", metric="tickets_created") == 7
    assert r("metric_deviation_score", metric="tickets_created") == pytest.approx(1.25 / sqrt(1.75))
    # A week later the hour of day 0 is out: median(8, 6, 10, 4) again, now with the 4 of day 28.
    assert Result(events, "35 10:20")("metric_baseline", metric="tickets_created") == 7
    # Two weeks later: median(6, 10, 4, 0).
    assert Result(events, "42 10:20")("metric_baseline", metric="tickets_created") == 5


def test_two_values_of_the_hour_are_two_weeks():
    """First ticket on day 7 10 h. Day 21 10 h: 3 and 5, median 4. Day 20 10 h: only day 13 (0): the EWMA of 24 empty
    hours, 0; and day 20 11 h the same."""
    events = [*created("7 10:10", 3), *created("14 10:10", 5)]
    assert Result(events, "21 10:00")("metric_baseline", metric="tickets_created") == 4
    assert Result(events, "20 10:00")("metric_baseline", metric="tickets_created") == 0


def test_fewer_than_two_weeks_is_an_ewma_of_the_last_24_hours():
    """Hours 8, 9, 10: 4, 0, 10. 4; 0.7 x 4 = 2.8; 0.3 x 10 + 0.7 x 2.8 = 4.96. Residuals -0.96, -4.96, 5.04, their
    median -0.96, deviations 0, 4, 6, their median 4: 1.4826 x 4 / 4 = 1.4826 in 15 min, more than sqrt(1.24) = 1.114.
    Nothing now: -1.24 / 1.4826."""
    r = Result([*created("08:30", 4), *created("10:00", 10)], "11:20")
    assert r("metric_baseline", metric="tickets_created") == pytest.approx(4.96)
    assert r("metric_deviation_score", metric="tickets_created") == pytest.approx(-1.24 / 1.4826)


def test_the_ewma_looks_24_hours_back_and_not_at_the_present_hour():
    """At day 1 08:10 hours 08 of day 0 to 07 of day 1: 4, then 23 zeros. A ticket of 07:59 of day 0 makes it no more
    than the first hour with data; the 50 of the present hour do not count."""
    events = [*created("07:59", 90), *created("08:30", 4), *created("1 08:05", 50)]
    assert Result(events, "1 08:10")("metric_baseline", metric="tickets_created") == pytest.approx(4 * 0.7**23)


def test_the_baseline_of_a_mean_leaves_out_hours_without_samples():
    """Waits 10 s at 8 h, 20 s at 9 h, none at 10 h, 60 s at 11 h: 10; 13; 18 + 9.1 = 27.1. Residuals -17.1, -7.1, 32.9,
    median -7.1, deviations 10, 0, 40, median 10: 14.826, more than 2.71. Now 100 s: 72.9 / 14.826."""
    events = [*call("08:00", "08:00:10", "a"), *call("09:00", "09:00:20", "b"), *call("11:00", "11:01", "c")]
    events += call("12:00", "12:01:40", "d")
    r = Result(events, "12:10")
    assert r("metric_baseline", metric="answer_wait") == pytest.approx(27.1)
    assert r("metric_deviation_score", metric="answer_wait") == pytest.approx(72.9 / 14.826)
    assert r("spike", metric="answer_wait") == 0  # one sample is not 30
    # no sample in the last 15 min: a baseline, no score
    r = Result(events, "12:40")
    assert r("metric_baseline", metric="answer_wait") == pytest.approx(27.1)
    assert r("metric_deviation_score", metric="answer_wait") is None


def test_the_median_absolute_deviation_of_the_residuals():
    """1, 2, 4, 9: median 3; residuals -2, -1, 1, 6, median 0; deviations 2, 1, 1, 6, median 1.5: 2.2239."""
    usual = Usual({0: 1, 168: 2, 336: 4, 504: 9}, 672)
    assert usual.of(672) == 3
    assert usual.deviation() == pytest.approx(1.4826 * 1.5)


def test_ten_percent_of_a_negative_baseline():
    """NPS -100 in both hours: no deviation, spread 10 % of 100 = 10. Now +100: (100 - -100) / 10 = 20."""

    def answer(at, score):
        scale = {"scale_min": 0, "scale_max": 10}
        return event("survey.answered", at, at, score=score, kind="nps", survey="s", **scale)

    r = Result([answer("08:00", 0), answer("09:00", 0), answer("10:00", 10)], "10:05")
    assert r("metric_baseline", metric="nps_score") == -100
    assert r("metric_deviation_score", metric="nps_score") == 20


def test_a_baseline_of_zero_without_spread_gives_no_score():
    """A ticket on day 0 at 16 h. Day 28 15 h: days 7, 14, 21 at 15 h are 0, spread max(0, 0, 0): no score, no spike."""
    events = [*created("0 16:10"), *created("28 15:02", 50)]
    r = Result(events, "28 15:05")
    assert r("metric_baseline", metric="tickets_created") == 0
    assert r("metric_deviation_score", metric="tickets_created") is None
    assert r("spike", metric="tickets_created") == 0


def test_a_first_hour_has_no_baseline():
    assert Result(created("15:02", 50), "15:05")("metric_baseline", metric="tickets_created") is None


# drivers


def surveyed(name, at, score, *, about=None, **data):
    """An answer on 1-10 by the customer `name` about their contact of the same name."""
    scale = {"scale_min": 1, "scale_max": 10}
    return event(
        "survey.answered", f"survey {name}", at, name, score=score, kind="csat", survey="s", about=about or name,
        **scale, **data,
    )  # fmt: skip


def replied(name, replies, score, answered="12:00"):
    return [
        event("ticket.created", name, "10:00", name),
        *(event("ticket.message", name, f"10:0{n}", name, author="agent") for n in range(1, replies + 1)),
        surveyed(name, answered, score),
    ]


def test_lift_is_a_two_by_two_table():
    """3 replies: low (<= 6), low, not: 2 of 3. Fewer: 1 low of 4. Lift (2/3) / (1/4) = 2.667."""
    events = [
        *replied("a", 3, 1), *replied("b", 4, 6), *replied("c", 3, 7),
        *replied("d", 2, 2), *replied("e", 1, 10), *replied("f", 2, 9), *replied("g", 1, 8),
        surveyed("h", "12:00", 1, about="nobody"),
    ]  # fmt: skip
    r = Result(events, "13:00", {"surveys": {"min_samples": 3}})
    driver = {"driver": "replies_over_2"}
    assert (r("driver_samples", **driver), r("driver_low", **driver)) == (3, 2)
    assert r("driver_lift", **driver) == pytest.approx(8 / 3)
    # 3 samples are below 4; the counts are shown all the same
    r = Result(events, "13:00", {"surveys": {"min_samples": 4}})
    assert r("driver_lift", **driver) is None
    assert r("driver_samples", **driver) == 3
    # all are e-mails: nobody without the driver to compare with
    assert r("driver_samples", driver="channel:email") == 7
    assert r("driver_lift", driver="channel:email") is None
    # 30 d are the 1 h panes up to day 30 11 h: at 12 h of day 30 the answers of day 0 12 h are out
    assert Result(events, "30 11:59")("driver_samples", **driver) == 3
    assert Result(events, "30 12:00")("driver_samples", **driver) is None


def test_drivers_are_those_known_at_the_answer():
    """Two replies before, a third (after it in order) at the answer: no. A second answer later: yes, at its own time."""
    events = [*replied("a", 2, 1, "11:00"), event("ticket.message", "a", "11:00", "a", author="agent")]
    assert Result(events, "13:00")("driver_samples", driver="replies_over_2") is None
    events.append(surveyed("a", "12:00", 9))
    r = Result(events, "13:00")
    assert (r("driver_samples", driver="replies_over_2"), r("driver_low", driver="replies_over_2")) == (1, 0)


def drivers(*events, at="13:00"):
    series = comparison(sorted(events, key=lambda e: e["time"]), ms(at), {})
    keys = [dict(labels) for family, labels in series if family == "support_driver_samples"]
    return {labels["driver"] for labels in keys if labels["by"] == "all"}


def phone(what, at, subject="k", **data):
    return event("call." + what, subject, at, "k", **data)


def test_drivers_of_a_call():
    queued, answer = phone("queued", "10:00", queue="q"), surveyed("k", "12:00", 1)
    assert drivers(queued, phone("answered", "10:00:20"), answer) == {"channel:phone"}
    assert drivers(queued, phone("answered", "10:00:20.001"), answer) == {"channel:phone", "waited_over_target"}
    moved = [phone("answered", "10:00:05"), phone("transferred", "10:01", to_queue="p", kind="blind")]
    assert drivers(queued, *moved, phone("answered", "10:01:05"), answer) == {"channel:phone", "transferred"}
    again = [phone("answered", "10:00:05"), phone("ended", "10:01"), phone("queued", "10:02")]
    assert drivers(queued, *again, phone("answered", "10:02:05"), answer) == {"channel:phone", "reopened"}
    # another call, left after 10 s, a minute before; 24 h and 1 ms before is no longer the same attempt
    other = [phone("queued", "09:58:50", "l"), phone("abandoned", "09:59", "l")]
    assert drivers(*other, queued, phone("answered", "10:00:20"), answer) == {
        "channel:phone", "repeat_contact", "abandoned_first",
    }  # fmt: skip
    late = surveyed("k", "1 12:00", 1)
    later = [phone("queued", "1 09:59:00.001", queue="q"), phone("answered", "1 09:59:05")]
    early = [phone("queued", "09:58:50", "l"), phone("abandoned", "09:59", "l")]
    assert drivers(*early, *later, late, at="1 13:00") == {"channel:phone", "repeat_contact"}


def test_drivers_of_a_ticket():
    """First response due at 11:00, response at 14:00."""
    created_, answer = event("ticket.created", "k", "10:00", "k", topic="bill"), surveyed("k", "12:00", 1)
    reply = event("ticket.message", "k", "11:00", "k", author="agent")
    assert drivers(created_, reply, answer) == {"channel:email", "topic:bill"}
    assert drivers(created_, answer) == {"channel:email", "topic:bill", "breached"}
    # at the very due time nothing is missed yet
    assert drivers(created_, surveyed("k", "11:00", 1)) == {"channel:email", "topic:bill"}
    solved = event("ticket.status_changed", "k", "11:10", "k", status="solved")
    opened = event("ticket.status_changed", "k", "11:20", "k", status="open")
    assert drivers(created_, reply, solved, opened, answer) == {"channel:email", "topic:bill", "reopened"}


def test_drivers_are_of_the_ten_most_frequent_topics():
    """t00 .. t09 once, t10 twice: t09 (the last in byte order of those with one) is the eleventh."""
    events = []
    for number in [*range(11), 10]:
        name = f"c{len(events)}"
        events += [event("ticket.created", name, "10:00", name, topic=f"t{number:02d}"), surveyed(name, "10:30", 1)]
    assert drivers(*events) == {"channel:email", *(f"topic:t{n:02d}" for n in range(9)), "topic:t10"}


# satisfaction_shift


def means(after, hours=10):
    """0.4 and 0.6 by turns for 168 hours, then `after`."""
    return {h: (0.4, 0.6)[h % 2] if h < 168 else after for h in range(168 + hours)}


def test_the_cusum_finds_the_hour():
    """Mean 0.5, deviation 0.1. 0.8 is z = 3, 2.5 more an hour. The upper sum is 0.5 after hour 167 (0.6); 168: 3.0; 169:
    5.5 > 5. Down with 0.21, z = -2.9: 0 (167), 2.4, 4.8, 170: 7.2 > 5."""
    assert change_points(means(0.8), 0) == [169]
    assert change_points(means(0.21), 0) == [170]
    assert change_points(means(0.5), 0) == []
    # The sums are not set back: 40 hours of 0.8 are one change point. 0.1 from 208 on, z = -4: 3.5, 209: 7.0 > 5.
    assert change_points(means(0.8, 40) | dict.fromkeys(range(208, 300), 0.1), 0) == [169, 209]


def test_no_shift_without_a_spread_in_the_first_seven_days():
    assert change_points(dict.fromkeys(range(300), 0.5), 0) is None
    assert change_points({0: 0.1, 168: 0.2, 201: 0.9}, 0) is None  # one hour in the first 7 d
    assert change_points({0: 0.1, 167: 0.2, 201: 0.1}, 0) == []
    assert change_points({1: 0.1, 168: 0.2, 201: 0.1}, 1) == []  # z = -1, 1, -1


def test_a_shift_is_shown_for_24_hours_after_its_hour():
    """One answer an hour for 7 d from day 0 00:30 on, of 0-10: 4, 6 by turns. Then 8 at day 29 04:30 and 05:30: hours 700
    and 701, upper sum 0.5, 3.0, 5.5: the change point is 05 h. The 30 d begin 719 hours back: at day 0 - 18 h, and at
    day 30 05 h at hour 6 of day 0."""
    events = []
    for hour in [*range(168), 700, 701]:
        score = (4, 6)[hour % 2] if hour < 168 else 8
        when = f"{hour // 24} {hour % 24:02d}:30"
        scale = {"scale_min": 0, "scale_max": 10}
        events.append(event("survey.answered", f"s{hour}", when, score=score, kind="csat", survey="s", **scale))
        events.append(event("survey.answered", f"e{hour}", when, score=5, kind="esat", survey="s", **scale))
    assert Result(events, "29 05:29")("satisfaction_shift") == 0
    assert Result(events, "29 05:29")("satisfaction_shift_timestamp_seconds") is None
    assert Result(events, "22 23:59")("satisfaction_shift") is None  # the first 7 d of the 30 are before day 0
    for moment, shown in (("29 05:30", 1), ("30 04:59:59", 1), ("30 05:00", 0)):
        r = Result(events, moment)
        assert r("satisfaction_shift") == shown
        assert r("satisfaction_shift_timestamp_seconds") == ms("29 05:00") / 1000
        assert r("satisfaction_shift", by="queue") == shown
