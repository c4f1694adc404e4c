"""`SourceSilent`: silent where it spoke a week ago, a day ago, an hour ago; not where it is silent at this time every week."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.watch.promtool import block, expected, run

if TYPE_CHECKING:
    from pathlib import Path

SERIES = 'support_events_total{source="crm",topic="support.tickets",instance="w"}'
#: in minutes
HOUR, DAY = 60, 1_440
WEEK = 7 * DAY


def silent(expected_events: int) -> list[dict]:
    return [
        expected(
            *("SourceSilent", "warning", "platform", "crm is silent"),
            f"crm has sent nothing for 15 minutes, {expected_events} events were to be expected."
            " Its counts are not healthy because they are low.",
            source="crm",
        )
    ]


def at(minutes: int) -> str:
    return f"{minutes}m"


@pytest.mark.parametrize(
    ("values", "alerts_at"),
    [
        # 18 minutes into the silence, the hour up to 15 minutes ago has 57 events: 14 in 15 minutes.
        pytest.param(
            f"0+1x{HOUR} {HOUR}+0x20 {HOUR}+1x30",
            {at(HOUR): [], at(HOUR + 14): [], at(HOUR + 18): silent(14), at(HOUR + 40): []},
            id="on the first day, and speaks again",
        ),
        # 0.625 events a minute are 9.4 in 15 minutes (and exact in binary: a count that falls by a hair is a restart).
        pytest.param(f"0+0.625x{HOUR} 37.5+0x30", {at(HOUR + 18): [], at(HOUR + 25): []}, id="said little anyway"),
        # A worker was restarted: it knows only sources that it has heard from.
        pytest.param(f"0+1x{HOUR} _x90", {at(HOUR + 18): silent(14)}, id="though its counter is gone"),
    ],
)
def test_on_the_first_day(values: str, alerts_at: dict, promtool: str, tmp_path: Path) -> None:
    run(promtool, tmp_path, [block("SourceSilent", {SERIES: values}, alerts_at, "1m")])


@pytest.mark.parametrize(
    ("phases", "alerts_at"),
    [
        pytest.param(
            [(DAY, True), (2 * HOUR, False)],
            {at(DAY + 50): silent(15), at(DAY + 2 * HOUR): silent(15)},
            id="as long as it spoke a day ago",
        ),
        pytest.param(
            [(HOUR, False), (DAY - HOUR, True), (HOUR, False)],
            {at(DAY + 30): [], at(DAY + 50): []},
            id="not where it was silent a day ago",
        ),
        pytest.param(
            [(6 * DAY, True), (DAY + 2 * HOUR, False)],
            {at(WEEK + 50): silent(15)},
            id="a week ago counts, not the outage of yesterday",
        ),
        pytest.param(
            [(HOUR, False), (WEEK - HOUR, True), (HOUR, False)],
            {at(WEEK + 30): [], at(WEEK + 50): []},
            id="not where it was silent a week ago",
        ),
    ],
)
def test_after_a_day(phases: list[tuple[int, bool]], alerts_at: dict, promtool: str, tmp_path: Path) -> None:
    """A sample each 5 min, 5 events more in it where the source speaks: 15 in 15 minutes."""
    values, count = [], 0
    for minutes, speaks in phases:
        values.append(f"{count}+{5 * speaks}x{minutes // 5 - 1}")
        count += minutes * speaks
    run(promtool, tmp_path, [block("SourceSilent", {SERIES: " ".join(values)}, alerts_at, "5m")], "15m")


def test_a_source_that_never_was_is_not_silent(promtool: str, tmp_path: Path) -> None:
    run(promtool, tmp_path, [block("SourceSilent", {}, {at(HOUR): []}, "1m")])
