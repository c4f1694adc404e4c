"""Numbers as people say them. The page says them the same way (page/wall.js)."""

_SPOKEN = {"m": "min", "h": "h", "d": "d"}


def spoken(seconds: float) -> str:
    """Return a duration as people say it: 38 s, 4 min 10 s, 2 h 5 min, 3 d 4 h."""
    whole = round(seconds)
    for size, unit, below, small in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {unit} {rest} {small}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def percent(ratio: float) -> str:
    """Return a share with at most three significant digits."""
    return f"{100 * ratio:.3g} %" if ratio < 1 else f"{100 * ratio:.0f} %"


def said(window: str) -> str:
    """Return a window as people say it: 15 min, 24 h, today."""
    return window if window == "today" else f"{window[:-1]} {_SPOKEN.get(window[-1:], '')}".strip()


def amount(value: float, unit: str) -> str:
    """Return a value of a unit (ratio, seconds, count, score)."""
    if unit == "ratio":
        return percent(value)
    return spoken(value) if unit == "seconds" else f"{value:.3g}" if value < 1000 else f"{value:.0f}"  # noqa: PLR2004 (three digits)
