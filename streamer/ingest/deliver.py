"""Where the ingress delivers: a small protocol, and Kafka behind it. A delivery is over when Kafka has acknowledged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from streamer.errors import DependencyError, StreamerError
from streamer.producers.kafka import address, connection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamer.settings import Settings

# A webhook waits for its events: no batch is worth more than this. At 2,000 a second it still makes batches of 10.
_LINGER_MS: Final = 5
# A topic's first metadata, waited for in a thread.
_BLOCK_MS: Final = 2_000

_encode = msgspec.json.Encoder().encode


class FullError(StreamerError, BufferError):
    """Too many events are on their way already. The sender gets 429."""

    retryable = True


class Deliver(Protocol):
    """Takes events for good."""

    async def deliver(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Return when all events are safe. Raises `FullError`, or `DependencyError` where they may be lost."""

    def close(self) -> None:
        """End; what is not acknowledged was not promised to anybody."""


class KafkaDeliver:
    """Delivers to the brokers of `[kafka]`: idempotent, acknowledged by all replicas, keyed as events.md says."""

    def __init__(self, settings: Settings) -> None:
        timeout_ms = settings.ingest.request_timeout
        self._free = settings.ingest.unacknowledged
        self._known: set[str] = set()
        try:
            self._producer: Any = KafkaProducer(
                **connection(settings),
                acks="all",
                allow_auto_create_topics=False,
                bootstrap_timeout_ms=timeout_ms,
                delivery_timeout_ms=timeout_ms,
                linger_ms=_LINGER_MS,
                max_block_ms=_BLOCK_MS,
                metrics_enabled=False,
                request_timeout_ms=max(1, timeout_ms - _LINGER_MS - 1),
            )
        except KafkaError as error:
            raise DependencyError("kafka", f"{settings.kafka.bootstrap}: {type(error).__name__}") from error

    async def deliver(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Return when Kafka has acknowledged all of them."""
        if len(events) > self._free:
            raise FullError("too many events are not acknowledged yet")
        loop = asyncio.get_running_loop()
        waiting = []
        try:
            for event in events:
                topic, key = address(event)
                await self._know(topic)
                sent = self._producer.send(topic, key=key.encode(), value=_encode(event))
                waiting.append(self._acknowledged(loop, sent))
        except KafkaError as error:
            raise DependencyError("kafka", type(error).__name__) from error
        finally:
            results = await asyncio.gather(*waiting, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                self._known.clear()
                raise DependencyError("kafka", type(result).__name__) from result

    async def _know(self, topic: str) -> None:
        """Return when kafka-python knows the topic: `send` would block the event loop until it does."""
        if topic in self._known:
            return
        if not await asyncio.to_thread(self._producer.partitions_for, topic):
            raise DependencyError("kafka", f"there is no topic {topic}")
        self._known.add(topic)

    def close(self) -> None:
        """End within two seconds."""
        self._producer.close(timeout=2)

    def _acknowledged(self, loop: asyncio.AbstractEventLoop, sent: Any) -> asyncio.Future[None]:
        self._free -= 1
        done: asyncio.Future[None] = loop.create_future()

        def settle(error: BaseException | None) -> None:
            self._free += 1
            if not done.done():
                done.set_result(None) if error is None else done.set_exception(error)

        def from_thread(error: BaseException | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, error)

        sent.add_callback(lambda _: from_thread(None)).add_errback(from_thread)
        return done
