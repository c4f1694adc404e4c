"""The product's state is exact, whatever dies: short runs (the long ones are in tests/chaos)."""

import pytest

from tests.processor import scenarios
from tests.processor.product import ProductGroup
from tests.services.kafka import Kafka

pytestmark = [pytest.mark.service, pytest.mark.slow]


@pytest.fixture(scope="module")
def broker(services):
    """A broker of one's own: the topics are the product's, and one test kills it."""
    broker = services.start(Kafka)
    yield broker
    broker.stop()


@pytest.fixture
def group(broker, tmp_path):
    group = ProductGroup(tmp_path, broker.bootstrap)
    yield group
    group.close()


def test_kill_9_of_one_worker(group):
    group.produce(10_000, 800)
    audit = scenarios.kill_at_random(group, 1, kills=4, pause=(0.5, 3.5))
    group.assert_as_reference(audit)  # once: the others send the same history, and are compared with the same replay


def test_kill_9_of_one_of_two_workers_and_rebalances(group):
    group.produce(10_000, 600)
    scenarios.kill_at_random(group, 2, kills=2, pause=(0.5, 2), static=False)


def test_a_worker_that_dies_in_its_flushes(group):
    group.produce(8_000, 600)
    scenarios.die_in_flushes(group, kills=5, chance=0.25)


def test_a_worker_frozen_in_a_flush_past_its_session(group):
    group.produce(14_000, 700)
    scenarios.freeze(group, "send")
    # Its late commit was refused.
    assert group.workers[0].count(" lost: ") >= 1


def test_a_broker_that_is_killed(group, broker):
    group.produce(8_000, 550)
    scenarios.break_broker(group, broker, rounds=1)


def test_somebody_else_takes_the_transactional_id(group):
    group.produce(4_000, 600)
    scenarios.intrude(group, times=2)
