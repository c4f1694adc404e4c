"""Every mistake in a configuration is named by its key and its line, and all of them at once."""

import pytest

from streamer.errors import SettingsError
from streamer.settings import load_settings
from streamer.settings._toml import key_lines


def mistakes(text, tmp_path, **options):
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file, environ=options.pop("environ", {}), **options)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[queues.billing]\nservice_target = '20x'",
            "config.toml:2 queues.billing.service_target: not a duration: '20x'",
        ),
        ("[tiem]\nzone = 'UTC'", "config.toml:1 tiem: is not a setting (did you mean 'time'?)"),
        ("[time]\ngrase = '1h'", "config.toml:2 time.grase: is not a setting (did you mean 'grace'?)"),
        ("time = 5", "config.toml:1 time: is not a table"),
        ("[time]\nzone = 'Mars'", "config.toml:2 time.zone: not a time zone: 'Mars'"),
        ("[time]\ngrace = 0", "config.toml:2 time.grace: must be longer than 0"),
        ("[dimensions]\nnames = ['customer']", "config.toml:2 dimensions.names[0]: input should be 'channel', 'queue'"),
        ("[dimensions]\nnames = ['queue', 'queue']", "config.toml:2 dimensions.names[1]: 'queue' stands here twice"),
        ("[dimensions]\ngroupings = [[],\n['brand']]", "config.toml:2 dimensions.groupings[1]: 'brand' is not one of"),
        ("[dimensions]\ngroupings = [[], []]", "config.toml:2 dimensions.groupings[1]: repeats a dimension or another"),
        ("[metrics.csat_ratio]\nwindows = ['2h']", "config.toml:2 metrics.csat_ratio.windows[0]: input should be '5m'"),
        ("[exposition]\ngroupings = [['brand']]", "config.toml:2 exposition.groupings: ['brand'] is not one of"),
        ("[exposition]\nquantiles = [1]", "config.toml:2 exposition.quantiles[0]: input should be less than 1"),
        ("[queues.a]\n\ncalendar = 'x'", "config.toml:3 queues.a.calendar: there is no [calendars.x]"),
        ("[surveys.scales.x]\nmin = 5\nmax = 1", "config.toml:3 surveys.scales.x.max: not above min (5)"),
        ("[surveys.scales.x]\nmin = 1\nmax = 5\nsatisfied = 6", "config.toml:4 surveys.scales.x.satisfied: not on the"),
        ("[surveys.scales.x]\nmin = 1", "config.toml:1 surveys.scales.x.max: is missing"),
        ("[calendars.x]\nhours = { mon = '9-5' }", "config.toml:2 calendars.x.hours.mon: not opening hours: '9-5'"),
        ("[calendars.x.hours]\nmon = '22:00-06:00'", "config.toml:2 calendars.x.hours.mon: '22:00-06:00' does not end"),
        ("[calendars.x.hours]\nmontag = ''", "config.toml:2 calendars.x.hours.montag: not a weekday"),
        (
            "[calendars.x]\nholidays = ['1.1.2026']",
            "config.toml:2 calendars.x.holidays[0]: input should be a valid date",
        ),
        ("[targets]\ncsat_ratio = nan", "config.toml:2 targets.csat_ratio: input should be a finite number"),
        (
            "[kafka]\nsecurity_protocol = 'SASL_SSL'",
            "config.toml:1 kafka.sasl_username: is needed with security_protocol",
        ),
        ("[redis]\nurl = 'redis://:secret@h/0'", "config.toml:2 redis.url: has a password in it"),
        ("[board]\nport = 70000", "config.toml:2 board.port: input should be less than or equal to 65535, not 70000"),
        ("[board]\nport = =", "config.toml:2: is not TOML: "),
    ],
)
def test_a_mistake_has_its_place(text, expected, tmp_path):
    found = mistakes(text, tmp_path)

    assert found[0].startswith(expected)


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path):
    text = "[time]\nzone = 'Mars'\ngrace = 'x'\n[tickets]\nreview_age = -1\n[targets]\nnps_scor = 1\n"

    found = mistakes(text, tmp_path, metric_names={"nps_score", "csat_ratio"})

    assert [line.split(" ")[0] for line in found] == [f"config.toml:{line}" for line in (2, 3, 5, 7)]
    assert found[3] == "config.toml:7 targets.nps_scor: there is no metric 'nps_scor' (did you mean 'nps_score'?)"


def test_a_password_is_never_shown(tmp_path):
    assert "hunter2" not in str(mistakes("[redis]\nurl = 'redis://:hunter2@h/0'", tmp_path))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"nix\.toml: cannot be read: No such file"):
        load_settings(tmp_path / "nix.toml", environ={})


def test_the_file_is_named_by_the_environment_too(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text("[time]\nzone = 'Europe/Berlin'\n")

    assert load_settings(environ={"STREAMER_CONFIG": str(file)}).time.zone == "Europe/Berlin"
    assert load_settings(environ={"STREAMER_CONFIG": ""}).time.zone == "UTC"


def test_the_environment_goes_before_the_file(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text("[queues.Billing]\nservice_target = '30s'\n[time]\ngrace = '2h'\n")
    environ = {
        "STREAMER_TIME__GRACE": "3h",
        "STREAMER_QUEUES__BILLING__SERVICE_TARGET": "40",
        "STREAMER_DIMENSIONS__NAMES": '["queue"]',
        "STREAMER_KAFKA__PARTITIONS": "8",
    }

    settings = load_settings(file, environ=environ)

    assert settings.time.grace == 10_800_000
    assert settings.queue("Billing").service_target == 40_000
    assert settings.dimensions.names == ("queue",)
    assert settings.kafka.partitions == 8


def test_options_go_before_the_environment():
    environ = {"STREAMER_KAFKA__BOOTSTRAP": "a:1"}

    assert load_settings(environ=environ, options={"kafka.bootstrap": "b:2"}).kafka.bootstrap == "b:2"
    assert load_settings(environ=environ, options={"kafka.bootstrap": None}).kafka.bootstrap == "a:1"


def test_a_mistake_in_the_environment_is_named_by_its_variable(tmp_path):
    environ = {
        "STREAMER_TIME__GRACE": "x",
        "STREAMER_BOARD__PROT": "1",
        "STREAMER_DIMENSIONS__NAMES": "[",
        "STREAMER_TIME__ZONE__X": "1",
    }

    found = mistakes("[time]\nzone = 'UTC'", tmp_path, environ=environ)

    assert [line.split(": ")[0] for line in found] == [
        "STREAMER_BOARD__PROT board.prot",
        "STREAMER_DIMENSIONS__NAMES dimensions.names",
        "STREAMER_TIME__GRACE time.grace",
        "STREAMER_TIME__ZONE__X time.zone",
    ]


def test_variables_that_kubernetes_makes_for_a_service_are_not_settings():
    environ = {"STREAMER_SERVICE_HOST": "10.0.0.1", "STREAMER_PORT": "tcp://10.0.0.1:80", "STREAMER_BOARD_PORT": "x"}

    assert load_settings(environ=environ) == load_settings(environ={})


def test_lines_of_every_kind_of_key():
    text = """\
# a comment with [brackets]
top = 1
[a."b c"]            # spaces
d.e = [
  1,   # ] not the end
  2,
]
f = \"\"\"
[not.a.table]
g = 1
\"\"\"
h = { i = 1 }
[[list]]
x = 1
[[list]]
x = 2
[list.sub]
y = 3
"""

    assert key_lines(text) == {
        ("top",): 2,
        ("a",): 3,
        ("a", "b c"): 3,
        ("a", "b c", "d"): 4,
        ("a", "b c", "d", "e"): 4,
        ("a", "b c", "f"): 8,
        ("a", "b c", "h"): 12,
        ("list",): 13,
        ("list", 0): 13,
        ("list", 0, "x"): 14,
        ("list", 1): 15,
        ("list", 1, "x"): 16,
        ("list", 1, "sub"): 17,
        ("list", 1, "sub", "y"): 18,
    }


def test_a_table_that_is_written_after_one_below_it_has_its_own_line():
    assert key_lines("[a.b]\n[a]\nc.d = 1\n") == {("a", "b"): 1, ("a",): 2, ("a", "c"): 3, ("a", "c", "d"): 3}


def test_a_secret_is_read_from_its_file_and_never_shown(tmp_path):
    file = tmp_path / "password"
    file.write_text("hunter2\n")
    settings = load_settings(environ={"STREAMER_REDIS__PASSWORD_FILE": str(file)})

    password = settings.redis.password()

    assert password.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{password!r} {password} {settings!r} {settings.model_dump_json()}"
    file.write_text("")
    with pytest.raises(SettingsError, match=r"redis\.password_file: is empty"):
        settings.redis.password()
