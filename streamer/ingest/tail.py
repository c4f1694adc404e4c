"""`streamer tail`: the lines of an Asterisk queue_log to Kafka as they are written, from where it was left."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 (typer resolves it)
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from streamer.errors import (
    DataError,
    DependencyError,
    InputMissingError,
    Mistake,
    OutputError,
    SettingsError,
    UsageError,
)
from streamer.events import Decoder, InvalidEvent
from streamer.ingest.adapters.base import Source
from streamer.ingest.asterisk import Memory, QueueLog
from streamer.ingest.follow import Follower, Place
from streamer.logs import configure_logs, get_logger
from streamer.options import ConfigOption  # noqa: TC001 (typer resolves it)
from streamer.producers.kafka import KafkaSender, address
from streamer.settings import load_settings
from streamer.settings._processes import read_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamer.ingest.adapters.base import Event
    from streamer.settings import Settings

logger = get_logger(__name__)

_LINES: Final = 2_000  # between two acknowledgements: 4,000 events, 0.1 s
_POLL_S: Final = 0.5
_BACKOFF_S: Final = 2.0
_KAFKA_S: Final = 8.0  # twice this is the longest that SIGTERM waits, and 20 s is what it may


class Position(msgspec.Struct):
    """What outlives a restart: the place in the file, what the lines before it left, and whether it is history yet."""

    place: Place
    memory: Memory
    history: bool = False


class Tail:
    """Follows one file. `position` is the file that keeps where it was; it is written when Kafka has the events."""

    def __init__(self, settings: Settings, source: Source, path: Path, position: Path, *, from_start: bool) -> None:
        self._settings, self._source, self._path, self._position_file = settings, source, path, position
        self._decoder = Decoder(settings.surveys.scales, settings.time.future)
        self._from_start = from_start
        self.lines = self.events = self.refused = 0

    def run(self, stop: threading.Event, *, once: bool = False) -> None:
        """Send until `stop` is set, or with `once` to the end of the file; Kafka away is waited for.

        Raises `InputMissingError`, `OutputError` for the position, and with `once` `DependencyError`.
        """
        ended = False
        while not (ended or stop.is_set()):
            try:
                with KafkaSender(self._settings, timeout_s=_KAFKA_S) as sender:
                    self._follow(sender, stop, once=once)
                ended = True
            except DependencyError as error:
                if once:
                    raise
                # The lines wait in their file. With jitter: a broker that comes back is not met by all at once.
                logger.warning("kafka is away; the lines wait in their file", error=str(error))
                stop.wait(_BACKOFF_S * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)

    def _follow(self, sender: KafkaSender, stop: threading.Event, *, once: bool) -> None:
        position = self._load()
        log = QueueLog(self._source, position.memory if position else None)
        history = position.history if position else self._from_start
        start = position.place if position else Place() if self._from_start else None
        follower = Follower(self._path, start, self._source.digest)
        try:
            while not stop.is_set():
                chunk = follower.read(_LINES)
                for line in chunk.lines:
                    for event in log.line(line):
                        self._send(sender, event, history=history)
                history = history and not chunk.at_end
                if chunk.lines or position is None or position.place != chunk.place:
                    sender.flush()
                    position = Position(chunk.place, log.memory, history)
                    self._save(position)
                self.lines += len(chunk.lines)
                self.refused += log.refused
                log.refused = 0
                if chunk.at_end:
                    if once:
                        return
                    stop.wait(_POLL_S)
        finally:
            follower.close()

    def _send(self, sender: KafkaSender, event: Event, *, history: bool) -> None:
        if history:  # what is loaded later became known when it happened, or all of it would be late
            event["recordedtime"] = event["time"]
        topic, key = address(event)
        value = msgspec.json.encode(event)
        try:
            self._decoder.decode(topic, key.encode(), value, time.time_ns() // 1_000_000)
        except InvalidEvent as error:
            self.refused += 1
            logger.warning("an event was refused", code=error.code, detail=error.detail)
            return
        sender.send_record(topic, key.encode(), value)
        self.events += 1

    def _load(self) -> Position | None:
        try:
            return msgspec.json.decode(self._position_file.read_bytes(), type=Position)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputMissingError(str(self._position_file), error.strerror or "cannot be read") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise DataError("is no position of `streamer tail`", source=str(self._position_file)) from None

    def _save(self, position: Position) -> None:
        """Replace the file whole: a crash leaves the old one or the new one."""
        path = self._position_file
        new = path.with_name(path.name + ".new")
        try:
            with new.open("wb") as file:
                file.write(msgspec.json.encode(position))
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError as error:
            raise OutputError(str(path), error.strerror or str(error)) from None


def tail(
    file: Annotated[Path, typer.Argument(help="The queue_log, such as /var/log/asterisk/queue_log.")],
    position: Annotated[
        Path, typer.Option(help="File that keeps where it was, for the next start.", show_default=False)
    ],
    *,
    source: Annotated[str, typer.Option(help="Name of this Asterisk.")] = "asterisk",
    name: Annotated[
        list[str] | None,
        typer.Option(
            help="OLD=NEW: a queue, or an extension that leads to one, and what it is called. May be given often.",
            show_default=False,
        ),
    ] = None,
    pass_names: Annotated[bool, typer.Option("--pass-names", help="Show every queue's name as it is.")] = False,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="The first time, send what is in the file already, as history.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="End at the end of the file.")] = False,
    config: ConfigOption = None,
) -> None:
    """Send the calls and agents of an Asterisk queue_log to Kafka as lines are written, until SIGTERM."""
    settings = load_settings(config)
    configure_logs(settings)
    names = dict(_pair(one) for one in name or [])
    tailed = Tail(
        settings,
        Source(source, _key(settings), names=names, pass_names=pass_names),
        file,
        position,
        from_start=from_start,
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _alone(position):
        tailed.run(stop, once=once)
    logger.info("ended", lines=tailed.lines, events=tailed.events, refused=tailed.refused)


def _pair(text: str) -> tuple[str, str]:
    old, mark, new = text.partition("=")
    if not (mark and old and new):
        raise UsageError("--name is OLD=NEW")
    return old, new


def _key(settings: Settings) -> bytes:
    """Read the key of the hashes, the same as the ingress's and the SDK's."""
    key = read_secret(settings.ingest.key_file, "ingest.key_file")
    if key is None:
        raise SettingsError([Mistake("", "ingest.key_file", "is needed: ids leave as keyed hashes")])
    return key.get_secret_value().encode()


@contextmanager
def _alone(position: Path) -> Iterator[None]:
    """Hold the position's lock: two that follow one file would send everything twice."""
    path = position.with_name(position.name + ".lock")
    try:
        lock = path.open("wb")
    except OSError as error:
        raise OutputError(str(path), error.strerror or str(error)) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{position} is in use by another `streamer tail`") from None
        yield
