"""SurveyMonkey: a response with its answers becomes survey.answered; the webhook's own notice has none and is refused.

The webhook (`response_completed`) names a response and no score. Whatever fetches the response from the API,
`GET /v3/surveys/ID/responses/ID/details?simple=true`, sends what it got here as it is.

The score is the first answer that has one: a `simple_text` that is a number, else the `weight` of the choice. `names` says what
kind a question is, by its id ("4012" = "nps"), and only questions that it lists are read if it lists any of the response's;
without it the custom variable `kind` says so, else it is csat. An nps question is of 0 to 10; the scale of another stands in
the configuration under the survey's id, as `names` calls it. Who answered, and about which ticket, comes as the custom
variables `customer` and `ticket`, else the customer is the recipient. A response that was changed replaces the one before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters.base import (
    KINDS,
    NPS,
    RefusedError,
    UnknownTypeError,
    answered,
    at,
    first_instant,
    instant,
    is_number,
    iso,
    required,
    table,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_NOTICES: Final = frozenset({"response_completed", "response_updated"})
_ANSWERS_MAX: Final = 500


def adapt(delivery: Delivery, source: Source, _state: State) -> list[Event]:
    """Return the event of one response."""
    payload = table(delivery.payload)
    if word(payload.get("event_type")) in _NOTICES:
        raise RefusedError("the webhook carries no score: fetch the response's details and send them here")
    if "pages" not in payload or payload.get("response_status") not in (None, "completed"):
        raise UnknownTypeError
    answers = list(_answers(payload))
    listed = [one for one in answers if source.listed(one[0]) in KINDS]
    question, value = next(
        ((name, found) for name, answer in listed or answers if (found := _score(answer)) is not None), ("", None)
    )
    if value is None:
        raise RefusedError("pages has no answer with a number or a weight")
    variables = payload.get("custom_variables")
    said = source.listed(question) or word(at(variables, "kind")) or ""
    kind = said if said in KINDS else "csat"
    raw = required(word(payload.get("id")), "id")
    began = payload.get("date_created")
    time = first_instant((payload.get("date_modified"), "date_modified"), (began, "date_created"))
    customer = source.customer(at(variables, "customer")) or source.customer(payload.get("recipient_id"))
    return [
        answered(
            source,
            f"{raw}:{time}",
            time,
            source.subject(raw),
            customer=(customer, "custom_variables.customer"),
            rated=(value, "pages.questions.answers"),
            scale=NPS if kind == "nps" else None,
            survey=source.label(payload.get("survey_id")),
            kind=kind,
            about=source.about(at(variables, "ticket")),
            has_comment=any(word(answer.get("text")) for _, answer in answers),
            started_at=iso(instant(began, "date_created")) if began else None,
        )
    ]


def _answers(payload: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give (the question's id, an answer) of a response."""
    pages = payload["pages"] if isinstance(payload["pages"], list) else []
    questions = [one for page in pages for one in _list(page, "questions")]
    found = [(word(at(one, "id")) or "", answer) for one in questions for answer in _list(one, "answers")]
    yield from ((name, answer) for name, answer in found[:_ANSWERS_MAX] if isinstance(answer, dict))


def _list(value: object, name: str) -> list[Any]:
    found = at(value, name)
    return found if isinstance(found, list) else []


def _score(answer: dict[str, Any]) -> str | None:
    """Return an answer's score as text: a number in its text, else its choice's weight."""
    for value in (answer.get("simple_text"), at(answer, "choice_metadata", "weight")):
        text = word(value) or ""
        if is_number(text):
            return text
    return None
