"""What is known of one customer: from the read model, else from the timelines' changelog. No id is kept on a board.

In the changelog the newest record of a customer is looked for from the end backwards, in growing blocks, so that whoever
was active lately is found soon; that somebody is not known takes the whole log. All partitions are looked through: which
one holds a key is the producers' partitioner's choice.
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streamer.board.view import View
from streamer.errors import DependencyError
from streamer.journeys.guard import Verdict, judge, unpacked
from streamer.journeys.summary import NOTHING, Known, context, known
from streamer.partition import TIMELINES
from streamer.processor.command import worker_config
from streamer.processor.config import WorkerConfig
from streamer.processor.reader import READ_WAIT_MS, reader

if TYPE_CHECKING:
    from streamer.journeys.store import Store  # needs redis, which a board without it does not

_BLOCK: Final = 5_000
_GROWTH: Final = 4
_READ_RECORDS: Final = 20_000
#: a million records or so: who asks does not wait for longer, and no other question does meanwhile
_SECONDS: Final = 20.0
#: the board is some 0.2 s behind a record; one that is behind for longer says so
_APPLIED_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.05


class _Found(NamedTuple):
    """The newest record of a key, and when it was written (ms); value None: it was deleted."""

    partition: int
    value: bytes | None
    time: int


class Journeys:
    """Answers for a board; one question at a time to the changelog. `store` is the read model, if there is one."""

    def __init__(self, view: View, store: "Store | None" = None) -> None:
        self._view = view
        self._store = store
        self._lock = asyncio.Lock()

    async def of(self, customer: str) -> Any | None:
        """Return a customer's journey, to be encoded as JSON; None where nothing is known of them, or they were erased.

        Raises DependencyError where neither Redis nor Kafka answers in time, or the board is behind the record.
        """
        if self._store is not None:
            packed, as_of = await self._store.journey(customer)
            if packed is not None and self._fresh(as_of):
                return msgspec.Raw(packed)
        # What is not in the model may be in the log: a journey without an event for 90 days is.
        return (await self._known(customer)).journey

    async def may_survey(self, customer: str, department: str | None) -> Verdict:
        """Return whether a customer may be surveyed now, by a department if one asks. Raises DependencyError as `of` does."""
        view, stale = self._view, self._view.settings.board.stale_limit
        if self._store is not None:
            packed, as_of = await self._store.guard(customer)
            if self._fresh(as_of):
                return judge(unpacked(packed), as_of, view.clock(), stale, department)
        # before reading: the record that is found is at least as new
        as_of = min((mark.time if mark else 0 for mark in view.marks.values()), default=0) or None
        return judge((await self._known(customer)).refusals, as_of, view.clock(), stale, department)

    def _fresh(self, as_of: int | None) -> bool:
        return as_of is not None and self._view.clock() - as_of <= self._view.settings.board.stale_limit

    async def _known(self, customer: str) -> Known:
        """Return what the changelog says."""
        try:
            async with asyncio.timeout(_SECONDS), self._lock:
                found = await self._find(f"c:{customer}".encode())
        except TimeoutError:
            raise DependencyError("kafka", f"the timelines were not read through in {_SECONDS:.0f} s") from None
        except KafkaError as error:
            raise DependencyError("kafka", f"the timelines cannot be read: {error!r}") from error
        if found is None or found.value is None:
            return NOTHING
        await self._applied(found)
        return await self._view.run(self._decode, customer, found.partition, found.value)

    async def _find(self, key: bytes) -> _Found | None:
        config = worker_config(self._view.settings)
        consumer = reader(config, "board-journey")
        await consumer.start()
        try:
            return await _search(consumer, config, sorted(self._view.marks), key)
        finally:
            await consumer.stop()

    async def _applied(self, found: _Found) -> None:
        """Return once the board has applied the flush that the record is of: then it knows every group that it names.

        The numbers of groups are the partition's; read too early, one could be taken for another group.
        """
        try:
            async with asyncio.timeout(_APPLIED_SECONDS):
                while (mark := self._view.marks.get(found.partition)) is None or mark.time < found.time:  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise DependencyError(
                "board", "the board has not read as far as this customer's record; ask again"
            ) from None

    def _decode(self, customer: str, partition: int, record: bytes) -> Known:
        """In the board's thread: it holds the groups still."""
        return known(customer, record, context(self._view.settings, self._view.merge.groups_of(partition)))


async def _search(consumer: AIOKafkaConsumer, config: WorkerConfig, numbers: list[int], key: bytes) -> _Found | None:
    tps = [TopicPartition(config.changelog(TIMELINES), number) for number in numbers]
    consumer.assign(tps)
    consumer.pause(*tps)  # each question would wait for a fetch that is under way
    starts, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
    high, block = dict(ends), _BLOCK
    while unread := [tp for tp in tps if high[tp] > starts[tp]]:
        low = {tp: max(starts[tp], high[tp] - block) for tp in unread}
        found = await _block(consumer, key, low, high)
        if found is not None:
            return found
        high.update(low)
        block *= _GROWTH
    return None


async def _block(
    consumer: AIOKafkaConsumer, key: bytes, low: Mapping[TopicPartition, int], high: Mapping[TopicPartition, int]
) -> _Found | None:
    """Return the newest record of a key between two offsets of each partition."""
    newest: dict[int, _Found] = {}
    for tp, offset in low.items():
        consumer.seek(tp, offset)
    consumer.resume(*low)
    unread = set(low)
    while unread:
        fetched: dict[TopicPartition, list[Any]] = await consumer.getmany(
            *unread, timeout_ms=READ_WAIT_MS, max_records=_READ_RECORDS
        )
        for tp, records in fetched.items():
            for record in records:
                if record.key == key and record.offset < high[tp]:
                    newest[tp.partition] = _Found(tp.partition, record.value, record.timestamp)
        done = {tp for tp in unread if await consumer.position(tp) >= high[tp]}
        consumer.pause(*done)
        unread -= done
    return max(newest.values(), key=lambda found: found.time, default=None)
