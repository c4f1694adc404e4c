"""Rocket.Chat: the omnichannel webhook (`sendToCRM`) of chats, which it calls livechat.

==========================  ===================================================================================
type                        events
==========================  ===================================================================================
LivechatSessionStart        chat.queued when the chat was made
LivechatSessionQueued       chat.queued when told: it waits for an agent, at first or again
LivechatSessionTaken        chat.answered by `servedBy`, since its `ts`
LivechatSessionForwarded    chat.transferred, blind, to the department; to an agent of the same one also chat.answered
Message                     chat.message: of an agent if it has an `agentId`; closing comments and system messages none
LivechatSession             what of its messages was not told yet, and chat.ended by its `closer`
other types                 none
==========================  ===================================================================================

The queue is the department's id, the customer the visitor's. Messages have ids; a chat has none of its changes, so that
type and time identify them, or the delivery itself where no time is told: Rocket.Chat sends the same bytes again. A bot
writes like an agent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters.base import UnknownTypeError, at, first_instant, flag, required, table, word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_TYPES: Final = frozenset(
    {
        "LivechatSessionStart",
        "LivechatSessionQueued",
        "LivechatSessionTaken",
        "LivechatSessionForwarded",
        "Message",
        "LivechatSession",
    }
)
_BY: Final = {"visitor": "customer", "user": "agent"}
_MESSAGES_MAX: Final = 500


def adapt(delivery: Delivery, source: Source, _state: State) -> list[Event]:
    """Return the events of one webhook call."""
    payload = table(delivery.payload)
    kind = word(payload.get("type")) or ""
    if kind not in _TYPES:
        raise UnknownTypeError
    subject = source.subject(required(word(payload.get("_id")), "_id"))
    customer = required(source.customer(at(payload, "visitor", "_id")), "visitor._id")
    told = payload.get("messages") if kind in ("Message", "LivechatSession") else None
    written = told[:_MESSAGES_MAX] if isinstance(told, list) else []
    events = _messages(source, subject, customer, written)
    queue = source.label(payload.get("departmentId"))
    for what, time, unique, data in _changes(kind, payload, delivery, source):
        common = {"customer": customer, "queue": queue, **data}
        events.append(source.event(f"chat.{what}", f"{subject}:{kind}:{unique}", time, subject, **common))
    return events


def _changes(
    kind: str, payload: dict[str, Any], delivery: Delivery, source: Source
) -> Iterator[tuple[str, int, object, dict[str, Any]]]:
    """Give (what, when in ms, what identifies it, data) of the changes of a chat."""
    served = payload.get("servedBy")
    agent = {"agent": source.agent(at(served, "_id"))}
    if kind == "LivechatSessionStart":
        time = _time(payload, "createdAt")
        yield "queued", time, time, {}
    elif kind == "LivechatSessionQueued":
        yield "queued", delivery.received_ms, delivery.digest, {}
    elif kind == "LivechatSessionTaken":
        time = _time(table(served, "servedBy"), "ts", "servedBy.")
        yield "answered", time, time, agent
    elif kind == "LivechatSession":
        time = _time(payload, "closedAt")
        yield "ended", time, time, {"by": _BY.get(word(payload.get("closer")) or "", "system")}
    elif kind == "LivechatSessionForwarded":
        to = {"to_queue": source.label(payload.get("departmentId")), "kind": "blind"}
        if payload.get("oldServedBy") and isinstance(served, dict):
            time = _time(served, "ts", "servedBy.")
            yield "transferred", time, time, to
            yield "answered", time, time, agent
        else:
            yield "transferred", delivery.received_ms, delivery.digest, to


def _messages(source: Source, subject: str | None, customer: str, written: list[Any]) -> list[Event]:
    events = []
    for message in written:
        if not isinstance(message, dict) or flag(message.get("closingMessage")) or message.get("navigation"):
            continue
        agent = source.agent(message.get("agentId"))
        time = _time(message, "ts", "messages.")
        unique = f"{subject}:{required(word(message.get('_id')), 'messages._id')}"
        author = "agent" if agent else "customer"
        data = {"customer": customer, "author": author, "agent": agent}
        events.append(source.event("chat.message", unique, time, subject, **data))
    return events


def _time(values: dict[str, Any], name: str, path: str = "") -> int:
    return first_instant((_plain(values.get(name)), f"{path}{name}"))


def _plain(value: Any) -> Any:
    """Return a time as it is; Meteor's own JSON wraps it: {"$date": ms}."""
    return value.get("$date") if isinstance(value, dict) else value
