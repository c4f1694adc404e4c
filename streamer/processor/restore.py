"""Recovery of partitions from their changelogs: fence, then read the end, then recover.

Faust's own recovery feeds the changelogs through its stream machinery (5,200 records/s) and has to be held off at
many points for the fence; this reads them with a consumer of its own, in chunks, while the flow is stopped.
"""

import asyncio
import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from mode.utils.logging import get_logger

from streamer.processor.config import WorkerConfig
from streamer.processor.errors import BrokenChangelogError, ConfigurationChangedError, LogTruncatedError
from streamer.processor.mark import CONTROL, END, MARK, Mark, decode_mark
from streamer.processor.metrics import WorkerMetrics
from streamer.processor.owned import Owned
from streamer.processor.partitions import Partitions
from streamer.processor.reader import READ_WAIT_MS, reader

logger = get_logger(__name__)

# Taken in between two looks at the event loop: 20,000 records are about 0.1 s.
READ_RECORDS = 20_000

Bounds = dict[TopicPartition, tuple[int, int]]
"""First and next offset of a log."""


@dataclass(slots=True, eq=False)
class _Log:
    """One changelog partition while it is read."""

    tp: TopicPartition
    table: str
    owned: Owned
    end: int
    mark: Mark | None = None
    unmarked: int = 0
    """Records after the last mark."""


async def restore(partitions: Partitions, config: WorkerConfig, metrics: WorkerMetrics, numbers: set[int]) -> None:
    """Hold the partitions with these numbers, and no others, recovered up to their changelogs' ends.

    What is still in memory from before a rebalance is kept if nobody else has written meanwhile. Raises KafkaError (or
    a group of them) where the brokers do not answer, and ProcessorError where the state cannot be continued.
    """
    started, count, reading = time.monotonic(), 0, 0.0
    held = partitions.hold(numbers)
    # A group, not gather(): a fence that outlived its recovery would shut out the next one's.
    async with asyncio.TaskGroup() as group:
        for owned in held:
            group.create_task(partitions.fence(owned))
    if held:
        source = reader(config, "recovery")
        try:
            await source.start()
            # All that has to be asked, before the first fetch is under way: each question would wait for its long poll.
            bounds = await _bounds(source, config, held)
            begun = time.monotonic()
            count = await _read(source, partitions, config, held, bounds)
            reading = time.monotonic() - begun
            for owned in partitions.held:  # not `held`: some may have been put anew
                _resume_sources(bounds, config, owned)
                owned.state.restored()
        finally:
            await source.stop()
        gc.freeze()  # state: no collection need look at it
    elapsed = time.monotonic() - started
    metrics.recovery_seconds.set(elapsed)
    metrics.recovered_records.inc(count)
    logger.info(
        "recovered partitions %s: %s records in %.2f s, %.2f s of it reading", sorted(numbers), count, elapsed, reading
    )


async def _bounds(source: AIOKafkaConsumer, config: WorkerConfig, held: Sequence[Owned]) -> Bounds:
    """First and next offset of all changelogs and sources. The fence is up: nobody can move a changelog's end."""
    tps = [TopicPartition(topic, o.number) for o in held for topic in (*config.changelogs, *config.sources)]
    source.assign(tps)  # makes it learn the topics' leaders at once; unasked it takes several retries
    source.pause(*tps)
    starts, ends = await source.beginning_offsets(tps), await source.end_offsets(tps)
    return {tp: (starts[tp], ends[tp]) for tp in tps}


async def _read(
    source: AIOKafkaConsumer, partitions: Partitions, config: WorkerConfig, held: Sequence[Owned], bounds: Bounds
) -> int:
    tps = [tp for tp in bounds if tp.topic in config.changelogs]
    by_number = {owned.number: owned for owned in held}
    logs = {tp: _Log(tp, config.changelogs[tp.topic], by_number[tp.partition], bounds[tp][1]) for tp in tps}
    for log in logs.values():
        source.seek(log.tp, log.owned.positions.get(log.tp.topic, 0))
    source.resume(*tps)
    count, open_logs = 0, set(tps)
    while open_logs:
        fetched: dict[TopicPartition, list[Any]] = await source.getmany(
            timeout_ms=READ_WAIT_MS, max_records=READ_RECORDS
        )
        foreign = {
            tp.partition
            for tp, records in fetched.items()
            if logs[tp].owned.mark is not None and any(record.key != END for record in records)
        }
        for number in foreign:
            logger.info("partition %s was written by another worker meanwhile: recovering it from the start", number)
            fresh = partitions.reset(by_number[number])
            for log in logs.values():
                if log.tp.partition == number:
                    log.owned, log.mark, log.unmarked = fresh, None, 0
                    source.seek(log.tp, 0)
                    open_logs.add(log.tp)
        for tp, records in fetched.items():
            if tp.partition not in foreign:
                count += _take(logs[tp], records)
        for tp in list(open_logs):
            log = logs[tp]
            log.owned.positions[tp.topic] = await source.position(tp)
            # Tansu's end is the first offset of the last batch, plus one: the rest of the batch is read too.
            if log.owned.positions[tp.topic] >= log.end and (config.fenced or tp not in fetched):
                open_logs.discard(tp)
    for number in by_number:
        _settle([log for log in logs.values() if log.tp.partition == number], config)
    return count


def _take(log: _Log, records: Sequence[Any]) -> int:
    """Give the records to the partition's state, and keep the newest mark."""
    pairs = [(record.key, record.value) for record in records]
    controls = [i for i, (key, _) in enumerate(pairs) if key in CONTROL]
    last = max((i for i in controls if pairs[i][0] == MARK), default=None)
    if last is None:
        log.unmarked += len(pairs) - len(controls)
    else:
        log.mark = decode_mark(pairs[last][1])
        log.unmarked = len(pairs) - 1 - last - sum(i > last for i in controls)
    for i in reversed(controls):
        del pairs[i]
    if pairs:
        log.owned.state.restore_many(log.table, pairs)
    return len(records)


def _settle(logs: Sequence[_Log], config: WorkerConfig) -> None:
    """Continue from the logs' common mark."""
    owned = logs[0].owned
    marks = [log.mark for log in logs if log.mark]
    if not marks:  # a new partition, or one that was kept in memory
        if owned.mark is None and any(log.unmarked for log in logs):
            raise BrokenChangelogError(f"partition {owned.number}: records without a mark")
        return
    # Without transactions a flush may have been torn: then the older mark counts, and some events are applied twice.
    mark = min(marks, key=lambda m: m.time)
    if config.fenced and (len(marks) < len(logs) or any(m != mark for m in marks) or any(log.unmarked for log in logs)):
        raise BrokenChangelogError(f"partition {owned.number}: the changelogs do not end in one mark")
    if mark.configuration != config.configuration:
        raise ConfigurationChangedError(owned.number, mark.configuration, config.configuration)
    owned.mark, owned.clock = mark, mark.clock
    owned.offsets = {topic: offset for topic, offset in mark.offsets.items() if topic in config.sources}
    owned.arrivals = {topic: arrival for topic, arrival in mark.arrivals.items() if topic in config.sources}


def _resume_sources(bounds: Bounds, config: WorkerConfig, owned: Owned) -> None:
    """Check the offsets to go on from against the source topics as they are now; new topics begin at their start."""
    for topic in config.sources:
        start, end = bounds[TopicPartition(topic, owned.number)]
        included = owned.offsets.get(topic, start)
        if included > end and config.fenced:  # Tansu's ends are too low (see _read)
            raise LogTruncatedError(topic, owned.number, end, included)
        if included < start:
            logger.error(
                "%s[%s]: events %s to %s were deleted before they were read", topic, owned.number, included, start
            )
        owned.offsets[topic] = max(included, start)


async def check_configuration(config: WorkerConfig) -> None:
    """Refuse a saved state of another configuration before joining the group, so that its workers are not disturbed.

    Raises ConfigurationChangedError. Looks at the last records only; recovery looks again at what it finds.
    """
    tps = [TopicPartition(config.changelog(config.tables[-1]), number) for number in range(config.partitions)]
    source = reader(config, "recovery")
    await source.start()
    try:
        source.assign(tps)
        ends, starts = await asyncio.gather(source.end_offsets(tps), source.beginning_offsets(tps))
        wanted = {tp for tp in tps if ends[tp] > starts[tp]}
        for tp in wanted:
            # The mark, its transaction's end, and a few transactions that were given up.
            source.seek(tp, max(starts[tp], ends[tp] - 10))
        while wanted:
            fetched = await source.getmany(*wanted, timeout_ms=READ_WAIT_MS)
            for tp, records in fetched.items():
                for mark in [decode_mark(record.value) for record in records if record.key == MARK][-1:]:
                    if mark.configuration != config.configuration:
                        raise ConfigurationChangedError(tp.partition, mark.configuration, config.configuration)
            wanted = {tp for tp in wanted if await source.position(tp) < ends[tp]}
    finally:
        await source.stop()
