"""Which windows are shown, and so which slice sizes each row is kept in: the settings laid over the catalogue."""

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from streamer.facts import ROW_LIMIT
from streamer.metrics.catalogue import ACTIVITY, FIXED_ROWS, METRICS, ROWS, Histogram, Kind, Metric
from streamer.metrics.catalogue.comparison import ALL_ANSWERS, COMPARED, DRIVER, OPEN_DRIVERS, SCORES
from streamer.panes.store import EVER, SIZES, Shape
from streamer.settings import Settings

HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
#: window label -> (index of its slice size, number of slices; 0 for today, which begins at midnight)
WINDOW: Final = {
    "5m": (0, 5),
    "15m": (0, 15),
    "1h": (0, 60),
    "24h": (1, 96),
    "today": (1, 0),
    "7d": (2, 7 * 24),
    "30d": (2, 30 * 24),
    "90d": (2, 90 * 24),
}
#: longest first: what "the longest window" of a metric is
BY_LENGTH: Final = ("90d", "30d", "7d", "24h", "today", "1h", "15m", "5m")
_ACTIVITY_SIZES: Final = 0b110
#: what is compared is read by the minute and by the hour, drivers and shifts by the hour
_COMPARED_SIZES: Final = 0b101
_HOURLY: Final = 0b100


def windows_of(metric: Metric, settings: Settings) -> tuple[str, ...]:
    """Return the windows of a metric: the configured ones, else the catalogue's; none for stocks and levels."""
    if not metric.windows:
        return ()
    configured = settings.metrics.get(metric.name)
    return metric.windows if configured is None or configured.windows is None else configured.windows


def longest(windows: tuple[str, ...]) -> str:
    """Return the longest of some windows."""
    return next(w for w in BY_LENGTH if w in windows)


def slices(window: str, at: int, zone: str, *, before: bool = False) -> tuple[int, int, int]:
    """Return (size index, first slice, last slice) of a window at the instant `at` (ms), or of the window before it.

    The window W at T is the slices floor(T/s) - W/s + 1 .. floor(T/s); today begins at local midnight. The one before
    today is the same time since midnight of the day before.
    """
    size, length = WINDOW[window]
    width = SIZES[size]
    if length:
        last = at // width - (length if before else 0)
        return size, last - length + 1, last
    local = dt.datetime.fromtimestamp(at / 1000, ZoneInfo(zone))
    midnight = _midnight(local.date(), zone)
    if before:
        start = _midnight(local.date() - dt.timedelta(days=1), zone)
        return size, start // width, (start + at - midnight) // width
    return size, midnight // width, at // width


def _midnight(day: dt.date, zone: str) -> int:
    return int(dt.datetime.combine(day, dt.time(), ZoneInfo(zone)).timestamp()) * 1000


def _compare(sizes: npt.NDArray[np.int64]) -> None:
    """Let the rows that the comparison reads have the slices that it reads."""
    for compared in COMPARED:
        sizes[[term.row for term in (*compared.over, *compared.under)]] |= _COMPARED_SIZES
    sizes[[ALL_ANSWERS, *DRIVER.values()]] |= _HOURLY
    sizes[[term.row for terms in SCORES for term in terms]] |= _HOURLY


class Plan:
    """The shape of the store under some settings, and how long each slice size is kept."""

    def __init__(self, settings: Settings) -> None:
        sizes = np.zeros(ROW_LIMIT, dtype=np.int64)
        histogram = np.zeros(ROW_LIMIT, dtype=np.int64)
        for row in ROWS:
            histogram[row.number] = {None: 0, Histogram.MILLISECONDS: 1, Histogram.UNITLESS: 2}[row.histogram]
        self.family_sizes: dict[str, int] = {}
        windows: set[str] = {"24h"}
        for metric in METRICS:
            shown = windows_of(metric, settings)
            windows.update(shown)
            mask = sum(1 << size for size in {WINDOW[w][0] for w in shown})
            if metric.kind is Kind.LEVEL:
                mask = 1 << EVER
            for series in metric.series:
                for term in (*series.numerator, *series.denominator):
                    sizes[term.row] |= mask
            if metric.open is not None:
                for family in filter(None, (metric.open.family, metric.open.over)):
                    self.family_sizes[family] = self.family_sizes.get(family, 0) | mask
                for term in metric.open.over_rows:
                    sizes[term.row] |= mask
        for row_number in ACTIVITY.values():
            sizes[row_number] |= _ACTIVITY_SIZES
        _compare(sizes)
        self.family_sizes[OPEN_DRIVERS] = _HOURLY
        self.shape = Shape(sizes, histogram)
        self.longest = longest(tuple(windows))
        #: ms that panes of each size are kept: twice the longest window that reads them (the window before), and a slice;
        #: hours at least 5 weeks, for baselines
        self.kept = (3 * HOUR, 2 * DAY + HOUR, max(36 * DAY, WINDOW[self.longest][1] * HOUR + HOUR))

    def open_row(self, number: int, family: str) -> None:
        """Give a new open row the shape of its family."""
        self.shape.sizes[number] = self.family_sizes[family]


assert FIXED_ROWS < ROW_LIMIT
