"""Genesys Cloud: detail events of conversations, `v2.detail.events.conversation.{id}.WHAT`, by EventBridge or forwarded.

==================  ===================================================================================
WHAT                event (call for VOICE and CALLBACK, chat for CHAT and MESSAGE; EMAIL gives none)
==================  ===================================================================================
acd.start           queued
acd.end             by acdOutcome: ABANDON abandoned, ANSWERED answered, FLOW_OUT left_queue (overflow)
user.end            not_answered after its alerting time, where the agent took nothing; else held and resumed for
                    heldDurationMs, put at the end of the talk because only their sum is told
customer.end        ended
acw                 wrapped_up
other               none
==================  ===================================================================================

The contact is the conversation, a leg its acd session. Durations are in ms. The customer is the caller's number (`ani`),
else a chat's address; a chat that tells neither has its conversation as its customer. Conversation, session, type and
time identify an event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters.base import UnknownTypeError, at, first_instant, number, same_customer, table, word

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_TOPIC: Final = "v2.detail.events.conversation."
_ENTITY: Final = {"VOICE": "call", "CALLBACK": "call", "CHAT": "chat", "MESSAGE": "chat", "WEBMESSAGING": "chat"}
_OUTCOME: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "ABANDON": ("abandoned", {}),
    "ANSWERED": ("answered", {}),
    "FLOW_OUT": ("left_queue", {"reason": "overflow"}),
}
_BY: Final = {"ENDPOINT": "customer", "CLIENT": "agent", "PEER": "agent"}
_DURATION_MAX_MS: Final = 86_400_000  # what claims to be longer is no duration


def about(payload: Any) -> str | None:
    """Return the conversation's id."""
    return word(_body(payload).get("conversationId")) if isinstance(payload, dict) else None


def adapt(delivery: Delivery, source: Source, state: State) -> list[Event]:
    """Return the events of one detail event."""
    payload = table(delivery.payload)
    body = _body(payload)
    topic = word(payload.get("topicName")) or word(at(payload, "detail", "topicName")) or ""
    topic = topic or word(payload.get("detail-type")) or ""
    what = topic.removeprefix(_TOPIC).partition(".")[2] if topic.startswith(_TOPIC) else ""
    conversation = word(body.get("conversationId"))
    subject = source.subject(conversation)
    media = (word(body.get("mediaType")) or word(state.get(f"media:{subject}")) or "").upper()
    entity = _ENTITY.get(media)
    if entity is None or what not in ("acd.start", "acd.end", "user.end", "customer.end", "acw"):
        raise UnknownTypeError
    state.put(f"media:{subject}", media if media in _ENTITY else "")
    time = first_instant((body.get("eventTime"), "eventTime"))
    unique = f"{conversation}:{word(body.get('sessionId'))}:{what}:{time}"
    common = {"customer": _customer(source, state, entity, subject, body), "queue": source.label(body.get("queueId"))}

    def one(kind: str, at_ms: int = time, **data: Any) -> Event:
        return source.event(f"{entity}.{kind}", unique, at_ms, subject, **common, **data)

    if what == "acd.start":
        return [one("queued", direction=_direction(media, body))]
    if what == "acd.end":
        outcome = _OUTCOME.get((word(body.get("acdOutcome")) or "").upper())
        if outcome is None:
            raise UnknownTypeError
        kind, data = outcome
        return [one(kind, agent=source.agent(body.get("answeredUserId")), **data)]
    if what == "customer.end":
        return [one("ended", by=_BY.get((word(body.get("disconnectType")) or "").upper(), "system"))]
    agent = source.agent(body.get("userId"))
    if what == "acw":
        return [one("wrapped_up", agent=agent)]
    talk, held, rang = (_duration(body, f"{name}DurationMs") for name in ("interacting", "held", "alerting"))
    if rang and not talk and not held:
        missed = one("not_answered", agent=agent, ring_seconds=rang / 1000)
        return [one("offered", time - rang, agent=agent), missed]
    return [one("held", time - held, agent=agent), one("resumed", agent=agent)] if held else []


def _body(payload: dict[str, Any]) -> dict[str, Any]:
    body = payload.get("eventBody") or at(payload, "detail", "eventBody") or payload
    return body if isinstance(body, dict) else {}


def _direction(media: str, body: dict[str, Any]) -> str | None:
    if media == "CALLBACK":
        return "callback"
    return "outbound" if (word(body.get("direction")) or "").upper() == "OUTBOUND" else None


def _customer(
    source: Source, state: State, entity: str, subject: str | None, body: dict[str, Any]
) -> str | None:  # fmt: skip
    found = source.caller(body.get("ani"))
    if entity == "chat":
        found = found or source.customer(body.get("addressFrom")) or source.customer(body.get("conversationId"))
    return same_customer(state, subject, found)


def _duration(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    ms = int(number(value, name)) if value is not None else 0
    return ms if 0 <= ms <= _DURATION_MAX_MS else 0
