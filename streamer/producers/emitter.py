"""The SDK: `from streamer import Emitter`. A method an event, acknowledged when it is in Kafka or on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from streamer.producers.emitter_agents import AgentMethods
from streamer.producers.emitter_calls import CallMethods
from streamer.producers.emitter_chats import ChatMethods
from streamer.producers.emitter_compose import Composer, RefusedEvent
from streamer.producers.emitter_customers import CustomerMethods
from streamer.producers.emitter_held import Group
from streamer.producers.emitter_surveys import SurveyMethods
from streamer.producers.emitter_tickets import TicketMethods
from streamer.producers.identity import Identity

if TYPE_CHECKING:
    from types import TracebackType

    from streamer.producers.emitter_courier import Courier
    from streamer.producers.emitter_held import Counts
    from streamer.settings import Settings

#: 800,000 events of 300 bytes: an hour at 200/s
_SPOOL_BYTES: Final = 256 * 2**20
_PATIENCE_S: Final = 2.0
_CLOSE_S: Final = 5.0
_FLUSH_S: Final = 30.0
#: a batch of kafka-python waits so long for more; a call of `Emitter` waits with it
_LINGER_MS: Final = 5
#: a broker that does not answer: the connection is made anew and the batch sent again
_REQUEST_MS: Final = 10_000
_CONNECT_MS: Final = 2_000
#: one failed batch before its successor would break the order, so none fails by time; 24 days
_NEVER_MS: Final = 2**31 - 1


class EventMethods(TicketMethods, ChatMethods, CallMethods, SurveyMethods, CustomerMethods, AgentMethods):
    """A method for each event type. First comes the id of the ticket, chat, call, ..., the rest is named.

    A customer's or an agent's id is the source's own and is hashed here. An event that the processor would not accept
    is a `RefusedEvent` (a ValueError) with the path of the field, and nothing of it is sent.
    """


class Emitter(EventMethods):
    """Emits one source's events; each call returns once the event cannot be lost.

    That is when Kafka has it (all in-sync replicas), or else, where Kafka has not answered within `patience_s`, when it
    is on the disk in the folder `spool`, from where it goes to Kafka in order, also after a restart. An event may
    arrive twice and is then counted once. One process needs one emitter, for all threads; it may be made before a fork.

    `source` names the system that reports; `key_file` has the secret of the hash, the same for all of an installation's
    producers. Kafka is found by `settings`, or `config` (a file, else STREAMER_CONFIG) and `bootstrap`. `spool_bytes`
    bounds the keys and values that wait for Kafka. Raises `SettingsError` and `SpoolError`; Kafka may be away.
    """

    def __init__(
        self,
        source: str,
        *,
        key_file: Path | str,
        spool: Path | str,
        bootstrap: str | None = None,
        config: Path | str | None = None,
        settings: Settings | None = None,
        spool_bytes: int = _SPOOL_BYTES,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        # Here, not above: pydantic and kafka-python take 0.3 s to import, which nobody pays who only imports.
        from streamer.producers.emitter_courier import Courier  # noqa: PLC0415
        from streamer.settings import load_settings  # noqa: PLC0415

        settings = settings or load_settings(config, options={"kafka.bootstrap": bootstrap})
        identity = Identity.from_file(key_file)
        self._composer = Composer(source, identity, settings.surveys.scales, settings.time.future)
        self._courier: Courier = Courier(connecting(settings), Path(spool), spool_bytes, patience_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def batch(self) -> Batch:
        """Return a context manager with the same methods, for many events: they are acknowledged together at its end."""
        return Batch(self._composer, self._courier)

    def flush(self, timeout_s: float = _FLUSH_S) -> None:
        """Return when Kafka has every event, those of the spool too; DependencyError after `timeout_s` seconds."""
        self._courier.flush(timeout_s)

    def close(self, timeout_s: float = _CLOSE_S) -> None:
        """Give Kafka `timeout_s` seconds to take what waits, and leave the rest in the spool for the next start."""
        self._courier.close(timeout_s)

    def counts(self) -> Counts:
        """Return how many events were sent, spooled and refused, and how many wait."""
        return self._courier.counts()

    def _event(self, name: str, subject: str, common: Any, /, **fields: Any) -> None:
        with self.batch() as batch:
            batch._event(name, subject, common, **fields)  # noqa: SLF001 (its twin)


class Batch(EventMethods):
    """Many events that are acknowledged together: calls return at once, leaving the `with` block waits for all.

    The block ends with an error where one of them was neither taken by Kafka nor by the disk; emit them all again
    then, with the same ids. What a block that ends by another error had emitted may arrive. Use it in one thread.
    """

    def __init__(self, composer: Composer, courier: Courier) -> None:
        self._composer = composer
        self._courier = courier
        self._group = Group()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if kind is None:
            self.wait()

    def wait(self) -> None:
        """Return when every event so far is in Kafka or on the disk, as the end of the block does."""
        self._courier.wait(self._group)

    def _event(self, name: str, subject: str, common: Any, /, **fields: Any) -> None:
        try:
            record = self._composer.compose(name, subject, common, fields)
        except RefusedEvent:
            self._courier.refuse()
            raise
        self._courier.submit(record, self._group)


def connecting(settings: Settings) -> Any:
    """Return what makes a connected producer. Raises KafkaError where no broker answers."""
    from streamer.producers.kafka import BATCH_BYTES, Producer, connection  # noqa: PLC0415 (as above)

    connected = connection(settings)  # secrets are read now: a mistake is told to the caller
    return lambda: Producer(
        **connected,
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        batch_size=BATCH_BYTES,
        bootstrap_timeout_ms=_CONNECT_MS,
        delivery_timeout_ms=_NEVER_MS,
        linger_ms=_LINGER_MS,
        max_block_ms=_CONNECT_MS,
        metrics_enabled=False,
        reconnect_backoff_max_ms=1_000,
        request_timeout_ms=_REQUEST_MS,
    )
