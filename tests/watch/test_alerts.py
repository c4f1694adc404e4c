"""Each alert, in Prometheus' own engine: fires, and says what was worked out by hand; is silent just below, and without data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from streamer.board.words import amount, percent, spoken
from streamer.watch.alert import DURATION, NUMBER, VALUE_PERCENT, asked
from streamer.watch.rules import ALERTS
from tests.watch.cases import CASES, TIMES, Case, Numbers, mark
from tests.watch.promtool import block, expected, run

if TYPE_CHECKING:
    from pathlib import Path

#: samples, one each 10 s: 20 minutes of the one, 70 of the other
FIRST, SECOND = 120, 420


def values(number: float | str, samples: int) -> str:
    """Return so many samples of a number, or of a counter that grows."""
    return f"{number}x{samples - 1}" if isinstance(number, str) else f"{number}+0x{samples - 1}"


def steady(numbers: Numbers) -> dict[str, str]:
    return {series: values(number, FIRST) for series, number in numbers.items() if number is not None}


def firing(case: Case) -> dict[str, int]:
    """Return when it fires, and when not, of numbers that fire for 20 minutes: about its hold, and about its keep."""
    hold, keep = TIMES[case.alert]
    begins, ends = case.begins + hold, case.ends + keep
    looks = {begins - 10: 0, begins + 10: 1, ends - 10: 1, ends + 20: 0}
    return {f"{at}s": number for at, number in looks.items() if at >= 0}


def twice(numbers: Numbers) -> Numbers:
    """Return the numbers of two boards that say the same: still one alert."""
    return numbers | of_board("b", numbers)


def of_board(board: str, numbers: Numbers) -> Numbers:
    return {series.replace('instance="a"', f'instance="{board}"'): number for series, number in numbers.items()}


def ending(fires: Numbers, short: Numbers) -> dict[str, str]:
    """Return what fires for 20 minutes, and then no more."""
    return {
        series: f"{_values_or_none(fires.get(series), FIRST)} {_after(fires.get(series), number)}"
        for series, number in (fires | short).items()
    }


def _values_or_none(number: float | str | None, samples: int) -> str:
    return f"_x{samples}" if number is None else values(number, samples)


def _after(before: float | str | None, number: float | str | None) -> str:
    if not isinstance(number, str):
        return _values_or_none(number, SECOND)
    # A counter and a clock go on where they are: a counter stands still, a clock (10 a sample) tells the time again.
    step = float(number.split("+")[-1])
    return values(f"{10 * FIRST:g}+10" if step == 10 else float(str(before).split("+")[-1]) * (FIRST - 1), SECOND)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_alert(case: Case, promtool: str, tmp_path: Path) -> None:
    alert = expected(case.alert, case.severity, case.team, case.summary, case.description, **case.labels)
    blocks = [block(case.alert, steady(twice(case.fires)), {"20m": [alert]}, "10s")]
    blocks += [block(case.alert, steady(case.fires | short), {"10m": [], "20m": []}, "10s") for short in case.short]
    blocks.append(block(case.alert, {}, {"20m": [alert] if case.fires_without_data else []}, "10s"))
    run(promtool, tmp_path, blocks)
    whole = block(case.alert, ending(case.fires, case.short[0]), {}, "10s", firing(case))
    run(promtool, tmp_path, [whole], "10s")


@pytest.mark.parametrize("case", [case for case in CASES if case.team != "platform"], ids=str)
def test_a_stale_board_has_no_say_beside_one_that_is_well(case: Case, promtool: str, tmp_path: Path) -> None:
    """Board a has had no news for 20 minutes: neither hides its old picture what b sees, nor holds what b sees no more."""
    alert = expected(case.alert, case.severity, case.team, case.summary, case.description, **case.labels)
    short = case.fires | case.short[0]
    marks = {mark("a", 0): -600, mark("b", 0): "0+10"}
    fires = steady(short | of_board("b", case.fires) | marks)
    quiet = steady(case.fires | of_board("b", short) | marks)
    run(
        promtool,
        tmp_path,
        [block(case.alert, fires, {"20m": [alert]}, "10s"), block(case.alert, quiet, {"20m": []}, "10s")],
    )


def test_numbers_are_written_as_the_page_writes_them(promtool: str, tmp_path: Path) -> None:
    shares = (0, 0.0004, 0.05, 0.0806, 0.2182, 0.31, 0.99964, 1)
    durations = (0, 0.4, 1, 38.2, 59.6, 60, 89, 250, 1_200, 3_600, 3_660, 7_500.4, 86_400, 90_000, 273_600)
    numbers = (0, 2.5, 6.25, 30.4, 122, 999)
    wanted = [
        *((value, VALUE_PERCENT, percent(value)) for value in shares),
        *((value, f"{{{{ $value | {DURATION} }}}}", spoken(value)) for value in durations),
        *(
            (value, asked(f"vector({value})", f"{{{{ .Value | {NUMBER} }}}}"), amount(value, "count"))
            for value in numbers
        ),
    ]
    rules = [
        {"alert": f"N{n}", "expr": f"vector({value})", "annotations": {"text": template}}
        for n, (value, template, _) in enumerate(wanted)
    ]
    looks = [
        {"eval_time": "0s", "alertname": f"N{n}", "exp_alerts": [{"exp_labels": {}, "exp_annotations": {"text": text}}]}
        for n, (_, _, text) in enumerate(wanted)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "numbers", "rules": rules}]}))
    run(promtool, tmp_path, [{"interval": "1m", "input_series": [], "alert_rule_test": looks}], rules=file)


def test_every_alert_has_a_case() -> None:
    names = {rule.name for group in ALERTS.values() for rule in group}
    assert names == TIMES.keys() | {"SourceSilent"} == {case.alert for case in CASES} | {"SourceSilent"}
