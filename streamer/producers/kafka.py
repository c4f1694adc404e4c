"""Events to Kafka: one topic for each kind of entity, one partition for each customer, and nothing lost in silence."""

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from streamer.errors import DataError, DependencyError
from streamer.events import TOPICS
from streamer.settings import Settings

_TOPIC_OF: Final = {entity: topic for topic, entities in TOPICS.items() for entity in entities}
# kafka-python's buffer has no limit of its own: without this one a producer that is faster than the broker takes all
# memory. 20,000 records of 300 bytes are 6 MB, and 0.4 s at 50,000 a second: enough to keep five requests under way.
_UNDER_WAY_MAX: Final = 20_000
# A batch costs the client some 1 ms whatever is in it; 20 ms is nothing against the second in which a number may appear.
_LINGER_MS: Final = 20
BATCH_BYTES: Final = 128 * 1024

_encode = msgspec.json.Encoder().encode


def address(event: Mapping[str, Any]) -> tuple[str, str]:
    """Return the topic and the key of an event that is a plain CloudEvent; DataError when it names none."""
    try:
        topic = _TOPIC_OF[event["type"].split(".")[1]]
        return topic, str(event["data"].get("customer", event["subject"]))
    except (AttributeError, IndexError, KeyError, TypeError):
        raise DataError("an event needs a support.<entity>.<what> type, a subject and data") from None


class KafkaSender:
    """Sends events to the brokers of `[kafka]`, as a context manager; leaving it in peace flushes.

    Idempotent where the broker can, acknowledged by all replicas, placed by the key as Java clients do. A broker or
    topic that is away for longer than `timeout_s` is a DependencyError, raised by the call that finds it out.
    """

    def __init__(self, settings: Settings, *, timeout_s: float = 30.0) -> None:
        self._timeout_s = timeout_s
        self._under_way = threading.Semaphore(_UNDER_WAY_MAX)
        self._lock = threading.Lock()
        self._failure: Exception | None = None
        self._where = settings.kafka.bootstrap
        self.acknowledged = 0
        """How many records the brokers have acknowledged."""
        timeout_ms = round(timeout_s * 1000)
        try:
            self._producer: Any = KafkaProducer(
                **connection(settings),
                acks="all",
                allow_auto_create_topics=False,
                batch_size=BATCH_BYTES,
                bootstrap_timeout_ms=timeout_ms,
                delivery_timeout_ms=timeout_ms,
                linger_ms=_LINGER_MS,
                metrics_enabled=False,  # its own, which nobody reads
                max_block_ms=timeout_ms,
                request_timeout_ms=max(1, timeout_ms - _LINGER_MS - 1),
            )
        except KafkaError as error:
            raise self._away(error) from error

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
        if not self._under_way.acquire(timeout=self._timeout_s):
            raise self._away(TimeoutError("records are not acknowledged"))
        try:
            future = self._producer.send(topic, key=key, value=value)
        except KafkaError as error:
            self._under_way.release()
            raise self._away(error, topic) from error
        future.add_callback(self._done).add_errback(self._failed)

    def flush(self) -> None:
        """Wait until everything sent is acknowledged."""
        try:
            self._producer.flush(timeout=self._timeout_s)
        except KafkaError as error:
            raise self._away(error) from error
        self._check()

    def _done(self, _metadata: object) -> None:
        with self._lock:
            self.acknowledged += 1
        self._under_way.release()

    def _failed(self, error: Exception) -> None:
        with self._lock:
            self._failure = self._failure or error
        self._under_way.release()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._away(self._failure) from self._failure

    def _away(self, error: Exception, topic: str | None = None) -> DependencyError:
        what = f"{self._where}, topic {topic}" if topic else self._where
        return DependencyError("kafka", f"{what}: {type(error).__name__}: {error}")


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
