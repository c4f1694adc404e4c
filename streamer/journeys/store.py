"""The read model in Redis: what is written, by one board at a time, and what is read.

Each write is a transaction that holds the position up to which the log is in it, and that only the holder of the lease gets
through: a board that was frozen and comes back writes nothing over what its successor wrote.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, WatchError

from streamer.journeys.guard import as_data, ms, oldest
from streamer.journeys.names import Names
from streamer.journeys.summary import Known
from streamer.logs import get_logger
from streamer.settings import Settings

logger = get_logger(__name__)

#: a board that dies is followed by another one after so long; half of `board.stale_limit`, so that the model stays fresh
_LEASE_MS: Final = 5_000
#: a Redis that takes the connection and says nothing: who asks waits for two tries, then gets the answer from the log
_ANSWER_SECONDS: Final = 1.0
#: what the journey itself remembers (timelines.relations): longer than that there is nothing to tell
JOURNEY_MS: Final = 90 * 24 * 3_600_000
_HEADLINE_MS: Final = 60_000
_SCANNED: Final = 1_000


class LeaseLostError(Exception):
    """Another board writes now."""


class Position(msgspec.Struct, frozen=True):
    """How far one partition of the timelines' changelog is in the model."""

    next: int
    """Next offset to read."""
    time: int
    """Everything flushed until then is in the model, ms since the epoch; 0: nobody knows yet."""
    since: int
    """Nothing that was taken back since then has been missed: the time of the newest mark, or when reading began."""


class Change(NamedTuple):
    """What a customer's keys become. `time` is when the record was written (ms)."""

    customer: str
    known: Known
    time: int


class Store:
    """One board's connection to the model; `redis.url` must be set. Writes raise RedisError where Redis does not do them."""

    def __init__(self, settings: Settings, outages: Counter) -> None:
        password = settings.redis.password()
        self.names = Names(settings.kafka.app)
        #: whether Redis did what it was asked to the last time; None: not asked yet
        self.up: bool | None = None
        self._outages = outages
        self._me = secrets.token_hex(8).encode()
        # Any: its types tell str where bytes come, and differ from version to version
        self._client: Any = Redis.from_url(
            settings.redis.url or "",
            password=password.get_secret_value() if password else None,
            socket_timeout=_ANSWER_SECONDS,
            socket_connect_timeout=_ANSWER_SECONDS,
            retry=Retry(
                NoBackoff(), 1
            ),  # a connection that Redis closed meanwhile; else the task tries, and there is the log
        )

    def failed(self, error: Exception) -> None:
        """Note that Redis failed; logged and counted once for each outage."""
        if self.up is not False:
            self.up = False
            self._outages.inc()
            # redis-py puts the command before the reason, and a command has a customer in it
            reason = str(error).rpartition(" caused error: ")[2]
            logger.warning("redis fails: the read model stands still", error=type(error).__name__, reason=reason)

    def _answered(self) -> None:
        if self.up is False:
            logger.info("redis answers again")
        self.up = True

    # ---- the writer -----------------------------------------------------------------------------------------------

    async def acquire(self) -> bool:
        """Take or keep the lease; tell whether this board has it."""
        got = await self._client.set(self.names.writer, self._me, nx=True, px=_LEASE_MS)
        self._answered()
        return bool(got) or await self._client.get(self.names.writer) == self._me

    async def release(self) -> None:
        """Give the lease up, where it is still this board's and Redis answers."""
        with suppress(RedisError, LeaseLostError):
            await self._fenced(lambda pipe: pipe.delete(self.names.writer), keep=False)

    async def positions(self) -> dict[int, Position]:
        """Return how far the model is, by partition."""
        found: dict[bytes, bytes] = await self._client.hgetall(self.names.positions)
        return {int(number): msgspec.json.decode(value, type=Position) for number, value in found.items()}

    async def clear(self, positions: Mapping[int, Position]) -> None:
        """Begin anew at these positions, without any customer. Where it is broken off there are no positions."""
        await self._fenced(lambda pipe: pipe.delete(self.names.positions))
        for pattern in (self.names.journey("*"), self.names.guard("*")):
            cursor, keys = await self._client.scan(0, match=pattern, count=_SCANNED)
            await self._unlink(keys)
            while cursor:
                cursor, keys = await self._client.scan(cursor, match=pattern, count=_SCANNED)
                await self._unlink(keys)
        await self._fenced(lambda pipe: self._put_positions(pipe, positions))

    async def _unlink(self, keys: list[bytes]) -> None:
        # also without keys: the lease is to be kept while others' keys are looked through
        await self._fenced(lambda pipe: pipe.unlink(*keys) if keys else None)

    async def write(self, changes: Iterable[Change], positions: Mapping[int, Position], now: int) -> None:
        """Write customers' keys and the positions that they bring the model to, all or nothing; `now` in ms."""
        await self._fenced(lambda pipe: self._fill(pipe, changes, positions, now))

    def _fill(self, pipe: Any, changes: Iterable[Change], positions: Mapping[int, Position], now: int) -> None:
        for customer, known, time in changes:
            until = time + JOURNEY_MS
            journey = msgspec.json.encode(known.journey) if known.journey is not None and until > now else None
            _put(pipe, self.names.journey(customer), journey, until)
            left = [refusal for refusal in known.refusals if ms(refusal.until) > now]  # the longest first
            guard = msgspec.json.encode([as_data(refusal) for refusal in left]) if left else None
            _put(pipe, self.names.guard(customer), guard, ms(left[0].until) if left else 0)
        self._put_positions(pipe, positions)

    def _put_positions(self, pipe: Any, positions: Mapping[int, Position]) -> None:
        pipe.hset(self.names.positions, mapping={str(n): msgspec.json.encode(p) for n, p in positions.items()})

    async def publish(self, headline: bytes) -> None:
        """Publish the headline numbers, and keep them for those who come later."""
        key = self.names.headline
        await self._fenced(lambda pipe: pipe.set(key, headline, px=_HEADLINE_MS).publish(key, headline))

    async def _fenced(self, fill: Callable[[Any], Any], *, keep: bool = True) -> None:
        """Run commands as a transaction of the lease's holder, which keeps the lease by it. Raises LeaseLostError."""
        async with self._client.pipeline(transaction=True) as pipe:
            await pipe.watch(self.names.writer)
            if await pipe.get(self.names.writer) != self._me:
                raise LeaseLostError
            pipe.multi()
            fill(pipe)
            if keep:
                pipe.pexpire(self.names.writer, _LEASE_MS)
            try:
                await pipe.execute()
            except WatchError as error:
                raise LeaseLostError from error
        self._answered()

    # ---- readers --------------------------------------------------------------------------------------------------

    async def journey(self, customer: str) -> tuple[bytes | None, int | None]:
        """Return a customer's journey as JSON (None: none is there), and the instant (ms) it is as of.

        Without an instant nothing is known: Redis does not answer, or the model is not complete.
        """
        return await self._read(self.names.journey(customer))

    async def guard(self, customer: str) -> tuple[bytes | None, int | None]:
        """Return what speaks against surveying a customer (see `guard.unpacked`), and as of when, as `journey` does."""
        return await self._read(self.names.guard(customer))

    async def _read(self, key: str) -> tuple[bytes | None, int | None]:
        if not self.up:  # nobody waits for it again and again: the task tells when it is back
            return None, None
        try:
            async with self._client.pipeline(transaction=True) as pipe:
                value, positions = await pipe.get(key).hvals(self.names.positions).execute()
        except RedisError as error:
            self.failed(error)
            return None, None
        return value, oldest(positions)

    async def close(self) -> None:
        """End the connections."""
        await self._client.aclose()


def _put(pipe: Any, key: str, value: bytes | None, until: int) -> None:
    if value is None:
        pipe.unlink(key)
    else:
        pipe.set(key, value, pxat=until)
