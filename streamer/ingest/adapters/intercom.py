"""Intercom: webhook notifications. Conversations and tickets both become tickets: they have states, not queues.

=====================================================  ================================================
topic                                                  event
=====================================================  ================================================
conversation.user.created, ticket.created              ticket.created
conversation.admin.single.created                      ticket.created by the agent
conversation.user.replied, ticket.contact.replied      ticket.message of the customer
conversation.admin.replied, ticket.admin.replied       ticket.message of the agent (of the bot if its part says so)
conversation.admin.noted, ticket.note.created          ticket.message that is not public
conversation.admin.assigned, ...open.assigned,         ticket.assigned: the team is queue and team
ticket.admin.assigned, ticket.team.assigned
conversation.admin.closed, ticket.closed               ticket.status_changed: solved (it may be opened again)
conversation.admin.opened, unsnoozed / snoozed         ticket.status_changed: open / on_hold
ticket.state.updated                                   ticket.status_changed by the state's category
conversation.rating.added, ticket.rating.provided      survey.answered, csat of 1 to 5
admin.away_mode_updated, admin.logged_in, _out         agent.status_changed
other topics                                           none
=====================================================  ================================================

A ticket's replies, notes and assignments, and since API 2.15 its closing, have the ticket as `item.ticket` and what was
written as `item.ticket_part`. The notification's `id` identifies the change; times are Unix seconds. A lead who becomes a
user, or a contact who is merged into another, stays the ticket's customer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters.base import (
    RefusedError,
    UnknownTypeError,
    answered,
    at,
    first_instant,
    flag,
    number,
    table,
    ticket_customer,
    word,
)

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_STATUS: Final = {
    "conversation.admin.closed": "solved",
    "conversation.admin.opened": "open",
    "conversation.admin.snoozed": "on_hold",
    "conversation.admin.unsnoozed": "open",
    "ticket.closed": "solved",
}
_TICKET_STATE: Final = {
    "submitted": "new",
    "in_progress": "open",
    "waiting_on_customer": "pending",
    "resolved": "solved",
}
_CHANNEL: Final = {"conversation": "chat", "push": "chat"} | {
    name: name for name in ("email", "facebook", "instagram", "twitter", "whatsapp", "sms")
}
_CREATED: Final = frozenset({"conversation.user.created", "conversation.admin.single.created", "ticket.created"})
_REPLIED: Final = {
    "conversation.user.replied": "customer",
    "ticket.contact.replied": "customer",
    "conversation.admin.replied": "agent",
    "ticket.admin.replied": "agent",
    "conversation.admin.noted": "agent",
    "ticket.note.created": "agent",
}
_NOTES: Final = frozenset({"conversation.admin.noted", "ticket.note.created"})
_ASSIGNED: Final = frozenset(
    {
        "conversation.admin.assigned",
        "conversation.admin.open.assigned",
        "ticket.admin.assigned",
        "ticket.team.assigned",
    }
)
_RATED: Final = frozenset({"conversation.rating.added", "ticket.rating.provided"})
_AGENT: Final = {"admin.logged_in": "available", "admin.logged_out": "offline"}


def about(payload: Any) -> str | None:
    """Return the conversation's or ticket's id."""
    return word(at(payload, "data", "item", "ticket", "id")) or word(at(payload, "data", "item", "id"))


def adapt(delivery: Delivery, source: Source, state: State) -> list[Event]:
    """Return the events of one notification."""
    payload = table(delivery.payload)
    topic = word(payload.get("topic")) or ""
    item = _item(table(at(payload, "data", "item"), "data.item"))
    unique = word(payload.get("id")) or delivery.digest
    time = first_instant((payload.get("created_at"), "created_at"))
    if topic.startswith("admin."):
        return _admin(source, topic, item, unique, time)
    if topic in _RATED:
        return [_rating(source, state, item, time)]
    what = _change(source, topic, item)
    if what is None:
        raise UnknownTypeError
    kind, data = what
    team = source.label(_assignee(item, "team_assignee_id"))
    channel = word(at(item, "source", "type"))
    subject = source.subject(item.get("id"))
    common = {
        "customer": _customer(source, state, subject, item),
        "channel": channel and (_CHANNEL.get(channel.lower()) or source.label(channel)),
        "queue": team,
        "team": team,
        "priority": source.label(item.get("priority"), {"priority", "not_priority"}),
    }
    if kind == "created":
        time = first_instant((item.get("created_at"), "data.item.created_at"), (time, "created_at"))
    return [source.event(f"ticket.{kind}", unique, time, subject, **{**common, **data})]


def _item(item: dict[str, Any]) -> dict[str, Any]:
    """Return the conversation or ticket. What happened to a ticket comes beside it, as `ticket_part`."""
    ticket = item.get("ticket")
    return {**ticket, "ticket_part": item.get("ticket_part")} if isinstance(ticket, dict) else item


def _assignee(item: dict[str, Any], name: str) -> str | None:
    """Return the id of a team or teammate; a ticket writes "0" for none."""
    found = word(item.get(name))
    return None if found == "0" else found


def _change(source: Source, topic: str, item: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    if topic in _CREATED:
        started_by = word(at(item, "source", "author", "type"))
        by_agent = started_by in ("admin", "bot") or topic == "conversation.admin.single.created"
        return "created", {"created_by": "agent" if by_agent else "customer"}
    if topic in _REPLIED:
        return "message", _message(source, _REPLIED[topic], item, public=topic not in _NOTES)
    if topic in _ASSIGNED:
        return "assigned", {"agent": source.agent(_assignee(item, "admin_assignee_id")) or ""}
    if topic in _STATUS:
        return "status_changed", {"status": _STATUS[topic]}
    if topic == "ticket.state.updated":
        name = word(item.get("ticket_state")) or word(at(item, "ticket_state", "category")) or ""
        if name.lower() not in _TICKET_STATE:
            raise RefusedError("data.item.ticket_state is no state")
        return "status_changed", {"status": _TICKET_STATE[name.lower()]}
    return None


def _message(source: Source, author: str, item: dict[str, Any], *, public: bool) -> dict[str, Any]:
    part = (
        item.get("ticket_part")
        or at(item, "conversation_parts", "conversation_parts", -1)
        or at(item, "ticket_parts", "ticket_parts", -1)
    )
    bot = word(at(part, "author", "type")) == "bot"
    if author == "customer":
        return {"author": "customer"}
    return {
        "author": "bot" if bot else "agent",
        "automated": bot or None,
        "public": public,
        "agent": None if bot else source.agent(at(part, "author", "id")),
    }


def _customer(source: Source, state: State, subject: str | None, item: dict[str, Any]) -> str:
    user = (
        at(item, "source", "author")
        if word(at(item, "source", "author", "type")) in ("user", "lead", "contact")
        else {}
    )
    raw = (
        at(item, "contacts", "contacts", 0, "id")
        or at(item, "contact", "id")
        or at(item, "user", "id")
        or at(user, "id")
        or at(item, "conversation_rating", "contact", "id")
    )
    return ticket_customer(state, subject, source.customer(raw), "data.item.contacts")


def _rating(source: Source, state: State, item: dict[str, Any], time: int) -> Event:
    rating = table(item.get("conversation_rating") or item.get("ticket_rating"), "data.item.conversation_rating")
    score = number(rating.get("rating"), "data.item.conversation_rating.rating")
    if not 1 <= score <= 5:  # noqa: PLR2004 (Intercom's scale)
        raise RefusedError("data.item.conversation_rating.rating is not from 1 to 5")
    subject, ticket = source.subject(item.get("id"), f"{source.name}-csat"), source.subject(item.get("id"))
    time = first_instant(
        (rating.get("updated_at"), "conversation_rating.updated_at"),
        (rating.get("created_at"), "conversation_rating.created_at"),
        (time, "created_at"),
    )
    return answered(
        source,
        f"{subject}:{time}:{score}",
        time,
        subject,
        customer=(_customer(source, state, ticket, item), "data.item.contacts"),
        rated=(score, "data.item.conversation_rating.rating"),
        scale=(1, 5),
        agent=source.agent(at(rating, "teammate", "id")),
        survey="intercom-csat",
        kind="csat",
        about=ticket,
        has_comment=bool(word(rating.get("remark"))),
    )


def _admin(source: Source, topic: str, item: dict[str, Any], unique: str, time: int) -> list[Event]:
    if topic == "admin.away_mode_updated":
        status = "away" if flag(item.get("away_mode_enabled")) else "available"
    elif topic in _AGENT:
        status = _AGENT[topic]
    else:
        raise UnknownTypeError
    agent = source.agent(item.get("id") or at(item, "admin", "id"))
    return [source.event("agent.status_changed", unique, time, agent, agent=agent, status=status)]
