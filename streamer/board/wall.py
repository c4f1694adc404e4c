"""The wall in a terminal: from what the API says to five tiles and the table of queues. Pure."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

#: what the wall asks the API for
NAMES: Final = (
    "queue_waiting",
    "service_level_ratio",
    "abandon_ratio",
    "first_response",
    "tickets_awaiting_first_response",
    "csat_ratio",
    "csat_lower_bound_ratio",
    "csat_upper_bound_ratio",
    "nps_score",
    "nps_margin",
)
_WINDOWS: Final = ("15m", "5m", "1h", "24h", "today", "7d", "30d", "90d")
_LONG_WINDOWS: Final = ("24h", "today", "7d", "30d", "90d", "1h", "15m", "5m")
_SPOKEN: Final = {"m": "min", "h": "h", "d": "d"}
_TILES: Final = 5
_TILE_LINES: Final = 4
_COLUMNS: Final = ("waiting", "longest", "over", "service level", "abandoned")
#: lines of the table that are no queue: above and below its head, "and more", and the one that the cursor is on
_TABLE_LINES: Final = 5
_PAST: Final = "bold dark_orange3"
_QUIET: Final = "dim"
_NO_DATA: Final = [Text("-"), Text("no data", _QUIET)]


class Answer(NamedTuple):
    """What the API said, indexed: samples by family; `away` says why it is old, empty where it is not."""

    said: Mapping[str, Any]
    samples: Mapping[str, list[tuple[dict[str, str], float]]]
    away: str = ""


def read(said: Mapping[str, Any], away: str = "") -> Answer:
    """Return an answer of /api/metrics, indexed."""
    samples = {
        family["name"].removeprefix("support_"): [(sample["labels"], sample["value"]) for sample in family["samples"]]
        for family in said.get("families", ())
    }
    return Answer(said, samples, away)


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


class _Wall:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def number(self, family: str, by: str = "all", **labels: str) -> float | None:
        """Return one number; None where there is no data."""
        for own, value in self._answer.samples.get(family, ()):
            if own.get("by") == by and all(own.get(key) == wanted for key, wanted in labels.items()):
                return value
        return None

    def window(self, family: str, order: Iterable[str] = _WINDOWS) -> str:
        """Return the window of a family that is shown: the first in order that the board has."""
        there = {labels.get("window") for labels, _ in self._answer.samples.get(family, ())}
        return next((window for window in order if window in there), "")

    def target(self, metric: str) -> float | None:
        """Return the configured target of a metric."""
        found = self._answer.said.get("targets", {}).get(metric)
        return None if found is None else float(found)

    # ---- tiles ----------------------------------------------------------------------------------------------------

    def tiles(self) -> list[tuple[str, list[Text]]]:
        """Return title and lines of each tile."""
        return [
            ("waiting now", self._waiting()),
            ("service level", self._share("service_level_ratio", "formula", "offered", worse_below=True)),
            ("abandonment", self._share("abandon_ratio", "short", "included", worse_below=False)),
            ("first response", self._first_response()),
            ("CSAT", self._satisfaction()),
        ]

    def _waiting(self) -> list[Text]:
        count = self.number("queue_waiting")
        if count is None:
            return _NO_DATA
        longest = self.number("queue_waiting_oldest_age_seconds")
        over = _over(self.number("queue_waiting_over_target"))
        return [Text(f"{count:.0f}", "bold"), Text("longest"), Text("-" if longest is None else spoken(longest)), over]

    def _share(self, family: str, label: str, value: str, *, worse_below: bool) -> list[Text]:
        window = self.window(family)
        share = self.number(family, window=window, **{label: value})
        if share is None:
            return _NO_DATA
        samples = self.number(f"{family}_samples", window=window, **{label: value})
        target = self.target(family)
        past = target is not None and (share < target if worse_below else share > target)
        return [
            Text(percent(share), _PAST if past else "bold"),
            Text(f"{label} {value}"),
            Text(f"{_said(window)}, n={samples or 0:.0f}"),
            _aim(target, past=past),
        ]

    def _first_response(self) -> list[Text]:
        family = "first_response_seconds"
        window = self.window(family)
        median = self.number(family, window=window, quantile="0.5")
        over = _over(self.number("tickets_awaiting_first_response_over_target"))
        if median is None:
            return [*_NO_DATA, Text(), over]
        high = self.number(family, window=window, quantile="0.9")
        samples = self.number("first_response_samples", window=window)
        return [
            Text(spoken(median), "bold"),
            Text("" if high is None else f"p90 {spoken(high)}"),
            Text(f"{_said(window)}, n={samples or 0:.0f}"),
            over,
        ]

    def _satisfaction(self) -> list[Text]:
        window = self.window("csat_ratio", _LONG_WINDOWS)
        share = self.number("csat_ratio", window=window, kind="csat")
        nps = self._nps()
        if share is None:
            return [*_NO_DATA, Text(), nps]
        samples = self.number("csat_ratio_samples", window=window, kind="csat") or 0
        low, high = (self.number(f"csat_{end}_bound_ratio", window=window, kind="csat") for end in ("lower", "upper"))
        if samples < float(self._answer.said.get("min_samples", 0)):
            return [Text(percent(share), _QUIET), Text("few answers", _QUIET), Text(f"n={samples:.0f}", _QUIET), nps]
        interval = "" if low is None or high is None else f" {100 * low:.0f}-{100 * high:.0f}"
        target = self.target("csat_ratio")
        past = target is not None and share < target
        first = Text(percent(share) + interval, _PAST if past else "bold")
        return [first, _aim(target, past=past), Text(f"{_said(window)}, n={samples:.0f}"), nps]

    def _nps(self) -> Text:
        nps = self.number("nps_score", window=self.window("nps_score", _LONG_WINDOWS))
        margin = self.number("nps_margin", window=self.window("nps_margin", _LONG_WINDOWS))
        return Text("NPS -" if nps is None else f"NPS {nps:.0f}" + ("" if margin is None else f" ±{margin:.0f}"))

    # ---- queues ---------------------------------------------------------------------------------------------------

    def queues(self) -> list[tuple[str, ...]]:
        """Return the table's rows, worst first: over target, then the longest wait, how many wait, service level."""
        level, left = self.window("service_level_ratio"), self.window("abandon_ratio")
        rows = []
        for labels, count in self._answer.samples.get("queue_waiting", ()):
            if labels.get("by") != "queue" or not labels.get("queue"):
                continue
            queue = labels["queue"]
            longest = self.number("queue_waiting_oldest_age_seconds", "queue", queue=queue)
            over = self.number("queue_waiting_over_target", "queue", queue=queue) or 0
            share = self.number("service_level_ratio", "queue", queue=queue, window=level, formula="offered")
            gone = self.number("abandon_ratio", "queue", queue=queue, window=left, short="included")
            cells = (
                queue,
                f"{count:.0f}",
                "-" if longest is None else spoken(longest),
                f"▲ {over:.0f}" if over else "",
                "-" if share is None else percent(share),
                "-" if gone is None else percent(gone),
            )
            rows.append(((-over, -(longest or 0), -count, 1 if share is None else share, queue), cells))
        return [cells for _, cells in sorted(rows)]


def _over(count: float | None) -> Text:
    return Text(f"▲ {count:.0f} over target", _PAST) if count else Text("0 over target", _QUIET)


def _aim(target: float | None, *, past: bool) -> Text:
    if target is None:
        return Text()
    return Text(f"▲ past {percent(target)}", _PAST) if past else Text(f"target {percent(target)}")


def _said(window: str) -> str:
    return window if window == "today" else f"{window[:-1]} {_SPOKEN.get(window[-1:], '')}"


def frame(answer: Answer, width: int, height: int, *, narrow: int = 70) -> RenderableType:
    """Return the wall for a terminal of `width` x `height`; tiles take several lines where it is narrower than `narrow`."""
    wall = _Wall(answer)
    stale = [answer.away] if answer.away else [str(reason) for reason in answer.said.get("reasons", ())]
    parts: list[RenderableType] = [_header(answer, width)]
    if stale:
        band = f" {'; '.join(stale)} "
        parts.append(Text(band.center(width)[:width], "bold reverse", no_wrap=True))
    if answer.said:
        style = _QUIET if stale else ""
        across = _TILES if width >= narrow else 2
        tiles = wall.tiles()
        used = 1 + bool(stale)
        for first in range(0, len(tiles), across):
            parts += [Text(), _tiles(tiles[first : first + across], width // across, style)]
            used += 2 + _TILE_LINES
        columns = _COLUMNS if width >= narrow else _COLUMNS[:3]
        parts.append(_table(wall.queues(), columns, width, height - used - _TABLE_LINES, style))
    return Group(*parts)


def _tiles(tiles: list[tuple[str, list[Text]]], width: int, style: str) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    for title, _ in tiles:
        table.add_column(title, width=width - 1, no_wrap=True, overflow="ellipsis")
    table.add_row(*(Text(title, "underline") for title, _ in tiles), style=style)
    for line in range(_TILE_LINES):
        table.add_row(*(lines[line] if line < len(lines) else Text() for _, lines in tiles), style=style)
    return table


def _header(answer: Answer, width: int) -> Text:
    at = answer.said.get("as_of")
    if at is None:
        return Text("streamer")
    moment = dt.datetime.fromisoformat(at).astimezone(ZoneInfo(answer.said.get("zone", "UTC")))
    text = f"{moment:%a %H:%M:%S} {moment.tzname()}"
    return Text(f"streamer{text:>{max(0, width - 8)}}", no_wrap=True)


def _table(rows: list[tuple[str, ...]], columns: tuple[str, ...], width: int, lines: int, style: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, width=width, style=style, row_styles=[style], padding=(0, 1))
    table.add_column("queue, worst first", overflow="ellipsis", no_wrap=True, ratio=1)
    for title in columns:
        table.add_column(title, justify="right", no_wrap=True)
    shown = max(1, lines)
    for cells in rows[:shown]:
        table.add_row(*cells[: len(columns) + 1], style=_PAST if cells[3] else None)
    if len(rows) > shown:
        table.add_row(f"and {len(rows) - shown} more", style=_QUIET)
    if not rows:
        table.add_row("no queue had an event in the last 24 h", style=_QUIET)
    return table
