"""One Asterisk's manager interface over TCP: login, liveness, and a new connection whenever one ends."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from streamer.errors import Mistake, SettingsError
from streamer.ingest.ami import Parser, action, answer_to
from streamer.logs import get_logger

if TYPE_CHECKING:
    from streamer.ingest.ami import Message
    from streamer.settings._processes import AmiSettings

logger = get_logger(__name__)

_LOGIN_S: Final = 10.0
_TICK_S: Final = 0.5
_PING_S: Final = 20.0  # of silence, before we ask
_DEAD_S: Final = 60.0  # without one whole message, however many bytes came
_BACKOFF_S: Final = 1.0
_BACKOFF_MAX_S: Final = 30.0
_READ_BYTES: Final = 65_536


class Listener(Protocol):
    """Who is told what Asterisk says."""

    def connected(self) -> None:
        """Take notice of a new connection; what happened before it was missed."""

    def take(self, messages: list[Message], now_ms: int) -> None:
        """Take the messages that came just now; none is only the passing of time."""

    async def ready(self) -> None:
        """Return when more may come."""


class Client:
    """Keeps a connection for a listener. `connections` counts those that were logged in."""

    def __init__(self, settings: AmiSettings, secret: str, listener: Listener) -> None:
        self._settings, self._secret, self._listener = settings, secret, listener
        self.connections = 0
        self.refused = 0
        """Messages that were none, or too long."""

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop` is set. Raises `SettingsError` where Asterisk refuses the name or the secret."""
        backoff = _BACKOFF_S
        while not stop.is_set():
            before = self.connections
            try:
                await self._session(stop)
            except (OSError, EOFError, TimeoutError) as error:
                where = f"{self._settings.host}:{self._settings.port}"
                logger.warning("asterisk is away", address=where, error=str(error) or type(error).__name__)
            if stop.is_set():
                return
            backoff = _BACKOFF_S if self.connections > before else min(backoff * 2, _BACKOFF_MAX_S)
            # With jitter: not all meet an Asterisk that comes back at once.
            await self._pause(stop, backoff * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)

    async def _pause(self, stop: asyncio.Event, seconds: float) -> None:
        """Wait, and let time pass for the listener meanwhile."""
        ends = time.monotonic() + seconds
        while not stop.is_set() and (left := ends - time.monotonic()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(left, _TICK_S))
            self._listener.take([], _now_ms())

    async def _session(self, stop: asyncio.Event) -> None:
        async with asyncio.timeout(_LOGIN_S):
            reader, writer = await asyncio.open_connection(self._settings.host, self._settings.port)
        parser = Parser()
        try:
            async with asyncio.timeout(_LOGIN_S):
                early = await self._log_in(reader, writer, parser)
            self.connections += 1
            logger.info("asterisk is connected", connections=self.connections)
            self._listener.connected()
            self._listener.take(early, _now_ms())
            writer.write(action("QueueStatus"))
            await self._listen(reader, writer, parser, stop)
            writer.write(action("Logoff"))
        finally:
            self.refused += parser.refused
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await writer.wait_closed()

    async def _log_in(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, parser: Parser
    ) -> list[Message]:  # fmt: skip
        """Log in by challenge, so that the secret itself is never sent; return the messages that came after."""
        writer.write(action("Challenge", AuthType="MD5"))
        challenge, _ = await _response(reader, parser)
        key = answer_to(challenge.get("challenge", ""), self._secret)
        login = {"AuthType": "MD5", "Username": self._settings.username, "Key": key, "Events": "agent,call"}
        writer.write(action("Login", **login))
        answer, early = await _response(reader, parser)
        if answer["response"].lower() != "success":
            raise SettingsError([Mistake("", "ami.secret_file", "Asterisk refused ami.username with this secret")])
        return early

    async def _listen(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, parser: Parser, stop: asyncio.Event
    ) -> None:
        heard = time.monotonic()
        pinged = False
        while not stop.is_set():
            data = None
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    data = await reader.read(_READ_BYTES)
            if data == b"":
                raise EOFError("the connection was closed")
            messages = parser.feed(data) if data else []
            self._listener.take(messages, _now_ms())
            silent = time.monotonic() - heard
            if messages:
                heard, pinged = time.monotonic(), False
            elif silent > _DEAD_S:
                raise TimeoutError("nothing is heard any more")
            elif silent > _PING_S and not pinged:
                writer.write(action("Ping"))
                pinged = True
            await self._listener.ready()


async def _response(reader: asyncio.StreamReader, parser: Parser) -> tuple[Message, list[Message]]:
    """Return the next response, and the messages behind it. Raises `EOFError`."""
    while data := await reader.read(_READ_BYTES):
        messages = parser.feed(data)
        for place, message in enumerate(messages):
            if "response" in message:
                return message, messages[place + 1 :]
    raise EOFError("the connection was closed before the login")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
