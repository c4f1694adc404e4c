"""The value types of the configuration: numbers, durations, zones, opening hours."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from streamer.settings._section import Key, fail

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Dimension: TypeAlias = Literal[
    "channel", "queue", "team", "priority", "brand", "product", "language", "tier", "topic", "agent"
]
Window: TypeAlias = Literal["5m", "15m", "1h", "24h", "today", "7d", "30d", "90d"]

_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,3})?)\s*(ms|s|m|h|d)?", re.ASCII)
_DURATION_MS_MAX = 3_660 * _UNIT_MS["d"]  # ten years: longer is a typing mistake; added to a time it fits 64 bits
_HOURS = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)", re.ASCII)
_DAY_MIN = 24 * 60

DayHours: TypeAlias = tuple[tuple[int, int], ...]


def parse_duration(value: object) -> int:
    """Milliseconds of `20s`, `500ms`, `5m`, `24h`, `7d`, or of a number of seconds."""
    match = None
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        match = _DURATION.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"not a duration: {value!r} (write 500ms, 20s, 5m, 24h or 7d; a number is seconds)")
    number, unit = match.groups()
    duration_ms = float(number) * _UNIT_MS[unit or "s"]
    if duration_ms != int(duration_ms):
        raise ValueError(f"finer than a millisecond: {value!r}")
    if duration_ms > _DURATION_MS_MAX:
        raise ValueError(f"longer than ten years: {value!r}")
    return int(duration_ms)


def format_duration(duration_ms: int) -> str:
    """Write a duration with the largest unit that divides it: 86,400,000 is `1d`, 90,000 is `90s`."""
    unit = next(unit for unit in reversed(_UNIT_MS) if duration_ms % _UNIT_MS[unit] == 0) if duration_ms else "s"
    return f"{duration_ms // _UNIT_MS[unit]}{unit}"


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")  # noqa: TRY004 (pydantic takes ValueError only)
    return value


def _positive(duration_ms: int) -> int:
    if duration_ms == 0:
        raise ValueError("must be longer than 0")
    return duration_ms


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise ValueError(f"not a time zone: {name!r} (write a name such as Europe/Amsterdam)") from None
    return name


def _parse_day(text: object) -> DayHours:
    spans: list[tuple[int, int]] = []
    for part in str(text).split(",") if isinstance(text, str) and text.strip() else ():
        match = _HOURS.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"not opening hours: {text!r} (write 08:00-18:00 or 08:00-12:00,13:00-18:00)")
        hour, minute, end_hour, end_minute = map(int, match.groups())
        start, end = hour * 60 + minute, end_hour * 60 + end_minute
        if not start < end <= _DAY_MIN:
            raise ValueError(f"{part.strip()!r} does not end after it starts on one day; split it at 24:00")
        if spans and start < spans[-1][1]:
            raise ValueError(f"{text!r} overlaps or is not in order")
        spans.append((start, end))
    if not isinstance(text, str):
        raise ValueError(f"not opening hours: {text!r}")  # noqa: TRY004 (pydantic takes ValueError only)
    return tuple(spans)


def _parse_week(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError('not opening hours by weekday (write { mon = "08:00-18:00" })')  # noqa: TRY004 (pydantic takes ValueError only)
    week: dict[str, DayHours] = dict.fromkeys(WEEKDAYS, ())
    mistakes: list[tuple[Key, str]] = []
    for day, text in value.items():
        if day not in week:
            mistakes.append(((day,), f"not a weekday (write {', '.join(WEEKDAYS)})"))
            continue
        try:
            week[day] = _parse_day(text)
        except ValueError as error:
            mistakes.append(((day,), str(error)))
    if mistakes:
        fail(mistakes)
    return tuple(week.values())


def _format_week(week: tuple[DayHours, ...]) -> dict[str, str]:
    def clock(minute: int) -> str:
        return f"{minute // 60:02}:{minute % 60:02}"

    return {
        day: ",".join(f"{clock(start)}-{clock(end)}" for start, end in spans)
        for day, spans in zip(WEEKDAYS, week, strict=True)
        if spans
    }


Whole: TypeAlias = Annotated[int, BeforeValidator(_no_boolean)]
"""An integer: pydantic would take true for 1."""

Number: TypeAlias = Annotated[float, BeforeValidator(_no_boolean)]

Duration: TypeAlias = Annotated[
    int, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str, when_used="json")
]
"""Integer milliseconds, at least 0."""

PositiveDuration: TypeAlias = Annotated[Duration, AfterValidator(_positive)]

Zone: TypeAlias = Annotated[str, AfterValidator(_zone)]
"""The name of an IANA time zone."""

WeekHours: TypeAlias = Annotated[
    tuple[DayHours, ...],
    BeforeValidator(_parse_week),
    PlainSerializer(_format_week, return_type=dict[str, str], when_used="json"),
]
"""Seven days from Monday, each a tuple of (start, end) in minutes of the local day, in order; empty is closed."""
