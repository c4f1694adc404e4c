"""The settings object: all sections, the resolved queues, and the hash of what decides facts."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

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
    DEFAULT_QUEUE,
    Calendars,
    CalendarSettings,
    CustomerSettings,
    DimensionSettings,
    QueueRules,
    Queues,
    SurveySettings,
    TicketSettings,
    TimeSettings,
    resolve_queue,
    with_groupings,
)
from streamer.settings._section import Key, Section
from streamer.settings._types import Number, format_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_TARGETS = {"csat_ratio": 0.8, "cart_abandonment_ratio": 0.63}


def _with_default_targets(value: Any) -> Any:
    return {**_TARGETS, **value} if isinstance(value, dict) else value


def _table(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = data.get(name)
    return table if isinstance(table, dict) else {}


def _hidden_groupings(data: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    shown = _table(data, "exposition").get("groupings")
    kept = with_groupings(_table(data, "dimensions")).get("groupings")
    if isinstance(shown, (list, tuple)) and isinstance(kept, (list, tuple)):
        known = [list(grouping) for grouping in kept if isinstance(grouping, (list, tuple))]
        for grouping in shown:
            if isinstance(grouping, (list, tuple)) and list(grouping) not in known:
                yield ("exposition", "groupings"), f"{list(grouping)} is not one of dimensions.groupings"


def _missing_calendars(data: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    if not isinstance(data.get("calendars", {}), dict):
        return
    calendars = {"default", *_table(data, "calendars")}
    for name, queue in _table(data, "queues").items():
        calendar = queue.get("calendar") if isinstance(queue, dict) else None
        if isinstance(calendar, str) and calendar not in calendars:
            shown = calendar or '""'
            yield ("queues", name, "calendar"), f"there is no [calendars.{shown}]"


def _all_short(data: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    """Find queues where every contact that is given up would be short, since longer waits are lost."""
    queues = _table(data, "queues")
    default = {**DEFAULT_QUEUE, **_table(queues, "default")}
    for name in queues:
        own = _table(queues, name)
        key = next((key for key in ("short_abandon", "max_wait") if key in own), None)
        rules = {**default, **own}
        try:
            short, longest = parse_duration(rules["short_abandon"]), parse_duration(rules["max_wait"])
        except ValueError:
            continue  # that is the mistake
        if key is not None and short > longest:
            yield (
                ("queues", name, key),
                f"short_abandon ({format_duration(short)}) is longer than max_wait ({format_duration(longest)})",
            )


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
        dict[str, Annotated[Number, Field(allow_inf_nan=False)]], BeforeValidator(_with_default_targets)
    ] = _TARGETS
    kafka: KafkaSettings = KafkaSettings()
    worker: WorkerSettings = WorkerSettings()
    board: BoardSettings = BoardSettings()
    redis: RedisSettings = RedisSettings()
    ingest: IngestSettings = IngestSettings()
    ami: AmiSettings = AmiSettings()
    logs: LogSettings = LogSettings()

    @classmethod
    def between(cls, data: dict[str, Any]) -> Iterable[tuple[Key, str]]:
        """Find groupings that are shown but not kept, calendars that are not there, and waits that cannot be."""
        yield from _hidden_groupings(data)
        yield from _missing_calendars(data)
        yield from _all_short(data)

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
