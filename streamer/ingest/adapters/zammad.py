"""Zammad: webhooks of triggers. Each has the whole ticket as it is now: what changed is the difference to the last one.

=====================================  ===================================================================
delivery                               event
=====================================  ===================================================================
the first with at most one article,    ticket.created, by create_article_sender
also after later ones
with more articles                     ticket.message: by its sender, not public if `internal`
another state                          ticket.status_changed: closed is solved, pending ... pending; removed and
                                       merged are ticket.deleted (other): it is not told into which it was merged
another owner or group                 ticket.assigned: the group is queue and team, nobody is an empty agent
a snapshot older than the last         its article only
=====================================  ===================================================================

Ticket, updated_at and kind identify a change, so a delivery that comes again gives the same ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters.base import at, first_instant, flag, table, ticket_customer, word

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_STATUS: Final = {
    "new": "new",
    "open": "open",
    "pending reminder": "pending",
    "pending close": "pending",
    "closed": "solved",
}
_GONE: Final = frozenset({"merged", "removed"})
_AUTHOR: Final = {"customer": "customer", "agent": "agent", "system": "system"}
_CHANNEL: Final = {
    "email": "email",
    "web": "web",
    "phone": "phone",
    "sms": "sms",
    "chat": "chat",
    "whatsapp message": "whatsapp",
}
_PRIORITY: Final = frozenset({"low", "normal", "high"})
_NOBODY: Final = "1"  # Zammad's own user, shown as "-"


def about(payload: Any) -> str | None:
    """Return the ticket's id."""
    return word(at(payload, "ticket", "id"))


def adapt(delivery: Delivery, source: Source, state: State) -> list[Event]:
    """Return the events of one webhook call."""
    payload = table(delivery.payload)
    ticket = table(payload.get("ticket"), "ticket")
    article = payload["article"] if isinstance(payload.get("article"), dict) else {}
    subject = source.subject(ticket.get("id"))
    updated = first_instant((ticket.get("updated_at"), "ticket.updated_at"))
    before = state.get(f"ticket:{subject}")
    before = before if isinstance(before, dict) else None
    group = source.label(_named(ticket.get("group")))
    now: dict[str, Any] = {"updated": updated, "status": _status(ticket), "group": group}
    now["agent"] = _owner(source, ticket)
    now["created"] = told = before.get("created") if before else None
    common = _common(source, state, subject, ticket, article, group)
    events = []

    def one(kind: str, time: int, unique: object, **data: Any) -> None:
        events.append(source.event(f"ticket.{kind}", f"{subject}:{unique}", time, subject, **{**common, **data}))

    if (word(ticket.get("article_count")) or "0") in ("0", "1"):
        # Only by one delivery, however often it comes: told again by a change long after, it would count as late.
        if told in (None, updated):
            now["created"] = updated
            created = first_instant((ticket.get("created_at"), "ticket.created_at"))
            by = _AUTHOR.get((word(_named(ticket.get("create_article_sender"))) or "").lower(), "customer")
            one("created", created, "created", created_by=by)
    elif article.get("id"):
        time = first_instant((article.get("created_at"), "article.created_at"))
        author = _AUTHOR.get((word(_named(article.get("sender"))) or "").lower(), "system")
        agent = source.agent(article.get("created_by_id") or at(article, "created_by", "id"))
        data = {"author": author, "public": not flag(article.get("internal"))}
        one("message", time, f"article:{word(article.get('id'))}", **data, agent=agent if author == "agent" else None)
    if before and updated < before.get("updated", 0):
        state.put(f"ticket:{subject}", {**before, "created": now["created"]})
        return events
    known = before or {"status": "new", "agent": "", "group": now["group"]}
    if now["status"] != known.get("status"):
        if now["status"] == "deleted":
            one("deleted", updated, f"deleted:{updated}", reason="other")
        else:
            one("status_changed", updated, f"status:{updated}", status=now["status"])
    if (now["agent"], now["group"]) != (known.get("agent"), known.get("group")):
        one("assigned", updated, f"assigned:{updated}", agent=now["agent"])
    state.put(f"ticket:{subject}", now)
    return events


def _named(value: object) -> object:
    """Return the name of what is given as an object or by its name."""
    return value.get("name") if isinstance(value, dict) else value


def _status(ticket: dict[str, Any]) -> str:
    name = (word(_named(ticket.get("state"))) or "new").lower()
    # A state of the operator's own is still work.
    return "deleted" if name in _GONE else _STATUS.get(name, "open")


def _owner(source: Source, ticket: dict[str, Any]) -> str:
    owner = word(ticket.get("owner_id")) or word(at(ticket, "owner", "id")) or word(ticket.get("owner"))
    return "" if owner in (None, _NOBODY, "-") else source.agent(owner) or ""


def _common(
    source: Source,
    state: State,
    subject: str | None,
    ticket: dict[str, Any],
    article: dict[str, Any],
    group: str | None,
) -> dict[str, Any]:
    raw = word(ticket.get("customer_id")) or word(at(ticket, "customer", "id")) or word(ticket.get("customer"))
    kind = word(_named(article.get("type")))
    priority = word(_named(ticket.get("priority")))
    return {
        "customer": ticket_customer(state, subject, source.customer(raw), "ticket.customer"),
        "channel": kind and (_CHANNEL.get(kind.lower()) or source.label(kind)),
        "queue": group,
        "team": group,
        # "2 normal"
        "priority": source.label(priority and priority.lstrip("0123456789 "), _PRIORITY),
    }
