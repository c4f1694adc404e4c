"""Events to Kafka: one topic for each kind of entity, one partition for each customer, and nothing lost in silence."""

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.partitioner import murmur2
from kafka.structs import TopicPartition
from msgspec import UNSET

from streamer.errors import DataError, DependencyError
from streamer.events import TOPICS
from streamer.events.keys import key_of
from streamer.progress import waiting
from streamer.settings import Settings

_TOPIC_OF: Final = {entity: topic for topic, entities in TOPICS.items() for entity in entities}
# kafka-python's buffer has no limit of its own: without this one a producer that is faster than the broker takes all
# memory. 20,000 records of 300 bytes are 6 MB, and 0.4 s at 50,000 a second: enough to keep five requests under way.
_UNDER_WAY_MAX: Final = 20_000
# Each batch wakes kafka-python's thread once: at 5,000 events/s on 24 topic partitions 50 ms halve the CPU time of 5 ms.
# It is nothing against the second in which a number may appear.
_LINGER_MS: Final = 50
BATCH_BYTES: Final = 128 * 1024
# kafka-python looks at the size of what is larger: the broker would refuse a megabyte.
_PLAIN_BYTES: Final = 65_536
# The hash is pure Python, 5 us for an id of 32 digits; a customer's events come together. 4 MB of keys.
_KEYS_KNOWN: Final = 20_000

_encode = msgspec.json.Encoder().encode
_hash = lru_cache(_KEYS_KNOWN)(murmur2)


class Producer(KafkaProducer):  # type: ignore[misc]  # kafka-python is untyped
    """kafka-python's producer with a short way in, for what this product sends: small records with a key, as bytes."""

    def put(self, topic: str, key: bytes, value: bytes, wake: Callable[[], None] | None = None) -> Any:
        """Do what `send` does at half its cost, and return its future; raise as it does.

        `send` serializes, partitions, estimates and looks for options anew for each record. The rest is the same: its
        accumulator, its thread, its partition of a key. Where a batch was begun or is full, `wake` is called if it is given:
        it has to see to it that `wake_up` is, once for many records.
        """
        places = self._metadata.partitions_for_topic(topic)
        if not places or self._closed or len(key) + len(value) > _PLAIN_BYTES:
            return self.send(topic, key=key, value=value)
        place = TopicPartition(topic, (_hash(key) & 0x7FFFFFFF) % len(places))
        future, full, new, _ = self._accumulator.append(place, None, key, value, [])
        if full or new:
            (wake or self.wake_up)()
        return future

    def knows(self, topic: str) -> bool:
        """Say whether the partitions of a topic are known: if not, `put` waits for them."""
        return bool(self._metadata.partitions_for_topic(topic))

    def ask(self) -> Any:
        """Ask the brokers for the topics anew; return kafka-python's future of the answer. It has no ping."""
        return self._metadata.request_update()

    def wake_up(self) -> None:
        """Let kafka-python's thread look at the batches."""
        self._sender.wakeup()


def address(event: Mapping[str, Any]) -> tuple[str, str]:
    """Return the topic and the key of an event that is a plain CloudEvent; DataError when it names none."""
    try:
        entity = event["type"].split(".")[1]
        return _TOPIC_OF[entity], key_of(entity, event["subject"], event["data"].get("customer", UNSET))
    except (AttributeError, IndexError, KeyError, TypeError):
        raise DataError("an event needs a support.<entity>.<what> type, a subject and data") from None


class KafkaSender:
    """Sends events to the brokers of `[kafka]`, as a context manager; leaving it in peace flushes. For one thread.

    Idempotent where the broker can, acknowledged by all replicas, placed by the key as Java clients do. A broker or
    topic that is away for longer than `timeout_s` is a DependencyError, raised by the call that finds it out. With
    `tell` a wait of more than two seconds is a line on stderr, for the person who started a command.
    """

    def __init__(self, settings: Settings, *, timeout_s: float = 30.0, tell: bool = False) -> None:
        self._timeout_s = timeout_s
        self._tell = tell
        self._under_way: deque[Any] = deque()
        self._failure: Exception | None = None
        self._acknowledged = 0
        self._where = settings.kafka.bootstrap
        timeout_ms = round(timeout_s * 1000)
        try:
            with self._waiting():
                durable = acknowledged_within(settings, timeout_ms, _LINGER_MS)
                self._producer = Producer(**durable, batch_size=BATCH_BYTES, max_block_ms=timeout_ms)
        except KafkaTimeoutError as error:
            raise DependencyError("kafka", f"{self._where} did not answer in {timeout_s:g} s") from error
        except KafkaError as error:
            raise self._away(error) from error

    @property
    def acknowledged(self) -> int:
        """How many records the brokers have acknowledged."""
        self._look()
        return self._acknowledged

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._producer.close(timeout=1 if kind else self._timeout_s)

    def send(self, event: Mapping[str, Any]) -> None:
        """Send one event, a plain CloudEvent; returns before it is acknowledged, and waits when too many are not."""
        topic, key = address(event)
        self.send_record(topic, key.encode(), _encode(event))

    def send_record(self, topic: str, key: bytes, value: bytes) -> None:
        """Send a record as it is."""
        self._check()
        if len(self._under_way) >= _UNDER_WAY_MAX:
            self._await_oldest()
        try:
            with nullcontext() if self._producer.knows(topic) else self._waiting(topic):
                self._under_way.append(self._producer.put(topic, key, value))
        except KafkaTimeoutError as error:
            mend = "if there is none, make it with: streamer topics --create"
            raise DependencyError(
                "kafka", f"{self._where} told of no topic {topic} in {self._timeout_s:g} s; {mend}"
            ) from error
        except KafkaError as error:
            raise self._away(error, topic) from error

    def flush(self) -> None:
        """Wait until everything sent is acknowledged."""
        try:
            with self._waiting():
                self._producer.flush(timeout=self._timeout_s)
        except KafkaError as error:
            raise self._away(error) from error
        self._check()

    def _await_oldest(self) -> None:
        try:
            self._under_way[0].get(timeout=self._timeout_s)
        except KafkaTimeoutError as error:
            raise self._away(error) from error
        except KafkaError:
            pass  # told by the check
        self._check()

    def _look(self) -> None:
        """Count what is acknowledged, the oldest first; keep the first failure."""
        waiting = self._under_way
        while waiting and waiting[0].is_done:
            failure = waiting.popleft().exception
            self._acknowledged += failure is None
            self._failure = self._failure or failure

    def _check(self) -> None:
        self._look()
        if self._failure is not None:
            raise self._away(self._failure) from self._failure

    def _waiting(self, topic: str | None = None) -> AbstractContextManager[None]:
        return waiting(f"Kafka at {self._place(topic)}", self._timeout_s) if self._tell else nullcontext()

    def _place(self, topic: str | None) -> str:
        return f"{self._where}, topic {topic}" if topic else self._where

    def _away(self, error: Exception, topic: str | None = None) -> DependencyError:
        return DependencyError("kafka", f"{self._place(topic)}: {error}")  # kafka-python's own begin with their names


def acknowledged_within(settings: Settings, timeout_ms: int, linger_ms: int) -> dict[str, Any]:
    """Return the options of a producer whose records all replicas acknowledge in `timeout_ms`, or they have failed."""
    return connection(settings) | {
        "acks": "all",
        "allow_auto_create_topics": False,
        "bootstrap_timeout_ms": timeout_ms,
        "delivery_timeout_ms": timeout_ms,
        "linger_ms": linger_ms,
        "metrics_enabled": False,  # its own, which nobody reads
        "request_timeout_ms": max(1, timeout_ms - linger_ms - 1),
    }


def connection(settings: Settings) -> dict[str, Any]:
    """Return how kafka-python reaches the brokers of the configuration."""
    kafka = settings.kafka
    password, key_password = kafka.sasl_password(), kafka.tls_key_password()
    connection: dict[str, Any] = {
        "bootstrap_servers": kafka.bootstrap_servers,
        "security_protocol": kafka.security_protocol,
        "ssl_cafile": kafka.tls_ca_file and str(kafka.tls_ca_file),
        "ssl_certfile": kafka.tls_certificate_file and str(kafka.tls_certificate_file),
        "ssl_keyfile": kafka.tls_key_file and str(kafka.tls_key_file),
        "ssl_password": key_password and key_password.get_secret_value(),
    }
    if password is not None:
        connection |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.sasl_username,
            "sasl_plain_password": password.get_secret_value(),
        }
    return connection
