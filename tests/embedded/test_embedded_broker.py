"""The embedded broker serves a topic, and says why where it cannot start."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import socket

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streamer.embedded import EmbeddedBroker
from streamer.errors import DependencyError

pytestmark = pytest.mark.service


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def create(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1)])
    await admin.close()


async def test_what_is_produced_is_consumed_in_order(embedded_broker: EmbeddedBroker) -> None:
    bootstrap = embedded_broker.bootstrap
    await create(bootstrap, "letters")
    values = [bytes([letter]) for letter in b"abcdefgh"]
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for value in values:
            await producer.send("letters", value, partition=1)
        await producer.flush()
    async with AIOKafkaConsumer("letters", bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        got = [await asyncio.wait_for(consumer.getone(), 10) for _ in values]
    assert [record.value for record in got] == values
    assert [record.offset for record in got] == list(range(len(values)))


async def test_the_end_offset_is_right_after_a_batch_of_one_record(embedded_broker: EmbeddedBroker) -> None:
    """Where this fails for the first batch, Tansu was mended: the processor's single record at the start can go."""
    bootstrap = embedded_broker.bootstrap
    await create(bootstrap, "ends")
    end = TopicPartition("ends", 0)
    async with (
        AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=50) as producer,
        AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer,
    ):
        consumer.assign([end])
        await asyncio.gather(*[await producer.send("ends", b"batch", partition=0) for _ in range(3)])
        assert await consumer.end_offsets([end]) != {end: 3}
        await producer.send_and_wait("ends", b"single", partition=0)
        assert await consumer.end_offsets([end]) == {end: 4}


async def test_it_ends_with_its_block_and_starts_empty_on_the_same_port() -> None:
    broker = EmbeddedBroker()
    async with broker:
        first, pid = broker.bootstrap, broker.pid
        await create(first, "gone")
    assert broker.pid is None
    assert pid is not None
    assert not alive(pid)
    with broker:
        assert broker.bootstrap == first
        admin = AIOKafkaAdminClient(bootstrap_servers=first)
        await admin.start()
        assert await admin.list_topics() == []
        await admin.close()
    broker.stop()


async def test_a_start_that_is_cancelled_leaves_no_process() -> None:
    broker = EmbeddedBroker()
    start = asyncio.create_task(broker.__aenter__())
    await asyncio.sleep(0)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert broker.pid is None


def test_a_taken_port_is_an_error_that_names_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(DependencyError, match=f"port {port} is taken"):
            EmbeddedBroker(port).start()


def test_a_platform_without_the_wheel_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="extra 'embedded', or name a Kafka broker"):
        EmbeddedBroker().start()
