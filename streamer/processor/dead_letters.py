"""The dead-letter topic: read what could not be accepted, and send it back to where it came from."""

import time
from collections.abc import AsyncIterator, Iterable
from typing import NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition

from streamer.errors import DependencyError
from streamer.events.codec import Decoder
from streamer.events.errors import InvalidEvent
from streamer.processor.config import WorkerConfig
from streamer.processor.reader import READ_WAIT_MS, reader
from streamer.processor.topics import administer

_OURS = "streamer_error_"
_READ_RECORDS = 2_000


class Letter(NamedTuple):
    """A dead letter. `topic`, `partition`, `offset`: where the record was refused; `headers`: as they came."""

    place: str
    """Where it lies in the dead-letter topic, as partition:offset."""
    written: int
    """When, in ms since the epoch."""
    code: str
    stage: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    source: str
    """The event's source, as far as it can be read."""
    refused: str
    """Why it would be refused today (code and place in the event); empty: it would be accepted."""


async def read_letters(config: WorkerConfig, decoder: Decoder) -> AsyncIterator[Letter]:
    """Give all dead letters up to now, each partition in its order.

    A record that was refused twice at one place, as by a rebuild, is given once. Raises DependencyError where the topic
    does not exist, KafkaError where the brokers do not answer.
    """
    async with administer(config) as admin:
        if config.dead_letters not in await admin.list_topics():
            raise DependencyError("kafka", f"topic {config.dead_letters} does not exist: no worker has run yet")
        (described,) = await admin.describe_topics([config.dead_letters])
    tps = [TopicPartition(config.dead_letters, number) for number in range(len(described["partitions"]))]
    consumer = reader(config, "recovery")
    await consumer.start()
    try:
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        await consumer.seek_to_beginning(*tps)
        seen: set[tuple[str, int, int]] = set()
        while tps := [tp for tp in tps if await consumer.position(tp) < ends[tp]]:
            fetched = await consumer.getmany(*tps, timeout_ms=READ_WAIT_MS, max_records=_READ_RECORDS)
            for letter in (_letter(record, decoder) for records in fetched.values() for record in records):
                origin = letter.topic, letter.partition, letter.offset
                if origin not in seen:
                    seen.add(origin)
                    yield letter
    finally:
        await consumer.stop()


def _letter(record: object, decoder: Decoder) -> Letter:
    headers: list[tuple[str, bytes]] = list(record.headers)  # type: ignore[attr-defined]
    key, value, partition, offset, written = (
        getattr(record, name) for name in ("key", "value", "partition", "offset", "timestamp")
    )
    # Of repeated headers the last is ours: a producer may have sent such names itself.
    ours = {name.removeprefix(_OURS): text.decode(errors="replace") for name, text in headers if name.startswith(_OURS)}
    topic, source, refused = ours.get("topic", ""), "", ""
    try:
        source = decoder.decode(topic, key, value, time.time_ns() // 1_000_000)[0].source
    except InvalidEvent as error:
        source, refused = error.source, str(error)
    from_partition, from_offset = ours.get("partition", ""), ours.get("offset", "")
    return Letter(
        place=f"{partition}:{offset}",
        written=written,
        code=ours.get("code", ""),
        stage=ours.get("stage", ""),
        topic=topic,
        # Where another program wrote into the topic there are no headers of ours: it stands for itself.
        partition=int(from_partition) if from_partition.isdecimal() else partition,
        offset=int(from_offset) if from_offset.isdecimal() else offset,
        key=key,
        value=value,
        headers=[(name, text) for name, text in headers if not name.startswith(_OURS)],
        source=source,
        refused=refused,
    )


async def send_again(config: WorkerConfig, letters: Iterable[Letter]) -> int:
    """Append letters to the partitions where they were refused, with their own key, value and headers; gives how many.

    What was applied meanwhile is a repeat and counts once. Raises KafkaError where one is not acknowledged.
    """
    producer = AIOKafkaProducer(
        **config.client("dead-letters"), acks="all", enable_idempotence=config.fenced, linger_ms=20
    )
    await producer.start()
    try:
        futures = [
            await producer.send(
                letter.topic, letter.value, key=letter.key, partition=letter.partition, headers=letter.headers
            )
            for letter in letters
        ]
        for future in futures:
            await future
    finally:
        await producer.stop()
    return len(futures)
