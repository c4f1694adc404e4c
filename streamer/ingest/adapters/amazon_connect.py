"""Amazon Connect: contact events (EventBridge), and the agent event stream by whatever forwards it over HTTP.

==========================  ==========================================================================
event                       event (call for VOICE, chat for CHAT; TASK and EMAIL give none)
==========================  ==========================================================================
QUEUED                      queued, by initiationMethod inbound, outbound or callback
CONNECTED_TO_AGENT          answered
PAUSED, RESUMED             held, resumed (AWS: of tasks only)
DISCONNECTED                ended: an unanswered contact that was queued was abandoned
COMPLETED                   wrapped_up
either, of a call with an   held and resumed before the end, because only the sum is told
agentInitiatedHoldDuration
INITIATED, CONNECTED_TO_    none
SYSTEM, ..., other types
LOGIN, LOGOUT,              agent.status_changed from the snapshot
STATE_CHANGE
HEART_BEAT                  agent.heartbeat
a contact record            none: it comes late, and what it sums up was told by the events
==========================  ==========================================================================

Names are read without case, as descriptions differ. Events carry no customer: a call is its own timeline, a chat has its
first contact as its customer, so that repeats and surveys cannot be joined. Each contact id is a contact of its own: a
transfer begins a new one. Delivered at least once and in no order: contact, type and time identify an event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters.base import UnknownTypeError, at, first_instant, number, required, table, word

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_EVENTS: Final = {
    "QUEUED": ("queued", ("queueinfo", "enqueuetimestamp")),
    "CONNECTED_TO_AGENT": ("answered", ("agentinfo", "connectedtoagenttimestamp")),
    "PAUSED": ("held", ("lastpausedtimestamp",)),
    "RESUMED": ("resumed", ("lastresumedtimestamp",)),
    "DISCONNECTED": ("ended", ("disconnecttimestamp",)),
    "COMPLETED": ("wrapped_up", ("agentinfo", "aftercontactworkendtimestamp")),
}
_ENTITY: Final = {"VOICE": "call", "CHAT": "chat"}
_BY: Final = {"CUSTOMER_DISCONNECT": "customer", "AGENT_DISCONNECT": "agent"}
_DIRECTION: Final = {"OUTBOUND": "outbound", "CALLBACK": "callback"}
_AGENT_EVENTS: Final = frozenset({"LOGIN", "LOGOUT", "STATE_CHANGE"})
_DEPTH_MAX: Final = 8
_DURATION_MAX_S: Final = 86_400  # what claims to be longer is no duration


def adapt(delivery: Delivery, source: Source, _state: State) -> list[Event]:
    """Return the events of one contact event or agent event."""
    payload = table(_lower(delivery.payload))
    if "agentarn" in payload:
        return [_agent(source, payload)]
    if "contactid" in payload:  # a contact record
        raise UnknownTypeError
    detail = table(payload.get("detail"), "detail")
    kind = (word(detail.get("eventtype")) or "").upper()
    entity = _ENTITY.get((word(detail.get("channel")) or "").upper())
    if kind not in _EVENTS or entity is None:
        raise UnknownTypeError
    what, path = _EVENTS[kind]
    time = first_instant((at(detail, *path), ".".join(path)), (payload.get("time"), "time"))
    contact = required(word(detail.get("contactid")), "detail.contactId")
    subject = source.subject(contact)
    first = detail.get("initialcontactid") or contact
    method = (word(detail.get("initiationmethod")) or "").upper()
    reason = (word(detail.get("disconnectreason")) or "").upper()
    fields = {
        "customer": source.customer(first) if entity == "chat" else None,
        "queue": source.label(_last(at(detail, "queueinfo", "queuearn"))),
        "agent": source.agent(at(detail, "agentinfo", "agentarn")),
        "direction": _DIRECTION.get(method) if what == "queued" else None,
        # AWS promises a reason for failed outbound calls only: without one nobody knows who ended it.
        "by": _BY.get(reason, "system") if what == "ended" and reason else None,
    }
    event = source.event(f"{entity}.{what}", f"{contact}:{kind}:{time}", time, subject, **fields)
    held = _held_ms(at(detail, "agentinfo", "agentinitiatedholdduration"))
    if not held or entity != "call" or not detail.get("disconnecttimestamp"):
        return [event]
    end = first_instant((detail["disconnecttimestamp"], "disconnectTimestamp"))
    common = {**fields, "by": None, "direction": None}
    # DISCONNECTED and COMPLETED say the same with the same ids.
    during = [("held", end - held), ("resumed", end)]
    return [*(source.event(f"call.{one}", f"{contact}:hold", t, subject, **common) for one, t in during), event]


def _held_ms(seconds: object) -> int:
    value = number(seconds, "agentInfo.agentInitiatedHoldDuration") if seconds is not None else 0
    return int(value * 1000) if 0 < value <= _DURATION_MAX_S else 0


def _agent(source: Source, payload: dict[str, Any]) -> Event:
    kind = (word(payload.get("eventtype")) or "").upper()
    time = first_instant((payload.get("eventtimestamp"), "EventTimestamp"))
    agent = source.agent(payload["agentarn"])
    unique = word(payload.get("eventid")) or f"{agent}:{kind}:{time}"
    if kind == "HEART_BEAT":
        return source.event("agent.heartbeat", unique, time, agent, agent=agent)
    if kind not in _AGENT_EVENTS:
        raise UnknownTypeError
    snapshot = payload.get("currentagentsnapshot")
    status = "offline" if kind == "LOGOUT" else _status(snapshot)
    return source.event("agent.status_changed", unique, time, agent, agent=agent, status=status)


def _status(snapshot: object) -> str:
    contacts = at(snapshot, "contacts")
    states = {word(at(one, "state")) for one in contacts} if isinstance(contacts, list) else set()
    if states & {"CONNECTED", "CONNECTED_ONHOLD", "CONNECTING"}:
        return "on_contact"
    if "ENDED" in states:
        return "wrap_up"
    kind = (word(at(snapshot, "agentstatus", "type")) or word(at(snapshot, "agentstatus", "name")) or "").upper()
    return {"ROUTABLE": "available", "AVAILABLE": "available", "OFFLINE": "offline"}.get(kind, "away")


def _last(arn: object) -> str | None:
    """Return the id at the end of an ARN."""
    text = word(arn)
    return text.rpartition("/")[2] if text else None


def _lower(value: Any, depth: int = 0) -> Any:
    """Return a value whose names are in lower case."""
    if depth > _DEPTH_MAX:
        return None
    if isinstance(value, dict):
        return {name.lower(): _lower(inner, depth + 1) for name, inner in value.items()}
    return [_lower(inner, depth + 1) for inner in value] if isinstance(value, list) else value
