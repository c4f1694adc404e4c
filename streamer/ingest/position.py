"""What `streamer tail` keeps between two starts, and how it sends: the position file, its lock, checked events to Kafka."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import msgspec

from streamer.errors import DataError, InputMissingError, OutputError, UsageError
from streamer.events import Decoder, InvalidEvent
from streamer.logs import get_logger
from streamer.producers.kafka import address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streamer.ingest.adapters.base import Event
    from streamer.producers.kafka import KafkaSender
    from streamer.settings import Settings

logger = get_logger(__name__)

T = TypeVar("T")


class Outlet:
    """Sends events that the processor would take; `refused` counts the others, `events` those that were sent."""

    def __init__(self, settings: Settings) -> None:
        self._decoder = Decoder(settings.surveys.scales, settings.time.future)
        self.events = self.refused = 0

    def send(self, sender: KafkaSender, event: Event, *, history: bool = False) -> None:
        """Send one event; history became known when it happened, or all of it would be late."""
        if history:
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


def load(path: Path, kind: type[T]) -> T | None:
    """Return what was saved, None where there is no file yet. Raises `InputMissingError`, `DataError`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputMissingError(str(path), error.strerror or "cannot be read") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise DataError("is no position of `streamer tail` for this", source=str(path)) from None


def save(path: Path, value: bytes) -> None:
    """Replace the file whole: a crash leaves the old one or the new one. Raises `OutputError`."""
    new = path.with_name(path.name + ".new")
    try:
        with new.open("wb") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise OutputError(str(path), error.strerror or str(error)) from None


@contextmanager
def alone(position: Path) -> Iterator[None]:
    """Hold the position's lock: two that follow one file would send everything twice. Raises `UsageError`, `OutputError`."""
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
