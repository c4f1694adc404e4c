"""A customer's journey from the timelines' changelog, read on demand: no customer's id is kept on a board.

The newest record of a customer is looked for from the log's end backwards, in growing blocks, so that whoever was active
lately is found soon; that somebody is not known takes the whole log. All partitions are looked through: which one holds
a key is the producers' partitioner's choice.
"""

import asyncio
import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streamer.board.view import View
from streamer.errors import DependencyError
from streamer.partition import TIMELINES
from streamer.processor.command import worker_config
from streamer.processor.config import WorkerConfig
from streamer.timelines.context import Context
from streamer.timelines.journey import Detail, Drop, Journey, Moment, journey
from streamer.timelines.timeline import Timeline

_BLOCK: Final = 5_000
_GROWTH: Final = 4
_READ_RECORDS: Final = 20_000
_READ_BYTES: Final = 4 << 20
_READ_WAIT_MS: Final = 100
#: a million records or so: who asks does not wait for longer, and no other question does meanwhile
_SECONDS: Final = 20.0
_MILLION: Final = 1_000_000


class _Found(NamedTuple):
    """The newest record of a key; None: it was deleted."""

    partition: int
    value: bytes | None


class Journeys:
    """Answers for a board; one question at a time."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._lock = asyncio.Lock()

    async def of(self, customer: str) -> dict[str, Any] | None:
        """Return a customer's journey as plain data; None where nothing is known of them, or they were erased.

        Raises DependencyError where Kafka does not answer in time, or the board is behind the customer's record.
        """
        try:
            async with asyncio.timeout(_SECONDS), self._lock:
                found = await self._find(f"c:{customer}".encode())
        except TimeoutError:
            raise DependencyError("kafka", f"the timelines were not read through in {_SECONDS:.0f} s") from None
        except KafkaError as error:
            raise DependencyError("kafka", f"the timelines cannot be read: {error!r}") from error
        if found is None or found.value is None:
            return None
        return await self._view.run(self._decode, customer, found.partition, found.value)

    async def _find(self, key: bytes) -> _Found | None:
        config = worker_config(self._view.settings)
        consumer = AIOKafkaConsumer(
            **config.client("board-journey"),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level=config.isolation_level,
            fetch_max_wait_ms=_READ_WAIT_MS,
            max_partition_fetch_bytes=_READ_BYTES,
        )
        await consumer.start()
        try:
            return await _search(consumer, config, sorted(self._view.marks), key)
        finally:
            await consumer.stop()

    def _decode(self, customer: str, partition: int, record: bytes) -> dict[str, Any] | None:
        """In the board's thread: the numbers of groups are the partition's, and the board has learned what they are."""
        context = Context(self._view.settings)
        merge = self._view.merge
        numbers = merge._numbers.get(partition)  # noqa: SLF001 (no other way yet from a partition's numbers to values)
        for number, here in enumerate(numbers.groups if numbers else ()):
            if number:
                context.groups.restore(number, merge.groups[max(here, 0)])
        try:
            known = journey(Timeline.load(record, context, customer=True).state, context)
        except IndexError:  # a group that came with this very record
            raise DependencyError(
                "board", "the board has not read as far as this customer's record; ask again"
            ) from None
        return None if known is None else {"customer": customer, **shown(known)}


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
    newest: dict[int, tuple[int, _Found]] = {}
    for tp, offset in low.items():
        consumer.seek(tp, offset)
    consumer.resume(*low)
    unread = set(low)
    while unread:
        fetched: dict[TopicPartition, list[Any]] = await consumer.getmany(
            *unread, timeout_ms=_READ_WAIT_MS, max_records=_READ_RECORDS
        )
        for tp, records in fetched.items():
            for record in records:
                if record.key == key and record.offset < high[tp]:
                    newest[tp.partition] = (record.timestamp, _Found(tp.partition, record.value))
        done = {tp for tp in unread if await consumer.position(tp) >= high[tp]}
        consumer.pause(*done)
        unread -= done
    return max(newest.values(), key=lambda entry: entry[0])[1] if newest else None


def shown(known: Journey) -> dict[str, Any]:
    """Return a journey as the API gives it: times RFC 3339, durations in seconds, scores from 0 to 1."""
    return {
        "churned": known.churned,
        "at_risk": known.at_risk,
        "moments": [_moment(moment) for moment in known.moments],
        "largest_drop": None if known.drop is None else _drop(known.drop),
    }


def _moment(moment: Moment) -> dict[str, Any]:
    details = dict(_detail(key, value) for key, value in moment.details.items())
    return {
        "at": _time(moment.at),
        "until": _time(moment.until) if moment.until else None,
        "what": moment.what,
        "id": moment.id,
        "group": moment.place,
        "score": moment.score / _MILLION if moment.score >= 0 else None,
        "about": moment.about or None,
        "details": details,
    }


def _detail(key: str, value: Detail) -> tuple[str, Detail | float]:
    return (
        (key.replace("_ms", "_seconds"), int(value) / 1000) if "_ms" in key and isinstance(value, int) else (key, value)
    )


def _drop(drop: Drop) -> dict[str, Any]:
    return {
        "kind": drop.kind,
        "by": (drop.before.score - drop.after.score) / _MILLION,
        "before": _moment(drop.before),
        "after": _moment(drop.after),
        "between": [_moment(moment) for moment in drop.between],
    }


def _time(at: int) -> str:
    return dt.datetime.fromtimestamp(at / 1000, dt.UTC).isoformat().replace("+00:00", "Z")
