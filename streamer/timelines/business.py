"""Opening time: the part of an interval that lies inside a calendar's opening hours, across DST changes and holidays."""

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

from streamer.settings import CalendarSettings

_DAY = dt.timedelta(days=1)
#: the most minutes that a clock has skipped at once: Samoa left out a day
_SKIPPED_MAX = 1_500
#: nobody reads a business duration of over two years; the bound keeps a mistaken timestamp from a long walk
_DAYS_MAX = 800


def opening_time(calendar: CalendarSettings, start: int, end: int) -> int:
    """Return the milliseconds of [start, end) inside the opening hours of `calendar`; 0 where there are none.

    `start` and `end` are milliseconds since the epoch. Hours are local wall time: on the day of a DST change an opening
    hour that is skipped does not exist, and one that comes twice is counted as it passes.
    """
    if end <= start:
        return 0
    zone = calendar.zone
    day = _local_date(zone, start)
    last = _local_date(zone, end)
    total = 0
    for _ in range(_DAYS_MAX):
        if day > last:
            break
        if day not in calendar.holidays:
            for opens, closes in calendar.hours[day.weekday()]:
                total += max(0, min(end, _instant(zone, day, closes)) - max(start, _instant(zone, day, opens)))
        day += _DAY
    return total


def _local_date(zone: str, t: int) -> dt.date:
    return dt.datetime.fromtimestamp(t / 1000, ZoneInfo(zone)).date()


@lru_cache(maxsize=4096)
def _instant(zone: str, day: dt.date, minute: int) -> int:
    """Return the instant of a minute of a local day, in milliseconds; minute 1,440 is the next midnight.

    A minute that the clock skips is the first one after it: hours that begin in it begin then, and what ends in it has.
    """
    local = dt.datetime.combine(day, dt.time(), ZoneInfo(zone)) + dt.timedelta(minutes=minute)
    for _ in range(_SKIPPED_MAX):
        # PEP 495: with the offset before the change it is later than with the one after it in a gap only.
        if local.timestamp() <= local.replace(fold=1).timestamp():
            break
        local += dt.timedelta(minutes=1)
    return int(local.timestamp()) * 1000
