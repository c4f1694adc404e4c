"""Scores on any scale: the place x of an answer between the ends of its scale, and the classes made from it.

Everything is integer arithmetic on millionths of a score, so that a class never depends on binary fractions.
"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import UNSET

from streamer.events.scales import MILLION, ScaleLike, millionths, scale_of
from streamer.events.surveys import SurveyAnsweredData
from streamer.facts import Fact, cell
from streamer.metrics.catalogue import row
from streamer.metrics.catalogue.customers import CLASSES
from streamer.metrics.catalogue.surveys import NPS_CLASSES, RATINGS, SATISFACTION, SUSPECT
from streamer.timelines.context import Context
from streamer.timelines.state import Survey

#: NPS: 0-6 are detractors, 7-8 passives, 9-10 promoters
DETRACTOR_MAX = 6

_CSAT = {k: row("csat_ratio", kind=k) for k in SATISFACTION}
_CSAT_MEAN = {k: row("csat_mean_ratio", kind=k) for k in SATISFACTION}
_CLASS = {c: row("satisfaction_class", **{"class": c}) for c in CLASSES}
_NPS = {c: row("nps_share", **{"class": c}) for c in NPS_CLASSES}
_CES_MEAN = row("ces_mean")
_CES_EASY = row("ces_easy_ratio")


class Place(NamedTuple):
    """Where an answer lies on its scale: x = part / whole, 1 the good end. Threshold and ends in millionths of a score."""

    part: int
    whole: int
    satisfied: bool

    @classmethod
    def of(cls, answer: SurveyAnsweredData, score: float, scales: Mapping[str, ScaleLike]) -> "Place":
        """Place a score (the answer's, or one of its ratings) on the answer's scale, which the decoder has checked."""
        scale = scale_of(answer, scales)
        if scale is None:
            msg = "an answer without a scale has passed the decoder"
            raise ValueError(msg)
        low, high, given = millionths(scale.min), millionths(scale.max), millionths(score)
        best_high = scale.best == "high"
        part = given - low if best_high else high - given
        whole = high - low
        threshold = scale.satisfied
        if threshold is not None:
            limit = millionths(threshold)
            satisfied = given >= limit if best_high else given <= limit
        elif high == 10 * MILLION and low in (0, MILLION):
            mirrored = low + high - 7 * MILLION
            satisfied = given >= 7 * MILLION if best_high else given <= mirrored
        else:
            satisfied = 4 * part >= 3 * whole
        return cls(part, whole, satisfied)

    def rounded(self, factor: int, offset: int = 0) -> int:
        """Return offset + factor * x, rounded half up."""
        return offset + (2 * factor * self.part + self.whole) // (2 * self.whole)

    def tenths(self) -> int:
        """Return 10 x rounded half up: the number that NPS classes are made from."""
        return self.rounded(10)


def sentiment_class(place: Place) -> str:
    """Return the class of an answer put on 1 to 10: promoter 9-10, satisfied 7-8, at_risk up to 6."""
    grade = place.rounded(9, 1)
    return "promoter" if grade >= 9 else "satisfied" if grade >= 7 else "at_risk"  # noqa: PLR2004 (the classes' limits)


def score_facts(
    survey: Survey, ctx: Context, answer: SurveyAnsweredData, place: Place, group: int, t: int
) -> list[Fact]:
    """Return the facts of an answer's score and ratings, by the survey's kind."""
    kind = survey.kind
    facts: list[Fact] = []
    if kind in _CSAT:
        facts.append((cell(_CSAT[kind], group), t, int(place.satisfied), 1))
        facts.append((cell(_CSAT_MEAN[kind], group), t, place.rounded(MILLION), 1))
        if kind != "esat":
            facts.append((cell(_CLASS[sentiment_class(place)], group), t, 1, 1))
    elif kind == "nps":
        tenths = place.tenths()
        which = "promoter" if tenths >= 9 else "passive" if tenths >= 7 else "detractor"  # noqa: PLR2004 (the classes' limits)
        facts.append((cell(_NPS[which], group), t, 1, 1))
    elif kind == "ces":
        facts.append((cell(_CES_MEAN, group), t, place.rounded(MILLION), 1))
        facts.append((cell(_CES_EASY, group), t, int(6 * place.part >= 4 * place.whole), 1))
    if answer.ratings is not UNSET:
        for name, score in sorted(answer.ratings.items()):
            x = Place.of(answer, score, ctx.surveys.scales).rounded(MILLION)
            facts.append((cell(ctx.open_rows.row(RATINGS, name), group), t, x, 1))
    suspect = _contradicted(answer, place)
    if suspect is not None:
        facts.append((cell(ctx.open_rows.row(SUSPECT, survey.name), group), t, int(suspect), 1))
    return facts


def _contradicted(answer: SurveyAnsweredData, place: Place) -> bool | None:
    """Tell whether an extreme answer is contradicted by its own words; None if it is not extreme, or says nothing."""
    resolved, mood = answer.resolved, answer.comment_sentiment
    if 0 < place.part < place.whole or (resolved is UNSET and mood is UNSET):
        return None
    if place.part == 0:
        return resolved is True or (mood is not UNSET and mood >= 0.5)  # noqa: PLR2004 (metrics.md, scale_suspect_ratio)
    return resolved is False or (mood is not UNSET and mood <= -0.5)  # noqa: PLR2004 (metrics.md, scale_suspect_ratio)
