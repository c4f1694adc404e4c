"""The wall in a terminal: from what the API says to five tiles and the table of queues. Pure."""

import datetime as dt
import textwrap
from typing import Final
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamer.board.answer import Answer
from streamer.board.headline import Headline, Number
from streamer.board.words import THIN, amount, percent, said, whole

_TILES: Final = 5
_TILE_LINES: Final = 4
_COLUMNS: Final = ("waiting", "longest", "over", "service level", "abandoned")
#: lines of the table that are no queue: above and below its head, "and more", and the one that the cursor is on
_TABLE_LINES: Final = 5
#: of why the numbers are old; the board's /ready has the rest
_STALE_LINES: Final = 3
_PAST: Final = "bold dark_orange3"
_QUIET: Final = "dim"
_NO_DATA: Final = [Text("-"), Text("no data", _QUIET)]


class _Wall:
    def __init__(self, answer: Answer) -> None:
        self._found = Headline(answer)

    def tiles(self) -> list[tuple[str, list[Text]]]:
        """Return title and lines of each tile."""
        found = self._found.tiles()
        return [
            ("waiting now", _waiting(found["waiting"], found["longest"], found["over"])),
            ("service level", _share(found["level"], "formula offered")),
            ("abandonment", _share(found["abandoned"], "short included")),
            ("first response", _first_response(found["first"], found["first_high"], found["awaiting_over"])),
            ("CSAT", _satisfaction(found["csat"], found["nps"])),
        ]

    def queues(self) -> list[tuple[str, ...]]:
        """Return the table's rows, worst first."""
        return [
            (
                row.name,
                _plain(row.waiting),
                _plain(row.longest),
                f"▲ {row.over}" if row.over else "",
                _plain(row.level),
                _plain(row.abandoned),
            )
            for row in self._found.queues()
        ]

    def spikes(self) -> Text:
        """Return the worst in words, a spike or else what is past its target, and how many more there are."""
        found = self._found.spikes
        past = self._found.past(self._found.queues(), self._found.tiles())
        if found:
            worst = found[0]
            where = "" if worst.by == "all" else "in "
            text = f"◆ spike {where}{worst.text}" + (f", mostly {worst.mostly}" if worst.mostly else "")
        elif past:
            text = f"{'◆' if past[0].state == 'far' else '▲'} {past[0].text}"
        else:
            return Text("no spikes, nothing past its target", _QUIET)
        others = len(found) + len(past) - 1
        more = f" (and {others} more)" if others else ""
        return Text(f"{text}{more}".replace(THIN, " "), _PAST, no_wrap=True, overflow="ellipsis")


def _plain(number: Number) -> str:
    return "-" if number.value is None else amount(number.value, number.unit)


def _sample(number: Number) -> str:
    return f"{said(number.window)}, n={number.n or 0}"


def _style(number: Number) -> str:
    return {"": "bold", "few": _QUIET}.get(number.state, _PAST)


def _waiting(count: Number, longest: Number, over: Number) -> list[Text]:
    if count.value is None:
        return _NO_DATA
    return [Text(_plain(count), "bold"), Text("longest"), Text(_plain(longest)), _over(over.value)]


def _share(share: Number, formula: str) -> list[Text]:
    if share.value is None:
        return _NO_DATA
    return [Text(_plain(share), _style(share)), Text(formula), Text(_sample(share)), _aim(share)]


def _first_response(median: Number, high: Number, over: Number) -> list[Text]:
    if median.value is None:
        return [*_NO_DATA, Text(), _over(over.value)]
    p90 = Text("" if high.value is None else f"p90 {_plain(high)}")
    return [Text(_plain(median), _style(median)), p90, Text(_sample(median)), _over(over.value)]


def _satisfaction(share: Number, score: Number) -> list[Text]:
    nps = Text("NPS -")
    if score.value is not None:
        margin = "" if score.high is None else f" ±{whole(score.high - score.value)}"
        nps = Text(f"NPS {whole(score.value)}{margin}", _QUIET if score.state == "few" else "")
    if share.value is None:
        return [*_NO_DATA, Text(), nps]
    bounds = "" if share.low is None or share.high is None else f" {whole(100 * share.low)}-{whole(100 * share.high)}"
    first = Text(_plain(share) + ("" if share.state == "few" else bounds), _style(share))
    return [first, _aim(share), Text(_sample(share)), nps]


def _over(count: float | None) -> Text:
    return Text(f"▲ {amount(count, 'count')} over target", _PAST) if count else Text("0 over target", _QUIET)


def _aim(number: Number) -> Text:
    if number.state == "few":
        return Text("few answers" if number.metric == "csat_ratio" else "few contacts", _QUIET)
    if number.target is None:
        return Text()
    if number.state:
        return Text(f"▲ past {percent(number.target)}", _PAST)
    return Text(f"target {percent(number.target)}")


def frame(answer: Answer, width: int, height: int, *, narrow: int = 70) -> RenderableType:
    """Return the wall for a terminal of `width` x `height`; tiles take several lines where it is narrower than `narrow`."""
    wall = _Wall(answer)
    stale = [answer.away] if answer.away else [str(reason) for reason in answer.said.get("reasons", ())]
    parts: list[RenderableType] = [_header(answer, width)]
    band = textwrap.wrap("; ".join(stale), max(1, width - 2), max_lines=_STALE_LINES, placeholder=" …")
    parts += [Text(line.center(width), "bold reverse", no_wrap=True) for line in band]
    if answer.said:
        parts.append(wall.spikes())
        style = _QUIET if stale else ""
        across = _TILES if width >= narrow else 2
        tiles = wall.tiles()
        used = 2 + len(band)
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
        table.add_row(f"+{len(rows) - shown} more", style=_QUIET)
    if not rows:
        table.add_row("no queue had an event in the last 24 h", style=_QUIET)
    return table
