"""Where the ingress delivers: a small protocol, and Kafka behind it. A delivery is over when Kafka has acknowledged."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from kafka.errors import KafkaError, KafkaTimeoutError

from streamer.errors import DependencyError, StreamerError
from streamer.producers.kafka import Producer, acknowledged_within, address
from streamer.progress import waiting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamer.settings import Settings

# A webhook waits for its events, and no sender minds 10 ms. A request to Kafka costs a quarter of a millisecond of CPU
# time at the least: 100 instead of 200 a second.
_LINGER_MS: Final = 10
# A topic's first metadata, waited for in a thread.
_BLOCK_MS: Final = 2_000
# Health checks wait 4 s and more for an answer.
_READY_S: Final = 2.0

_encode = msgspec.json.Encoder().encode


class FullError(StreamerError, BufferError):
    """Too many events are on their way already. The sender gets 429."""

    retryable = True


class Deliver(Protocol):
    """Takes events for good."""

    async def deliver(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Return when all events are safe. Raises `FullError`, or `DependencyError` where they may be lost."""

    async def unready(self) -> str | None:
        """Return why events would not be safe now, None if they would."""

    def spooled(self) -> int | None:
        """Return how many events wait on the disk, None where there is no spool."""

    def close(self) -> None:
        """End; what is not acknowledged was not promised to anybody."""


class _Delivery:
    """One delivery's records that Kafka has not answered yet, and who waits for them."""

    __slots__ = ("done", "failure", "left")

    def __init__(self, left: int, done: asyncio.Future[None]) -> None:
        self.left = left
        self.done = done
        self.failure: BaseException | None = None


class KafkaDeliver:
    """Delivers to the brokers of `[kafka]`: idempotent, acknowledged by all replicas, keyed as events.md says.

    For one event loop. kafka-python answers in its own thread, a batch at a time: the loop is woken once for it.
    """

    def __init__(self, settings: Settings) -> None:
        timeout_ms = settings.ingest.request_timeout
        self._free = settings.ingest.unacknowledged
        self._known: set[str] = set()
        self._answers: deque[tuple[_Delivery, object]] = deque()
        self._woken = False  # whether the loop will look at the answers
        self._waking = False  # whether the loop will wake kafka-python's thread
        try:
            with waiting(f"Kafka at {settings.kafka.bootstrap}", timeout_ms / 1000):
                durable = acknowledged_within(settings, timeout_ms, _LINGER_MS)
                self._producer = Producer(**durable, max_block_ms=_BLOCK_MS)
        except KafkaTimeoutError as error:
            raise DependencyError(
                "kafka", f"{settings.kafka.bootstrap} did not answer in {timeout_ms / 1000:g} s"
            ) from error
        except KafkaError as error:
            raise DependencyError("kafka", f"{settings.kafka.bootstrap}: {type(error).__name__}") from error

    async def deliver(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Return when Kafka has acknowledged all of them."""
        if len(events) > self._free:
            raise FullError("too many events are not acknowledged yet")
        records = [(*address(event), _encode(event)) for event in events]
        for topic, _, _ in records:
            await self._know(topic)
        loop = asyncio.get_running_loop()
        delivery = _Delivery(0, loop.create_future())
        for topic, key, value in records:
            try:
                sent = self._producer.put(topic, key.encode(), value, partial(self._wake_soon, loop))
            except KafkaError as error:
                delivery.failure = error
                break
            self._free -= 1
            delivery.left += 1
            sent.add_both(partial(self._answered, loop, delivery))
        if delivery.left:
            await delivery.done
        if delivery.failure is not None:
            self._known.clear()
            raise DependencyError("kafka", type(delivery.failure).__name__) from delivery.failure

    def _wake_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake kafka-python's thread once for all batches that this turn of the loop begins: half its CPU time."""
        if not self._waking:
            self._waking = True
            loop.call_soon(self._wake)

    def _wake(self) -> None:
        self._waking = False
        self._producer.wake_up()

    async def _know(self, topic: str) -> None:
        """Return when kafka-python knows the topic: `send` would block the event loop until it does."""
        if topic in self._known:
            return
        try:
            places = await asyncio.to_thread(self._producer.partitions_for, topic)
        except KafkaError as error:
            raise DependencyError("kafka", type(error).__name__) from error
        if not places:
            raise DependencyError("kafka", f"there is no topic {topic}")
        self._known.add(topic)

    async def unready(self) -> str | None:
        """Ask the brokers for the topics anew: a connection that is there says little, one that is not says nothing."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        answered = self._producer.ask()
        answered.add_both(lambda _: loop.is_closed() or loop.call_soon_threadsafe(done.set))
        try:
            async with asyncio.timeout(_READY_S):
                await done.wait()
        except TimeoutError:
            return "Kafka does not answer"
        return None if answered.exception is None else f"Kafka: {type(answered.exception).__name__}"

    def spooled(self) -> int | None:
        """Return None: it has no spool."""
        return None

    def close(self) -> None:
        """End within two seconds."""
        self._producer.close(timeout=2)

    def _answered(self, loop: asyncio.AbstractEventLoop, delivery: _Delivery, answer: object) -> None:
        """Take a record's answer, in kafka-python's thread."""
        self._answers.append((delivery, answer))
        if not self._woken and not loop.is_closed():
            self._woken = True
            loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        self._woken = False  # first: what is appended from now on wakes the loop again
        while self._answers:
            delivery, answer = self._answers.popleft()
            self._free += 1
            delivery.left -= 1
            if isinstance(answer, BaseException):
                delivery.failure = delivery.failure or answer
            if not delivery.left and not delivery.done.done():
                delivery.done.set_result(None)
