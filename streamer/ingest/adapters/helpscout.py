"""Help Scout: ratings of replies (`satisfaction.ratings`), and the responses of its short surveys.

A rating is Great, Okay or Bad: 2, 1 and 0 of 0 to 2, about its ticket. A survey's response is nps where it has a category:
its `value` is 0 to 10, written as a string, and the category may be wrong and is not read. Faces (Happy, Neutral, Sad) are 2,
1 and 0 of 0 to 2, thumbs 1 and 0 of 0 to 1. Emoji, choices and texts have no score; they give none, as do deliveries of
conversations. A response's customer is embedded, and has no id of its own: the delivery identifies it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters.base import (
    NPS,
    RefusedError,
    UnknownTypeError,
    answered,
    at,
    first_instant,
    required,
    table,
    word,
)

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_SCORE: Final = {"great": 2, "okay": 1, "bad": 0}
# The names of a response's values, and the value's place on a scale that begins at 0.
_NAMED: Final = {"happy": (2, 2), "neutral": (1, 2), "sad": (0, 2), "thumbs up": (1, 1), "thumbs down": (0, 1)}


def adapt(delivery: Delivery, source: Source, _state: State) -> list[Event]:
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
        answered(
            source,
            f"rating:{raw}:{time}",
            time,
            source.subject(raw, f"{source.name}-rating"),
            customer=(source.customer(at(payload, "customer", "id")), "customer.id"),
            rated=(stars, "rating"),
            scale=(0, 2),
            survey="helpscout-rating",
            kind="csat",
            about=source.about(payload.get("ticketId")),
            has_comment=bool(word(payload.get("comments"))),
        )
    ]


def _response(delivery: Delivery, source: Source, payload: dict[str, Any], response: dict[str, Any]) -> Event:
    time = first_instant((response.get("timestamp"), "response.timestamp"))
    person = at(payload, "_embedded", "customer") or at(payload, "customer") or at(response, "customer")
    email = at(person, "_embedded", "emails", 0, "value") or at(person, "email")
    named = _NAMED.get((word(response.get("name")) or "").lower())
    if named is None and not response.keys() >= {"value", "category"}:
        raise UnknownTypeError
    value, highest = named or (response["value"], NPS[1])
    unique = word(response.get("id")) or delivery.digest
    return answered(
        source,
        f"response:{unique}",
        time,
        source.subject(unique, f"{source.name}-survey"),
        customer=(source.customer(at(person, "id")) or source.address(email), "_embedded.customer.id"),
        rated=(value, "response.value"),
        scale=(0, highest),
        survey="helpscout-survey" if named is None else f"helpscout-{'faces' if highest > 1 else 'thumbs'}",
        kind="nps" if named is None else "csat",
        has_comment=bool(word(response.get("comment"))),
    )
