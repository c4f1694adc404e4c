"""Offline: the numbers of recorded events at an instant, by the same core as the live processor (law 6)."""

import datetime as dt
import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import msgspec
import typer
from msgspec import UNSET, UnsetType

from streamer.errors import DataError
from streamer.events import TOPICS, Event
from streamer.events.codec import Decoder, millis
from streamer.events.errors import Code, InvalidEvent
from streamer.events.keys import key_of
from streamer.metrics.catalogue import METRICS
from streamer.metrics.catalogue.trust import METRIC_TARGET
from streamer.metrics.evaluate import Snapshot, evaluate
from streamer.metrics.exposition import number as written
from streamer.metrics.exposition import render
from streamer.metrics.limits import Limited, limited
from streamer.options import ConfigOption
from streamer.panes.work import work_table
from streamer.partition import Partition
from streamer.producers.files import read_events
from streamer.settings import Settings, load_settings

_SECOND = 1000
#: windows and calendar days around an instant have to be instants too
_YEARS = range(1970, 9_000)
_TOPIC_OF = {entity: topic for topic, entities in TOPICS.items() for entity in entities}


class _Data(msgspec.Struct):
    customer: Any = UNSET


class _Head(msgspec.Struct):
    """What tells where a recorded event would have been found in Kafka."""

    type: str = ""
    subject: Any = ""
    time: dt.datetime | UnsetType = UNSET
    data: _Data | UnsetType = UNSET


_read_head = msgspec.json.Decoder(_Head).decode


def accept(decoder: Decoder, line: bytes) -> tuple[Event, int, int]:
    """Return the event of a recorded line, its time and arrival in ms: recordedtime, else the event's time.

    Raises `InvalidEvent`.
    """
    try:
        head = _read_head(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        head = _Head()
    parts = head.type.split(".")
    entity = parts[1] if len(parts) == 3 else ""  # noqa: PLR2004 (support.x.y)
    topic = _TOPIC_OF.get(entity, "support.tickets")
    key = key_of(entity, head.subject, UNSET if head.data is UNSET else head.data.customer)
    known = 0 if head.time is UNSET or head.time.tzinfo is None else millis(head.time)
    return decoder.decode(topic, key.encode(errors="replace"), line, known)


def read_all(
    settings: Settings, paths: Iterable[str], refused: list[tuple[str, int, Code]]
) -> list[tuple[int, Event, int]]:
    """Return (arrival, event, time) of all lines in order of arrival; what is refused goes into `refused`."""
    decoder = Decoder(settings.surveys.scales, settings.time.future)
    found: list[tuple[int, Event, int]] = []
    for path in paths:
        for number, line in read_events(path):
            try:
                event, time, arrival = accept(decoder, line)
            except InvalidEvent as error:
                refused.append((path, number, error.code))
            else:
                found.append((arrival, event, time))
    found.sort(key=lambda record: record[0])
    return found


def replayed(
    settings: Settings, events: Iterable[tuple[int, Event, int]], at: int, *, final: bool = False
) -> Partition:
    """Return a partition that has taken in the records which count at the instant `at` (ms)."""
    partition = Partition(settings)
    for arrival, event, time in events:
        if time <= at and (final or arrival <= at):
            partition.accept(event, time, arrival)
    partition.settle()
    return partition


def snapshot_of(partition: Partition) -> Snapshot:
    """Return what an evaluation reads of one partition."""
    context = partition.context
    items = [item for work in partition.open_work() for item in work]
    partition.settle()
    return Snapshot(partition.store, context.groups.tuples, context.open_rows.keys, work_table(items))


def numbers(settings: Settings, events: Iterable[tuple[int, Event, int]], at: int, *, final: bool = False) -> Limited:
    """Return the numbers of recorded events at the instant `at` (ms), within `exposition.max_series` as on a board."""
    snapshot = snapshot_of(replayed(settings, events, at, final=final))
    return limited(list(evaluate(snapshot, settings, at)), settings.exposition.max_series)


def exposition(settings: Settings, events: Iterable[tuple[int, Event, int]], at: int) -> str:
    """Return the exposition text of recorded events at the instant `at` (ms), and of the targets."""
    return _text(settings, numbers(settings, events, at))


def _text(settings: Settings, shown: Limited) -> str:
    return render(shown.blocks, settings.dimensions.names) + _targets(settings)


def _targets(settings: Settings) -> str:
    family = f"support_{METRIC_TARGET.name}"
    lines = [f"# HELP {family} {METRIC_TARGET.about}", f"# TYPE {family} gauge"]
    lines += [f'{family}{{metric="{name}"}} {written(value)}' for name, value in sorted(settings.targets.items())]
    return "\n".join([*lines, ""])


def _instant(text: str) -> int:
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not an RFC 3339 time; write 2026-01-31T12:00:00Z") from None
    if instant.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no offset; write 2026-01-31T12:00:00Z")
    if instant.year not in _YEARS:
        raise typer.BadParameter(f"{text!r} is not between the years {_YEARS.start} and {_YEARS.stop - 1}")
    return millis(instant) // _SECOND * _SECOND


def replay(
    files: Annotated[list[str], typer.Argument(help="JSON Lines files, plain, .gz or .xz; - is standard input.")],
    at: Annotated[
        int | None,
        typer.Option(
            parser=_instant, metavar="TIME", help="The instant, RFC 3339; the last event's time if not given."
        ),
    ] = None,
    final: Annotated[  # noqa: FBT002 (typer makes a flag of it)
        bool, typer.Option("--final", help="Take in all events up to then, whenever they arrived.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Print the numbers of recorded events as exposition text."""
    settings = load_settings(config, metric_names={metric.name for metric in METRICS})
    refused: list[tuple[str, int, Code]] = []
    events = read_all(settings, files, refused)
    if at is None:
        at = -(-max((time for _, _, time in events), default=0) // _SECOND) * _SECOND
    shown = numbers(settings, events, at, final=final)
    sys.stdout.write(_text(settings, shown))
    for metric, by in shown.left_out:
        sys.stderr.write(f"over exposition.max_series: {metric} by {by} is left out\n")
    for line in _report(refused):
        sys.stderr.write(line)
    if refused:
        raise DataError(f"{len(refused)} of the lines were refused; the numbers are those of the others")


def _report(refused: list[tuple[str, int, Code]], most: int = 20) -> Iterator[str]:
    for path, number, code in refused[:most]:
        yield f"{path}:{number}: {code}\n"
    if len(refused) > most:
        yield f"... and {len(refused) - most} more\n"
