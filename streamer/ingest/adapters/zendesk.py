"""Zendesk: webhooks on events ("zen:event-type:..."), the same events from EventBridge, and CSAT by a trigger.

===================================  ==================================================================
event type                           event
===================================  ==================================================================
ticket.created                       ticket.created, and ticket.status_changed unless it is new
ticket.comment_added                 ticket.message: agent if `author.is_staff`, system if the actor is -1
ticket.status_changed                ticket.status_changed (hold is on_hold); deleted is ticket.deleted
ticket.agent_assignment_changed      ticket.assigned, an empty agent if nobody
ticket.group_assignment_changed      ticket.assigned: the group is queue and team
ticket.merged                        ticket.merged
ticket.soft_deleted, ..._deleted     ticket.deleted (other); ticket.marked_as_spam: spam
agent.unified_state_changed          agent.status_changed
ticket.csat_requested                survey.sent
ticket.csat_received                 survey.answered (good 1, bad 0 of 0 to 1; numbers of 1 to 5)
a trigger with satisfaction_rating   survey.sent (offered), survey.answered in the same way
other types                          none
===================================  ==================================================================

The delivery's `id` identifies the change; the order inside a sequence is not guaranteed, and nothing here needs it. A
trigger's delivery has none: when the ticket was updated and the score identify a rating. A ticket whose requester is
changed keeps its customer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters.base import (
    RefusedError,
    UnknownTypeError,
    answered,
    at,
    first_instant,
    flag,
    table,
    ticket_customer,
    word,
)

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_STATUS: Final = {"hold": "on_hold"} | {name: name for name in ("new", "open", "pending", "solved", "closed")}
_CHANNEL: Final = {
    "web": "web",
    "mail": "email",
    "email": "email",
    "api": "api",
    "chat": "chat",
    "native_messaging": "chat",
    "voice": "phone",
    "phone": "phone",
    "sms": "sms",
    "facebook": "facebook",
    "twitter": "twitter",
    "whatsapp": "whatsapp",
}
_PRIORITY: Final = frozenset({"low", "normal", "high", "urgent"})
_AGENT: Final = {
    "online": "available",
    "away": "away",
    "transfers_only": "away",
    "offline": "offline",
}
_DELETED: Final = {"soft_deleted": "other", "permanently_deleted": "other", "marked_as_spam": "spam"}
# The score, and its scale: "good", "Good, I'm satisfied", "bad with comment", "4".
_RATED: Final = re.compile(r"[a-z]+|[0-9.]+")
_SCORE: Final = {"good": (1, (0, 1)), "bad": (0, (0, 1))} | {str(n): (n, (1, 5)) for n in range(1, 6)}
_SYSTEM: Final = "-1"


def about(payload: Any) -> str | None:
    """Return the ticket's id."""
    ids = (("detail", "ticket_event", "ticket", "id"), ("detail", "id"), ("ticket", "id"), ("ticket_id",), ("id",))
    return next((found for path in ids if (found := word(at(payload, *path)))), None)


def adapt(delivery: Delivery, source: Source, state: State) -> list[Event]:
    """Return the events of one webhook call."""
    payload = table(delivery.payload)
    if at(payload, "detail", "ticket_event"):
        payload = _from_event_bridge(payload)
    if rating := _rating(payload):
        return _of_trigger(delivery, source, state, payload, rating)
    entity, _, what = (word(payload.get("type")) or "").removeprefix("zen:event-type:").partition(".")
    time = first_instant((payload.get("time"), "time"), (at(payload, "detail", "updated_at"), "time"))
    unique = word(payload.get("id")) or delivery.digest
    if entity == "agent":
        return _agent(source, payload, what, unique, time)
    if entity != "ticket":
        raise UnknownTypeError
    detail = table(payload.get("detail"), "detail")
    customer = ticket_customer(
        state, source.subject(detail.get("id")), source.customer(detail.get("requester_id")), "detail.requester_id"
    )
    if what in ("csat_requested", "csat_received"):
        rating = {"score": "offered"} if what == "csat_requested" else at(payload, "event", "satisfaction_score")
        return _survey(source, detail.get("id"), customer, table(rating, "event.satisfaction_score"), unique, time)
    return _ticket(source, payload, customer, what, unique, time)


def _ticket(  # noqa: PLR0911 (a table of types)
    source: Source, payload: dict[str, Any], customer: str, what: str, unique: str, time: int
) -> list[Event]:
    detail, event = payload["detail"], at(payload, "event")
    subject = source.subject(detail.get("id"))
    common = {"customer": customer, **_common(source, detail)}
    current = at(event, "current")

    def one(kind: str, **data: Any) -> Event:
        return source.event(f"ticket.{kind}", unique, time, subject, **{**common, **data})

    if what == "created":
        by = "customer" if word(detail.get("submitter_id")) in (None, word(detail.get("requester_id"))) else "agent"
        events = [one("created", created_by=by, agent=source.agent(detail.get("assignee_id")))]
        status = _STATUS.get((word(detail.get("status")) or "").lower(), "new")
        return events if status == "new" else [*events, one("status_changed", status=status)]
    if what == "comment_added":
        return [one("message", **_comment(source, detail, table(at(event, "comment"), "event.comment")))]
    if what == "status_changed":
        name = (word(current) or "").lower()
        if name == "deleted":
            return [one("deleted", reason="other")]
        if name not in _STATUS:
            raise RefusedError("event.current is no status")
        return [one("status_changed", status=_STATUS[name])]
    if what == "agent_assignment_changed":
        return [one("assigned", agent=source.agent(current) or "")]
    if what == "group_assignment_changed":
        group = source.label(current)
        return [one("assigned", queue=group, team=group)] if group else []
    if what == "merged":
        into = at(event, "target_ticket_id") or at(event, "target_ticket", "id") or current
        return [one("merged", into=source.subject(into))]
    if what in _DELETED:
        return [one("deleted", reason=_DELETED[what])]
    raise UnknownTypeError


def _common(source: Source, detail: dict[str, Any]) -> dict[str, Any]:
    group = source.label(detail.get("group_id"))
    channel = word(at(detail, "via", "channel") or detail.get("via.channel"))
    return {
        "channel": channel and (_CHANNEL.get(channel.lower()) or source.label(channel)),
        "queue": group,
        "team": group,
        "priority": source.label(detail.get("priority"), _PRIORITY),
        "brand": source.label(detail.get("brand_id")),
    }


def _comment(source: Source, detail: dict[str, Any], comment: dict[str, Any]) -> dict[str, Any]:
    author = word(at(comment, "author", "id"))
    if author == _SYSTEM:
        return {"author": "system", "automated": True, "public": flag(comment.get("is_public")) is not False}
    staff = flag(at(comment, "author", "is_staff"))
    if staff is None:
        staff = author != word(detail.get("requester_id"))
    return {
        "author": "agent" if staff else "customer",
        "public": flag(comment.get("is_public")) is not False,
        "automated": True if staff and word(detail.get("actor_id")) == _SYSTEM else None,
        "agent": source.agent(author) if staff else None,
    }


def _agent(source: Source, payload: dict[str, Any], what: str, unique: str, time: int) -> list[Event]:
    if what != "unified_state_changed":
        raise UnknownTypeError
    agent = source.agent(at(payload, "detail", "agent_id"))
    state = (word(at(payload, "event", "new_unified_state", "name")) or "").lower()
    # The operator's own states are all kinds of absence.
    return [source.event("agent.status_changed", unique, time, agent, agent=agent, status=_AGENT.get(state, "away"))]


def _rating(payload: dict[str, Any]) -> dict[str, Any] | None:
    rating = payload.get("satisfaction_rating") or at(payload, "ticket", "satisfaction_rating")
    return rating if isinstance(rating, dict) else None


def _of_trigger(
    delivery: Delivery, source: Source, state: State, payload: dict[str, Any], rating: dict[str, Any]
) -> list[Event]:
    ticket = payload["ticket"] if isinstance(payload.get("ticket"), dict) else payload
    raw = ticket.get("id") or payload.get("ticket_id")
    found = source.customer(ticket.get("requester_id"))
    customer = ticket_customer(state, source.subject(raw), found, "ticket.requester_id")
    told = rating.get("updated_at") or ticket.get("updated_at")
    time = first_instant((told, "ticket.updated_at"), (delivery.received_ms, "time"))
    unique = f"{time}:{word(rating.get('score'))}" if told else delivery.digest
    return _survey(source, raw, customer, rating, unique, time)


def _survey(source: Source, raw: object, customer: str, rating: dict[str, Any], unique: str, time: int) -> list[Event]:
    # One rating a ticket: a second answer of it replaces the first.
    subject = source.subject(raw, f"{source.name}-csat")
    data = {"survey": "zendesk-csat", "kind": "csat", "about": source.subject(raw)}
    text = (word(rating.get("score")) or "").lower()
    found = _RATED.match(text)
    name = found[0] if found else ""
    if name == "offered":
        return [source.event("survey.sent", f"{subject}:offered", time, subject, customer=customer, **data)]
    if name == "unoffered":
        return []
    if name not in _SCORE:
        raise RefusedError("satisfaction_rating.score is none of offered, good, bad and 1 to 5")
    value, scale = _SCORE[name]
    commented = text.replace("_", " ").endswith("with comment") or bool(word(rating.get("comment")))
    return [
        answered(
            source,
            f"{subject}:{unique}",
            time,
            subject,
            customer=(customer, "ticket.requester_id"),
            rated=(value, "satisfaction_rating.score"),
            scale=scale,
            **data,
            has_comment=commented,
        )
    ]


def _from_event_bridge(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the webhook's form of an event that came by EventBridge ("Agent Assignment Changed")."""
    event = table(at(payload, "detail", "ticket_event"))
    name = (word(event.get("type")) or "").lower().replace("ticket ", "").replace(" ", "_")
    ref = at(event, "meta", "ref") or payload.get("id")
    return {
        "type": f"ticket.{ {'comment_created': 'comment_added'}.get(name, name) }",
        "id": f"{word(ref)}:{word(at(event, 'meta', 'sequence', 'position'))}:{name}",
        "time": at(event, "meta", "occurred_at"),
        "detail": {**table(event.get("ticket"), "ticket"), "actor_id": at(event, "meta", "actor_id")},
        "event": event,
    }
