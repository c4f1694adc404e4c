"""When spikes begin and end, and whose excess they are, against cases worked by hand, from facts put into panes."""

import numpy as np
import pytest

from streamer.metrics.catalogue import row
from streamer.metrics.evaluate import evaluate

from .desk import ABANDONED, ANSWERED, CREATED, HOUR, MINUTE, WAIT, WEEK, Desk, T, usual_weeks


def spike(minutes, now=0, weeks=(40, 40, 40, 40), name="spike_confirmed"):
    """Return whether a spike is on at T where so many came in each minute named by its distance to T."""
    desk = Desk()
    for shift in (-HOUR, 0, -2 * HOUR):  # the minutes before T lie in the hours before it
        usual_weeks(desk, weeks, shift)
    for minute, n in minutes.items():
        desk.add(CREATED, T - minute * MINUTE, n)
    return desk.numbers(T + now)[name, "all", "tickets_created"]


# 4 an hour: 1 is usual in 15 min, the spread is sqrt(4) / 2 = 1: a score past 4 is more than 5. But 30 events are needed.
def test_a_spike_needs_two_minutes_in_a_row_and_thirty_events():
    def rare(*args, **kwargs):
        return spike(*args, **kwargs, weeks=(4, 4, 4, 4))

    assert rare({2: 30}) == 1  # in the windows that end 2 and 1 min before T
    assert rare({1: 30}) == 0  # in one window that has ended
    assert rare({1: 30}, now=MINUTE) == 1
    assert rare({2: 29}) == 0
    assert rare({3: 29, 1: 1}) == 0  # 30 in the last window only
    assert rare({0: 1000}) == 0  # the minute that T lies in has not ended


# 40 an hour: 10 are usual in 15 min; spread max(sqrt(40), 4) / 2 = 3.1623. A score past 4 is more than 22.65. All hours are the
# same, so beyond chance is n - 10 > 4 sqrt(n): 33 (23 > 22.98), not 32 (22 < 22.63).
def test_a_spike_of_a_count_is_beyond_chance():
    assert spike({2: 33}) == 1
    assert spike({2: 32}) == 0
    assert spike({3: 31, 1: 2}) == 1  # of the two minutes, the second


# The score alone would be past 4 at 23, but 30 events are needed: those are a spike, and may be chance.
def test_a_spike_that_is_not_confirmed():
    assert spike({2: 30}, name="spike") == 1
    assert spike({2: 29}, name="spike") == 0
    assert spike({2: 30}) == 0


# Cleared below a score of 2, at fewer than 10 + 2 * 3.1623 = 16.32, so by 16 and not by 17. The 33 of 17 min ago are in the
# windows that end at most 2 min before T, and no more in the last one.
def test_a_spike_stays_until_the_score_is_below_two():
    assert spike({17: 33, 3: 17}) == 1
    assert spike({17: 33, 3: 16}) == 0
    assert spike({17: 33}, now=-5 * MINUTE) == 1


# Weeks with 40 in the hour of T, and 200 in the one after or before. Windows that end at T + 50 min have their middle at 42.5
# min, 12.5 from the hour's: 40 + 160 * 12.5 / 60 = 73.3 an hour are usual there, 18.33 in 15 min. n - 18.33 > 4 sqrt(n): 46,
# not 45. Those that end at T + 10 min have it at 2.5: 40 + 160 * 27.5 / 60 = 113.3, 28.33: 60, not 59.
@pytest.mark.parametrize(("beside", "end", "least"), [(1, 50, 46), (-1, 10, 60)])
def test_the_usual_of_a_window_lies_between_hours(beside, end, least):
    for n, expected in ((least, 1), (least - 1, 0)):
        desk = Desk()
        for week in range(1, 5):
            desk.add(CREATED, T - week * WEEK, 40)
            desk.add(CREATED, T - week * WEEK + beside * HOUR, 200)
        desk.add(CREATED, T + (end - 2) * MINUTE, n)
        assert desk.numbers(T + end * MINUTE)["spike_confirmed", "all", "tickets_created"] == expected


def day(desk, row_, *values, per_hour=1):
    """Put the values into each of the 24 hours before T, so many times."""
    for hour in range(1, 25):
        for value in values:
            desk.add(row_, T - hour * HOUR, per_hour, value)


def later(desk, metric):
    """Return whether a spike is on 3 min after what was put at T + 50 min."""
    return desk.numbers(T + 53 * MINUTE)["spike_confirmed", *sorted(("all", metric))]


# Hours of 400 and 800 by turns: an EWMA of 635.25, of 15 min 158.81; deviation 1.4826 * 200 / 4 = 74.13. Past 4 of these is
# more than 455.33; beyond chance is n - 158.81 > 4 sqrt(74.13^2 + n): 468 (309.19 > 308.89), not 467 (308.19 < 308.86).
def test_how_hours_differ_and_chance_go_together():
    for n, expected in ((468, 1), (467, 0)):
        desk = Desk()
        for hour in range(1, 25):
            desk.add(CREATED, T - hour * HOUR, 800 if hour % 2 else 400)
        desk.add(CREATED, T + 50 * MINUTE, n)
        assert later(desk, "tickets_created") == expected


# A quarter is abandoned. Of 40 legs n: n / 40 - 0.25 > 4 sqrt(n) / 40 is n - 10 > 4 sqrt(n), so 33. By the score 15 would do.
def test_a_spike_of_a_ratio_is_beyond_chance():
    for n, expected in ((33, 1), (32, 0)):
        desk = Desk()
        day(desk, ANSWERED, 1, per_hour=90)
        day(desk, ABANDONED, 1, per_hour=30)
        desk.add(ANSWERED, T + 50 * MINUTE, 40 - n)
        desk.add(ABANDONED, T + 50 * MINUTE, n)
        assert later(desk, "abandon_ratio") == expected


# Waits of 10 s are usual. 36 of w s: w - 10 > 4 w / 6 is w > 30. By the score more than 14 s would do.
def test_a_spike_of_a_mean_is_beyond_chance():
    for seconds, expected in ((31, 1), (30, 0)):
        desk = Desk()
        day(desk, WAIT, 10_000, per_hour=10)
        desk.add(WAIT, T + 50 * MINUTE, 36, seconds * 1000)
        assert later(desk, "answer_wait") == expected


# NPS 50 is usual. Of 4 n answers of which 3 n are promoters: 75 - 50 > 4 * 100 / sqrt(4 n) is n > 64. By the score, 30 would do.
def test_a_spike_of_the_nps_is_beyond_chance():
    promoter, passive = (row("nps_share", **{"class": share}) for share in ("promoter", "passive"))
    for n, expected in ((65, 1), (64, 0)):
        desk = Desk()
        day(desk, promoter, 1, per_hour=10)
        day(desk, passive, 1, per_hour=10)
        desk.add(promoter, T + 50 * MINUTE, 3 * n)
        desk.add(passive, T + 50 * MINUTE, n)
        assert later(desk, "nps_score") == expected


# So many waits of 10 s in each of the last 24 hours: where 40 are expected in 15 min, 20 of 200 s are a spike (190 > 4 * 200 /
# sqrt(20) = 178.9); where 20 are expected, they are not enough.
@pytest.mark.parametrize(("usual", "expected"), [(160, 1), (80, 0)])
def test_expected_samples_count_as_well_as_those_that_came(usual, expected):
    desk = Desk()
    day(desk, WAIT, 10_000, per_hour=usual)
    desk.add(WAIT, T + 50 * MINUTE, 20, 200_000)
    assert later(desk, "answer_wait") == expected


# Starting clear 2 h before: what set a spike before that is forgotten, though between 2 and 4 it would still be on.
def test_a_spike_starts_clear():
    on = dict.fromkeys(range(1, 140), 3)  # 45 in 15 min: on at once, and again in every minute
    assert spike(on) == 1
    held = dict.fromkeys(range(1, 136), 0) | dict.fromkeys(range(1, 136, 3), 4)  # 20 in 15 min: 3.16
    assert spike(held | {100: 20}) == 1
    assert spike(held | {140: 20}) == 0


# 33 in a minute set a spike at the end of the next one, at T for those of 2 min before it; 14 min later it is over.
def test_a_spike_is_told_since_it_was_last_set():
    desk = Desk()
    for shift in (-HOUR, 0):
        usual_weeks(desk, (40, 40, 40, 40), shift)
    for minutes in (40, 2):
        desk.add(CREATED, T - minutes * MINUTE, 33)
    for at, since in ((T - 30 * MINUTE, T - 38 * MINUTE), (T - 10 * MINUTE, None), (T, T), (T + 5 * MINUTE, T)):
        desk.numbers(at, windows=desk.windows)
        found = set(desk.windows.comparison.begun().values())
        assert found == ({since} if since else set())


def approx(found):
    return {key: pytest.approx(value) for key, value in found.items()}


def shares(desk, by, value="", at=T, *, anew=False):
    """Return "dimension value" -> share of the spike of tickets created there."""
    found = {}
    for block in evaluate(desk.snapshot(), desk.settings, at, None if anew else desk.windows):
        own = dict(block.labels)
        if block.metric.name == "spike_contributor_ratio" and own["metric"] == "tickets_created":
            for place in np.flatnonzero(block.shown).tolist():
                if block.places.labels[place][0] == by and value in block.places.labels[place][1]:
                    found[f"{own['dimension']} {own['value']}"] = block.values[place].item()
    return found


# An hour has 200 in each of two queues: usual in 15 min are 50 and 50, 100 in all. Now 150 and 60: 210. Excess 100 and 10 of
# 110. billing is served by phone and chat, half each: 50 of the excess by chat, 60 by phone (support's is all phone).
def test_the_contributor_is_the_segment_with_most_of_the_excess():
    desk = Desk()
    for i in range(1, 5):
        for shift in (-HOUR, 0):
            for queue, channel, n in (("billing", "phone", 100), ("billing", "chat", 100), ("support", "phone", 200)):
                desk.add(CREATED, T - i * WEEK + shift, n, queue=queue, channel=channel)
    for queue, channel, n in (("billing", "phone", 75), ("billing", "chat", 75), ("support", "phone", 60)):
        desk.add(CREATED, T - 3 * MINUTE, n, queue=queue, channel=channel)
    assert desk.numbers()["spike_confirmed", "all", "tickets_created"] == 1
    assert shares(desk, "all") == approx({"channel phone": 60 / 110, "queue billing": 100 / 110, "team ": 1})
    assert shares(desk, "channel", "phone") == approx({"queue billing": 50 / 60, "team ": 1})
    assert shares(desk, "channel", "chat") == approx({"queue billing": 1, "team ": 1})
    assert shares(desk, "queue", "billing") == approx({"channel chat": 0.5, "team ": 1})  # as much as phone
    assert shares(desk, "queue", "support") == {}  # 60 where 50 are usual


# What is kept of segments must move with time: a spike goes on for minutes, in the next hour, and is there again a day later.
def test_segments_are_kept_while_a_spike_lasts():
    desk = Desk()
    for hour in range(48):
        desk.add(CREATED, T - hour * HOUR - 20 * MINUTE, 20, queue="billing")
        desk.add(CREATED, T - hour * HOUR - 20 * MINUTE, 20, queue="support")
    for minutes in (50, 51, 52, 112, 26 * 60):
        at = T + minutes * MINUTE
        desk.add(CREATED, at - 2 * MINUTE, 150, queue="billing")
        desk.add(CREATED, at - 2 * MINUTE, 140, queue="new")
        kept = shares(desk, "all", at=at)
        assert kept["queue billing"] > 0.5
        assert kept == shares(desk, "all", at=at, anew=True)
        desk.add(CREATED, at - 3 * HOUR, 30, queue="billing")  # late: more were usual
        assert shares(desk, "all", at=at)["queue billing"] < kept["queue billing"]
        assert shares(desk, "all", at=at) == shares(desk, "all", at=at, anew=True)
