"""30 kills of the emitter's process and its broker, in turn: `make chaos`."""

import pytest

from tests.emitter.kills import kill_in_turn
from tests.emitter.kit import make_topics
from tests.services.kafka import Kafka

pytestmark = [pytest.mark.service, pytest.mark.chaos, pytest.mark.timeout(900)]


def test_30_kills_of_producer_and_broker_in_turn(services, tmp_path):
    broker = services.start(Kafka)
    make_topics(broker.bootstrap)
    kill_in_turn(broker, tmp_path, rounds=30)
    broker.stop()
