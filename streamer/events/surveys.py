"""Surveys: `support.survey.*`. The subject is the invitation's id."""

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from streamer.events.envelope import CustomerData, Envelope, Instant, Score, Sentiment, rank_of

Best = Literal["high", "low"]
SurveyKind = Literal["csat", "relationship", "nps", "ces", "experience", "esat"]


class SurveyOfferedData(CustomerData, frozen=True, kw_only=True):
    """Whether the intercept was seen."""

    shown: Annotated[bool, Meta(description="Whether the web intercept was shown; false when it was withheld.")]


class SurveySentData(CustomerData, frozen=True, kw_only=True):
    """Which survey, and about what."""

    survey: (
        Annotated[str, Meta(description="The survey's name, under which its scale may be configured.")] | UnsetType
    ) = UNSET
    kind: Annotated[SurveyKind, Meta(description="What the survey measures; esat asks employees.")] | UnsetType = UNSET
    about: Annotated[str, Meta(description="The id of the ticket or contact that it is about.")] | UnsetType = UNSET
    department: Annotated[str, Meta(description="The department that asks.")] | UnsetType = UNSET


class SurveyAnsweredData(SurveySentData, frozen=True, kw_only=True):
    """The answer: a score on a scale that comes with it, or else is configured under the survey's name."""

    score: Annotated[Score, Meta(description="The answer, from one end of its scale to the other.")]
    scale_min: (
        Annotated[Score, Meta(description="The lowest score of the scale; counts only together with scale_max.")]
        | UnsetType
    ) = UNSET
    scale_max: Annotated[Score, Meta(description="The highest score of the scale, above scale_min.")] | UnsetType = (
        UNSET
    )
    best: Annotated[Best, Meta(description="Which end of the scale that came with the answer is the good one.")] = (
        "high"
    )
    resolved: Annotated[bool, Meta(description="Whether the customer says that the problem is solved.")] | UnsetType = (
        UNSET
    )
    ratings: (
        Annotated[dict[str, Score], Meta(description="Named sub-ratings, on the same scale as the score.")] | UnsetType
    ) = UNSET
    has_comment: Annotated[bool, Meta(description="Whether the customer wrote a comment.")] | UnsetType = UNSET
    comment_topics: Annotated[list[str], Meta(description="What the comment is about.")] | UnsetType = UNSET
    comment_sentiment: (
        Annotated[Sentiment, Meta(description="The comment's mood, from -1 (bad) to 1 (good).")] | UnsetType
    ) = UNSET
    started_at: (
        Annotated[Instant, Meta(description="When the customer began to answer, RFC 3339 with an offset.")] | UnsetType
    ) = UNSET


class _Survey(Envelope, frozen=True, kw_only=True):
    entity: ClassVar[str] = "survey"


class SurveyOffered(_Survey, tag="support.survey.offered", frozen=True, kw_only=True):
    """A web intercept was shown to a customer or withheld."""

    what: ClassVar[str] = "offered"
    rank: ClassVar[int] = rank_of("survey", "offered")
    data: SurveyOfferedData


class SurveySent(_Survey, tag="support.survey.sent", frozen=True, kw_only=True):
    """An invitation was sent."""

    what: ClassVar[str] = "sent"
    rank: ClassVar[int] = rank_of("survey", "sent")
    data: SurveySentData


class SurveyAnswered(_Survey, tag="support.survey.answered", frozen=True, kw_only=True):
    """An invitation was answered; a second answer replaces the first."""

    what: ClassVar[str] = "answered"
    rank: ClassVar[int] = rank_of("survey", "answered")
    data: SurveyAnsweredData


class SurveyDeclined(_Survey, tag="support.survey.declined", frozen=True, kw_only=True):
    """The customer declined to answer."""

    what: ClassVar[str] = "declined"
    rank: ClassVar[int] = rank_of("survey", "declined")
    data: CustomerData


class SurveyExpired(_Survey, tag="support.survey.expired", frozen=True, kw_only=True):
    """The invitation can no longer be answered."""

    what: ClassVar[str] = "expired"
    rank: ClassVar[int] = rank_of("survey", "expired")
    data: CustomerData
