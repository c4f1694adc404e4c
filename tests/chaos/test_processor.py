"""The faults of tests/processor, for minutes: `make chaos`."""

import os
import signal
import time

import pytest

from streamer.processor.topics import CHANGELOG
from tests.processor import scenarios
from tests.processor.kit import READY
from tests.processor.product import ProductGroup
from tests.services.kafka import Kafka

pytestmark = [pytest.mark.service, pytest.mark.chaos, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def broker(services):
    broker = services.start(Kafka)
    yield broker
    broker.stop()


@pytest.fixture
def group(broker, tmp_path):
    group = ProductGroup(tmp_path, broker.bootstrap, customers=3_000)
    yield group
    group.close()


def test_30_kills_of_one_worker(group):
    group.produce(150_000, 1_500)
    group.assert_as_reference(scenarios.kill_at_random(group, 1, kills=30, pause=(0.5, 4)))


def test_30_kills_of_two_workers_and_rebalances(group):
    group.produce(150_000, 700)
    group.assert_as_reference(scenarios.kill_at_random(group, 2, kills=30, pause=(0.5, 4), static=False))


def test_a_storm_of_40_joins_leaves_and_deaths(group):
    group.produce(120_000, 1_000)
    group.assert_as_reference(scenarios.storm(group, 3, steps=40, pause=(0.5, 5)))


def test_30_deaths_in_flushes(group):
    group.produce(100_000, 1_000)
    group.assert_as_reference(scenarios.die_in_flushes(group, kills=30, chance=0.25))


@pytest.mark.parametrize("where", [None, "begin", "send"])
@pytest.mark.parametrize("past", [9, 12])
def test_frozen_past_the_session(group, where, past):
    group.produce(25_000, 1_000)
    group.assert_as_reference(scenarios.freeze(group, where, past))


def test_10_intruders(group):
    group.produce(30_000, 1_000)
    group.assert_as_reference(scenarios.intrude(group, times=10))


def test_a_broker_killed_5_times(group, broker):
    group.produce(60_000, 600)
    group.assert_as_reference(scenarios.break_broker(group, broker, rounds=5))


def test_a_broker_frozen_for_longer_than_everything_waits(group, broker):
    group.produce(30_000, 400)
    group.assert_as_reference(scenarios.break_broker(group, broker, rounds=2, frozen=45))


def test_sigterm_while_the_broker_does_not_answer(group, broker):
    """It leaves within 20 s all the same; nothing that was committed is lost."""
    group.produce(5_000, 1_000).wait()
    worker = group.start(0)
    worker.wait_for(READY)
    time.sleep(1)
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        time.sleep(1)
        worker.stop()
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    group.start(1)
    scenarios.assert_exact(group)


def test_kills_while_the_changelogs_are_compacted(broker, tmp_path, monkeypatch):
    """Compaction as often as a broker does it, and no lag: recovery starts from compacted logs."""
    monkeypatch.setitem(CHANGELOG, "min.compaction.lag.ms", "0")
    monkeypatch.setitem(CHANGELOG, "segment.ms", "1000")
    monkeypatch.setitem(CHANGELOG, "min.cleanable.dirty.ratio", "0.01")
    monkeypatch.setitem(CHANGELOG, "max.compaction.lag.ms", "1000")
    group = ProductGroup(tmp_path, broker.bootstrap, customers=300)
    group.compacted = True
    try:
        group.produce(120_000, 1_500)
        audit = scenarios.kill_at_random(group, 1, kills=12, pause=(4, 8))
        # It did happen: fewer records are left than were written, though slices pass and have keys of their own.
        assert audit.records < sum(audit.ends.values()) * 3 / 4
    finally:
        group.close()
