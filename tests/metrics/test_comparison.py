"""Baselines, scores, lifts and shifts against cases worked by hand, from facts put into panes."""

import datetime as dt
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.board.merge import Merge
from streamer.events.codec import Decoder
from streamer.metrics.catalogue import row
from streamer.metrics.catalogue.comparison import ALL_ANSWERS, DRIVER
from streamer.partition import Partition
from streamer.replay import accept

from .desk import ABANDONED, ANSWERED, CREATED, DAY, HOUR, MINUTE, SETTINGS, WEEK, Desk, T, usual_weeks

CSAT, CSAT_MEAN = row("csat_ratio", kind="csat"), row("csat_mean_ratio", kind="csat")


# 4 Mondays at 10: 80, 100, 120, 140. Median: (100 + 120) / 2 = 110. All other hours from the first one on have 0, and so have
# their medians: of 672 residuals 668 are 0, so the median absolute deviation is 0. Now: 80 in the last 15
# min. Of a quarter of an hour 110 / 4 = 27.5 are usual, the spread is max(0, sqrt(27.5) = 5.244, 2.75): (80 - 27.5) / 5.244.
def test_a_count_against_its_hour_of_the_week():
    desk = Desk()
    usual_weeks(desk, (120, 80, 140, 100))
    desk.add(CREATED, T - MINUTE, 80)
    found = desk.numbers()
    assert found["metric_baseline", "all", "tickets_created"] == 110
    assert found["metric_deviation_score", "all", "tickets_created"] == pytest.approx(52.5 / 27.5**0.5)
    assert found["metric_baseline", "billing", "queue", "tickets_created"] == 110


# Two weeks: 40 and 60, median 50; the third week back is before the first event: no 0 of it. sqrt(50) > 5.
def test_hours_before_the_first_event_are_not_hours_without_events():
    desk = Desk()
    usual_weeks(desk, (40, 60))
    assert desk.numbers()["metric_baseline", "all", "tickets_created"] == 50
    score = desk.numbers()["metric_deviation_score", "all", "tickets_created"]
    assert score == pytest.approx(-12.5 / (50**0.5 / 2))


# 24 hours of 400 and 800 by turns. Residuals from the EWMA m: 400 - m and 800 - m, their median 600 - m, all deviations 200:
# 1.4826 * 200 / 4 = 74.13 in 15 min, more than the root and the tenth of m / 4.
def test_the_deviation_of_hours_is_scaled_to_a_quarter():
    desk = Desk()
    ewma = 400.0
    for hour in range(24, 0, -1):
        n = 800 if hour % 2 else 400
        desk.add(CREATED, T - hour * HOUR, n)
        ewma = 0.3 * n + 0.7 * ewma
    found = desk.numbers()
    assert found["metric_baseline", "all", "tickets_created"] == pytest.approx(ewma)
    assert found["metric_deviation_score", "all", "tickets_created"] == pytest.approx(-ewma / 4 / 74.13)


# Fewer than 2 weeks: hours T-3 h, T-2 h, T-1 h have 10, 20, 0. EWMA: 10; 0.3 * 20 + 0.7 * 10 = 13; 0.7 * 13 = 9.1.
# The hour of T itself is not in it.
def test_fewer_than_two_weeks_are_smoothed():
    desk = Desk()
    desk.add(CREATED, T - 3 * HOUR, 10)
    desk.add(CREATED, T - 2 * HOUR, 20)
    desk.add(CREATED, T, 500)
    assert desk.numbers()["metric_baseline", "all", "tickets_created"] == pytest.approx(9.1)


# A ratio: hours without a sample have no value. T-5 h: 8 of 10, T-2 h: 5 of 10. EWMA: 0.3 * 0.5 + 0.7 * 0.8 = 0.71. Each hour
# of the week has one value, so it is held against that: residuals 0.09 and -0.21, their median -0.06, deviations 0.15. Now 1 of
# 1: (1 - 0.71) / (1.4826 * 0.15).
def test_a_ratio_skips_hours_without_samples():
    desk = Desk()
    for hours, good in ((5, 8), (2, 5)):
        desk.add(CSAT, T - hours * HOUR, good, 1)
        desk.add(CSAT, T - hours * HOUR, 10 - good, 0)
    desk.add(CSAT, T, 1, 1)
    found = desk.numbers()
    assert found["metric_baseline", "all", "csat_ratio"] == pytest.approx(0.71)
    assert found["metric_deviation_score", "all", "csat_ratio"] == pytest.approx(0.29 / (1.4826 * 0.15))


# Mondays at 10: 0.2, 0.4, 0.6, 0.8 of 10 answers each; other hours none. Baseline 0.5. Residuals -0.3, -0.1, 0.1, 0.3, their
# median 0, absolute 0.1, 0.1, 0.3, 0.3: median 0.2. Spread 1.4826 * 0.2 = 0.29652. Now 0.9: 0.4 / 0.29652.
def test_the_spread_is_the_median_deviation_of_the_residuals():
    desk = Desk()
    for i, good in enumerate((2, 8, 4, 6), 1):
        desk.add(CSAT, T - i * WEEK, good, 1)
        desk.add(CSAT, T - i * WEEK, 10 - good, 0)
    desk.add(CSAT, T, 9, 1)
    desk.add(CSAT, T, 1, 0)
    assert desk.numbers()["metric_deviation_score", "all", "csat_ratio"] == pytest.approx(0.4 / 0.29652)


# Usual is 0 (an event a month ago, then none): no spread, so no score, though 40 came now; and no spike.
def test_without_a_spread_there_is_no_score():
    desk = Desk()
    desk.add(CREATED, T - 4 * WEEK + DAY, 1)
    desk.add(CREATED, T - MINUTE, 40)
    found = desk.numbers()
    assert found["metric_baseline", "all", "tickets_created"] == 0
    assert ("metric_deviation_score", "all", "tickets_created") not in found
    assert found["spike", "all", "tickets_created"] == 0


def test_no_data_is_no_series():
    desk = Desk()
    assert not [
        key for key in desk.numbers() if key[0].startswith(("metric_", "spike", "driver", "satisfaction_shift"))
    ]


# 100 answers: 40 with the driver, 20 of them low; 60 without it, 15 of them low. (20 / 40) / (15 / 60) = 2.
def test_the_lift_of_a_two_by_two_table():
    desk = Desk()
    breached, topic, rare = DRIVER["breached"], desk.open_row("topic:invoice"), desk.open_row("topic:rare")
    for row_, low, n in (
        (ALL_ANSWERS, 1, 35),
        (ALL_ANSWERS, 0, 65),
        (breached, 1, 20),
        (breached, 0, 20),
        (topic, 1, 20),
        (topic, 0, 20),
        (rare, 1, 29),
    ):
        desk.add(row_, T - 3 * DAY, n, low)
    found = desk.numbers()
    for name in ("breached", "topic:invoice"):
        assert found["driver_lift", "all", *sorted((name,))] == 2
        assert found["driver_samples", "all", name] == 40
        assert found["driver_low", "all", name] == 20
    assert ("driver_lift", "all", "topic:rare") not in found  # 29 are fewer than surveys.min_samples
    assert found["driver_samples", "all", "topic:rare"] == 29


def test_ten_topics_are_drivers():
    desk = Desk()
    for i in range(12):
        desk.add(desk.open_row(f"topic:{i:02}"), T - DAY, 12 - i, 0)
    shown = sorted(key[2] for key in desk.numbers() if key[:2] == ("driver_samples", "all"))
    assert shown == [f"topic:{i:02}" for i in range(10)]


def shifted(before, after, hours_ago, at=T):
    """Return the numbers where satisfaction was `before` by turns, hour by hour, and is `after` since so many hours."""
    desk = Desk()
    first = T - 30 * DAY + HOUR  # the first of the 720 slices
    for i in range(720):
        x = after if i >= 720 - hours_ago else before[i % 2]
        desk.add(CSAT_MEAN, first + i * HOUR, 1, round(x * 1_000_000))
    return desk.numbers(at)


# Hourly means 0.7 and 0.9 by turns: mean 0.8, standard deviation 0.1. Then 0.6, two deviations below: each hour adds
# 2 - 0.5 = 1.5 to the lower sum. Before, it is 1 - 0.5 = 0.5 after a 0.7 and 0 after a 0.9, the last one: 1.5, 3, 4.5, 6: the
# fourth hour passes 5. The newest slice begins at T, so with 10 hours the fourth begins 6 h before T.
def test_a_lasting_change_is_found_in_the_hour_that_passes_h():
    found = shifted((0.7, 0.9), 0.6, 10)
    assert found["satisfaction_shift", "all"] == 1
    assert found["satisfaction_shift_timestamp_seconds", "all"] == (T - 6 * HOUR) // 1000


# The sum stays above h while it lasts: one change, told for 24 h.
def test_a_change_is_told_for_a_day():
    assert shifted((0.7, 0.9), 0.6, 26)["satisfaction_shift", "all"] == 1  # found 22 h ago
    found = shifted((0.7, 0.9), 0.6, 28)
    assert found["satisfaction_shift", "all"] == 0
    assert found["satisfaction_shift_timestamp_seconds", "all"] == (T - 24 * HOUR) // 1000


def test_no_change_has_no_time_and_no_spread_no_number():
    found = shifted((0.7, 0.9), 0.8, 10)
    assert found["satisfaction_shift", "all"] == 0
    assert ("satisfaction_shift_timestamp_seconds", "all") not in found
    assert ("satisfaction_shift", "all") not in shifted((0.7, 0.7), 0.1, 10)


def test_a_comparison_that_reaches_before_what_is_kept_is_left_out():
    desk = Desk()
    usual_weeks(desk, (120, 80, 140, 100))
    hour = T // HOUR
    assert ("metric_baseline", "all", "tickets_created") in desk.numbers(dropped=(0, 0, hour - 719))
    assert ("metric_baseline", "all", "tickets_created") not in desk.numbers(dropped=(0, 0, hour - 718))


def test_the_board_leaves_a_comparison_out_of_an_instant_whose_minutes_are_gone():
    partition, merge = Partition(SETTINGS), Merge(SETTINGS)
    for week in range(5):
        time = dt.datetime.fromtimestamp((T - week * WEEK) / 1000, dt.UTC)
        raw = {"specversion": "1.0", "source": "test", "id": str(week), "subject": str(week), "time": time.isoformat()}
        line = json.dumps(raw | {"type": "support.ticket.created", "data": {"customer": "ada"}})
        partition.accept(*accept(Decoder(SETTINGS.surveys.scales, SETTINGS.time.future), line.encode()))
    merge.apply(0, dict(partition.changes(T).tables["panes"]))
    compared = {"support_metric_baseline", "support_metric_deviation_score", "support_spike", "support_spike_confirmed"}

    def shown(blocks):
        return compared & {block.family for block in blocks}

    assert shown(merge.evaluate(T)) == compared
    assert shown(merge.evaluate_past(T)) == compared
    merge.settle(T + 45 * MINUTE)  # minutes are kept for 3 h, and the first of those that are read was 134 min before T
    assert shown(merge.evaluate_past(T)) == compared
    merge.settle(T + 47 * MINUTE)
    assert shown(merge.evaluate_past(T)) == set()


FACTS = st.tuples(
    st.sampled_from((CREATED, ABANDONED, ANSWERED, CSAT, CSAT_MEAN, ALL_ANSWERS, DRIVER["breached"])),
    st.one_of(
        st.integers(0, 140).map(lambda minutes: T - minutes * MINUTE),
        st.integers(0, 29 * 24).map(lambda hours: T - hours * HOUR),
        st.integers(1, 4).map(lambda weeks: T - weeks * WEEK - HOUR),
    ),
    st.integers(1, 40),
    st.integers(0, 1),
    st.sampled_from(("billing", "support", "")),
    st.sampled_from(("phone", "chat")),
)


@pytest.mark.slow
@given(st.lists(FACTS, max_size=30), st.data())
def test_any_order_split_and_way_there_give_the_same_text(drawn, data):
    """Panes that grew in another order, followed live with evaluations (also of other instants) in between, or read at once."""
    plain, live = Desk(), Desk()
    for row_, at, n, value, queue, channel in drawn:
        plain.add(row_, at, n, value, queue=queue, channel=channel)
    shuffled = data.draw(st.permutations(drawn))
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, len(drawn)), max_size=3))), len(drawn)]
    for low, high in pairwise(cuts):
        facts = []
        for row_, at, n, value, queue, channel in shuffled[low:high]:
            facts += live.facts(row_, at, n, value, queue=queue, channel=channel)
        wrong = live.facts(CREATED, T - WEEK, 5)  # taken back again
        live.put(facts + wrong)
        live.text(live.windows, T + data.draw(st.sampled_from((-HOUR, -MINUTE, 0, 2 * HOUR))))
        live.put([(*fact[:3], -1) for fact in wrong])
    expected = plain.text()
    assert live.text(live.windows) == expected
    assert live.text() == expected
