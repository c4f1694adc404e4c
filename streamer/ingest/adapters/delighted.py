"""Delighted: a response, new or changed, becomes survey.answered; other webhooks and other kinds of survey give none.

The webhook is `{event_type, event_id, event_data}`; a response alone, as the API gives it, is taken too.

An nps response is of 0 to 10. The scale of csat and ces is not in the payload: it stands in the configuration as
`[surveys.scales.delighted-csat]`, `[surveys.scales.delighted-ces]`. The customer is the property `customer` of the person,
else the person's id; the ticket is the property `ticket`. A changed response replaces the one before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamer.ingest.adapters.base import NPS, UnknownTypeError, answered, at, first_instant, required, table, word

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_RESPONSES: Final = frozenset({"survey_response.created", "survey_response.updated"})
_KINDS: Final = frozenset({"nps", "csat", "ces"})


def adapt(delivery: Delivery, source: Source, _state: State) -> list[Event]:
    """Return the event of one response."""
    payload = table(delivery.payload)
    if "event_type" in payload and word(payload["event_type"]) not in _RESPONSES:
        raise UnknownTypeError
    response = table(payload.get("event_data", payload), "event_data")
    kind = required(word(response.get("survey_type")), "survey_type").lower()
    if kind not in _KINDS:
        raise UnknownTypeError
    raw = required(word(response.get("id")), "id")
    time = first_instant((response.get("updated_at"), "updated_at"), (response.get("created_at"), "created_at"))
    properties = response.get("person_properties")
    person = response.get("person")
    customer = source.customer(at(properties, "customer") or at(person, "id") or person)
    return [
        answered(
            source,
            f"{raw}:{time}",
            time,
            source.subject(raw),
            customer=(customer, "person"),
            rated=(response.get("score"), "score"),
            scale=NPS if kind == "nps" else None,
            survey=f"delighted-{kind}",
            kind=kind,
            about=source.about(at(properties, "ticket")),
            has_comment=bool(word(response.get("comment"))),
        )
    ]
