"""Typeform: a completed form (`form_response`) becomes survey.answered.

The score is the first answer to a question of type nps, opinion_scale or rating. An nps question is of 0 to 10; the scale
of another stands in the configuration under the form's id, as `names` calls it. A question whose `ref` is csat, ces, nps,
relationship, experience or esat says what kind it is, else nps questions are nps and others csat; a yes-or-no question
with the ref `resolved` tells whether the problem was solved. Who answered, and about which ticket, comes as the hidden
fields `customer` and `ticket`, else the customer is the answer to an e-mail question. Texts become `has_comment`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamer.ingest.adapters.base import (
    KINDS,
    NPS,
    RefusedError,
    UnknownTypeError,
    answered,
    at,
    first_instant,
    instant,
    iso,
    required,
    table,
    word,
)

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_SCORED: Final = frozenset({"nps", "opinion_scale", "rating"})
_ANSWERS_MAX: Final = 500


def adapt(delivery: Delivery, source: Source, _state: State) -> list[Event]:
    """Return the event of one response."""
    payload = table(delivery.payload)
    if payload.get("event_type") != "form_response":
        raise UnknownTypeError
    response = table(payload.get("form_response"), "form_response")
    given = response.get("answers")
    answers = [one for one in given if isinstance(one, dict)][:_ANSWERS_MAX] if isinstance(given, list) else []
    scored = next((one for one in answers if word(at(one, "field", "type")) in _SCORED), None)
    if scored is None:
        raise RefusedError("form_response.answers has no nps, opinion_scale or rating question")
    token = required(word(response.get("token")), "form_response.token")
    time = first_instant((response.get("submitted_at"), "form_response.submitted_at"))
    nps = word(at(scored, "field", "type")) == "nps"
    ref = (word(at(scored, "field", "ref")) or "").lower()
    hidden = response.get("hidden")
    email = next((one.get("email") for one in answers if one.get("type") == "email"), None)
    customer = source.customer(at(hidden, "customer")) or source.address(email)
    resolved = next((one.get("boolean") for one in answers if at(one, "field", "ref") == "resolved"), None)
    landed = response.get("landed_at")
    return [
        answered(
            source,
            token,
            time,
            source.subject(token),
            customer=(customer, "form_response.hidden.customer"),
            rated=(scored.get("number"), "form_response.answers.number"),
            scale=NPS if nps else None,
            survey=source.label(response.get("form_id")),
            kind=ref if ref in KINDS else "nps" if nps else "csat",
            about=source.about(at(hidden, "ticket")),
            resolved=resolved if isinstance(resolved, bool) else None,
            has_comment=any(one.get("type") == "text" and word(one.get("text")) for one in answers),
            started_at=iso(instant(landed, "form_response.landed_at")) if landed else None,
        )
    ]
