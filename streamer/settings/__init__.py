"""One frozen settings object, read from one TOML file and the environment. See docs/configuration.md."""

from streamer.settings._load import did_you_mean, load_settings, load_toml
from streamer.settings._rules import CalendarSettings, QueueRules, QueueSettings, ScaleSettings
from streamer.settings._section import Section, fail
from streamer.settings._settings import Settings, rules_hash
from streamer.settings._types import Dimension, Window, Zone, format_duration, parse_duration
from streamer.settings._write import as_toml, as_values

__all__ = [
    "CalendarSettings",
    "Dimension",
    "QueueRules",
    "QueueSettings",
    "ScaleSettings",
    "Section",
    "Settings",
    "Window",
    "Zone",
    "as_toml",
    "as_values",
    "did_you_mean",
    "fail",
    "format_duration",
    "load_settings",
    "load_toml",
    "parse_duration",
    "rules_hash",
]
