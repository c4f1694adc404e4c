"""The configuration with the defaults of design.md filled in; durations are integer milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
_UNITS = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}

_HOURS = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "08:00-18:00")
_QUEUE = {
    "service_target": "20s",
    "chat_service_target": "60s",
    "calendar": "default",
    "short_abandon": "5s",
    "max_wait": "4h",
}


@cache
def duration(value: Any) -> int:
    """A duration as in the TOML ("24h", "20s", "90m") in milliseconds; a bare number is seconds."""
    if isinstance(value, (int, float)):
        return int(Fraction(str(value)) * SECOND)
    number = value.rstrip("abcdefghijklmnopqrstuvwxyz")
    return int(Fraction(number) * _UNITS[value[len(number) :]])


@dataclass
class QueueRules:
    target: int
    calendar: str
    short: int
    max_wait: int


class Config:
    """Attributes for what the reference reads."""

    def __init__(self, toml: dict[str, Any]) -> None:
        self.toml = toml
        self._rules: dict[tuple[str, str], QueueRules] = {}
        dimensions = toml.get("dimensions", {})
        self.names: list[str] = list(dimensions.get("names", ["channel", "queue", "team"]))
        self.limit = int(dimensions.get("limit", 100))
        self.groupings = [list(g) for g in dimensions.get("groupings", [[], ["channel"], ["queue"], ["team"]])]
        self.metrics: dict[str, Any] = toml.get("metrics", {})
        exposition = toml.get("exposition", {})
        self.quantiles: list[float] = list(exposition.get("quantiles", [0.5, 0.9, 0.95]))
        self.show_metrics = exposition.get("metrics") or None
        self.show_windows = exposition.get("windows") or None
        self.show_groupings = exposition.get("groupings") or None
        time = toml.get("time", {})
        self.zone: str = time.get("zone", "UTC")
        self.grace = duration(time.get("grace", "24h"))
        self.future = duration(time.get("future", "5m"))
        tickets = toml.get("tickets", {})
        self.targets = {
            "first_response": duration(tickets.get("first_response_target", "1h")),
            "response": duration(tickets.get("response_target", "4h")),
            "resolution": duration(tickets.get("resolution_target", "24h")),
        }
        self.review_age = duration(tickets.get("review_age", "24h"))
        self.reopen_window = duration(tickets.get("reopen_window", "7d"))
        self.queues: dict[str, Any] = toml.get("queues", {})
        surveys = toml.get("surveys", {})
        self.expiry = duration(surveys.get("expiry", "7d"))
        self.coverage = duration(surveys.get("coverage", "1h"))
        self.fatigue_limit = int(surveys.get("fatigue_limit", 2))
        self.fatigue_window = duration(surveys.get("fatigue_window", "30d"))
        self.overlap_window = duration(surveys.get("overlap_window", "7d"))
        self.follow_up_target = duration(surveys.get("follow_up_target", "24h"))
        self.scales: dict[str, Any] = surveys.get("scales", {})
        self.cart_idle = duration(toml.get("customers", {}).get("cart_idle", "1h"))
        default = {"zone": "UTC", "hours": _HOURS, "holidays": []}
        self.calendars: dict[str, Any] = {"default": default}
        for name, calendar in toml.get("calendars", {}).items():
            self.calendars[name] = {**default, **calendar}

    def queue(self, name: str, entity: str) -> QueueRules:
        """The rules of a queue for a chat, a call or a ticket: its own, else the default's."""
        if (name, entity) not in self._rules:
            self._rules[name, entity] = self._resolve(name, entity)
        return self._rules[name, entity]

    def _resolve(self, name: str, entity: str) -> QueueRules:
        default = {**_QUEUE, **self.queues.get("default", {})}
        own = self.queues.get(name, {})
        merged = {**default, **own}
        target = merged["service_target"]
        if entity == "chat":
            # a chat's: the queue's chat_service_target, else its service_target, else the default's chat_service_target
            target = own.get("chat_service_target", own.get("service_target", default["chat_service_target"]))
            if name == "default":
                target = default["chat_service_target"]
        return QueueRules(
            duration(target), merged["calendar"], duration(merged["short_abandon"]), duration(merged["max_wait"])
        )
