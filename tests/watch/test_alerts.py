"""Each alert, in Prometheus' own engine: fires, and says what was worked out by hand; is silent just below, and without data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamer.watch.rules import ALERTS
from tests.watch.cases import CASES, Case, Numbers
from tests.watch.promtool import block, expected, run

if TYPE_CHECKING:
    from pathlib import Path

    from streamer.watch.alert import Alert

#: samples, one each 10 s: 20 minutes of the one, 70 of the other
FIRST, SECOND = 120, 420


def values(number: float | str, samples: int) -> str:
    """Return so many samples of a number, or of a counter that grows."""
    return f"{number}x{samples - 1}" if isinstance(number, str) else f"{number}+0x{samples - 1}"


def steady(numbers: Numbers) -> dict[str, str]:
    return {series: values(number, FIRST) for series, number in numbers.items() if number is not None}


def seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


def firing(case: Case, rule: Alert) -> dict[str, int]:
    """Return when it fires, and when not, of numbers that fire for 20 minutes: about its hold, and about its keep."""
    begins, ends = case.begins + seconds(rule.hold), case.ends + seconds(rule.keep)
    looks = {begins - 10: 0, begins + 10: 1, ends - 10: 1, ends + 20: 0}
    return {f"{at}s": number for at, number in looks.items() if at >= 0}


def twice(numbers: Numbers) -> Numbers:
    """Return the numbers of two boards that say the same: still one alert."""
    return numbers | {series.replace('instance="a"', 'instance="b"'): number for series, number in numbers.items()}


def ending(fires: Numbers, short: Numbers) -> dict[str, str]:
    """Return what fires for 20 minutes, and then no more."""
    return {
        series: f"{values(fires.get(series, short.get(series, 0)), FIRST)} {_after(fires.get(series), number)}"
        for series, number in (fires | short).items()
    }


def _after(before: float | str | None, number: float | str) -> str:
    if not isinstance(number, str):
        return values(number, SECOND)
    # A counter and a clock go on where they are: a counter stands still, a clock (10 a sample) tells the time again.
    step = float(number.split("+")[-1])
    return values(f"{10 * FIRST:g}+10" if step == 10 else float(str(before).split("+")[-1]) * (FIRST - 1), SECOND)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_alert(case: Case, promtool: str, tmp_path: Path) -> None:
    alert = expected(case.alert, case.severity, case.team, case.summary, case.description, **case.labels)
    rule = next(rule for group in ALERTS.values() for rule in group if rule.name == case.alert)
    blocks = [block(case.alert, steady(twice(case.fires)), {"20m": [alert]}, "10s")]
    blocks += [block(case.alert, steady(case.fires | short), {"10m": [], "20m": []}, "10s") for short in case.short]
    blocks.append(block(case.alert, {}, {"20m": [alert] if case.fires_without_data else []}, "10s"))
    blocks.append(block(case.alert, ending(case.fires, case.short[0]), {}, "10s", firing(case, rule)))
    run(promtool, tmp_path, blocks, "10s")


def test_every_alert_has_a_case() -> None:
    names = {rule.name for group in ALERTS.values() for rule in group}
    assert names == {case.alert for case in CASES} | {"SourceSilent"}
