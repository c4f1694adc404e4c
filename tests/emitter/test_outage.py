"""The broker goes and comes back, processes die: the spool takes over, drains in order, and refuses when it is full."""

import os
import signal
import uuid

import pytest

from streamer.errors import DependencyError
from streamer.producers.spool import SpoolFullError
from tests.emitter.kills import kill_in_turn
from tests.emitter.kit import first_arrivals, make_emitter, make_topics
from tests.services.kafka import Kafka
from tests.services.process import wait_until


@pytest.fixture(scope="module")
def broker(services):
    broker = services.start(Kafka)
    make_topics(broker.bootstrap)
    yield broker
    broker.stop()


@pytest.fixture
def source():
    return f"outage-{uuid.uuid4().hex}"


def emit(emitter, numbers):
    with emitter.batch() as batch:
        for number in numbers:
            batch.ticket_created(f"{number:08d}", customer=f"c{number % 5}")


def subjects_in_order(broker, source):
    orders = first_arrivals(broker.bootstrap, source)
    assert all(order == sorted(order) for order in orders.values())
    return sorted(int(subject) for order in orders.values() for subject in order)


def test_the_spool_takes_over_while_the_broker_is_down_and_drains_in_order(broker, tmp_path, source):
    broker.start()
    with make_emitter(tmp_path, broker.bootstrap, source, patience_s=0.5) as emitter:
        emit(emitter, range(100))
        wait_until(lambda: emitter.counts().direct, 30)
        emit(emitter, range(100, 200))
        emitter.flush()
        assert emitter.counts().sent == 200
        broker.kill9()
        emit(emitter, range(200, 1_500))
        emitter.ticket_created("00001500", customer="c0")
        counts = emitter.counts()
        assert counts.waiting == 1_301
        assert counts.spooled >= 1_301
        assert not counts.direct
        with pytest.raises(DependencyError, match="1,301 events"):
            emitter.flush(0.1)
        broker.start()
        emitter.flush(60)
        wait_until(lambda: emitter.counts().direct, 30)
        emit(emitter, range(1_501, 1_600))
    assert subjects_in_order(broker, source) == list(range(1_600))


def test_what_a_frozen_broker_had_got_already_arrives_in_order_too(broker, tmp_path, source):
    broker.start()
    with make_emitter(tmp_path, broker.bootstrap, source, patience_s=0.5) as emitter:
        wait_until(lambda: emitter.counts().direct, 30)
        emit(emitter, range(100))
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            emit(emitter, range(100, 300))
            assert emitter.counts().spooled == 200
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        emit(emitter, range(300, 400))
        emitter.flush(60)
    assert subjects_in_order(broker, source) == list(range(400))


def test_what_is_left_at_the_end_is_sent_by_the_next_start(broker, tmp_path, source):
    broker.stop()
    with make_emitter(tmp_path, broker.bootstrap, source, patience_s=0.5) as emitter:
        emit(emitter, range(700))
        emitter.close(timeout_s=0.1)
        with pytest.raises(RuntimeError, match="closed"):
            emitter.ticket_created("T", customer="c")
    broker.start()
    with make_emitter(tmp_path, broker.bootstrap, source) as emitter:
        emit(emitter, range(700, 800))
        emitter.flush(60)
    assert subjects_in_order(broker, source) == list(range(800))


def test_a_full_spool_refuses_loudly_and_takes_again_when_it_has_drained(broker, tmp_path, source, caplog):
    broker.stop()
    with make_emitter(tmp_path, broker.bootstrap, source, patience_s=0.5, spool_bytes=20_000) as emitter:
        accepted = 0
        while emitter.counts().waiting_bytes < 19_600 and accepted < 200:
            emit(emitter, [accepted])
            accepted += 1
        with pytest.raises(SpoolFullError, match="full") as caught:
            emit(emitter, [accepted])
        assert caught.value.retryable
        assert "is full" in caplog.text
        counts = emitter.counts()
        assert (counts.waiting, counts.refused) == (accepted, 1)
        assert 19_000 < counts.waiting_bytes <= 20_000
        broker.start()
        emitter.flush(60)
        emit(emitter, range(accepted, accepted + 20))
    assert subjects_in_order(broker, source) == list(range(accepted + 20))


@pytest.mark.timeout(400)
def test_kills_of_producer_and_broker_in_turn(broker, tmp_path):
    broker.start()
    kill_in_turn(broker, tmp_path, rounds=2)
