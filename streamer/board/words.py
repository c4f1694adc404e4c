"""Numbers as people say them. The page says them the same way (page/words.js), with thin spaces."""

from decimal import Decimal
from math import floor
from typing import Final

#: between a number and its unit where the type allows it: a page, not a terminal
THIN: Final = "\u202f"
_SPOKEN: Final = {"m": "min", "h": "h", "d": "d"}
_SIZES: Final = ((10**9, "G"), (10**6, "M"), (10**3, "k"))


def whole(value: float) -> int:
    """Return the nearest whole number, a half upwards."""
    return floor(value + 0.5)


def spoken(seconds: float, space: str = " ") -> str:
    """Return a duration as people say it: 38 s, 4 min 10 s, 2 h 5 min, 3 d 4 h."""
    left = max(0, whole(seconds))
    for size, unit, below, small in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if left >= size:
            rest = left % size // below
            first = f"{left // size}{space}{unit}"
            return f"{first} {rest}{space}{small}" if rest else first
    return f"{left}{space}s"


def _three(value: float) -> Decimal:
    """Return a number with three significant digits, as they are written: half to even of its shortest decimals."""
    return Decimal(f"{Decimal(repr(float(value))):.3g}")


def _written(value: Decimal) -> str:
    return f"{value.normalize():f}"


def percent(ratio: float, space: str = " ") -> str:
    """Return a share with at most three significant digits."""
    return f"{_written(_three(100 * ratio))}{space}%"


def said(window: str) -> str:
    """Return a window as people say it: 15 min, 24 h, today."""
    return window if window == "today" else f"{window[:-1]} {_SPOKEN.get(window[-1:], '')}".strip()


def amount(value: float, unit: str, space: str = " ") -> str:
    """Return a value of a unit (ratio, seconds, count, score) with at most three significant digits: 4.63, 12.3 k."""
    if unit == "ratio":
        return percent(value, space)
    if unit == "seconds":
        return spoken(value, space)
    known = _three(value)
    for size, letter in _SIZES:
        if abs(known) >= size:
            return f"{_written(known / size)}{space}{letter}"
    return _written(known)
