"""The sections that decide what an event means: dimensions, time, tickets, queues, surveys, customers, calendars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003 (pydantic resolves it)
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from streamer.events.envelope import SCORE_MAX
from streamer.settings._section import Section, fail, fail_unless_unique
from streamer.settings._types import (
    DayHours,
    Dimension,
    Duration,
    Number,
    PositiveDuration,
    WeekHours,
    Whole,
    Zone,
    parse_duration,
)

_OFFICE_HOURS: DayHours = ((8 * 60, 18 * 60),)
DEFAULT_QUEUE: Final = {
    "service_target": "20s",
    "chat_service_target": "60s",
    "calendar": "default",
    "short_abandon": "5s",
    "max_wait": "4h",
}
_SPAN_MIN: Final = (
    1e-6  # of a scale: places on it are computed in millionths, so none lies between ends that are closer
)
Score = Annotated[Number, Field(ge=-SCORE_MAX, le=SCORE_MAX, allow_inf_nan=False)]


class DimensionSettings(Section):
    """`[dimensions]`: by what the numbers are broken down."""

    names: tuple[Dimension, ...] = ("channel", "queue", "team")
    limit: Annotated[Whole, Field(ge=1, le=1_000)] = 100
    groupings: tuple[tuple[str, ...], ...] = ()

    @field_validator("names")
    @classmethod
    def _names_differ(cls, names: tuple[Dimension, ...]) -> tuple[Dimension, ...]:
        fail_unless_unique(names)
        return names

    @model_validator(mode="before")
    @classmethod
    def _default_groupings(cls, value: Any) -> Any:
        return with_groupings(value) if isinstance(value, dict) else value

    @field_validator("groupings")
    @classmethod
    def _groupings_use_names(
        cls, groupings: tuple[tuple[str, ...], ...], info: ValidationInfo
    ) -> tuple[tuple[str, ...], ...]:
        names = info.data.get("names", get_args(Dimension))  # where the names are a mistake: of all there are
        mistakes: list[tuple[tuple[str | int, ...], str]] = [
            ((index,), f"{name!r} is not one of dimensions.names")
            for index, grouping in enumerate(groupings)
            for name in grouping
            if name not in names
        ]
        sets = [frozenset(grouping) for grouping in groupings]
        mistakes += [
            ((index,), "repeats a dimension or another grouping")
            for index, members in enumerate(sets)
            if members in sets[:index] or len(members) < len(groupings[index])
        ]
        if mistakes:
            fail(mistakes)
        return groupings


class TimeSettings(Section):
    """`[time]`: the zone of `today`, and which events are late or too far ahead."""

    zone: Zone = "UTC"
    grace: PositiveDuration = parse_duration("24h")
    future: Duration = parse_duration("5m")


class TicketSettings(Section):
    """`[tickets]`: targets, the review age and how long a solve may be reopened."""

    first_response_target: PositiveDuration = parse_duration("1h")
    response_target: PositiveDuration = parse_duration("4h")
    resolution_target: PositiveDuration = parse_duration("24h")
    review_age: PositiveDuration = parse_duration("24h")
    reopen_window: PositiveDuration = parse_duration("7d")


class QueueSettings(Section):
    """`[queues.NAME]`: what the configuration says of one queue; what it leaves out is None (see `Settings.queue`)."""

    service_target: PositiveDuration | None = None
    chat_service_target: PositiveDuration | None = None
    calendar: str | None = None
    short_abandon: Duration | None = None
    max_wait: PositiveDuration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRules:
    """The rules of one queue with nothing left open. Durations in milliseconds; `calendar` is a key of `calendars`."""

    service_target: int
    chat_service_target: int
    calendar: str
    short_abandon: int
    max_wait: int


class ScaleSettings(Section):
    """`[surveys.scales.NAME]`: the scale of a survey whose answers carry none."""

    min: Score
    max: Score
    best: Literal["high", "low"] = "high"
    satisfied: Number | None = None

    @field_validator("max")
    @classmethod
    def _above_min(cls, top: float, info: ValidationInfo) -> float:
        low = info.data.get("min", -SCORE_MAX - 1)
        if top <= low:
            raise ValueError(f"not above min ({low:g})")
        if top - low < _SPAN_MIN:
            raise ValueError(f"less than a millionth above min ({low:g})")
        return top

    @field_validator("satisfied")
    @classmethod
    def _on_the_scale(cls, satisfied: float | None, info: ValidationInfo) -> float | None:
        low, top = info.data.get("min"), info.data.get("max")
        if satisfied is not None and low is not None and top is not None and not low <= satisfied <= top:
            raise ValueError(f"not on the scale {low:g} to {top:g}")
        return satisfied


class SurveySettings(Section):
    """`[surveys]`: expiry, coverage, fatigue, follow-up, and the scales of surveys."""

    expiry: PositiveDuration = parse_duration("7d")
    coverage: PositiveDuration = parse_duration("1h")
    fatigue_limit: Annotated[Whole, Field(ge=0)] = 2
    fatigue_window: PositiveDuration = parse_duration("30d")
    overlap_window: PositiveDuration = parse_duration("7d")
    follow_up_target: PositiveDuration = parse_duration("24h")
    min_samples: Annotated[Whole, Field(ge=0)] = 30
    scales: dict[str, ScaleSettings] = Field(default={})


class CustomerSettings(Section):
    """`[customers]`: when a cart counts as abandoned."""

    cart_idle: PositiveDuration = parse_duration("1h")


class CalendarSettings(Section):
    """`[calendars.NAME]`: opening hours in a zone. `hours[0]` is Monday: (start, end) in minutes of the local day."""

    zone: Zone = "UTC"
    hours: WeekHours = (*(_OFFICE_HOURS,) * 5, (), ())
    holidays: tuple[date, ...] = ()


def with_groupings(dimensions: dict[str, Any]) -> dict[str, Any]:
    """Fill in the default groupings, all together and each dimension by itself, unless the names are wrong."""
    names = dimensions.get("names", DimensionSettings.model_fields["names"].default)
    if "groupings" in dimensions or not isinstance(names, (list, tuple)):
        return dimensions
    if any(name not in get_args(Dimension) or name in names[:index] for index, name in enumerate(names)):
        return dimensions
    return {**dimensions, "groupings": [[], *([name] for name in names)]}


def _with_default_queue(value: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("default", {}), dict):
        return value
    given = {key: part for key, part in value.get("default", {}).items() if part is not None}
    return {**value, "default": {**DEFAULT_QUEUE, **given}}


def _with_default_calendar(value: Any) -> Any:
    return {"default": {}, **value} if isinstance(value, dict) else value


Queues = Annotated[dict[str, QueueSettings], BeforeValidator(_with_default_queue)]
"""Always has `default`, with every value set."""

Calendars = Annotated[dict[str, CalendarSettings], BeforeValidator(_with_default_calendar)]
"""Always has `default`."""


def resolve_queue(queue: QueueSettings, default: QueueSettings) -> QueueRules:
    """Fill what `queue` leaves out from `default`; for chats its own service target goes before the default's."""
    values = {**default.model_dump(exclude_none=True), **queue.model_dump(exclude_none=True)}
    if queue.chat_service_target is None and queue.service_target is not None and queue is not default:
        values["chat_service_target"] = queue.service_target
    return QueueRules(**values)
