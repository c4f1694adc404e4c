"""Panes, windows and log-bucket quantiles (metrics.md "Pane", "Window", "Quantiles")."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from .config import DAY, HOUR, MINUTE, duration

if TYPE_CHECKING:
    from collections import Counter


def slice_of(window: str) -> int:
    """1 min for windows up to 2 h, 15 min up to 24 h and `today`, 1 h above."""
    if window == "today":
        return 15 * MINUTE
    length = duration(window)
    return MINUTE if length <= 2 * HOUR else 15 * MINUTE if length <= DAY else HOUR


def length_of(window: str) -> int:
    """For finding a metric's longest window."""
    return DAY if window == "today" else duration(window)


def midnight(at: int, zone: str, days_back: int = 0) -> int:
    """Local midnight of the day of `at`, or of an earlier day."""
    day = datetime.fromtimestamp(at // 1000, ZoneInfo(zone)).date() - timedelta(days=days_back)
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return int(local.astimezone(UTC).timestamp()) * 1000


def panes(window: str, at: int, zone: str) -> tuple[int, int, int]:
    """(slice, first pane, last pane): window W at T is the panes floor(T/s) - W/s + 1 .. floor(T/s)."""
    size = slice_of(window)
    last = at // size
    if window == "today":
        return size, midnight(at, zone) // size, last
    return size, last - duration(window) // size + 1, last


def panes_before(window: str, at: int, zone: str) -> tuple[int, int, int]:
    """The W before W; of `today` the same time since midnight of the day before."""
    size, first, last = panes(window, at, zone)
    if window == "today":
        earlier = midnight(at, zone, 1) // size
        return size, earlier, earlier + last - first
    return size, first - (last - first + 1), first - 1


def pane_of(at: int, size: int, *, timed: bool) -> int:
    """k*s <= at < (k+1)*s; a time-made fact goes into the first pane that begins at or after `at`."""
    return -(-at // size) if timed else at // size


def bucket(value: int) -> int | None:
    """Bucket i holds 2^(i/32) <= v < 2^((i+1)/32); 0 has its own (None). Exact: i = floor(log2(v^32))."""
    return None if value == 0 else (value**32).bit_length() - 1


def shown(value: int, *, exact_below: int) -> float:
    """What a value's bucket is shown as; unit-less values below 64 are exact."""
    if value < exact_below or value == 0:
        return float(value)
    number = bucket(value)
    assert number is not None
    return float(2 ** ((number + 0.5) / 32))


def quantile(values: list[int], q: float, *, exact_below: int = 0) -> float:
    """The bucket of the ceil(q n)-th smallest."""
    place = max(1, -(-Fraction(str(q)) * len(values) // 1))
    return shown(sorted(values)[int(place) - 1], exact_below=exact_below)


def top(counts: Counter[str], limit: int) -> set[str]:
    """The values with the most, ties in byte order; the empty string takes no place."""
    ranked = sorted((v for v in counts if v), key=lambda v: (-counts[v], v.encode()))
    return {*ranked[:limit], ""}
