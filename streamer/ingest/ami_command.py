"""`streamer tail --ami`: what an Asterisk's manager interface says, to Kafka as it happens."""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from streamer.errors import DependencyError, Mistake, SettingsError
from streamer.ingest.ami_client import Client
from streamer.ingest.ami_events import AmiEvents
from streamer.ingest.asterisk_memory import Memory  # noqa: TC001 (msgspec resolves it)
from streamer.ingest.position import Outlet, load, save
from streamer.logs import get_logger
from streamer.producers.kafka import KafkaSender

if TYPE_CHECKING:
    from pathlib import Path

    from streamer.ingest.adapters.base import Event, Source
    from streamer.ingest.ami import Message
    from streamer.settings import Settings

logger = get_logger(__name__)

_WAITING_MAX: Final = 100_000  # events while Kafka is away: 60 MB, an hour of 30 a second
_KAFKA_S: Final = 5.0  # what is under way and what is left: SIGTERM waits for both, and may take 20 s
_SEND_S: Final = 0.2  # between two acknowledgements: a batch, and one writing of the position
_BACKOFF_S: Final = 2.0


class AmiPosition(msgspec.Struct, tag="ami", forbid_unknown_fields=True):
    """What outlives a restart: the calls and agents that are known."""

    memory: Memory


class AmiTail:
    """Takes messages, keeps their events until Kafka has them, and then the position."""

    def __init__(self, settings: Settings, source: Source, position: Path) -> None:
        self._settings, self._position = settings, position
        kept = load(position, AmiPosition)
        self._events = AmiEvents(source, kept.memory if kept else None)
        self._outlet = Outlet(settings)
        self._waiting: list[Event] = []
        self._sender: KafkaSender | None = None
        self._stop, self._done, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._room.set()
        secret = settings.ami.secret()
        if secret is None:
            raise SettingsError([Mistake("", "ami.secret_file", "is needed for --ami")])
        self._client = Client(settings.ami, secret.get_secret_value(), self)

    async def run(self) -> None:
        """Listen and send until SIGTERM or SIGINT. Raises `SettingsError`, `OutputError` for the position."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        listening = loop.create_task(self._client.run(self._stop))
        listening.add_done_callback(lambda _: self._done.set())
        try:
            await self._send_all()  # ends after the listening, or by an error
        finally:
            self._end()
            try:
                await listening
            finally:
                await asyncio.to_thread(self._close)
        counts = {"events": self._outlet.events, "refused": self._outlet.refused + self._events.refused}
        logger.info("ended", connections=self._client.connections, **counts, unsent=len(self._waiting))

    def _end(self) -> None:
        self._stop.set()
        self._room.set()

    def connected(self) -> None:
        """Take notice of a new connection."""
        self._events.connected()

    def take(self, messages: list[Message], now_ms: int) -> None:
        """Make events of messages."""
        if not messages:
            self._waiting += self._events.tick(now_ms)
        for message in messages:
            self._waiting += self._events.message(message, now_ms)
        if len(self._waiting) >= _WAITING_MAX and self._room.is_set():
            logger.warning("too many events wait for kafka: asterisk is not listened to", events=len(self._waiting))
            self._room.clear()

    async def ready(self) -> None:
        """Return when Kafka has taken what is too much. Asterisk closes a connection that nobody reads: we come again."""
        await self._room.wait()

    async def _send_all(self) -> None:
        while not self._done.is_set():
            if self._waiting or not self._position.exists():
                await self._send_waiting()
            if len(self._waiting) < _WAITING_MAX:
                self._room.set()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._done.wait(), _SEND_S)
        await self._send_waiting()

    async def _send_waiting(self) -> None:
        """Send what waits and save the position, or wait a moment if Kafka is away."""
        # Together: the position is that of just these events.
        batch, position = self._waiting[:], msgspec.json.encode(AmiPosition(self._events.memory))
        try:
            await asyncio.to_thread(self._send, batch)
        except DependencyError as error:
            logger.warning("kafka is away; the events wait", events=len(self._waiting), error=str(error))
            await asyncio.sleep(_BACKOFF_S * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)
            return
        await asyncio.to_thread(save, self._position, position)
        del self._waiting[: len(batch)]

    def _send(self, batch: list[Event]) -> None:
        """Send a batch and wait until Kafka has it. Raises `DependencyError`."""
        try:
            if self._sender is None:
                self._sender = KafkaSender(self._settings, timeout_s=_KAFKA_S)
            for event in batch:
                self._outlet.send(self._sender, event)
            self._sender.flush()
        except DependencyError as error:
            self._close(error)
            raise

    def _close(self, error: DependencyError | None = None) -> None:
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.__exit__(type(error) if error else None, error, None)
