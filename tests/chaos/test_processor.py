"""The faults of tests/processor, for minutes: `make chaos`."""

import os
import signal
import time

import pytest

from streamer.processor.topics import CHANGELOG
from tests.processor import scenarios
from tests.processor.kit import Group
from tests.services.kafka import Kafka

pytestmark = [pytest.mark.service, pytest.mark.chaos, pytest.mark.timeout(900)]


@pytest.fixture
def group(kafka, tmp_path):
    group = Group(tmp_path, kafka.bootstrap, customers=3_000)
    yield group
    group.close()


@pytest.fixture
def broker(services):
    broker = services.start(Kafka)
    yield broker
    broker.stop()


@pytest.fixture
def group_alone(broker, tmp_path):
    group = Group(tmp_path, broker.bootstrap, customers=3_000)
    yield group
    group.close()


def test_30_kills_of_one_worker(group):
    group.produce(150_000, 1_500)
    scenarios.kill_at_random(group, 1, kills=30, pause=(0.5, 4))


def test_30_kills_of_two_workers(group):
    group.produce(150_000, 1_500)
    scenarios.kill_at_random(group, 2, kills=30, pause=(0.5, 4))


def test_15_kills_of_three_workers_without_static_membership(group):
    group.produce(150_000, 1_500)
    scenarios.kill_at_random(group, 3, kills=15, pause=(2, 8), static=False)


def test_a_storm_of_40_joins_leaves_and_deaths(group):
    group.produce(120_000, 1_000)
    scenarios.storm(group, 3, steps=40, pause=(0.5, 5))


def test_30_deaths_in_flushes(group):
    group.produce(100_000, 1_000)
    scenarios.die_in_flushes(group, kills=30, chance=0.25)


@pytest.mark.parametrize("where", [None, "begin", "send"])
@pytest.mark.parametrize("turn", range(5))
def test_frozen_past_the_session(group, where, turn):
    group.produce(25_000, 1_000)
    scenarios.freeze(group, where, past=9 + turn)


def test_10_intruders(group):
    group.produce(30_000, 1_000)
    scenarios.intrude(group, times=10)


def test_a_broker_killed_5_times(group_alone, broker):
    group_alone.produce(60_000, 600)
    scenarios.break_broker(group_alone, broker, rounds=5)


def test_a_broker_frozen_for_longer_than_everything_waits(group_alone, broker):
    group_alone.produce(30_000, 400)
    scenarios.break_broker(group_alone, broker, rounds=2, frozen=45)


def test_sigterm_while_the_broker_does_not_answer(group_alone, broker):
    """It leaves within 20 s all the same; nothing that was committed is lost."""
    group_alone.produce(5_000, 1_000).wait()
    worker = group_alone.start(0)
    worker.wait_for(scenarios.READY)
    time.sleep(1)
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        time.sleep(1)
        worker.stop()
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    group_alone.start(1)
    scenarios.assert_exact(group_alone)


def test_kills_while_the_changelogs_are_compacted(kafka, tmp_path, monkeypatch):
    """Compaction as often as a broker does it, and no lag: recovery starts from compacted logs."""
    monkeypatch.setitem(CHANGELOG, "min.compaction.lag.ms", "0")
    monkeypatch.setitem(CHANGELOG, "segment.ms", "1000")
    monkeypatch.setitem(CHANGELOG, "min.cleanable.dirty.ratio", "0.01")
    monkeypatch.setitem(CHANGELOG, "max.compaction.lag.ms", "1000")
    group = Group(tmp_path, kafka.bootstrap, customers=300)
    try:
        group.produce(120_000, 1_500)
        audit = scenarios.kill_at_random(group, 1, kills=12, pause=(4, 8))
        # It did happen: far fewer records are left than were written.
        assert audit.records < sum(audit.ends.values()) / 4
    finally:
        group.close()
