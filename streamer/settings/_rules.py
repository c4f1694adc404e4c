"""The sections that decide what an event means: dimensions, time, tickets, queues, surveys, customers, calendars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003 (pydantic resolves it)
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from streamer.settings._types import (
    DayHours,
    Dimension,
    Duration,
    PositiveDuration,
    WeekHours,
    Zone,
    fail,
    parse_duration,
)

_OFFICE_HOURS: DayHours = ((8 * 60, 18 * 60),)
_DEFAULT_QUEUE = {
    "service_target": "20s",
    "chat_service_target": "60s",
    "calendar": "default",
    "short_abandon": "5s",
    "max_wait": "4h",
}


class Section(BaseModel):
    """What all sections have in common: they cannot be changed, and a key they do not know is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DimensionSettings(Section):
    """`[dimensions]`: by what the numbers are broken down."""

    names: tuple[Dimension, ...] = ("channel", "queue", "team")
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    groupings: tuple[tuple[str, ...], ...] = ()

    @field_validator("names")
    @classmethod
    def _names_differ(cls, names: tuple[Dimension, ...]) -> tuple[Dimension, ...]:
        fail_unless_unique(names)
        return names

    @model_validator(mode="before")
    @classmethod
    def _default_groupings(cls, value: Any) -> Any:
        """All together and each dimension by itself, unless the configuration says which."""
        if isinstance(value, dict) and "groupings" not in value:
            names = value.get("names", cls.model_fields["names"].default)
            if isinstance(names, (list, tuple)):
                return {**value, "groupings": [[], *([name] for name in names)]}
        return value

    @field_validator("groupings")
    @classmethod
    def _groupings_use_names(
        cls, groupings: tuple[tuple[str, ...], ...], info: ValidationInfo
    ) -> tuple[tuple[str, ...], ...]:
        names = info.data.get("names")
        if names is None:
            return groupings  # the names are the mistake
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

    min: float
    max: float
    best: Literal["high", "low"] = "high"
    satisfied: float | None = None

    @model_validator(mode="after")
    def _ends_in_order(self) -> ScaleSettings:
        if not self.min < self.max:
            fail([(("max",), f"not above min ({self.min:g})")])
        if self.satisfied is not None and not self.min <= self.satisfied <= self.max:
            fail([(("satisfied",), f"not on the scale {self.min:g} to {self.max:g}")])
        return self


class SurveySettings(Section):
    """`[surveys]`: expiry, coverage, fatigue, follow-up, and the scales of surveys."""

    expiry: PositiveDuration = parse_duration("7d")
    coverage: PositiveDuration = parse_duration("1h")
    fatigue_limit: Annotated[int, Field(ge=0)] = 2
    fatigue_window: PositiveDuration = parse_duration("30d")
    overlap_window: PositiveDuration = parse_duration("7d")
    follow_up_target: PositiveDuration = parse_duration("24h")
    min_samples: Annotated[int, Field(ge=0)] = 30
    scales: dict[str, ScaleSettings] = {}


class CustomerSettings(Section):
    """`[customers]`: when a cart counts as abandoned."""

    cart_idle: PositiveDuration = parse_duration("1h")


class CalendarSettings(Section):
    """`[calendars.NAME]`: opening hours in a zone. `hours[0]` is Monday: (start, end) in minutes of the local day."""

    zone: Zone = "UTC"
    hours: WeekHours = (*(_OFFICE_HOURS,) * 5, (), ())
    holidays: tuple[date, ...] = ()


def fail_unless_unique(values: tuple[Any, ...]) -> None:
    """Refuse a list that has a value twice."""
    repeated = [
        ((index,), f"{value!r} stands here twice") for index, value in enumerate(values) if value in values[:index]
    ]
    if repeated:
        fail(repeated)


def _with_default_queue(value: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("default", {}), dict):
        return value
    return {**value, "default": {**_DEFAULT_QUEUE, **value.get("default", {})}}


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
