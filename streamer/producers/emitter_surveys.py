"""Made by `python -m streamer.producers.emitter_methods`: the emitter's methods for surveys. Do not edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from typing import Literal, Unpack

    from streamer.producers.emitter_compose import Common


class SurveyMethods:
    """The methods for surveys."""

    def _event(self, name: str, subject: str, common: Any, /, **fields: Any) -> None:
        raise NotImplementedError

    def survey_offered(self, invitation: str, *, customer: str, shown: bool, **common: Unpack[Common]) -> None:
        """A web intercept was shown to a customer or withheld.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `shown`: Whether the web intercept was shown; false when it was withheld.
        """
        self._event("support.survey.offered", invitation, common, customer=customer, shown=shown)

    def survey_sent(
        self,
        invitation: str,
        *,
        customer: str,
        survey: str | None = None,
        kind: Literal["ces", "csat", "esat", "experience", "nps", "relationship"] | None = None,
        about: str | None = None,
        department: str | None = None,
        **common: Unpack[Common],
    ) -> None:
        """An invitation was sent.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `survey`: The survey's name, under which its scale may be configured.
        `kind`: What the survey measures; esat asks employees.
        `about`: The id of the ticket or contact that it is about.
        `department`: The department that asks.
        """
        self._event(
            "support.survey.sent",
            invitation,
            common,
            customer=customer,
            survey=survey,
            kind=kind,
            about=about,
            department=department,
        )

    def survey_answered(
        self,
        invitation: str,
        *,
        customer: str,
        score: float,
        survey: str | None = None,
        kind: Literal["ces", "csat", "esat", "experience", "nps", "relationship"] | None = None,
        about: str | None = None,
        department: str | None = None,
        scale_min: float | None = None,
        scale_max: float | None = None,
        best: Literal["high", "low"] | None = None,
        resolved: bool | None = None,
        ratings: dict[str, float] | None = None,
        has_comment: bool | None = None,
        comment_topics: list[str] | None = None,
        comment_sentiment: float | None = None,
        started_at: dt.datetime | None = None,
        **common: Unpack[Common],
    ) -> None:
        """An invitation was answered; a second answer replaces the first.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `score`: The answer, from one end of its scale to the other.
        `survey`: The survey's name, under which its scale may be configured.
        `kind`: What the survey measures; esat asks employees.
        `about`: The id of the ticket or contact that it is about.
        `department`: The department that asks.
        `scale_min`: The lowest score of the scale; counts only together with scale_max.
        `scale_max`: The highest score of the scale, above scale_min.
        `best`: Which end of the scale that came with the answer is the good one.
        `resolved`: Whether the customer says that the problem is solved.
        `ratings`: Named sub-ratings, on the same scale as the score.
        `has_comment`: Whether the customer wrote a comment.
        `comment_topics`: What the comment is about.
        `comment_sentiment`: The comment's mood, from -1 (bad) to 1 (good).
        `started_at`: When the customer began to answer, RFC 3339 with an offset.
        """
        self._event(
            "support.survey.answered",
            invitation,
            common,
            customer=customer,
            score=score,
            survey=survey,
            kind=kind,
            about=about,
            department=department,
            scale_min=scale_min,
            scale_max=scale_max,
            best=best,
            resolved=resolved,
            ratings=ratings,
            has_comment=has_comment,
            comment_topics=comment_topics,
            comment_sentiment=comment_sentiment,
            started_at=started_at,
        )

    def survey_declined(self, invitation: str, *, customer: str, **common: Unpack[Common]) -> None:
        """The customer declined to answer.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        """
        self._event("support.survey.declined", invitation, common, customer=customer)

    def survey_expired(self, invitation: str, *, customer: str, **common: Unpack[Common]) -> None:
        """The invitation can no longer be answered.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        """
        self._event("support.survey.expired", invitation, common, customer=customer)
