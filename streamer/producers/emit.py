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
from streamer.events.codec import VALUE_BYTES_MAX, Decoder, encode
from streamer.events.errors import Code, InvalidEvent
from streamer.events.keys import partition_key
from streamer.events.registry import TOPICS, TYPES
from streamer.options import ConfigOption, JsonOption  # noqa: TC001 (typer resolves them)
from streamer.producers.emitter_compose import Record
from streamer.producers.files import Line, leave_output, read_json_lines
from streamer.producers.identity import Identity, person_of, personal_path
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
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="Hash the ids of customers and agents, and the events' own, with this file's key, as the SDK does.",
            show_default=False,
        ),
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
    """Send a file's events; say on stderr what was refused, by reason and line number (exit code 65).

    Ids are to be opaque: an event with an e-mail address or a phone number where an id or a label should be is refused.
    Fields that the event's type does not have are not sent.
    """
    if as_json and out == "-" and not dry_run:
        raise UsageError("--json and --out - both need standard output")
    if out is not None and Path(out).is_file() and Path(file).is_file() and Path(out).samefile(file):
        raise UsageError(f"--out {out} is the file that is read: it would be lost")
    settings = load_settings(config, options={"kafka.bootstrap": bootstrap})
    identity = Identity.from_file(key_file) if key_file else None
    lines, in_order = _read(file, format_, mapping)
    report = Report()
    records = _validated(lines, settings, identity, report)
    try:
        if not in_order:
            with Progress("events read") as progress:
                records = iter(sorted(progress.each(records), key=lambda record: record[0]))
        first = list(islice(records, 1))  # what is wrong with the file is said before Kafka is waited for
        with Progress("events sent") as progress, _sink(settings, out, report, dry_run=dry_run) as send:
            for _, record in progress.each(_paced(chain(first, records), at_rate)):
                send(record)
                report.events += 1
    except KeyboardInterrupt:
        typer.echo("streamer: interrupted; so far:", err=True)
        report.show(sys.stdout if as_json else sys.stderr, as_json=as_json)
        raise
    except BrokenPipeError:
        if out is None:
            raise
        leave_output()  # what was read so far is not the file: there is nothing to say about it
        return
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


def _validated(
    lines: Iterable[Line], settings: Settings, identity: Identity | None, report: Report
) -> Iterator[tuple[int, Record]]:
    """Give the record of each accepted event with its time in ms; a line is taken whole or not at all."""
    decoder = Decoder(settings.surveys.scales, settings.time.future)
    for line in lines:
        report.lines += 1
        if line.refusal:
            report.refuse(line.number, line.refusal)
            continue
        try:
            accepted = [_validate(decoder, identity, event) for event in line.events]
        except (InvalidEvent, _PersonalError) as error:
            report.refuse(line.number, str(error))
            continue
        report.without_event += not accepted
        yield from accepted


class _PersonalError(ValueError):
    """An event that has an e-mail address or a phone number at a path."""

    def __init__(self, path: str, type_: object) -> None:
        hashed = ("$.data.customer", "$.data.agent", "$.id", "$.subject" if person_of(type_) else "")
        mend = "; --key-file hashes ids of customers and agents" if path in hashed else ""
        super().__init__(f"{path} looks like an e-mail address or a phone number{mend}")


def _validate(decoder: Decoder, identity: Identity | None, event: dict[str, Any]) -> tuple[int, Record]:
    # History became known when it happened, unless the file knows better; so a replay of it has no late events.
    if "recordedtime" not in event and "time" in event:
        event["recordedtime"] = event["time"]
    if identity is not None:
        identity.hash_event(event)
        if isinstance(event.get("id"), str) and event["id"]:
            event["id"] = identity.event_id(event["id"])  # it may have been made of the customer's
    data, name = event.get("data"), event.get("type")
    customer = data.get("customer") if isinstance(data, dict) and person_of(name) != "agent" else None
    key = customer or event.get("subject")
    try:
        value = msgspec.json.encode(event)
    except (ValueError, OverflowError, RecursionError, UnicodeError):
        raise InvalidEvent(Code.WRONG_TYPE, "$") from None
    topic = _TOPIC_OF.get(name, "") if isinstance(name, str) else ""
    accepted, time_ms, _ = decoder.decode(topic, key.encode() if isinstance(key, str) else None, value, 0)
    if path := personal_path(event, accepted.data.__struct_fields__):
        raise _PersonalError(path, name)
    value = encode(accepted)  # the fields that its type knows, and no others
    if len(value) > VALUE_BYTES_MAX:  # 10:00:00.5 has become 10:00:00.500000
        raise InvalidEvent(Code.TOO_LARGE, "$")
    return time_ms, Record(topic, partition_key(accepted).encode(), value)


def _paced(records: Iterator[tuple[int, Record]], rate: float | None) -> Iterator[tuple[int, Record]]:
    start = time.monotonic()
    for count, record in enumerate(records):
        if rate is not None and (ahead_s := start + count / rate - time.monotonic()) > 0:
            time.sleep(ahead_s)
        yield record


@contextmanager
def _sink(settings: Settings, out: str | None, report: Report, *, dry_run: bool) -> Iterator[Callable[[Record], Any]]:
    """Give where the records go: nowhere, to a file, or to Kafka."""
    if dry_run:
        yield len
    elif out == "-":
        yield lambda record: sys.stdout.buffer.write(record.value + b"\n")
        sys.stdout.buffer.flush()
    elif out is not None:
        try:
            with Path(out).open("wb") as file:
                yield lambda record: file.write(record.value + b"\n")
        except (StreamerError, BrokenPipeError):
            raise  # some are OSErrors too, but they are about the input; or a pipe's reader has enough
        except OSError as error:
            raise OutputError(out, error.strerror or str(error)) from None
    else:
        from streamer.producers.kafka import KafkaSender  # noqa: PLC0415 (not everyone who emits has a broker)

        sender = KafkaSender(settings, tell=True)
        try:
            with sender:
                yield lambda record: sender.send_record(*record)
        except KeyboardInterrupt:
            report.events = sender.acknowledged  # it has ended by now: what was not acknowledged may have gone or not
            raise
