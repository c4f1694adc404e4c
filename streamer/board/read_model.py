"""Keeping the read model: a task of the board that follows the timelines' changelog, and tells the headline numbers.

Of several boards the one with the lease does it. A record is read only once the board knows the groups that it names: the
panes' changelog says what a group's number means, and a flush writes both in one transaction.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from redis.exceptions import RedisError

from streamer.board.answer import indexed
from streamer.board.headline import headline
from streamer.board.view import SECOND, Evaluation, View
from streamer.journeys.guard import instant, text
from streamer.journeys.store import Change, LeaseLostError, Position, Store
from streamer.journeys.summary import NOTHING, context, known
from streamer.logs import get_logger, once
from streamer.partition import TIMELINES
from streamer.processor.config import WorkerConfig
from streamer.processor.mark import MARK, decode_mark
from streamer.processor.reader import READ_WAIT_MS, reader, stop

logger = get_logger(__name__)

# One transaction: 500 journeys are 1 MB, and the lease is kept by each.
_READ_RECORDS: Final = 500
# Read at once in the board's thread: a timeline with 30 recent events takes 0.7 ms, so 25 of them keep a scrape for 20 ms.
_KNOWN_RECORDS: Final = 25
# Between two tries to become the writer, and after a failure: from there on twice as long each time.
_RETRY_SECONDS: Final = 1.0
_RETRY_SECONDS_MAX: Final = 5.0
# Kafka keeps a tombstone for 24 h (delete.retention.ms): whoever was away for longer may have missed one, and would show a
# customer who was erased. Half of it, as reading on takes its time too.
_AWAY_MS: Final = 12 * 3_600_000
_CUSTOMER: Final = b"c:"


class Writer:
    """Writes the model while its board holds the lease, and tries for that otherwise. Nothing that fails here ends the board."""

    def __init__(self, config: WorkerConfig, view: View, store: Store) -> None:
        self._config = config
        self._view = view
        self._store = store
        self._positions: dict[int, Position] = {}
        #: the instant (ms) of the newest headline numbers published: once for each second
        self._published = 0

    async def run(self) -> None:
        """Keep the model until cancelled."""
        pause = _RETRY_SECONDS
        while True:
            try:
                if not (self._view.waiting or self._view.refused) and await self._store.acquire():
                    await self._term()
                pause = _RETRY_SECONDS
            except RedisError as error:
                self._store.failed(error)
                pause = min(2 * pause, _RETRY_SECONDS_MAX)
            except LeaseLostError:
                logger.info("another board writes the read model now")
            except KafkaError as error:
                if once("journeys", "kafka", repr(error)):
                    logger.warning("kafka does not answer: the read model stands still", error=repr(error))
            except Exception as error:  # the numbers must not end with the read model, which says itself how old it is
                if once("journeys", repr(error)):
                    logger.exception("the read model stands still")
            self._view.metrics.journeys_time = None
            if _cancelled():
                raise asyncio.CancelledError
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (boards that failed together)

    async def _term(self) -> None:
        """Follow the log from where the model is, for as long as this board holds the lease."""
        consumer = reader(self._config, "board-journeys")
        try:
            await consumer.start()
            tps = [TopicPartition(self._config.changelog(TIMELINES), number) for number in sorted(self._view.marks)]
            consumer.assign(tps)
            await self._seek(consumer, tps)
            await self._follow(consumer, tps)
        finally:
            await self._store.release()
            await stop(consumer)

    async def _seek(self, consumer: AIOKafkaConsumer, tps: Sequence[TopicPartition]) -> None:
        """Go to where the model is; where the log is another one, or was not read for too long, clear it and begin anew."""
        self._positions = await self._store.positions()
        ends: dict[TopicPartition, int] = await consumer.end_offsets(tps)
        first = await consumer.offsets_for_times(dict.fromkeys(tps, 0))
        now = self._view.clock()
        begun = {tp: found.timestamp for tp, found in first.items() if found is not None}
        if reason := self._lost(tps, ends, begun, now):
            logger.info("the read model is made anew", reason=reason)
            self._positions = {tp.partition: Position(0, 0, now) for tp in tps}
            await self._store.clear(self._positions)
        for tp in tps:
            consumer.seek(tp, self._positions[tp.partition].next)

    def _lost(
        self,
        tps: Sequence[TopicPartition],
        ends: Mapping[TopicPartition, int],
        begun: Mapping[TopicPartition, int],
        now: int,
    ) -> str:
        """Return why the model's positions are of no use; empty where they are of use.

        `begun` is when a log's first record was written: a log that begins after what the model has seen was made anew.
        """
        if self._positions.keys() != {tp.partition for tp in tps}:
            return "there is none"
        for tp in tps:
            position = self._positions[tp.partition]
            if now - position.since > _AWAY_MS:
                return "it was not kept for too long"
            if position.next > ends[tp] or (position.next and begun.get(tp, position.since + 1) > position.since):
                return "the changelog was made anew"
        return ""

    async def _follow(self, consumer: AIOKafkaConsumer, tps: Sequence[TopicPartition]) -> None:
        unread: dict[TopicPartition, list[Any]] = {}
        while not (self._view.refused or _cancelled()):
            if free := [tp for tp in tps if tp not in unread]:
                fetched = await consumer.getmany(*free, timeout_ms=READ_WAIT_MS, max_records=_READ_RECORDS)
                unread |= {tp: records for tp, records in fetched.items() if records}
            else:
                await asyncio.sleep(READ_WAIT_MS / SECOND)
            if any(records[0].offset < self._positions[tp.partition].next for tp, records in unread.items()):
                return  # made anew under the reader's feet
            for tp in [tp for tp, records in unread.items() if self._covers(tp.partition, records)]:
                await self._take(tp.partition, unread.pop(tp))
            if self._view.instant() > self._published:
                await self._publish()

    def _covers(self, partition: int, records: Sequence[Any]) -> bool:
        """Tell whether the board has applied the flushes that these records are of: all of a flush bear its mark's time."""
        mark = self._view.marks.get(partition)
        return mark is not None and mark.time >= max(record.timestamp for record in records)

    async def _take(self, partition: int, records: Sequence[Any]) -> None:
        position = self._positions[partition]
        newest: dict[bytes, Any] = {}
        for record in records:
            if record.key == MARK:
                mark = decode_mark(record.value)
                position = Position(position.next, mark.time, mark.time)
            elif record.key.startswith(_CUSTOMER):
                newest[record.key] = record
        found = list(newest.values())
        changes: list[Change] = []
        for start in range(0, len(found), _KNOWN_RECORDS):
            changes += await self._view.run(self._known, partition, found[start : start + _KNOWN_RECORDS])
        position = msgspec.structs.replace(position, next=records[-1].offset + 1)
        await self._store.write(changes, {partition: position}, self._view.clock())
        self._positions[partition] = position
        self._view.metrics.journeys_time = min(p.time for p in self._positions.values()) or None

    def _known(self, partition: int, records: Sequence[Any]) -> list[Change]:
        """In the board's thread: it holds the groups still."""
        ctx = context(self._view.settings, self._view.merge.groups_of(partition))
        found = []
        for record in records:
            customer = record.key[len(_CUSTOMER) :].decode()
            told = NOTHING if record.value is None else known(customer, record.value, ctx)
            found.append(Change(customer, told, record.timestamp))
        return found

    async def _publish(self) -> None:
        evaluation = await self._view.latest()
        if evaluation.at > self._published:  # else it is kept for all who ask within `board.cache`
            self._published = evaluation.at
            await self._store.publish(await self._view.run(self._headline, evaluation))

    def _headline(self, evaluation: Evaluation) -> bytes:
        """In the board's thread, as the live stream does."""
        settings = self._view.settings
        known_ = {"targets": settings.targets, "min_samples": settings.surveys.min_samples}
        numbers = headline(indexed(evaluation.limited.blocks, settings.dimensions.names, known_))
        return msgspec.json.encode({"as_of": text(instant(evaluation.at)), "reasons": self._view.unready(), **numbers})


def _cancelled() -> bool:
    """Tell whether the task was cancelled: `wait_for` of Python 3.11, as redis-py calls it, swallows one time in twenty."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
