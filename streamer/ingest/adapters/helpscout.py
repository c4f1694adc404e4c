"""Help Scout: ratings of replies (`satisfaction.ratings`), and the responses of its short surveys.

A rating is Great, Okay or Bad: 2, 1 and 0 of 0 to 2, about its ticket. A survey's response has `value`, 0 to 10, often
written as a string: nps. Its category may be wrong and is not read. Deliveries of conversations give none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters.base import (
    RefusedError,
    UnknownTypeError,
    at,
    first_instant,
    required,
    score,
    table,
    word,
)

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_SCORE: Final = {"great": 2, "okay": 1, "bad": 0}


def adapt(delivery: Delivery, source: Source, state: State) -> list[Event]:  # noqa: ARG001 (the adapters' signature)
    """Return the event of one rating or response."""
    payload = table(delivery.payload)
    if isinstance(payload.get("response"), dict):
        return [_response(delivery, source, payload, payload["response"])]
    if "rating" not in payload:
        raise UnknownTypeError
    stars = _SCORE.get((word(payload["rating"]) or "").lower())
    if stars is None:
        raise RefusedError("rating is none of Great, Okay and Bad")
    time = first_instant((payload.get("modifiedAt"), "modifiedAt"), (payload.get("createdAt"), "createdAt"))
    raw = required(word(payload.get("id")), "id")
    return [
        source.event(
            "survey.answered",
            f"rating:{raw}:{time}",
            time,
            source.subject(raw, f"{source.name}-rating"),
            customer=required(source.customer(at(payload, "customer", "id")), "customer.id"),
            survey="helpscout-rating",
            kind="csat",
            about=source.about(payload.get("ticketId")),
            score=stars,
            scale_min=0,
            scale_max=2,
            has_comment=bool(word(payload.get("comments"))),
        )
    ]


def _response(delivery: Delivery, source: Source, payload: dict[str, Any], response: dict[str, Any]) -> Event:
    time = first_instant((response.get("timestamp"), "response.timestamp"))
    found = source.customer(at(payload, "customer", "id") or at(response, "customer", "id"))
    # Nothing of the response identifies it: the delivery does.
    unique = word(response.get("id")) or delivery.digest
    return source.event(
        "survey.answered",
        f"response:{unique}",
        time,
        source.subject(unique, f"{source.name}-survey"),
        customer=required(found or source.address(at(payload, "customer", "email")), "customer.id"),
        survey="helpscout-survey",
        kind="nps",
        score=score(response.get("value"), "response.value"),
        scale_min=0,
        scale_max=10,
        has_comment=bool(word(response.get("comment"))),
    )
