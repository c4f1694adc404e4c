"""Chatwoot: webhooks of conversations and messages. A conversation becomes a ticket: it has states, not queues.

==================================  =====================================================================
event                               event
==================================  =====================================================================
conversation_created                ticket.created
message_created                     ticket.message: incoming customer, outgoing agent or bot, template system;
                                    an activity gives none; not public if `private`
conversation_status_changed         ticket.status_changed: resolved is solved, snoozed on_hold
conversation_updated with           ticket.assigned: the team is queue and team, no assignee an empty agent
assignee_id or team_id changed
other events and changes            none
==================================  =====================================================================

Times and message types come as numbers or as words. There is no id of the delivery: conversation or message, time and
what changed identify it. A delivery that names no contact is about the one that an earlier delivery named. What a
customer answered to a satisfaction survey is not in any documented payload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters.base import (
    RefusedError,
    UnknownTypeError,
    at,
    first_instant,
    flag,
    table,
    ticket_customer,
    word,
)

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_STATUS: Final = {"open": "open", "resolved": "solved", "pending": "pending", "snoozed": "on_hold"}
_CHANNEL: Final = {
    "channel::webwidget": "chat",
    "channel::email": "email",
    "channel::api": "api",
    "channel::sms": "sms",
    "channel::twiliosms": "sms",
    "channel::whatsapp": "whatsapp",
    "channel::facebookpage": "facebook",
    "channel::twitterprofile": "twitter",
}
_AUTHOR: Final = {"0": "customer", "incoming": "customer", "1": "agent", "outgoing": "agent"}
_TEMPLATE: Final = frozenset({"3", "template"})
_PRIORITY: Final = frozenset({"low", "medium", "high", "urgent"})
_ASSIGNED: Final = frozenset({"assignee_id", "team_id"})


def about(payload: Any) -> str | None:
    """Return the conversation's id."""
    return word(_conversation(payload).get("id")) if isinstance(payload, dict) else None


def adapt(delivery: Delivery, source: Source, state: State) -> list[Event]:
    """Return the events of one webhook call."""
    payload = table(delivery.payload)
    kind = word(payload.get("event")) or ""
    conversation = _conversation(payload)
    subject = source.subject(conversation.get("id"))
    if kind == "message_created":
        return _message(source, state, payload, conversation, subject)
    if kind not in ("conversation_created", "conversation_status_changed", "conversation_updated"):
        raise UnknownTypeError
    created = ((conversation.get("created_at"), "created_at"), (conversation.get("timestamp"), "timestamp"))
    changed = ((conversation.get("updated_at"), "updated_at"), (conversation.get("last_activity_at"), "timestamp"))
    time = first_instant(*(created if kind == "conversation_created" else (*changed, *reversed(created))))
    common = _common(source, state, conversation, subject)
    if kind == "conversation_created":
        return [source.event("ticket.created", subject, time, subject, **common)]
    if kind == "conversation_status_changed":
        status = _STATUS.get((word(conversation.get("status")) or "").lower())
        if status is None:
            raise RefusedError("status is none of open, resolved, pending and snoozed")
        return [
            source.event("ticket.status_changed", f"{subject}:{status}:{time}", time, subject, **common, status=status)
        ]
    changes = payload.get("changed_attributes")
    names = {name for one in changes if isinstance(one, dict) for name in one} if isinstance(changes, list) else set()
    if not names & _ASSIGNED:
        return []
    agent = source.agent(at(conversation, "meta", "assignee", "id")) or ""
    unique = f"{subject}:{agent}:{common['team']}:{time}"
    return [source.event("ticket.assigned", unique, time, subject, **common, agent=agent)]


def _message(
    source: Source, state: State, payload: dict[str, Any], conversation: dict[str, Any], subject: str | None
) -> list[Event]:
    kind = (word(payload.get("message_type")) or "").lower()
    author = "system" if kind in _TEMPLATE else _AUTHOR.get(kind)
    if author is None:
        return []
    bot = author == "agent" and (word(at(payload, "sender", "type")) or "").lower() in (
        "agent_bot",
        "captain_assistant",
    )
    time = first_instant((payload.get("created_at"), "created_at"))
    sender = at(payload, "sender", "id")
    found = sender if author == "customer" else None
    return [
        source.event(
            "ticket.message",
            f"{subject}:{word(payload.get('id')) or time}",
            time,
            subject,
            **_common(source, state, conversation, subject, found),
            author="bot" if bot else author,
            automated=True if bot or author == "system" else None,
            public=not flag(payload.get("private")),
            agent=source.agent(sender) if author == "agent" and not bot else None,
        )
    ]


def _conversation(payload: dict[str, Any]) -> dict[str, Any]:
    inner = payload.get("conversation")
    return inner if isinstance(inner, dict) else payload


def _common(
    source: Source, state: State, conversation: dict[str, Any], subject: str | None, found: object = None
) -> dict[str, Any]:
    raw = at(conversation, "meta", "sender", "id") or at(conversation, "contact_inbox", "contact_id") or found
    channel = word(conversation.get("channel"))
    team = source.label(at(conversation, "meta", "team", "id"))
    return {
        "customer": ticket_customer(state, subject, source.customer(raw), "meta.sender.id"),
        "channel": channel and (_CHANNEL.get(channel.lower()) or source.label(channel)),
        "brand": source.label(conversation.get("inbox_id")),
        "queue": team,
        "team": team,
        "priority": source.label(conversation.get("priority"), _PRIORITY),
    }
