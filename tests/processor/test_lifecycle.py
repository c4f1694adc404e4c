"""Starting, refusing, restarting, stopping; dead letters; the embedded broker."""

import asyncio
import json
import time

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from kafka import TopicPartition

from streamer.embedded import free_port
from streamer.processor.config import WorkerConfig
from streamer.processor.errors import WrongPartitionsError
from streamer.processor.mark import MARK, Mark, encode_mark
from streamer.processor.owned import Owned
from streamer.processor.reader import reader
from streamer.processor.restore import _bounds, _read
from streamer.processor.topics import COMPACTION_LAG_MS, RETENTION_MS, ensure_topics
from tests.processor import scenarios
from tests.processor.counted import CountingGroup
from tests.processor.counting import CountingState
from tests.processor.kit import READY, Audit, assert_exact, http_get
from tests.services.process import wait_until

pytestmark = [pytest.mark.service, pytest.mark.slow]
REFUSED = 3


@pytest.fixture
def group(kafka, tmp_path):
    group = CountingGroup(tmp_path, kafka.bootstrap)
    yield group
    group.close()


def metric(text, name):
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name)


async def committed(group):
    """What the group's offsets say of partition 0: they only show lag, but that they do."""
    admin = AIOKafkaAdminClient(bootstrap_servers=group.config.bootstrap)
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group.config.app_id)
        return {tp.topic: o.offset for tp, o in offsets.items() if tp.partition == 0}
    finally:
        await admin.close()


def test_a_restart_after_sigterm_applies_nothing_again(group):
    port = free_port()
    group.produce(4_000, 4_000).wait()
    group.start(0, port=port)
    wait_until(lambda: http_get(port, "/ready")[0] == 200, 40)
    assert json.loads(http_get(port, "/live")[1]) == {"live": True}
    wait_until(lambda: metric(http_get(port, "/metrics")[1], "support_events_total") == 4_000, 20)
    started = time.monotonic()
    assert group.workers[0].stop() == 0
    assert time.monotonic() - started < 20
    first = assert_exact(group)
    assert asyncio.run(committed(group)) == first.marks[first.tps[0]][-1].offsets
    group.start(0, port=port)
    wait_until(lambda: http_get(port, "/ready")[0] == 200, 40)
    time.sleep(1.5)
    text = http_get(port, "/metrics")[1]
    assert metric(text, "support_worker_records_total") == 0
    assert metric(text, "support_worker_recovered_records_total") == first.records
    assert metric(text, "support_worker_lag_records") == 0
    assert metric(text, "support_worker_lost_partitions_total") == 0
    assert group.found(assert_exact(group)) == group.found(first)


def test_an_idle_partition_keeps_saying_that_it_lives(group):
    group.start(0)
    group.workers[0].wait_for(READY)
    time.sleep(3.5)
    audit = Audit(group)
    audit.read()
    for tp in audit.tps:
        marks = audit.marks[tp]
        assert 2 <= len(marks) <= 5
        # Nothing has ever come: read to the end counts as now, so the clock goes on.
        assert marks[-1].clock > marks[0].clock
        assert abs(marks[-1].clock - marks[-1].time) < 2_000


def test_another_configuration_is_refused_with_the_way_out(group):
    group.produce(200, 10_000).wait()
    group.start(0)
    Audit(group).settle()
    other = group.start(1, configuration="c2")
    assert other.process.wait(30) == REFUSED
    assert "streamer rebuild" in other.log()
    assert "c2" in other.log()
    # It was refused before it joined the group: the worker that runs was not disturbed.
    assert group.workers[0].count(READY) == 1
    assert group.workers[0].stop() == 0


async def make_anew(bootstrap, topic, partitions):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        code = 1
        while code:
            await asyncio.sleep(0.2)
            code = (await admin.create_topics([NewTopic(topic, partitions, 1)])).topic_errors[0][1]
    finally:
        await admin.close()


def test_a_source_that_was_made_anew_ends_the_worker_after_it_joined(group):
    group.produce(2_000, 10_000).wait()
    group.start(0)
    Audit(group).settle()
    assert group.workers[0].stop() == 0
    asyncio.run(make_anew(group.config.bootstrap, group.config.sources[0], group.config.partitions))
    worker = group.start(1)
    assert worker.process.wait(40) == REFUSED
    assert "the topic was made anew; run `streamer rebuild`" in worker.log()


def test_a_state_that_raises_ends_the_worker(group):
    worker = group.start(0, {"break_state": True})
    worker.wait_for(READY)
    group.produce(10, 10_000).wait()
    assert worker.process.wait(40) not in (0, REFUSED)
    assert "ZeroDivisionError" in worker.log()
    assert worker.count(READY) == 1


def test_dead_letters_are_written_once_whatever_dies(group):
    group.produce(6_000, 800, poison=50)
    audit = scenarios.kill_at_random(group, 1, kills=2, pause=(1, 3))
    assert sorted(audit.letters()) == sorted(group.poisoned)
    assert len(group.poisoned) == 120


async def describe(bootstrap, topics):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(topics)
        return {d["topic"]: len(d["partitions"]) for d in described}
    finally:
        await admin.close()


async def test_topics_are_made_with_equal_partitions(kafka):
    config = WorkerConfig(
        bootstrap=kafka.bootstrap, app_id="made", configuration="c", partitions=3, sources=("made.a", "made.b"),
        dead_letters="made.dl",
    )  # fmt: skip
    made = await ensure_topics(config)
    assert made == ["made-panes", "made-timelines", "made.a", "made.b", "made.dl"]
    assert await ensure_topics(config) == []
    assert set((await describe(kafka.bootstrap, made)).values()) == {3}
    assert COMPACTION_LAG_MS < RETENTION_MS


async def test_wrong_partition_counts_are_refused_with_the_command_that_mends_them(kafka):
    config = WorkerConfig(
        bootstrap=kafka.bootstrap, app_id="wrong", configuration="c", partitions=4, sources=("wrong.a", "wrong.b"),
        dead_letters="wrong.dl",
    )  # fmt: skip
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("wrong.b", 2, 1)])
    await admin.close()
    with pytest.raises(WrongPartitionsError, match=r"wrong\.b has 2.*--alter --topic wrong\.b --partitions 4"):
        await ensure_topics(config)


def test_a_broker_that_is_not_there_is_an_error_before_joining(tmp_path, kafka):
    group = CountingGroup(tmp_path, kafka.bootstrap)
    worker = group.start(0, bootstrap=f"127.0.0.1:{free_port()}")
    assert worker.process.wait(60) not in (0, REFUSED)
    assert "kafka: 127.0.0.1" in worker.log()


def test_the_embedded_broker_without_transactions(embedded_broker, tmp_path):
    group = CountingGroup(tmp_path, embedded_broker.bootstrap, fencing="none", partitions=2)
    try:
        group.produce(3_000, 1_500)
        group.start(0)
        group.producer.wait()
        audit = Audit(group).settle()
        assert group.workers[0].stop() == 0
        audit.read()
        group.assert_same(audit)
        # The state survives the worker as long as the broker lives.
        group.start(0)
        group.produce(500, 5_000).wait()
        audit.settle()
        group.assert_same(audit)
        assert audit.marks[TopicPartition(group.config.changelog("panes"), 0)]
    finally:
        group.close()


async def test_a_batch_behind_the_end_that_tansu_tells_is_recovered(embedded_broker, tmp_path, monkeypatch):
    """Its end is the first offset of the last batch, plus one: with fetches of 10 records most of the batch is behind it."""
    monkeypatch.setattr("streamer.processor.restore.READ_RECORDS", 10)
    config = WorkerConfig(
        bootstrap=embedded_broker.bootstrap, app_id=f"batch-{tmp_path.name}", configuration="c", partitions=1,
        sources=("batch.a",), dead_letters="batch.dl", fencing="none",
    )  # fmt: skip
    await ensure_topics(config)
    producer = AIOKafkaProducer(bootstrap_servers=config.bootstrap, enable_idempotence=False)
    await producer.start()
    rows = [(b"k%d" % i, b"v") for i in range(50)]
    mark = Mark(offsets={"batch.a": 0}, arrivals={}, clock=3, time=4, configuration="c")
    for topic in config.changelogs:
        batch = producer.create_batch()
        for key, value in [*rows, (MARK, encode_mark(mark))]:
            batch.append(key=key, value=value, timestamp=None)
        await (await producer.send_batch(batch, topic, partition=0))
    await producer.stop()
    held, source = [Owned(0, CountingState(config.sources))], reader(config, "recovery")
    await source.start()
    try:
        # No partitions: only what another worker wrote meanwhile needs them.
        assert await _read(source, None, config, held, await _bounds(source, config, held)) == 2 * 51
    finally:
        await source.stop()
    assert held[0].state.tables == {"timelines": dict(rows), "panes": dict(rows)}
    assert held[0].mark == mark
