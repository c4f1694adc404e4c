"""Delighted: a response becomes survey.answered; a webhook's envelope (`event_data`) is taken off where there is one.

An nps response is of 0 to 10. The scale of csat and ces is not in the payload: it stands in the configuration as
`[surveys.scales.delighted-csat]`, `[surveys.scales.delighted-ces]`. The customer is the property `customer` of the person,
else the person's id; the ticket is the property `ticket`. A changed response replaces the one before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters.base import RefusedError, at, first_instant, required, score, table, word

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_KINDS: Final = frozenset({"nps", "csat", "ces"})


def adapt(delivery: Delivery, source: Source, state: State) -> list[Event]:  # noqa: ARG001 (the adapters' signature)
    """Return the event of one response."""
    payload = table(delivery.payload)
    inner = payload.get("event_data")
    response = inner if isinstance(inner, dict) else payload
    kind = (word(response.get("survey_type")) or "").lower()
    if kind not in _KINDS:
        raise RefusedError("survey_type is none of nps, csat and ces")
    raw = required(word(response.get("id")), "id")
    time = first_instant((response.get("updated_at"), "updated_at"), (response.get("created_at"), "created_at"))
    properties = response.get("person_properties")
    person = response.get("person")
    customer = source.customer(at(properties, "customer") or at(person, "id") or person)
    scale: dict[str, Any] = {"scale_min": 0, "scale_max": 10} if kind == "nps" else {}
    return [
        source.event(
            "survey.answered",
            f"{raw}:{time}",
            time,
            source.subject(raw),
            customer=required(customer, "person"),
            survey=f"delighted-{kind}",
            kind=kind,
            about=source.about(at(properties, "ticket")),
            score=score(response.get("score"), "score"),
            **scale,
            has_comment=bool(word(response.get("comment"))),
        )
    ]
