"""Which events count at an instant, and in which order (metrics.md "Order", "Arrival", "Replay", "Erasure")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .scales import scale_fault

if TYPE_CHECKING:
    from .config import Config

# metrics.md "Order": the rank of a type at one instant. mention.posted is not in that list: just before heartbeat.
_RANKS = (
    "created", "survey.offered", "sent", "opened", "joined", "chat.message", "left_queue", "transferred", "queued",
    "contact.offered", "not_answered", "assigned", "categorized", "suggested", "answered", "stepped",
    "ticket.message", "held", "resumed", "status_changed", "merged", "deleted", "purchased", "abandoned", "declined",
    "expired", "churned", "ended", "wrapped_up", "posted", "heartbeat", "erased",
)  # fmt: skip

_WHATS = {
    "ticket": "created message assigned status_changed categorized suggested merged deleted",
    "chat": "message queued offered not_answered answered held resumed transferred abandoned left_queue ended "
    "wrapped_up",
    "call": "queued offered not_answered answered held resumed transferred abandoned left_queue ended wrapped_up",
    "survey": "offered sent answered declined expired",
    "customer": "joined churned purchased erased",
    "cart": "opened stepped purchased abandoned",
    "mention": "posted",
    "agent": "status_changed heartbeat",
}


@dataclass
class Event:
    """One accepted event; `idx` is its place in its timeline's order."""

    entity: str
    what: str
    subject: str
    customer: str
    time: int
    arrival: int
    source: str
    id: str
    data: dict[str, Any]
    idx: int = -1


def millis(text: str) -> int:
    """RFC 3339 text to milliseconds since the epoch; what is finer than a millisecond is cut."""
    leap = text[17:19] == "60"
    moment = datetime.fromisoformat(text[:17] + "59" + text[19:] if leap else text)
    if leap:
        moment += timedelta(seconds=1)
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return (moment - epoch) // timedelta(milliseconds=1)


def rank(entity: str, what: str) -> int:
    if what == "offered":
        what = "survey.offered" if entity == "survey" else "contact.offered"
    elif what == "message":
        what = f"{entity}.message"
    return _RANKS.index(what)


def accepted(raw: list[dict[str, Any]], at: int, config: Config, *, final: bool) -> list[Event]:
    """What is applied at `at`: known types, in time, not from the future, first arrival of a source + id."""
    seen: set[tuple[str, str]] = set()
    result = []
    for record in raw:
        prefix, _, rest = str(record.get("type", "")).partition(".")
        entity, _, what = rest.partition(".")
        if prefix != "support" or what not in _WHATS.get(entity, "").split():
            continue  # an unknown type is dead-lettered
        data = record.get("data") or {}
        time = millis(record["time"])
        arrival = millis(record["recordedtime"]) if record.get("recordedtime") else time
        # Replay: records whose arrival is at or before T and whose time is; --final: all with time at or before T.
        if arrival > at and not final:
            continue
        if time > arrival + config.future:
            continue  # dead-lettered: more than 5 min after its arrival
        if time < arrival - config.grace:
            continue  # late, even if it repeats one
        if entity == "survey" and what == "answered" and scale_fault(data, config):
            continue  # dead-lettered: no scale, or a score outside it
        key = (record["source"], record["id"])
        if key in seen:
            continue  # the first arrival of a source + id counts
        seen.add(key)
        if time > at:
            continue
        customer = data.get("customer") or ""
        if entity == "customer" and not customer:
            customer = record["subject"]
        result.append(
            Event(
                entity, what, record.get("subject") or "", customer, time, arrival, record["source"], record["id"], data
            )
        )
    return result


@dataclass
class Timeline:
    """The events of one customer (or of a call without one, or of an agent) up to `horizon`, in order.

    horizon: T, or the time of the erasure that ended this stretch; `erased`: it was ended so.
    """

    customer: str
    events: list[Event]
    horizon: int
    erased: bool = False


def timelines(events: list[Event], at: int) -> tuple[list[Timeline], list[list[Event]]]:
    """Customers' stretches (an erasure ends one, "the state goes"), and the agents' event lists."""
    customers: dict[tuple[str, str], list[Event]] = {}
    agents: dict[str, list[Event]] = {}
    for event in events:
        if event.entity == "agent":
            agents.setdefault(event.subject or str(event.data.get("agent", "")), []).append(event)
        elif event.customer:
            customers.setdefault(("customer", event.customer), []).append(event)
        else:
            customers.setdefault((event.entity, event.subject), []).append(event)
    result = []
    for (kind, name), members in customers.items():
        customer = name if kind == "customer" else ""
        stretch: list[Event] = []
        for event in _sorted(members):
            if event.what == "erased":
                result.append(Timeline(customer, _numbered(_defer(stretch)), event.time, erased=True))
                stretch = []
            else:
                stretch.append(event)
        result.append(Timeline(customer, _numbered(_defer(stretch)), at))
    return result, [_numbered(_sorted(members)) for members in agents.values()]


def _sorted(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda e: (e.time, rank(e.entity, e.what), e.source, e.id))


def _numbered(events: list[Event]) -> list[Event]:
    for place, event in enumerate(events):
        event.idx = place
    return events


def _defer(events: list[Event]) -> list[Event]:
    """A left_queue or transferred at the instant of its contact's first queued applies after it."""
    first: dict[tuple[str, str], Event] = {}
    for event in events:
        if event.what == "queued":
            first.setdefault((event.entity, event.subject), event)
    held: dict[int, list[Event]] = {}
    result: list[Event] = []
    passed: set[int] = set()
    for event in events:
        opening = first.get((event.entity, event.subject))
        early = event.what in {"left_queue", "transferred"} and opening is not None
        if early and opening is not None and opening.time == event.time and id(opening) not in passed:
            held.setdefault(id(opening), []).append(event)
            continue
        result.append(event)
        if event is opening:
            passed.add(id(event))
            result.extend(held.pop(id(event), []))
    return result
