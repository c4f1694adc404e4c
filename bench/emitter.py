"""The SDK on a real broker, beside kafka-python alone with the same records: wall and CPU time, and one call's time.

The producer's CPU time (all threads) is its limit on a core of its own, and holds on a busy machine too.
"""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from bench.figures import say, show
from bench.processes import BROKER_CORE, WORKER_CORE, pin
from streamer import Emitter
from streamer.events import TOPICS
from streamer.producers.emitter import connecting
from streamer.producers.emitter_compose import Composer, Record
from streamer.producers.identity import Identity
from streamer.settings import Settings
from tests.services.kafka import Kafka
from tests.services.process import wait_until

_PARTITIONS = 4
_CALLS = 500
_KEY = b"0123456789abcdef"


class _Took(NamedTuple):
    wall: float
    cpu: float


def _emit(methods: Any, number: int, customers: int) -> None:
    """Emit one event as an integrator does; every second is a message."""
    customer = f"customer-{number % customers}"
    if number & 1:
        methods.ticket_message(f"T{number >> 1}", customer=customer, author="customer", queue="billing")
    else:
        methods.ticket_created(f"T{number >> 1}", customer=customer, queue="billing", team="north", priority="high")


def _records(events: int, customers: int) -> list[Record]:
    """Return what the emitter would send."""
    composer = Composer("bench", Identity(_KEY), {}, 300_000)
    found: list[Record] = []

    class Taking(Emitter):
        def __init__(self) -> None:
            pass

        def _event(self, name: str, subject: str, common: Any, /, **fields: Any) -> None:
            found.append(composer.compose(name, subject, common, fields))

    taking = Taking()
    for number in range(events):
        _emit(taking, number, customers)
    return found


def _alone(settings: Settings, records: list[Record], *, short: bool) -> _Took:
    """Send ready records with the emitter's own settings of kafka-python: by `send`, or by our short way in."""
    producer = connecting(settings)()
    for topic in TOPICS:
        producer.partitions_for(topic)

    def run() -> None:
        if short:
            for record in records:
                producer.put(*record)
        else:
            for topic, key, value in records:
                producer.send(topic, key=key, value=value)
        producer.flush()

    took = _took(run)
    producer.close()
    return took


def _batches(emitter: Emitter, events: int, customers: int) -> _Took:
    def run() -> None:
        for begun in range(0, events, 10_000):
            with emitter.batch() as batch:
                for number in range(begun, min(events, begun + 10_000)):
                    _emit(batch, number, customers)
        emitter.flush()

    return _took(run)


def _spooled(emitter: Emitter, events: int, customers: int) -> _Took:
    def run() -> None:
        with emitter.batch() as batch:
            for number in range(events):
                _emit(batch, number, customers)

    return _took(run)


def _took(run: Callable[[], object]) -> _Took:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return _Took(time.perf_counter() - wall, time.process_time() - cpu)


def _show(name: str, runs: list[_Took], events: int) -> None:
    show(name, [events / took.wall for took in runs], "events/s")
    show("    CPU", [took.cpu / events * 1e6 for took in runs], "us an event")


def main(events: int, customers: int, runs: int) -> None:
    """Run each of them `runs` times, in turn, and print medians."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the broker is to end with this
    pin(BROKER_CORE)
    records: list[Record] = []
    composing = _took(lambda: records.extend(_records(events, customers)))
    alone, short, batches = [], [], []
    with tempfile.TemporaryDirectory(prefix="bench-") as name, Kafka(Path(name)) as kafka:
        pin(WORKER_CORE)
        settings = Settings.model_validate({"kafka": {"bootstrap": kafka.bootstrap}})
        admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
        admin.create_topics([NewTopic(topic, _PARTITIONS, 1) for topic in TOPICS])
        admin.close()
        key, spool = Path(name) / "key", Path(name) / "spool"
        key.write_bytes(_KEY)
        with Emitter("bench", key_file=key, spool=spool, settings=settings) as emitter:
            for _ in range(runs):
                alone.append(_alone(settings, records, short=False))
                short.append(_alone(settings, records, short=True))
                wait_until(lambda: emitter.counts().direct, 30)
                batches.append(_batches(emitter, events, customers))
            calls = [_took(lambda: _emit(emitter, 0, customers)).wall * 1e3 for _ in range(_CALLS)]
            assert emitter.counts().sent == runs * events + _CALLS
            kafka.kill9()
            _emit(emitter, 0, customers)  # returns when it is on the disk, and so will the next ones
            spooled = [_spooled(emitter, events // 2, customers) for _ in range(runs)]
            emitter.close(timeout_s=0.0)
    say(f"emitter: {events} events of {len(records[0].value)} bytes, load {os.getloadavg()[0]:.1f}")
    _show("kafka-python's send, ready records", alone, events)
    _show("our short way into it, ready records", short, events)
    _show("emitter, batches of 10,000, in Kafka", batches, events)
    _show("emitter, broker down, on the disk", spooled, events // 2)
    _show("composing and validating only", [composing], events)
    show("one call, in Kafka", [median(calls)], "ms")
