"""`streamer emit` to a real Kafka."""

import json
import signal
import subprocess
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from kafka import KafkaConsumer

from streamer import cli
from streamer.producers import kafka
from tests.cli.test_cli import STREAMER, interruptible
from tests.emitter.kit import make_topics
from tests.services.kafka import Kafka

__all__ = ["interruptible"]  # a fixture
ROOT = Path(__file__).parents[2]
CALLS = str(ROOT / "tests" / "data" / "anonymous_bank_1999_01_01-03.tsv")
MAPPING = str(ROOT / "examples" / "anonymous_bank.toml")


def emit(*options):
    with pytest.raises(SystemExit) as ended:
        cli.main(["emit", CALLS, "--mapping", MAPPING, *options])
    return ended.value.code or 0


async def test_every_event_arrives_once_under_its_customers_key_in_order(services, tmp_path):
    broker = services.start(Kafka)  # its own: the topic's name is given
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("support.calls", 3, 1)])
    await admin.close()

    assert emit("--out", str(tmp_path / "calls.jsonl")) == 0
    assert emit("--bootstrap", broker.bootstrap) == 0

    expected = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    async with AIOKafkaConsumer(
        "support.calls", bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        records = []
        while len(records) < len(expected):
            for batch in (await consumer.getmany(timeout_ms=10_000)).values():
                assert batch
                records += batch
        ends = await consumer.end_offsets(consumer.assignment())
    assert sum(ends.values()) == len(expected)
    arrived = [json.loads(record.value) for record in records]
    by_partition = {}
    for record, event in zip(records, arrived, strict=True):
        assert record.key.decode() == event["data"].get("customer", event["subject"])
        by_partition.setdefault(record.partition, []).append(event)
    assert sorted(event["id"] for event in arrived) == sorted(event["id"] for event in expected)
    for events in by_partition.values():
        present = {event["id"] for event in events}
        assert [event["id"] for event in expected if event["id"] in present] == [event["id"] for event in events]


def test_ctrl_c_says_how_many_events_the_broker_has(services, tmp_path, interruptible):
    broker = services.start(Kafka)  # its own: what arrives is this event
    make_topics(broker.bootstrap)
    rate = ("--at-rate", "0.001")  # the second is due in 1,000 s
    arguments = [*STREAMER, "emit", CALLS, "--mapping", MAPPING, "--bootstrap", broker.bootstrap, *rate]
    consumer = KafkaConsumer(
        "support.calls", bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=60_000
    )
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            next(consumer)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    consumer.close()

    assert process.returncode == 130
    assert "streamer: interrupted; so far:\n" in err
    assert ", 1 events, " in err.splitlines()[-1]


def test_a_broker_that_is_away_is_a_failed_dependency(capsys, monkeypatch):
    monkeypatch.setattr(kafka.KafkaSender.__init__, "__kwdefaults__", {"timeout_s": 1.0})

    assert emit("--bootstrap", "127.0.0.1:1") == 69
    assert "streamer: kafka: 127.0.0.1:1" in capsys.readouterr().err
