"""`streamer simulate`: a centre's events to a file, to standard output, or to Kafka."""

import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from streamer.errors import OutputError, UsageError
from streamer.options import ConfigOption
from streamer.producers.files import leave_output
from streamer.producers.simulator.centre import DAY_MS, HOUR_MS, SECOND_MS, Centre
from streamer.producers.simulator.incident import SYNTAX, parse_incident
from streamer.producers.simulator.pacing import pace
from streamer.producers.simulator.presets import at_midmorning, bench, demo
from streamer.producers.simulator.simulation import simulate as events_of
from streamer.progress import Progress
from streamer.settings import Settings, format_duration, load_settings, parse_duration

# A Monday: without --start the same seed writes the same bytes.
_FILE_START: Final = "2026-01-05T00:00:00Z"
# A simulation looks weeks back and lasts ten years at most, and no clock has a year 10000.
_YEARS: Final = range(1970, 9_000)
_WARM_UP_MS: Final = 2 * HOUR_MS
# Each of the thousands of open contacts is a few objects that no cycle holds: Python's collector, which looks for
# cycles every 700 new objects, would take a third of the time. Measured on `bench`: 38,000 events a second, so 51,000.
_COLLECT_EVERY: Final = 100_000
_encode = msgspec.json.Encoder().encode


class Preset(StrEnum):
    """Which centre is simulated."""

    DEMO = "demo"
    BENCH = "bench"


def simulate(
    *,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE|-", help="Write JSON Lines here (- is stdout); not to Kafka.")
    ] = None,
    bootstrap: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Kafka, instead of the configuration's brokers.")
    ] = None,
    preset: Annotated[
        Preset, typer.Option(help="demo: everything, 6 events/s of simulated time; bench: 150 even groups, 1,000/s.")
    ] = Preset.DEMO,
    seed: Annotated[int, typer.Option(min=0, help="The same seed and start give the same events.")] = 0,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME|-AGO",
            help="First simulated instant: RFC 3339 with an offset, or -2h for two hours ago. Default: the full hour "
            f"before -2h with --live; {_FILE_START} with --out; else so that the simulation ends now.",
        ),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Simulated time, such as 30m or 7d. Default: 1d; with --live no end."),
    ] = None,
    customers: Annotated[int | None, typer.Option(min=1, help="Size of the population. Default: the preset's.")] = None,
    incident: Annotated[
        list[str] | None,
        typer.Option(
            metavar="QUEUE@+DELAY",
            help=f"{SYNTAX}: from DELAY after the start (with --live: after now) FACTOR (5) times as many contacts "
            "reach QUEUE for DURATION (30m). May be repeated.",
        ),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="Events a second of real time. Default: as fast as possible.")
    ] = None,
    live: Annotated[
        bool,
        typer.Option("--live", help="Send what lies in the past at once, then each event when its time has come."),
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Simulate a support centre: its customers, agents, queues, tickets, surveys and shop, hour by hour.

    Events that are not sent as they happen carry `recordedtime`, as history does. The count goes to stderr.
    With --live it is mid-morning at the centre when it begins, whatever the hour.
    """
    if live and rate is not None:
        raise UsageError("--live has its own pace: leave --rate out")
    if out is not None and bootstrap is not None:
        raise UsageError("--out writes a file and --bootstrap sends to Kafka: one of them")
    now_ms = time.time_ns() // 1_000_000
    duration_ms = _duration(duration, live=live)
    start_ms = _start(start, now_ms, duration_ms, to_file=out is not None, live=live)
    centre = _centre(preset, customers)
    if live:
        centre = at_midmorning(centre, now_ms)
    try:
        incidents = [parse_incident(text, now_ms if live else start_ms) for text in incident or ()]
        centre = replace(centre, incidents=tuple(incidents))
    except ValueError as error:
        raise UsageError(f"--incident: {error}") from None
    if duration_ms is not None:
        for text, begun in zip(incident or (), incidents, strict=True):
            if begun.start_ms >= start_ms + duration_ms:
                raise UsageError(
                    f"--incident: {text!r} begins after the end of the simulation, {format_duration(duration_ms)} "
                    f"from {_written(start_ms)}; write a shorter DELAY or a longer --duration"
                )
    gc.set_threshold(_COLLECT_EVERY)
    events = pace(events_of(centre, start_ms=start_ms, duration_ms=duration_ms, seed=seed), rate=rate, live=live)
    if out is None:
        _to_kafka(events, load_settings(config, options={"kafka.bootstrap": bootstrap}))
    else:
        _to_file(events, out, flush=live or rate is not None)


def _duration(text: str | None, *, live: bool) -> int | None:
    if text is None:
        return None if live else DAY_MS
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--duration: {error}") from None


def _start(text: str | None, now_ms: int, duration_ms: int | None, *, to_file: bool, live: bool) -> int:
    """Return the first simulated instant, whole seconds in ms since the epoch."""
    if text is None:
        if to_file and not live:
            text = _FILE_START
        else:
            ago_ms = _WARM_UP_MS if live or duration_ms is None else duration_ms
            # What is usual is known by hours: one that began half over would be half of the usual, and the next a spike.
            whole_ms = HOUR_MS if live else SECOND_MS
            return (now_ms - ago_ms) // whole_ms * whole_ms
    if text.startswith("-"):
        try:
            return (now_ms - parse_duration(text[1:])) // SECOND_MS * SECOND_MS
        except ValueError as error:
            raise UsageError(f"--start: {error}") from None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--start: {text!r} is not an RFC 3339 time; write {_FILE_START}, or -2h for two hours ago"
        ) from None
    if moment.tzinfo is None:
        raise UsageError(f"--start: {text} has no offset (write {text}Z)")
    if moment.year not in _YEARS:
        raise UsageError(f"--start: {text} is not between the years {_YEARS.start} and {_YEARS.stop - 1}")
    return int(moment.astimezone(UTC).timestamp()) * SECOND_MS


def _written(instant_ms: int) -> str:
    return datetime.fromtimestamp(instant_ms // SECOND_MS, UTC).isoformat().replace("+00:00", "Z")


def _centre(preset: Preset, customers: int | None) -> Centre:
    if preset is Preset.BENCH:
        return bench(customers=customers) if customers else bench()
    return demo(customers=customers) if customers else demo()


def _to_kafka(events: Iterator[dict[str, Any]], settings: Settings) -> None:
    from streamer.producers.kafka import KafkaSender  # noqa: PLC0415  a file needs no Kafka client, which takes 0.2 s

    with Progress("events sent") as progress, KafkaSender(settings, tell=True) as sender:
        try:
            for event in progress.each(events):
                sender.send(event)
            sender.flush()
        finally:
            typer.echo(f"streamer: {sender.acknowledged} events acknowledged by {settings.kafka.bootstrap}", err=True)


def _to_file(events: Iterator[dict[str, Any]], out: str, *, flush: bool) -> None:
    count = 0
    try:
        with Progress("events written") as progress, _opened(out) as file:
            for event in progress.each(events):
                file.write(_encode(event) + b"\n")
                if flush:
                    file.flush()
                count += 1
    except BrokenPipeError:
        leave_output()  # how many of the events its reader has taken is not known here
        return
    except OSError as error:
        raise OutputError(out, error.strerror or str(error)) from error
    typer.echo(f"streamer: {count} events written", err=True)


@contextmanager
def _opened(out: str) -> Iterator[Any]:
    if out == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with Path(out).open("wb") as file:
            yield file
