"""What the settings are: the defaults of the design, resolved queues, calendars, and the hash of the rules."""

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from streamer.settings import (
    QueueRules,
    Settings,
    as_toml,
    format_duration,
    load_settings,
    parse_duration,
    rules_hash,
)

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


def settings_of(**sections):
    return Settings.model_validate(sections)


def test_defaults_are_those_of_the_design(shared, tmp_path):
    text = re.search(r"```toml\n(.*?)```", (shared / "design.md").read_text(), re.DOTALL)[1]
    file = tmp_path / "design.toml"
    file.write_text(text)

    written = load_settings(file, environ={}).model_dump()
    default = Settings().model_dump()

    # The design shows how to say more than the defaults in three places.
    default["metrics"]["csat_ratio"] = {"windows": ("24h", "7d", "30d")}
    default["queues"]["billing"] = {**dict.fromkeys(default["queues"]["default"]), "service_target": 30 * SECOND}
    default["surveys"]["scales"]["post-chat"] = {"min": 1.0, "max": 10.0, "best": "high", "satisfied": 7.0}
    assert written == default


def test_durations_are_milliseconds():
    settings = Settings()

    assert settings.time.grace == DAY
    assert settings.time.future == 5 * MINUTE
    assert settings.tickets.reopen_window == 7 * DAY
    assert settings.worker.flush_interval == 300


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("500ms", 500),
        ("20s", 20_000),
        ("5m", 300_000),
        ("24h", DAY),
        ("1.5h", 5_400_000),
        (" 7d ", 7 * DAY),
        (20, 20_000),
        (0.25, 250),
        ("30", 30_000),
        ("0s", 0),
        (0, 0),
    ],
)
def test_a_duration_has_a_unit_or_is_in_seconds(text, milliseconds):
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text", ["20x", "", "s", "-5s", "1h30m", "1e3", "nan", True, None, [], -1, "0.0001s", "99999d", "٣s"]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match=r"duration|finer|longer"):
        parse_duration(text)


@given(st.integers(0, 3_660 * DAY))
def test_a_written_duration_reads_back(milliseconds):
    assert parse_duration(format_duration(milliseconds)) == milliseconds


def test_settings_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Settings().time.grace = 1


def test_a_queue_that_is_not_named_has_the_default_rules():
    assert Settings().queue("billing") == QueueRules(
        service_target=20 * SECOND,
        chat_service_target=60 * SECOND,
        calendar="default",
        short_abandon=5 * SECOND,
        max_wait=4 * HOUR,
    )


def test_a_queues_own_target_holds_for_its_chats_before_the_defaults_chat_target():
    settings = settings_of(
        queues={
            "default": {"chat_service_target": "90s"},
            "billing": {"service_target": "30s"},
            "sales": {"service_target": "30s", "chat_service_target": "45s"},
            "vip": {"max_wait": "1h"},
        }
    )

    assert settings.queue("billing").chat_service_target == 30 * SECOND
    assert settings.queue("sales").chat_service_target == 45 * SECOND
    assert settings.queue("vip").chat_service_target == 90 * SECOND
    assert settings.queue("vip").service_target == 20 * SECOND
    assert settings.queue("").chat_service_target == 90 * SECOND


def test_a_default_queue_with_its_own_service_target_keeps_the_chat_target_of_a_minute():
    assert settings_of(queues={"default": {"service_target": "30s"}}).queue("x").chat_service_target == 60 * SECOND


def test_a_calendar_is_minutes_of_the_local_day_by_weekday():
    calendar = settings_of(
        calendars={
            "berlin": {
                "zone": "Europe/Berlin",
                "hours": {"mon": "08:00-12:00, 13:00-24:00", "sun": ""},
                "holidays": [date(2026, 1, 1), "2026-12-25"],
            }
        }
    ).calendars["berlin"]

    assert calendar.hours == (((480, 720), (780, 1440)), (), (), (), (), (), ())
    assert calendar.holidays == (date(2026, 1, 1), date(2026, 12, 25))
    assert Settings().calendars["default"].hours == (*(((480, 1080),),) * 5, (), ())


def test_groupings_follow_the_names_unless_they_are_given():
    assert settings_of(dimensions={"names": ["queue"]}).dimensions.groupings == ((), ("queue",))
    both = {"names": ["queue", "team"], "groupings": [["queue", "team"]]}
    assert settings_of(dimensions=both).dimensions.groupings == (("queue", "team"),)


def test_targets_add_to_the_defaults():
    assert settings_of(targets={"nps_score": 30}).targets == {
        "csat_ratio": 0.8,
        "cart_abandonment_ratio": 0.63,
        "nps_score": 30,
    }


FACTS = [
    {"dimensions": {"names": ["queue"]}},
    {"time": {"grace": "25h"}},
    {"time": {"future": "6m"}},
    {"tickets": {"review_age": "25h"}},
    {"queues": {"default": {"short_abandon": "6s"}}},
    {"queues": {"billing": {"service_target": "30s"}}},
    {"surveys": {"expiry": "8d"}},
    {"surveys": {"scales": {"x": {"min": 1, "max": 5}}}},
    {"customers": {"cart_idle": "2h"}},
    {"calendars": {"default": {"holidays": ["2026-01-01"]}}},
]
SHOWN = [
    {"dimensions": {"limit": 50, "groupings": [[]]}},
    {"time": {"zone": "Europe/Berlin"}},
    {"queues": {"billing": {"service_target": "20s", "chat_service_target": "60s"}}},
    {"surveys": {"min_samples": 5}},
    {"targets": {"csat_ratio": 0.9}},
    {"metrics": {"csat_ratio": {"windows": ["1h"]}}},
    {"exposition": {"max_series": 1000}},
    {"kafka": {"bootstrap": "other:9092"}},
    {"worker": {"flush_interval": "1s"}},
]


@pytest.mark.parametrize("sections", FACTS, ids=str)
def test_what_decides_facts_changes_the_hash(sections):
    assert rules_hash(settings_of(**sections)) != rules_hash(Settings())


@pytest.mark.parametrize("sections", SHOWN, ids=str)
def test_what_only_decides_how_facts_are_shown_leaves_the_hash(sections):
    assert rules_hash(settings_of(**sections)) == rules_hash(Settings())


def test_the_hash_is_the_same_in_every_process():
    assert rules_hash(Settings()) == "7f71ed926ad290c4"


@pytest.mark.parametrize("sections", [{}, {"calendars": {"never": {"hours": {}}}}, *FACTS, *SHOWN], ids=str)
def test_written_settings_read_back(sections, tmp_path):
    settings = settings_of(**sections)
    file = tmp_path / "effective.toml"
    file.write_text(as_toml(settings))

    assert load_settings(file, environ={}) == settings


def test_the_documented_configuration_is_the_default(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    file = tmp_path / "documented.toml"
    file.write_text(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1])

    documented = load_settings(file, environ={})
    assert documented == Settings()
    assert documented.model_fields_set == set(Settings.model_fields) - {"metrics"}
