"""The sender: to the topic and partition that the processor expects, counted when acknowledged, and never for ever."""

import socket
import uuid

import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import NewTopic
from kafka.partitioner.default import murmur2

from streamer.errors import DataError, DependencyError
from streamer.events import TOPICS
from streamer.producers.kafka import KafkaSender, address
from streamer.producers.simulator import demo, simulate
from streamer.settings import Settings, load_settings
from tests.services.kafka import Kafka

pytestmark = [pytest.mark.service, pytest.mark.slow]

START_MS = 1_767_571_200_000
PARTITIONS = 3


def settings_for(bootstrap: str) -> Settings:
    return load_settings(environ={"STREAMER_KAFKA__BOOTSTRAP": bootstrap})


@pytest.fixture(params=["kafka", "embedded_broker"])
def broker(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def topics(broker):
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    names = set(admin.list_topics())
    if missing := [NewTopic(name, PARTITIONS, 1) for name in TOPICS if name not in names]:
        admin.create_topics(missing)
    admin.close()


def test_an_event_s_topic_and_key_follow_from_its_type_and_customer():
    event = {"type": "support.cart.opened", "subject": "cart-1", "data": {"customer": "c1"}}
    assert address(event) == ("support.customers", "c1")
    assert address({"type": "support.call.queued", "subject": "call-1", "data": {}}) == ("support.calls", "call-1")


@pytest.mark.parametrize("event", [{}, {"type": "support"}, {"type": "support.ghost.x", "subject": "s", "data": {}}])
def test_what_is_no_event_has_no_address(event):
    with pytest.raises(DataError):
        address(event)


def test_all_arrives_in_its_customer_s_partition_and_is_counted(broker, topics):
    events = list(simulate(demo(customers=20), start_ms=START_MS, duration_ms=120_000, seed=uuid.uuid4().int))
    with KafkaSender(settings_for(broker.bootstrap)) as sender:
        for event in events:
            sender.send(event)
        sender.flush()
        assert sender.acknowledged == len(events)
    expected = {event["id"] for event in events}
    consumer = KafkaConsumer(
        *TOPICS, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=5000
    )
    for record in consumer:
        found = {name for name in expected if name.encode() in record.value}
        if found:
            # another test may have made the shared broker's topics first, with another number of partitions
            count = len(consumer.partitions_for_topic(record.topic))
            assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % count
            expected -= found
        if not expected:
            break
    consumer.close()
    assert not expected


def test_a_broker_that_is_away_is_an_error_that_names_it_and_not_a_hang():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(DependencyError, match=address) as caught:
            KafkaSender(settings_for(address), timeout_s=1.0)
    assert caught.value.retryable


def send_all(bootstrap, topic, count=1, *, timeout_s=2.0):
    with KafkaSender(settings_for(bootstrap), timeout_s=timeout_s) as sender:
        for _ in range(count):
            sender.send_record(topic, b"key", b"value")


def test_a_topic_that_is_not_there_is_named(kafka):
    """Only at Kafka: the embedded broker makes any topic that it is asked about."""
    with pytest.raises(DependencyError, match=r"support\.nothing"):
        send_all(kafka.bootstrap, "support.nothing")


def test_a_broker_that_dies_is_told_by_the_next_call(services):
    broker = services.start(Kafka)
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_topics([NewTopic("support.calls", 1, 1)])
    admin.close()
    sender = KafkaSender(settings_for(broker.bootstrap), timeout_s=3.0)
    sender.send_record("support.calls", b"key", b"value")
    sender.flush()
    broker.kill9()
    sender.send_record("support.calls", b"key", b"value")
    with pytest.raises(DependencyError, match="kafka"):
        sender.flush()
    with pytest.raises(DependencyError, match="kafka"), sender:
        sender.send_record("support.calls", b"key", b"value")
    assert sender.acknowledged == 1


def test_more_than_the_memory_shall_hold_waits_for_the_broker(broker, topics, monkeypatch):
    monkeypatch.setattr("streamer.producers.kafka._UNDER_WAY_MAX", 5)
    with KafkaSender(settings_for(broker.bootstrap)) as sender:
        for number in range(200):
            sender.send_record("support.agents", b"key", b"value")
            assert sender.acknowledged >= number - 5
