"""What one (the last) answer of an invitation gives, all at `answered`."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from .order import millis
from .scales import exact, is_satisfied, micro, normal, nps_class, satisfaction_class, scale_of

if TYPE_CHECKING:
    from .book import Book, Group
    from .config import Config
    from .order import Event
    from .scales import Scale

CSAT_KINDS = ("csat", "relationship", "experience", "esat")


def put_answer(answer: Event, kind: str, survey: str, group: Group, config: Config, book: Book) -> None:
    data, at = answer.data, answer.time
    scale = scale_of(data, config)
    if scale is None:
        return
    x = normal(data["score"], scale)
    book.put("surveys_answered", group, at, kind=kind)
    book.put("survey_comment_ratio", group, at, int(bool(data.get("has_comment"))), kind=kind)
    unhappy = False
    if kind in CSAT_KINDS:
        book.put("csat_ratio", group, at, int(is_satisfied(data["score"], scale)), kind=kind)
        book.put("csat_mean_ratio", group, at, micro(x), kind=kind)
    if kind in {"csat", "relationship", "experience"}:
        grade = satisfaction_class(x)
        unhappy = grade == "at_risk"
        for name in ("promoter", "satisfied", "at_risk"):
            book.put("satisfaction_class_ratio", group, at, int(grade == name), **{"class": name})
    if kind == "nps":
        unhappy = _nps(nps_class(x), group, at, book)
    if kind == "ces":
        # x is what is summed in millionths, 1 + 6 x is shown, 7 easiest; easy = >= 5
        book.put("ces_mean", group, at, 1_000_000 + 6 * micro(x))
        book.put("ces_easy_ratio", group, at, int(1 + 6 * x >= Fraction(5)))
    for rating, score in (data.get("ratings") or {}).items():
        book.put("experience_rating_mean_ratio", group, at, micro(normal(score, scale)), rating=rating)
    if data.get("resolved") is not None:
        book.put("stated_resolution_ratio", group, at, int(data["resolved"]))
    if unhappy:
        for topic in dict.fromkeys(data.get("comment_topics") or []):  # each once an answer
            book.put("detractor_topics", group, at, topic=topic)
    if data.get("started_at"):
        book.time("survey_completion", group, at, at - millis(data["started_at"]))
    _suspect(answer, survey, scale, group, book)


def _nps(grade: str, group: Group, at: int, book: Book) -> bool:
    book.put("nps_score", group, at, {"promoter": 1, "passive": 0, "detractor": -1}[grade])
    for name in ("promoter", "passive", "detractor"):
        book.put("nps_share_ratio", group, at, int(grade == name), **{"class": name})
    if grade == "detractor":
        # 9 and 15 times the NPS detractors
        book.put("word_of_mouth_reach", group, at, 9, bound="low")
        book.put("word_of_mouth_reach", group, at, 15, bound="high")
    return grade == "detractor"


def _suspect(answer: Event, survey: str, scale: Scale, group: Group, book: Book) -> None:
    """Extreme answers contradicted by `resolved` or by comment sentiment / extreme answers that state either."""
    data = answer.data
    resolved, sentiment = data.get("resolved"), data.get("comment_sentiment")
    score = exact(data["score"])
    if score not in {scale.low, scale.high} or (resolved is None and sentiment is None):
        return
    feeling = Fraction(0) if sentiment is None else exact(sentiment)
    if normal(data["score"], scale) == 0:
        odd = resolved is True or feeling >= Fraction(1, 2)
    else:
        odd = resolved is False or feeling <= Fraction(-1, 2)
    book.put("scale_suspect_ratio", group, answer.time, int(odd), survey=survey)
