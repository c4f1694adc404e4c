"""Published examples with their answers, through the product: the numbers that a reader finds elsewhere."""

from datetime import timedelta
from math import sqrt

import pytest

from .by_hand import Replay, event, moment

TEN = moment("2026-03-02 10:00")
LATER = TEN + timedelta(minutes=30)
DAY = {"window": "24h"}


def answers(scores, **data):
    """Answers of as many customers as each score says."""
    people = [score for score, number in scores.items() for _ in range(number)]
    return [event("survey.answered", f"s{n}", TEN, f"c{n}", score=score, **data) for n, score in enumerate(people)]


def calls(number, name, outcome, seconds):
    events = []
    for n in range(number):
        events.append(event("call.queued", f"{name}{n}", TEN, None, queue="q"))
        events.append(event(f"call.{outcome}", f"{name}{n}", TEN + timedelta(seconds=seconds), None))
    return events


def centre():
    """1,000 calls answered, 860 of them after 10 s; 60 abandoned, 20 of them after 10 s."""
    return [
        *calls(860, "a", "answered", 10),
        *calls(140, "b", "answered", 40),
        *calls(20, "c", "abandoned", 10),
        *calls(40, "d", "abandoned", 50),
    ]


# 60 % promoters and 15 % detractors are an NPS of 45.
def test_nps():
    sent = answers({10: 40, 9: 20, 8: 15, 7: 10, 6: 10, 0: 5}, kind="nps", scale_min=0, scale_max=10)
    shown = Replay(sent).at(LATER)

    assert shown("nps_score", **DAY) == pytest.approx(45)
    assert shown("nps_score_samples", **DAY) == 100
    shares = [shown("nps_share_ratio", **{"class": name}, **DAY) for name in ("promoter", "passive", "detractor")]
    assert shares == [pytest.approx(one) for one in (0.60, 0.25, 0.15)]
    # 1.96 sqrt((0.60 + 0.15 - 0.45^2) / 100) = 1.96 * 0.07399 = 14.5 points
    assert shown("nps_margin", **DAY) == pytest.approx(195.9964 * sqrt(0.005475), rel=1e-6)
    assert shown("nps_margin", **DAY) == pytest.approx(14.5, abs=0.05)


# On 1 to 5, the 4 and 5 are satisfied: 40 of 50 answers are a CSAT of 80 %.
def test_csat():
    sent = answers({5: 25, 4: 15, 3: 6, 2: 3, 1: 1}, kind="csat", scale_min=1, scale_max=5)
    shown = Replay(sent).at(LATER)

    assert shown("csat_ratio", kind="csat", **DAY) == pytest.approx(0.80)
    # the mean score is (125 + 60 + 18 + 6 + 1) / 50 = 4.2, which lies at (4.2 - 1) / 4 of the scale
    assert shown("csat_mean_ratio", kind="csat", **DAY) == pytest.approx(0.80)


# Newcombe, Two-sided confidence intervals for the single proportion (Statistics in Medicine 17, 1998), table I, method 3.
@pytest.mark.parametrize(
    ("satisfied", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_csat(satisfied, of, low, high):
    sent = answers({5: satisfied, 1: of - satisfied}, kind="csat", scale_min=1, scale_max=5)
    shown = Replay(sent).at(LATER)

    assert shown("csat_ratio", kind="csat", **DAY) == pytest.approx(satisfied / of)
    assert shown("csat_lower_bound_ratio", kind="csat", **DAY) == pytest.approx(low, abs=5e-5)
    assert shown("csat_upper_bound_ratio", kind="csat", **DAY) == pytest.approx(high, abs=5e-5)


# (860 + 20) / 1060, 860 / 1000 and 860 / 1060; and where a call abandoned within 20 s is short, 860 / 1040.
def test_service_levels():
    shown = Replay(centre()).at(LATER)
    levels = [shown("service_level_ratio", formula=name, **DAY) for name in ("removed", "answered", "offered")]
    assert levels == [pytest.approx(level) for level in (880 / 1060, 860 / 1000, 860 / 1060)]
    assert [f"{level:.1%}" for level in levels] == ["83.0%", "86.0%", "81.1%"]
    assert shown("abandon_ratio", short="included", **DAY) == pytest.approx(60 / 1060)

    shown = Replay(centre(), {"queues": {"default": {"short_abandon": "20s"}}}).at(LATER)
    assert f"{shown('service_level_ratio', formula='no_short', **DAY):.1%}" == "82.7%"
    assert shown("service_level_ratio_samples", formula="no_short", **DAY) == 1040
    assert shown("abandon_ratio", short="excluded", **DAY) == pytest.approx(40 / 1040)
    # the speed of answer is that of the answered: (860 * 10 + 140 * 40) / 1000
    assert shown("answer_wait_mean_seconds", **DAY) == pytest.approx(14.2)
