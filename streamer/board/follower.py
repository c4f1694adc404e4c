"""Following the panes' changelog: all of it, every partition, each flush as a whole."""

import asyncio
import gc
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from itertools import islice
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streamer.board.view import View
from streamer.errors import DependencyError
from streamer.logs import get_logger, once
from streamer.panes.records import GROUP, ROW
from streamer.partition import PANES
from streamer.processor.config import WorkerConfig
from streamer.processor.mark import MARK, decode_mark, is_control
from streamer.processor.reader import READ_WAIT_MS, reader, stop
from streamer.progress import waiting

logger = get_logger(__name__)

# Records taken in between two looks at the event loop: 20,000 are about 0.1 s.
_READ_RECORDS: Final = 20_000
# What is applied at once at the start, which is one flush of everything: 50,000 are about a second, the wait at SIGTERM.
_APPLY_RECORDS: Final = 50_000
_RETRY_SECONDS: Final = 1.0
_SETTLE_SECONDS: Final = 2.0
# Left to itself, Python looks at all that is new every ten evaluations or so, which takes 30 to 50 ms of one. Flushes and
# evaluations make no cycles; those that asyncio and the clients leave are few enough for so many seconds.
_COLLECT_SECONDS: Final = 300.0


class Follower:
    """Reads the changelog without a group, from its beginning; records wait for the mark that ends their flush."""

    def __init__(self, config: WorkerConfig, view: View) -> None:
        self._view = view
        self._config = config
        self._topic = config.changelog(PANES)
        #: what was read and waits for its mark, and where to read on, by partition: they outlive a consumer
        self._held: dict[int, dict[bytes, bytes | None]] = {}
        self._next: dict[int, int] = {}

    async def run(self) -> None:
        """Follow until cancelled; brokers that do not answer are asked again."""
        gc.disable()
        try:
            await self._run()
        finally:
            gc.enable()

    async def _run(self) -> None:
        while True:
            consumer = reader(self._config, "board")
            try:
                tps = await self._partitions()
                await consumer.start()
                await self._follow(consumer, tps)
            except KafkaError as error:
                if once("board", "kafka", repr(error)):
                    logger.warning("kafka does not answer; trying again", error=repr(error))
            finally:
                await stop(consumer)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _partitions(self) -> list[TopicPartition]:
        """Return the partitions of the changelog once it is there; asking for it before could create it."""
        admin = AIOKafkaAdminClient(**self._config.client("board-topics"))
        first = once("board", "first contact")
        with waiting(f"Kafka at {self._config.bootstrap}") if first else nullcontext():
            await admin.start()
        try:
            while self._topic not in await admin.list_topics():
                self._view.waiting = f"topic {self._topic} does not exist: no worker has run yet"
                if once("board", self._view.waiting):
                    logger.info(self._view.waiting)
                await asyncio.sleep(_RETRY_SECONDS)
            (described,) = await admin.describe_topics([self._topic])
        finally:
            await admin.close()
        return [TopicPartition(self._topic, number) for number in range(len(described["partitions"]))]

    async def _follow(self, consumer: AIOKafkaConsumer, tps: list[TopicPartition]) -> None:
        view = self._view
        consumer.assign(tps)
        for tp in tps:
            self._held.setdefault(tp.partition, {})
            view.marks.setdefault(tp.partition, None)
            if tp.partition in self._next:
                consumer.seek(tp, self._next[tp.partition])
            else:
                await consumer.seek_to_beginning(tp)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(tps)
        missing = set(tps)
        while True:
            fetched: dict[TopicPartition, list[Any]] = await consumer.getmany(
                timeout_ms=READ_WAIT_MS, max_records=_READ_RECORDS
            )
            for tp, records in fetched.items():
                await self._take(tp.partition, records)
            if missing:
                missing = {tp for tp in missing if await consumer.position(tp) < ends[tp]}
                await self._progress(len(missing), len(tps))

    async def _progress(self, missing: int, all_: int) -> None:
        view = self._view
        if missing:
            if view.waiting:
                view.waiting = f"catching up: {all_ - missing} of {all_} partitions, {view.records} records"
            return
        if view.waiting:
            await view.run(view.merge.settle, view.instant())
            gc.freeze()  # what is there now stays: no collection need look at it
            view.waiting = ""
            logger.info("caught up", partitions=all_, records=view.records)

    async def _take(self, partition: int, records: list[Any]) -> None:
        if records and records[0].offset < self._next.get(partition, 0):
            # What is held is of the changelog before, whose numbers of groups and rows were others.
            raise DependencyError("kafka", "the changelog was made anew (streamer rebuild): start the board again")
        held = self._held[partition]
        for record in records:
            if not is_control(record.key):
                held[record.key] = record.value
            elif record.key == MARK:
                self._held[partition] = {}
                await self._flush(partition, held, record.value)
                held = self._held[partition]
        if records:
            self._next[partition] = records[-1].offset + 1

    async def _flush(self, partition: int, rows: Mapping[bytes, bytes | None], value: bytes) -> None:
        view = self._view
        mark = decode_mark(value)
        if mark.configuration != self._config.configuration:
            # Rows are numbered by the catalogue: under another one every number would be another number.
            view.refused = (
                f"the worker runs configuration {mark.configuration}, this board {self._config.configuration}:"
                " give both the same version and settings"
            )
            if once("board", "configuration", mark.configuration):
                logger.error(view.refused)
            return
        if view.waiting:
            for part in _parts(rows):
                await view.apply(partition, part, None)
            rows = {}
        await view.apply(partition, rows, mark)

    async def settle(self) -> None:
        """Keep the windows near to now until cancelled, whether or not anybody asks for them; and collect garbage."""
        collected = time.monotonic()
        while True:
            await asyncio.sleep(_SETTLE_SECONDS)
            await self._view.settle()
            if time.monotonic() - collected > _COLLECT_SECONDS:
                await self._view.run(gc.collect)
                collected = time.monotonic()


def _parts(rows: Mapping[bytes, bytes | None]) -> Iterator[dict[bytes, bytes | None]]:
    """Return a flush in parts, names of groups and rows first."""
    names = {key: value for key, value in rows.items() if key[:1] in (GROUP, ROW)}
    yield names
    others = ((key, value) for key, value in rows.items() if key not in names)
    while part := dict(islice(others, _APPLY_RECORDS)):
        yield part
