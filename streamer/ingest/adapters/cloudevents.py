"""CloudEvents over HTTP: events of events.md in structured, binary or batch mode, from systems that speak it already.

The payload is a list of structured events; `structured` makes it from a request. Every event leaves under ids that are
hashed here and with labels that the operator allowed, like those of any other source; fields that events.md does not
know are dropped, `recordedtime` is kept. `id` and `source` of the sender together identify the event.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec

from streamer.events import TYPES
from streamer.ingest.adapters.base import RefusedError, first_instant, instant, iso, required, table, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamer.ingest.adapters.base import Delivery, Event, Source, State

#: the fields that the data of each type may have
_KNOWN: Final = {
    name: frozenset(field.name for field in msgspec.structs.fields(cls.__annotations__["data"]))
    for name, cls in TYPES.items()
}
_LABELS: Final = frozenset(
    {"channel", "queue", "to_queue", "team", "priority", "brand", "product", "language", "tier", "topic", "survey"}
    | {"department", "platform", "payment_method"}
)
_NAME_LISTS: Final = frozenset({"queues", "comment_topics"})
_IDS: Final = frozenset({"into", "about"})
# Words of events.md: the decoder accepts no others, so they are no place for a name.
_WORDS: Final = frozenset({"created_by", "author", "status", "kind", "direction", "by", "reason", "step", "best"})
_FREE_REASON: Final = frozenset({"support.customer.joined", "support.customer.churned"})
_CHANNELS: Final = frozenset({"email", "chat", "phone", "web", "api", "sms"})
# Of RFC 7230; possessive, so a scan is linear whatever the value is.
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*+)"')
_ESCAPED: Final = re.compile(r"\\(.)")
_AGENT: Final = "support.agent."
_CUSTOMER: Final = "support.customer."


def structured(headers: Mapping[str, str], payload: Any) -> list[Any]:
    """Return the request's events in structured form. Header names are in lower case."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/cloudevents-batch+json":
        if not isinstance(payload, list):
            raise RefusedError("a batch is a JSON array")
        return payload
    if kind == "application/cloudevents+json":
        return [payload]
    attributes = {
        name.removeprefix("ce-"): _decoded(value) for name, value in headers.items() if name.startswith("ce-")
    }
    return [{**attributes, "data": payload}]


def _decoded(header: str) -> str:
    """Return a header's value as the HTTP binding (3.1.3.2) reads it: quoted strings are undone, then percent-encoding."""
    return unquote(_QUOTED.sub(lambda quoted: _ESCAPED.sub(r"\1", quoted[1]), header))


def adapt(delivery: Delivery, source: Source, _state: State) -> list[Event]:
    """Return the events of one request. Raises `RefusedError` for the whole of it: a batch is taken whole or not."""
    return [_one(source, table(event, "an event")) for event in structured(delivery.headers, delivery.payload)]


def _one(source: Source, event: dict[str, Any]) -> Event:
    type_ = word(event.get("type")) or ""
    if type_ not in TYPES:  # not tolerated as a vendor's new type is: the sender means this contract
        raise RefusedError("type is none of the contract's")
    if event.get("specversion") != "1.0":
        raise RefusedError("specversion is not 1.0")
    subject = required(word(event.get("subject")), "subject")
    if type_.startswith(_AGENT):
        opaque = source.agent(subject)
    elif type_.startswith(_CUSTOMER):
        opaque = source.customer(subject)
    else:
        opaque = source.subject(subject)
    unique = f"{required(word(event.get('source')), 'source')}\0{required(word(event.get('id')), 'id')}"
    made = source.event(type_.removeprefix("support."), unique, first_instant((event.get("time"), "time")), opaque)
    made["data"] = _data(source, type_, table(event.get("data"), "data"))
    if event.get("recordedtime") is not None:
        made["recordedtime"] = iso(instant(event["recordedtime"], "recordedtime"))
    try:
        msgspec.convert(made, TYPES[type_])  # words outside their enumerations end here, whatever they say
    except (msgspec.ValidationError, UnicodeError):
        raise RefusedError("data is not what its type says") from None
    return made


def _data(source: Source, type_: str, data: dict[str, Any]) -> dict[str, Any]:
    known = _KNOWN[type_]
    return {name: _value(source, type_, name, value) for name, value in data.items() if name in known}


def _value(source: Source, type_: str, name: str, value: Any) -> Any:  # noqa: PLR0911 (a table of fields)
    """Return a value that may pass. A value of a wrong type passes as it is where the decoder will refuse it."""
    if name == "customer":
        return source.customer(value)
    if name == "agent":
        return "" if value == "" else source.agent(value)
    if name == "currency":
        return _currency(value)
    if name in _IDS:
        return source.about(value)
    if name in _LABELS or (name == "reason" and type_ in _FREE_REASON):
        return "" if value == "" else source.label(value, _CHANNELS if name == "channel" else ())
    if name in _NAME_LISTS and isinstance(value, list):
        return [source.label(one) for one in value]
    if name == "ratings" and isinstance(value, dict):
        return {source.label(key): score for key, score in value.items()}
    if name in _WORDS or isinstance(value, (bool, int, float)) or name == "started_at":
        return value
    raise RefusedError(f"data.{name} has the wrong type")


def _currency(value: Any) -> str:
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isupper():  # noqa: PLR2004 (ISO 4217)
        return value
    raise RefusedError("data.currency is no ISO 4217 code")
