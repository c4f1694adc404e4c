"""The short way into kafka-python: what `put` sends is what `send` would have sent."""

import uuid

import pytest
from kafka.errors import IllegalStateError, KafkaTimeoutError, MessageSizeTooLargeError

from streamer.producers.kafka import Producer
from tests.emitter.kit import make_topics


@pytest.fixture
def producer(kafka):
    make_topics(kafka.bootstrap)
    producer = Producer(
        bootstrap_servers=kafka.bootstrap, acks="all", allow_auto_create_topics=False, max_block_ms=2000
    )
    yield producer
    producer.close()


def told(future):
    answer = future.get(timeout=30)
    return answer.topic, answer.partition, answer.serialized_key_size, answer.serialized_value_size


def test_put_sends_to_the_partition_that_send_does(producer):
    keys = [uuid.uuid4().hex[:length].encode() for length in (1, 2, 3, 4, 5, 31, 32) for _ in range(5)]
    sent = [producer.send("support.tickets", key=key, value=b"value") for key in keys]
    put = [producer.put("support.tickets", key, b"value") for key in keys]

    assert [told(future) for future in put] == [told(future) for future in sent]
    assert len({told(future)[1] for future in put}) > 1


def test_put_refuses_what_send_refuses(producer):
    with pytest.raises(MessageSizeTooLargeError):
        producer.put("support.tickets", b"key", b"x" * 2_000_000)
    with pytest.raises(KafkaTimeoutError):
        producer.put("support.nothing", b"key", b"value")
    assert told(producer.put("support.tickets", b"key", b"x" * 200_000))[3] == 200_000
    producer.close()
    with pytest.raises(IllegalStateError):
        producer.put("support.tickets", b"key", b"value")
