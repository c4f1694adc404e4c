"""The arguments of an emitter's method to a record: ids hashed, and validated as the processor will validate it."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import secrets
import time
import weakref
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

import msgspec

from streamer.events.codec import Decoder
from streamer.events.errors import Code, InvalidEvent
from streamer.events.registry import TOPICS, TYPES
from streamer.events.schemas import schema_of
from streamer.producers.identity import person_of, personal_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamer.events.scales import ScaleLike
    from streamer.producers.identity import Identity

# The topic of a type, and the field of its data that is its subject too, if any.
_KINDS: Final = {
    name: (topic, person_of(name))
    for name, cls in TYPES.items()
    for topic, kinds in TOPICS.items()
    if cls.entity in kinds
}
_encode: Final = msgspec.json.Encoder().encode


class _Stamped(TypedDict, total=False):
    """What an event may say beside its own fields; None is as good as absent."""

    id: str | None
    """Unique within the source: give one where the same event may be emitted twice, and the second is dropped."""
    time: dt.datetime | None
    """When it happened, with an offset; now, if absent."""
    recordedtime: dt.datetime | None
    """When it became known, with an offset, for history."""
    channel: str | None
    """How the customer came; at first email, chat or phone by the entity."""
    queue: str | None
    """The queue that the work is in."""
    team: str | None
    """The team that has the work or acts."""
    priority: str | None
    """The priority's name."""
    brand: str | None
    """The brand that the customer turned to."""
    product: str | None
    """The product that it is about."""
    language: str | None
    """The language, such as en or pt-BR."""
    tier: str | None
    """The customer's service tier."""


class AgentCommon(_Stamped, total=False):
    """The common fields of an agent's own events."""

    topic: str | None
    """What the problem is."""


class TopicCommon(_Stamped, total=False):
    """The common fields of an event that has a topic of its own."""

    agent: str | None
    """Who acts, or to whom work is given: the source's id, hashed here."""


class Common(TopicCommon, total=False):
    """The common fields."""

    topic: str | None
    """What the problem is."""


_COMMON: Final = frozenset(Common.__annotations__)
_STAMPS: Final = ("id", "time", "recordedtime")


class RefusedEvent(InvalidEvent):
    """An event that is not sent: `code` says why, `detail` where (a JSON path), `expected` what should stand there.

    No value of the event is in it, so it can be logged.
    """

    def __init__(self, error: InvalidEvent, name: str, expected: str = "") -> None:
        super().__init__(error.code, error.detail, error.source)
        self.name = name
        self.expected = expected or _expected(name, error.detail)

    def __str__(self) -> str:
        return f"{self.name}: {self.code} at {self.detail}" + (f", expected {self.expected}" if self.expected else "")


class Record(NamedTuple):
    """What Kafka gets."""

    topic: str
    key: bytes
    value: bytes


class Composer:
    """Makes records for one source. Thread-safe; in a forked child its ids begin anew."""

    def __init__(self, source: str, identity: Identity, scales: Mapping[str, ScaleLike], future_ms: int) -> None:
        self._source = source
        self._identity = identity
        self._decode = Decoder(scales, future_ms).decode
        self.renew()
        _composers.add(self)

    def renew(self) -> None:
        """Begin the ids anew: a random start and a count are as unique as random numbers, and faster to make."""
        self._prefix = secrets.token_hex(12)
        self._count = itertools.count()

    def compose(self, name: str, subject: str, common: Mapping[str, Any], fields: Mapping[str, Any]) -> Record:
        """Return the record of an event of type `name`; fields that are None are left out.

        Raises `RefusedEvent`, or TypeError for a field that there is not.
        """
        if not common.keys() <= _COMMON:
            raise TypeError(f"{name} has no field {min(common.keys() - _COMMON)!r}")
        topic, own = _KINDS[name]
        data = {key: value for key, value in fields.items() if value is not None}
        event: dict[str, Any] = {"specversion": "1.0", "source": self._source, "type": name}
        for key, value in common.items():
            if value is not None:
                (event if key in _STAMPS else data)[key] = value
        if "id" not in event:
            event["id"] = f"{self._prefix}-{next(self._count)}"
        if "time" not in event:
            event["time"] = dt.datetime.now(dt.UTC)  # noqa: TID251 (the edge: it happens now)
        if own:
            data[own] = subject
        event["subject"] = subject
        event["data"] = data
        self._identity.hash_event(event)
        return self._validated(name, topic, data.get("customer", event["subject"]), event)

    def _validated(self, name: str, topic: str, key: Any, event: dict[str, Any]) -> Record:
        try:
            value = _encode(event)
            encoded = key.encode() if isinstance(key, str) else b""
            accepted, _, _ = self._decode(topic, encoded, value, time.time_ns() // 1_000_000)
        except InvalidEvent as error:
            raise RefusedEvent(error, name) from None
        except (TypeError, ValueError, OverflowError, RecursionError):  # not JSON at all; the text may quote the value
            raise RefusedEvent(InvalidEvent(Code.WRONG_TYPE, "$", self._source), name) from None
        if personal := personal_path(event, accepted.data.__struct_fields__):
            refused = InvalidEvent(Code.WRONG_TYPE, personal, self._source)
            raise RefusedEvent(refused, name, "no e-mail address and no phone number")
        return Record(topic, encoded, value)


def _expected(name: str, path: str) -> str:
    """Say in a few words what the schema of the type wants at a path, or nothing where it does not know the path."""
    schema = schema_of(name)
    node: Any = schema
    for part in path.split(".")[1:]:
        node = node.get("properties", {}).get(part, {})
        if "$ref" in node:
            node = schema["$defs"].get(node["$ref"].rpartition("/")[2], {})
    if "enum" in node:
        return "one of " + ", ".join(map(str, node["enum"]))
    bounds = {"minimum": "at least", "maximum": "at most", "minLength": "at least", "maxLength": "at most"}
    limits = [f"{word} {node[key]:g}{' long' * key.endswith('Length')}" for key, word in bounds.items() if key in node]
    kind = {"date-time": "a datetime with an offset"}.get(node.get("format", ""), node.get("type", ""))
    return ", ".join([kind, *limits]) if kind else ""


_composers: weakref.WeakSet[Composer] = weakref.WeakSet()


def _renew_all() -> None:
    for composer in _composers:
        composer.renew()


os.register_at_fork(after_in_child=_renew_all)
