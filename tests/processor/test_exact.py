"""The state of the log is exact, whatever dies: short runs (the long ones are in tests/chaos)."""

import pytest

from tests.processor import scenarios
from tests.processor.kit import Group
from tests.services.kafka import Kafka

pytestmark = [pytest.mark.service, pytest.mark.slow]


@pytest.fixture
def group(kafka, tmp_path):
    group = Group(tmp_path, kafka.bootstrap)
    yield group
    group.close()


def test_kill_9_of_one_worker(group):
    group.produce(15_000, 1_200)
    scenarios.kill_at_random(group, 1, kills=4, pause=(0.5, 3.5))


def test_kill_9_of_one_of_two_workers(group):
    group.produce(15_000, 1_200)
    scenarios.kill_at_random(group, 2, kills=4, pause=(0.5, 4))


def test_a_worker_that_dies_in_its_flushes(group):
    group.produce(10_000, 800)
    scenarios.die_in_flushes(group, kills=5, chance=0.25)


def test_a_worker_frozen_in_a_flush_past_its_session(group):
    group.produce(20_000, 1_000)
    scenarios.freeze(group, "send")
    # Its late commit was refused.
    assert group.workers[0].count(" lost: ") >= 1


def test_a_broker_that_is_killed(services, tmp_path):
    broker = services.start(Kafka)
    group = Group(tmp_path, broker.bootstrap)
    try:
        group.produce(10_000, 700)
        scenarios.break_broker(group, broker, rounds=1)
    finally:
        group.close()
        broker.stop()


def test_somebody_else_takes_the_transactional_id(group):
    group.produce(8_000, 1_000)
    scenarios.intrude(group, times=2)
