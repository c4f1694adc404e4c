"""Twilio TaskRouter: the workspace's event callback (a form), and the same events from Event Streams (CloudEvents).

======================================================  ====================================================
event type                                              event (call for voice, chat for other channels)
======================================================  ====================================================
task-queue.entered, task-queue.moved                    queued
task-queue.timeout, workflow.timeout                    left_queue: timeout
reservation.created                                     offered
reservation.accepted                                    answered
reservation.rejected, reservation.timeout               not_answered
task.transfer-initiated                                 transferred: WARM is consult, COLD blind
reservation.wrapup, task.wrapup                         ended
reservation.completed                                   ended, if it is not yet, and wrapped_up
task.canceled, task.deleted                             ended: a task that waited was abandoned
worker.activity.update                                  agent.status_changed
other types                                             none
======================================================  ====================================================

The customer is the task's attribute `customer_id`, else `from`, `caller` or `customerAddress`. A callback has no id:
its type, resource and time identify it. Names of fields are read without case and underscores, as the two ways differ.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from streamer.ingest.adapters.base import (
    RefusedError,
    UnknownTypeError,
    at,
    first_instant,
    same_customer,
    table,
    word,
)

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_PREFIX: Final = "com.twilio.taskrouter."
_EVENTS: Final[dict[str, list[tuple[str, dict[str, Any]]]]] = {
    "task-queue.entered": [("queued", {})],
    "task-queue.moved": [("queued", {})],
    "task-queue.timeout": [("left_queue", {"reason": "timeout"})],
    "workflow.timeout": [("left_queue", {"reason": "timeout"})],
    "reservation.created": [("offered", {})],
    "reservation.accepted": [("answered", {})],
    "reservation.rejected": [("not_answered", {})],
    "reservation.timeout": [("not_answered", {})],
    "task.transfer-initiated": [("transferred", {})],
    "reservation.wrapup": [("ended", {})],
    "task.wrapup": [("ended", {})],
    "reservation.completed": [("ended", {}), ("wrapped_up", {})],
    "task.canceled": [("ended", {})],
    "task.deleted": [("ended", {"by": "system"})],
}
_ACTIVITY: Final = {
    "idle": "available",
    "available": "available",
    "busy": "on_contact",
    "reserved": "on_contact",
    "wrapup": "wrap_up",
    "wrap up": "wrap_up",
    "offline": "offline",
}
_NUMBER: Final = re.compile(r"(?:[a-z]+:)?\+?[0-9 ().-]{6,}")
_BATCH_MAX: Final = 100


def about(payload: Any) -> str | None:
    """Return the task's id; for a batch of Event Streams the one of its first event."""
    first = payload[0] if isinstance(payload, list) and payload else payload
    fields = _fields(first) if isinstance(first, dict) else {}
    return word(fields.get("tasksid"))


def adapt(delivery: Delivery, source: Source, state: State) -> list[Event]:
    """Return the events of one callback, or of one batch of Event Streams."""
    batch = delivery.payload if isinstance(delivery.payload, list) else [delivery.payload]
    if len(batch) > _BATCH_MAX:
        raise RefusedError("a batch has more than 100 events")
    events = []
    for one in batch:
        try:
            events += _one(source, state, table(one, "an event"))
        except UnknownTypeError:
            if len(batch) == 1:
                raise
    return events


def _one(source: Source, state: State, payload: dict[str, Any]) -> list[Event]:
    fields = _fields(payload)
    type_ = (word(fields.get("eventtype")) or "").removeprefix(_PREFIX)
    time = first_instant((fields.get("timestampms"), "TimestampMs"), (fields.get("timestamp"), "Timestamp"))
    resource = word(fields.get("resourcesid")) or word(fields.get("reservationsid")) or word(fields.get("tasksid"))
    unique = word(fields.get("eventid")) or f"{type_}:{resource}:{word(fields.get('workersid'))}:{time}"
    agent = source.agent(fields.get("workersid"))
    if type_ == "worker.activity.update":
        activity = (word(fields.get("workeractivityname")) or "").lower()
        # The operator's own activities are all kinds of absence.
        status = _ACTIVITY.get(activity, "away")
        return [source.event("agent.status_changed", unique, time, agent, agent=agent, status=status)]
    if type_ not in _EVENTS:
        raise UnknownTypeError
    attributes = _attributes(fields.get("taskattributes"))
    channel = (word(fields.get("taskchanneluniquename")) or "voice").lower()
    if channel == "default":
        channel = "voice" if attributes.get("call_sid") else "chat"
    entity = "call" if channel == "voice" else "chat"
    subject = source.subject(fields.get("tasksid"))
    customer = same_customer(state, subject, _customer(source, attributes))
    if entity == "chat" and customer is None:
        raise RefusedError("TaskAttributes has none of customer_id, from, caller and customerAddress")
    common = {
        "customer": customer,
        "channel": {"voice": "phone", "sms": "sms", "chat": "chat"}.get(channel) or source.label(channel),
        "queue": source.label(fields.get("taskqueuename")),
        "agent": agent,
    }
    if type_ == "task.transfer-initiated":
        common["kind"] = "consult" if (word(fields.get("transfermode")) or "").upper() == "WARM" else "blind"
    if type_.startswith("task-queue."):
        common["direction"] = "outbound" if word(attributes.get("direction")) == "outbound" else None
    return [
        source.event(f"{entity}.{what}", unique, time, subject, **{**common, **data}) for what, data in _EVENTS[type_]
    ]


def _fields(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the fields with names of one form, those of Event Streams' inner payload among them."""
    inner = at(payload, "data", "payload")
    flat = {**payload, **(payload["data"] if isinstance(payload.get("data"), dict) else {})}
    flat |= inner if isinstance(inner, dict) else {}
    fields = {name.replace("_", "").lower(): value for name, value in flat.items()}
    if payload.get("specversion"):
        fields["eventid"], fields["eventtype"] = payload.get("id"), payload.get("type")
    return fields


def _attributes(value: object) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _customer(source: Source, attributes: dict[str, Any]) -> str | None:
    if known := source.customer(attributes.get("customer_id")):
        return known
    raw = word(attributes.get("from") or attributes.get("caller") or attributes.get("customerAddress")) or ""
    return source.caller(raw) if _NUMBER.fullmatch(raw) else source.customer(raw)
