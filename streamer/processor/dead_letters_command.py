"""`streamer dead-letters`: what could not be accepted, and sending it again."""

import asyncio
import json
from collections import Counter, deque
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer
from aiokafka.errors import KafkaError

from streamer.errors import DataError, UsageError
from streamer.events.codec import Decoder
from streamer.logs import configure_logs
from streamer.metrics.catalogue import METRICS
from streamer.options import ConfigOption, JsonOption
from streamer.processor.command import worker_config
from streamer.processor.config import WorkerConfig
from streamer.processor.dead_letters import Letter, read_letters, send_again
from streamer.processor.errors import refused
from streamer.settings import load_settings

# Sources that are counted by name: a producer may invent any number.
_SOURCES_MAX = 1_000
_OTHER = "other"
# Letters that are sent at once, and held for it: of at most 64 KiB each, since what is larger would be refused again.
_SENT_AT_ONCE = 1_000


def _place(text: str) -> str:
    partition, mark, offset = text.partition(":")
    if not (mark and partition.isdecimal() and offset.isdecimal()):
        raise typer.BadParameter(f"{text!r} is not PARTITION:OFFSET, such as 1:42")
    return text


def dead_letters(
    action: Annotated[
        Literal["list", "show", "replay"],
        typer.Argument(help="Count and list them, show all of some, or send them to their topics again."),
    ] = "list",
    places: Annotated[
        list[str] | None,
        typer.Argument(parser=_place, help="Only these, as PARTITION:OFFSET from the list.", show_default=False),
    ] = None,
    *,
    code: Annotated[str | None, typer.Option(help="Only letters with this code.", show_default=False)] = None,
    source: Annotated[str | None, typer.Option(help="Only those of this source.", show_default=False)] = None,
    last: Annotated[int, typer.Option(help="How many of the newest to list or show.", min=0, max=10_000)] = 10,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With replay: only say what would be sent.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List dead letters by code and source, show them, or send those that would be accepted by now again.

    A letter that would be refused again is not sent: mend the settings first (a survey's scale, for instance).
    """
    if dry_run and action != "replay":
        raise UsageError("--dry-run is for replay")
    settings = load_settings(config, metric_names={metric.name for metric in METRICS})
    configure_logs(settings, command=True)
    look = _Look(
        worker_config(settings),
        Decoder(settings.surveys.scales, settings.time.future),
        frozenset(places or ()),
        code,
        source,
    )
    try:
        if action == "replay":
            asyncio.run(_replay(look, dry_run=dry_run, as_json=as_json))
        else:
            asyncio.run(_list(look, last, full=action == "show", as_json=as_json))
    except KafkaError as error:
        raise refused(look.config.bootstrap, error) from error


class _Look:
    """Which letters are looked at."""

    def __init__(
        self, config: WorkerConfig, decoder: Decoder, places: frozenset[str], code: str | None, source: str | None
    ) -> None:
        self.config, self._decoder = config, decoder
        self._places, self._code, self._source = places, code, source
        self.letters = read_letters(config, decoder)

    def chosen(self, letter: Letter) -> bool:
        return (
            (not self._places or letter.place in self._places)
            and self._code in (None, letter.code)
            and self._source in (None, letter.source)
        )


async def _list(look: _Look, last: int, *, full: bool, as_json: bool) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    mended: Counter[tuple[str, str]] = Counter()
    sources: set[str] = set()
    newest: deque[Letter] = deque(maxlen=last)
    async for letter in look.letters:
        if look.chosen(letter):
            if len(sources) < _SOURCES_MAX:
                sources.add(letter.source)
            kind = letter.code, letter.source if letter.source in sources else _OTHER
            counts[kind] += 1
            mended[kind] += not letter.refused
            newest.append(letter)
    shown = sorted(newest, key=lambda letter: (letter.written, letter.place), reverse=True)
    kinds = [
        {"code": kind[0], "source": kind[1], "letters": count, "acceptable_now": mended[kind]}
        for kind, count in counts.most_common()
    ]
    if as_json:
        letters = [_plain(letter, full=full) for letter in shown]
        typer.echo(json.dumps({"letters": counts.total(), "kinds": kinds, "newest": letters}, indent=2))
    elif full:
        for letter in shown:
            typer.echo("".join(f"{name}: {_printable(value)}\n" for name, value in _plain(letter, full=True).items()))
    else:
        _table(["CODE", "SOURCE", "LETTERS", "ACCEPTABLE NOW"], [[*kind.values()] for kind in kinds])
        if shown:
            typer.echo()
            _table(
                ["PLACE", "WRITTEN", "CODE", "TOPIC", "SOURCE"],
                [[o.place, _time(o.written), o.code, o.topic, o.source] for o in shown],
            )


async def _replay(look: _Look, *, dry_run: bool, as_json: bool) -> None:
    sent = 0
    refused: Counter[str] = Counter()
    waiting: list[Letter] = []
    # All are read up to where the topic ended at the beginning: what is refused again meanwhile is not sent twice.
    async for letter in look.letters:
        if not look.chosen(letter):
            continue
        if letter.refused or letter.topic not in look.config.sources:
            refused[letter.refused or "is of no source topic"] += 1
            continue
        waiting.append(letter)
        if len(waiting) == _SENT_AT_ONCE:
            sent += await _send(look.config, waiting, dry_run=dry_run)
            waiting = []
    sent += await _send(look.config, waiting, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps({"sent": 0 if dry_run else sent, "acceptable": sent, "refused": refused}, indent=2))
    else:
        typer.echo(f"{sent:,} letters {'would be ' if dry_run else ''}sent again")
        for why, count in refused.most_common(20):
            typer.echo(f"not sent, would be refused again: {count:,} {why}", err=True)
    if refused:
        raise DataError(f"{refused.total():,} letters would be refused again", source=look.config.dead_letters)


async def _send(config: WorkerConfig, letters: list[Letter], *, dry_run: bool) -> int:
    if dry_run or not letters:
        return len(letters)
    return await send_again(config, letters)


def _plain(letter: Letter, *, full: bool) -> dict[str, Any]:
    plain = {
        "place": letter.place,
        "written": _time(letter.written),
        "code": letter.code,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "source": letter.source,
        "refused_now": letter.refused,
    }
    if full:
        plain["key"] = _text(letter.key)
        plain["headers"] = {name: _text(value) for name, value in letter.headers}
        plain["value"] = _text(letter.value)
    return plain


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode(errors="backslashreplace")


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _printable(value: object) -> str:
    """Return a text without what a terminal would obey: it comes from whoever may write to a topic."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))


def _table(head: list[str], rows: list[list[Any]]) -> None:
    lines = [head, *([_printable(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
