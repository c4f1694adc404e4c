"""The scale that an answer's score is on: it comes with the answer, or is configured under the survey's name."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, Protocol

from msgspec import UNSET

from streamer.events.surveys import SurveyAnsweredData

MILLION: Final = 1_000_000


def millionths(number: float) -> int:
    """Return a number in millionths, rounded half up: what places on scales are computed in."""
    return int((number * MILLION + 0.5) // 1)


class ScaleLike(Protocol):
    """A configured scale; `satisfied` is the score from which (best low: down to which) a customer is satisfied."""

    @property
    def min(self) -> float:
        """The lowest score."""

    @property
    def max(self) -> float:
        """The highest score."""

    @property
    def best(self) -> Literal["high", "low"]:
        """The good end."""

    @property
    def satisfied(self) -> float | None:
        """The threshold, or None for the rule of thumb."""


class Scale(NamedTuple):
    """A scale from `min` to `max`, its good end, and the configured threshold of satisfaction, if any."""

    min: float
    max: float
    best: Literal["high", "low"] = "high"
    satisfied: float | None = None


def scale_of(answer: SurveyAnsweredData, scales: Mapping[str, ScaleLike]) -> Scale | None:
    """Return the answer's scale, or None if it has none; `scales` are the configured ones by survey name.

    `min`, `max` and `best` come together, from the answer if it has both ends. The threshold is the configured one
    in either case: no answer can carry it.
    """
    configured = None if answer.survey is UNSET else scales.get(answer.survey)
    if answer.scale_min is not UNSET and answer.scale_max is not UNSET:
        satisfied = None if configured is None else configured.satisfied
        return Scale(answer.scale_min, answer.scale_max, answer.best, satisfied)
    if configured is None:
        return None
    return Scale(configured.min, configured.max, configured.best, configured.satisfied)
