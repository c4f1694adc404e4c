"""`streamer emit`: the events of a file to Kafka, or to JSON lines; every line is validated first."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from streamer.errors import DataError, OutputError, StreamerError, UsageError
from streamer.events.codec import Decoder
from streamer.events.errors import Code, InvalidEvent
from streamer.events.registry import TOPICS, TYPES
from streamer.options import ConfigOption, JsonOption  # noqa: TC001 (typer resolves them)
from streamer.producers.files import Line, read_json_lines
from streamer.progress import Progress
from streamer.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from streamer.settings import Settings

_SUFFIXES: dict[str, Literal["jsonl", "csv"]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
}
_TOPIC_OF = {name: topic for name, cls in TYPES.items() for topic, entities in TOPICS.items() if cls.entity in entities}
_NUMBERS_SHOWN = 10  # line numbers named for each reason
_REASONS_MAX = 100  # different reasons kept


def emit(
    file: Annotated[str, typer.Argument(help="The file, plain, .gz or .xz; - is standard input.", show_default=False)],
    *,
    format_: Annotated[
        Literal["jsonl", "csv"] | None,
        typer.Option("--format", help="What the file is, where its suffix does not say.", show_default=False),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="How the columns of a delimited file become events (TOML).", show_default=False),
    ] = None,
    bootstrap: Annotated[
        str | None, typer.Option(help="Kafka's address, instead of the configuration's.", show_default=False)
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(help="Write JSON lines to this file (- is standard output) instead of Kafka.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Validate only.")] = False,
    at_rate: Annotated[
        float | None, typer.Option(help="Send so many events a second.", min=0.001, show_default=False)
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a file's events; say on stderr what was refused, by reason and line number (exit code 65)."""
    if as_json and out == "-" and not dry_run:
        raise UsageError("--json and --out - both need standard output")
    if out is not None and Path(out).is_file() and Path(file).is_file() and Path(out).samefile(file):
        raise UsageError(f"--out {out} is the file that is read: it would be lost")
    settings = load_settings(config, options={"kafka.bootstrap": bootstrap})
    lines, in_order = _read(file, format_, mapping)
    report = Report()
    values = _validated(lines, settings, report)
    if not in_order:
        with Progress("events read") as progress:
            values = iter(sorted(progress.each(values), key=lambda value: value[0]))
    first = list(islice(values, 1))  # what is wrong with the file is said before Kafka is waited for
    with Progress("events sent") as progress, _sink(settings, out, dry_run=dry_run) as send:
        for _, value in progress.each(_paced(chain(first, values), at_rate)):
            send(value)
            report.events += 1
    report.show(sys.stdout if as_json else sys.stderr, as_json=as_json)
    if report.refused:
        raise DataError(f"{report.refused:,} of {report.lines:,} lines were refused", source=file)


@dataclass
class Report:
    """What became of the lines."""

    lines: int = 0
    events: int = 0
    without_event: int = 0
    refused: int = 0
    reasons: dict[str, list[int]] = field(default_factory=dict)  # the first line numbers
    counts: dict[str, int] = field(default_factory=dict)

    def refuse(self, number: int, reason: str) -> None:
        """Count a line that was not accepted."""
        if reason not in self.counts and len(self.counts) >= _REASONS_MAX:
            reason = "other reasons"
        self.refused += 1
        self.counts[reason] = self.counts.get(reason, 0) + 1
        numbers = self.reasons.setdefault(reason, [])
        if len(numbers) < _NUMBERS_SHOWN:
            numbers.append(number)

    def show(self, file: Any, *, as_json: bool) -> None:
        """Write the summary."""
        if as_json:
            refusals = [
                {"reason": reason, "lines": count, "first": self.reasons[reason]}
                for reason, count in self.counts.items()
            ]
            counts = {"lines": self.lines, "events": self.events, "lines_without_event": self.without_event}
            file.write(json.dumps({**counts, "refused": self.refused, "refusals": refusals}, indent=2) + "\n")
            return
        file.write(f"{self.lines:,} lines, {self.events:,} events, {self.without_event:,} lines without an event\n")
        for reason, count in self.counts.items():
            numbers = ", ".join(map(str, self.reasons[reason]))
            more = f" and {count - _NUMBERS_SHOWN:,} more" if count > _NUMBERS_SHOWN else ""
            file.write(f"refused {reason}: line {numbers}{more}\n")


def _read(
    file: str, file_format: Literal["jsonl", "csv"] | None, mapping_file: Path | None
) -> tuple[Iterable[Line], bool]:
    """Give the file's lines, and whether they are to be sent in the order in which they stand."""
    suffixes = [suffix for suffix in Path(file).suffixes if suffix not in (".gz", ".xz")]
    by_suffix = _SUFFIXES.get(suffixes[-1]) if suffixes else None
    file_format = file_format or ("csv" if mapping_file else by_suffix) or ("jsonl" if file == "-" else None)
    if file_format is None:
        raise UsageError(f"{file}: say --format jsonl or csv")
    if file_format == "jsonl":
        if mapping_file is not None:
            raise UsageError("--mapping is for delimited files, not for --format jsonl")
        return read_json_lines(file), True
    if mapping_file is None:
        raise UsageError(f"{file}: a delimited file needs a --mapping")
    # Here, not above: a file of JSON lines needs no pydantic models of mappings.
    from streamer.producers.mapping import load_mapping, read_rows  # noqa: PLC0415

    mapping = load_mapping(mapping_file)
    return read_rows(file, mapping), mapping.order == "file"


def _validated(lines: Iterable[Line], settings: Settings, report: Report) -> Iterator[tuple[int, bytes]]:
    """Give each accepted event with its time in ms; a line is taken whole or not at all."""
    decoder = Decoder(settings.surveys.scales, settings.time.future)
    for line in lines:
        report.lines += 1
        if line.refusal:
            report.refuse(line.number, line.refusal)
            continue
        try:
            accepted = [_validate(decoder, event) for event in line.events]
        except InvalidEvent as error:
            report.refuse(line.number, str(error))
            continue
        report.without_event += not accepted
        yield from accepted


def _validate(decoder: Decoder, event: dict[str, Any]) -> tuple[int, bytes]:
    # History became known when it happened, unless the file knows better; so a replay of it has no late events.
    if "recordedtime" not in event and "time" in event:
        event["recordedtime"] = event["time"]
    data, name = event.get("data"), event.get("type")
    key = (data.get("customer") if isinstance(data, dict) else None) or event.get("subject")
    try:
        value = msgspec.json.encode(event)
    except (ValueError, OverflowError, RecursionError, UnicodeError):
        raise InvalidEvent(Code.WRONG_TYPE, "$") from None
    topic = _TOPIC_OF.get(name, "") if isinstance(name, str) else ""
    _, time_ms, _ = decoder.decode(topic, key.encode() if isinstance(key, str) else None, value, 0)
    return time_ms, value


def _paced(values: Iterator[tuple[int, bytes]], rate: float | None) -> Iterator[tuple[int, bytes]]:
    start = time.monotonic()
    for count, value in enumerate(values):
        if rate is not None and (ahead_s := start + count / rate - time.monotonic()) > 0:
            time.sleep(ahead_s)
        yield value


@contextmanager
def _sink(settings: Settings, out: str | None, *, dry_run: bool) -> Iterator[Callable[[bytes], Any]]:
    """Give where the values go: nowhere, to a file, or to Kafka."""
    if dry_run:
        yield len
    elif out == "-":
        yield lambda value: sys.stdout.buffer.write(value + b"\n")
        sys.stdout.buffer.flush()
    elif out is not None:
        try:
            with Path(out).open("wb") as file:
                yield lambda value: file.write(value + b"\n")
        except StreamerError:
            raise  # some are OSErrors too, but they are about the input
        except OSError as error:
            raise OutputError(out, error.strerror or str(error)) from None
    else:
        from streamer.producers.kafka import KafkaSender  # noqa: PLC0415 (not everyone who emits has a broker)

        with KafkaSender(settings, tell=True) as sender:
            yield lambda value: sender.send(msgspec.json.decode(value))
