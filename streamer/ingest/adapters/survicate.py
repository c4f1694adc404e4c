"""Survicate: each answered question (`event.questionAnswered`) that has a score becomes survey.answered.

An nps answer has the score as its choice's `id` and promoter, passive or detractor as its `body`: 0 to 10. Of a rating or a
smiley scale only the words of the choice are told: the score is that word if it is a number, else what `names` makes of it
("Great" = "5"), and its scale stands in the configuration under the survey's id, as `names` calls it. `names` also says
what kind a question is, by its id ("12123" = "ces"), else csat. Other questions give none.

An invitation is a response and a question, as one survey may ask for two scores. The customer is the respondent's attribute
`customer` or `user_id`, else `email`, else the respondent's id; the ticket is the attribute `ticket`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamer.ingest.adapters.base import (
    KINDS,
    NPS,
    UnknownTypeError,
    answered,
    at,
    first_instant,
    is_number,
    required,
    table,
    word,
)

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Delivery, Event, Source, State

_WORDS_OF_NPS: Final = frozenset({"promoter", "passive", "detractor"})


def adapt(delivery: Delivery, source: Source, _state: State) -> list[Event]:
    """Return the event of one answered question."""
    payload = table(delivery.payload)
    answer = at(payload, "event", "questionAnswered")
    choice = at(answer, "choice")
    if not isinstance(answer, dict) or not isinstance(choice, dict):
        raise UnknownTypeError
    said = word(choice.get("body")) or ""
    nps = said.lower() in _WORDS_OF_NPS
    value = choice.get("id") if nps else source.listed(said) or said
    if not nps and not is_number(word(value) or ""):
        raise UnknownTypeError
    response = word(answer.get("responseUuid")) or word(payload.get("messageId"))
    question = word(at(answer, "question", "id")) or ""
    raw = f"{required(response, 'event.questionAnswered.responseUuid')}:{question}"
    time = first_instant((answer.get("timestamp"), "event.questionAnswered.timestamp"))
    asked = source.listed(question) or ""
    return [
        answered(
            source,
            f"{raw}:{time}",
            time,
            source.subject(raw),
            customer=(_customer(source, answer.get("respondent")), "event.questionAnswered.respondent.id"),
            rated=(value, "event.questionAnswered.choice"),
            scale=NPS if nps else None,
            survey=source.label(at(answer, "survey", "id")),
            kind="nps" if nps else asked if asked in KINDS else "csat",
            about=source.about(at(answer, "respondent", "attributes", "ticket")),
            has_comment=bool(word(choice.get("comment"))),
        )
    ]


def _customer(source: Source, respondent: object) -> str | None:
    attributes = at(respondent, "attributes")
    known = source.customer(at(attributes, "customer")) or source.customer(at(attributes, "user_id"))
    return known or source.address(at(attributes, "email")) or source.customer(at(respondent, "id"))
