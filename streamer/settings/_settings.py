"""The settings object: all sections, the resolved queues, and the hash of what decides facts."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from streamer.settings._ingest import IngestSettings
from streamer.settings._processes import (
    AmiSettings,
    BoardSettings,
    ExpositionSettings,
    KafkaSettings,
    LogSettings,
    MetricSettings,
    RedisSettings,
    WorkerSettings,
)
from streamer.settings._rules import (
    Calendars,
    CalendarSettings,
    CustomerSettings,
    DimensionSettings,
    QueueRules,
    Queues,
    QueueSettings,
    Section,
    SurveySettings,
    TicketSettings,
    TimeSettings,
    resolve_queue,
)
from streamer.settings._types import fail

if TYPE_CHECKING:
    from collections.abc import Mapping

_TARGETS = {"csat_ratio": 0.8, "cart_abandonment_ratio": 0.63}


def _with_default_targets(value: Any) -> Any:
    return {**_TARGETS, **value} if isinstance(value, dict) else value


class Settings(Section):
    """Everything that can be configured; the same names as in the file. Durations are integer milliseconds.

    `Settings()` has the defaults and reads nothing; `Settings.model_validate({"time": {"grace": "2h"}})` changes some;
    `load_settings` reads the file and the environment. A number given for a duration is in seconds.
    """

    dimensions: DimensionSettings = Field(default_factory=lambda: DimensionSettings.model_validate({}))
    metrics: dict[str, MetricSettings] = Field(default={})
    exposition: ExpositionSettings = ExpositionSettings()
    time: TimeSettings = TimeSettings()
    tickets: TicketSettings = TicketSettings()
    calendars: Calendars = Field(default={"default": CalendarSettings()})
    queues: Queues = Field(default={}, validate_default=True)
    surveys: SurveySettings = SurveySettings()
    customers: CustomerSettings = CustomerSettings()
    targets: Annotated[
        dict[str, Annotated[float, Field(allow_inf_nan=False)]], BeforeValidator(_with_default_targets)
    ] = _TARGETS
    kafka: KafkaSettings = KafkaSettings()
    worker: WorkerSettings = WorkerSettings()
    board: BoardSettings = BoardSettings()
    redis: RedisSettings = RedisSettings()
    ingest: IngestSettings = IngestSettings()
    ami: AmiSettings = AmiSettings()
    logs: LogSettings = LogSettings()

    @field_validator("exposition")
    @classmethod
    def _shows_what_is_kept(cls, exposition: ExpositionSettings, info: ValidationInfo) -> ExpositionSettings:
        kept = info.data["dimensions"].groupings if "dimensions" in info.data else exposition.groupings or ()
        missing = [grouping for grouping in exposition.groupings or () if grouping not in kept]
        if missing:
            fail((("groupings",), f"{list(grouping)} is not one of dimensions.groupings") for grouping in missing)
        return exposition

    @field_validator("queues")
    @classmethod
    def _calendars_exist(cls, queues: dict[str, QueueSettings], info: ValidationInfo) -> dict[str, QueueSettings]:
        calendars = info.data.get("calendars")
        if calendars is None:
            return queues  # the calendars are the mistake
        missing = {name: q.calendar for name, q in queues.items() if (q.calendar or "default") not in calendars}
        if missing:
            fail(((name, "calendar"), f"there is no [calendars.{calendar}]") for name, calendar in missing.items())
        return queues

    def queue(self, name: str) -> QueueRules:
        """Say what holds for a queue; one that the configuration does not name has the rules of `default`."""
        rules = self.queue_rules
        return rules.get(name) or rules["default"]

    @cached_property
    def queue_rules(self) -> Mapping[str, QueueRules]:
        """The resolved rules of every queue that the configuration names, and of `default`."""
        default = self.queues["default"]
        return {name: resolve_queue(queue, default) for name, queue in self.queues.items()}


def rules_hash(settings: Settings) -> str:
    """Hash what decides facts, in 16 hexadecimal digits: state made under another hash must not be continued.

    In: dimensions.names, time.grace and .future, tickets, queues (resolved), surveys without min_samples, customers,
    calendars. Out: what only decides how facts are shown (windows, groupings, limits, targets) or how processes run.
    """
    default = settings.queue("default")
    rules = {
        "dimensions": settings.dimensions.names,
        "time": settings.time.model_dump(include={"grace", "future"}),
        "tickets": settings.tickets.model_dump(),
        "queues": {
            name: [getattr(queue, field) for field in QueueRules.__slots__]
            for name, queue in settings.queue_rules.items()
            if name == "default" or queue != default
        },
        "surveys": settings.surveys.model_dump(exclude={"min_samples"}),
        "customers": settings.customers.model_dump(),
        "calendars": {name: calendar.model_dump(mode="json") for name, calendar in settings.calendars.items()},
    }
    text = json.dumps(rules, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
