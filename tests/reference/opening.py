"""The part of an interval inside opening hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def business_millis(start: int, end: int, calendar: dict[str, Any]) -> int:
    """Milliseconds of [start, end) inside the calendar's hours, day by day in local wall time (DST days included)."""
    zone = ZoneInfo(calendar["zone"])
    holidays = {str(day) for day in calendar["holidays"]}
    day = datetime.fromtimestamp(start // 1000, zone).date()
    last = datetime.fromtimestamp(max(start, end) // 1000, zone).date()
    total = 0
    while day <= last:
        hours = calendar["hours"].get(_DAYS[day.weekday()])
        if hours and day.isoformat() not in holidays:
            for piece in hours.split(",") if isinstance(hours, str) else hours:
                opens, closes = (_instant(day, clock.strip(), zone) for clock in piece.split("-"))
                total += max(0, min(end, closes) - max(start, opens))
        day += timedelta(days=1)
    return total


def _instant(day: date, clock: str, zone: ZoneInfo) -> int:
    hour, minute = (int(part) for part in clock.split(":"))
    if hour == 24:
        day, hour = day + timedelta(days=1), 0
    wall = datetime.combine(day, time(hour, minute))
    for skipped in range(1_441):  # a time that does not exist is the first one after it that does
        local = wall + timedelta(minutes=skipped)
        moment = local.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == local:
            return int(moment.timestamp()) * 1000
    raise ValueError(f"{zone} has no {wall}")
