"""Freshdesk: the events of an app (onTicketCreate, onTicketUpdate, onConversationCreate, onTicketDelete).

==========================================  =====================================================================
event                                       event
==========================================  =====================================================================
a ticket without `changes`, unless it is    ticket.created, and ticket.status_changed unless it is open
onTicketUpdate
`changes` of status                         ticket.status_changed: 2 open, 3 and 6 pending, 4 solved, 5 closed, 7 on_hold
`changes` of responder_id, group_id         ticket.assigned: the group is queue and team, no responder an empty agent
`changes` of spam to true                   ticket.deleted: spam
onTicketDelete                              ticket.deleted: other
a conversation                              ticket.message: customer if `incoming`, not public if `private`
other changes                               none
==========================================  =====================================================================

There is no id of the delivery: ticket, updated_at and changes together identify a change. A conversation may name no
requester: it is then the ticket's, as an earlier delivery named it. The body of a simple automation webhook
(`freshdesk_webhook`) has neither a time nor a change, and is refused.
"""

from __future__ import annotations

import json
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

_STATUS: Final = {"2": "open", "3": "pending", "4": "solved", "5": "closed", "6": "pending", "7": "on_hold"}
_PRIORITY: Final = {"1": "low", "2": "medium", "3": "high", "4": "urgent"}
_CHANNEL: Final = {"1": "email", "2": "web", "3": "phone", "7": "chat", "9": "web", "10": "email"}
_OUTBOUND: Final = "10"


def about(payload: Any) -> str | None:
    """Return the ticket's id."""
    return word(at(payload, "data", "ticket", "id")) or word(at(payload, "data", "conversation", "ticket_id"))


def adapt(delivery: Delivery, source: Source, state: State) -> list[Event]:
    """Return the events of one app event."""
    payload = table(delivery.payload)
    if "freshdesk_webhook" in payload:
        raise RefusedError("a simple automation webhook has no time and no change; use the app's events")
    data = table(payload.get("data"), "data")
    if data.get("conversation"):
        return [_message(source, state, data, table(data["conversation"], "data.conversation"))]
    ticket = table(data.get("ticket"), "data.ticket")
    changes = ticket["changes"] if isinstance(ticket.get("changes"), dict) else {}
    time = first_instant((ticket.get("updated_at"), "data.ticket.updated_at"), (ticket.get("created_at"), "created_at"))
    subject = source.subject(ticket.get("id"))
    common = _common(source, state, data, ticket, subject)
    # In order of the keys: the same change again has the same id, however the object was written.
    unique = f"{subject}:{time}:{json.dumps(changes, sort_keys=True, default=str)}"

    def one(kind: str, **fields: Any) -> Event:
        return source.event(f"ticket.{kind}", unique, time, subject, **{**common, **fields})

    if word(payload.get("event")) == "onTicketDelete":
        return [one("deleted", reason="other")]
    if not changes and word(payload.get("event")) != "onTicketUpdate":
        return _created(source, ticket, subject, common)
    return _changed(source, ticket, changes, one)


def _created(source: Source, ticket: dict[str, Any], subject: str | None, common: dict[str, Any]) -> list[Event]:
    time = first_instant((ticket.get("created_at"), "data.ticket.created_at"))
    by = "agent" if word(ticket.get("source")) == _OUTBOUND else "customer"
    agent = source.agent(ticket.get("responder_id"))
    events = [source.event("ticket.created", subject, time, subject, **common, created_by=by, agent=agent)]
    status = _STATUS.get(word(ticket.get("status")) or "", "open")
    if status != "open":
        events.append(source.event("ticket.status_changed", subject, time, subject, **common, status=status))
    return events


def _changed(source: Source, ticket: dict[str, Any], changes: dict[str, Any], one: Any) -> list[Event]:
    events = []
    if flag(at(changes.get("spam"), -1)):
        return [one("deleted", reason="spam")]
    responder = changes.get("responder_id")
    if responder or changes.get("group_id"):
        now = at(responder, -1) if responder else ticket.get("responder_id")
        events.append(one("assigned", agent=source.agent(now) or ""))
    if changes.get("status"):
        # A status of the operator's own is still work.
        events.append(one("status_changed", status=_STATUS.get(word(at(changes["status"], -1)) or "", "open")))
    return events


def _message(source: Source, state: State, data: dict[str, Any], conversation: dict[str, Any]) -> Event:
    ticket = data["ticket"] if isinstance(data.get("ticket"), dict) else {}
    subject = source.subject(conversation.get("ticket_id") or ticket.get("id"))
    time = first_instant((conversation.get("created_at"), "data.conversation.created_at"))
    author = "customer" if flag(conversation.get("incoming")) else "agent"
    unique = word(conversation.get("id"))
    if not unique:
        raise UnknownTypeError
    return source.event(
        "ticket.message",
        unique,
        time,
        subject,
        **_common(source, state, data, ticket, subject),
        author=author,
        public=not flag(conversation.get("private")),
        agent=source.agent(conversation.get("user_id")) if author == "agent" else None,
    )


def _common(
    source: Source, state: State, data: dict[str, Any], ticket: dict[str, Any], subject: str | None
) -> dict[str, Any]:
    group = source.label(ticket.get("group_id") or None)
    found = source.customer(ticket.get("requester_id") or at(data, "requester", "id"))
    channel = word(ticket.get("source"))
    priority = word(ticket.get("priority"))
    return {
        "customer": ticket_customer(state, subject, found, "data.ticket.requester_id"),
        "channel": channel and (_CHANNEL.get(channel) or source.label(channel)),
        "queue": group,
        "team": group,
        "priority": priority and (_PRIORITY.get(priority) or source.label(priority)),
        "product": source.label(ticket.get("product_id") or None),
    }
