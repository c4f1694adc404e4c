"""What cannot work is refused by `streamer check`, at its line, in one line each, and all of it at once."""

import math

import pytest

from streamer.errors import SettingsError
from streamer.metrics.catalogue import METRICS
from streamer.settings import Settings, load_settings

NAMES = {metric.name for metric in METRICS}


def mistakes(file, text="", **environ):
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(file, environ=environ, metric_names=NAMES)
    return str(caught.value).splitlines()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "c.toml"


SCALE = "[surveys.scales.x]\n"
WEEK = "not opening hours by weekday"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # A scale on which no score has a place.
        (SCALE + "min = 1\nmax = inf", "c.toml:3 surveys.scales.x.max: input should be less than or equal to 1000000"),
        (
            SCALE + "min = 0\nmax = 1e308",
            "c.toml:3 surveys.scales.x.max: input should be less than or equal to 1000000",
        ),
        (
            SCALE + "min = -1e7\nmax = 1",
            "c.toml:2 surveys.scales.x.min: input should be greater than or equal to -1000000",
        ),
        (SCALE + "min = nan\nmax = 1", "c.toml:2 surveys.scales.x.min: input should be"),
        (SCALE + "min = 0\nmax = 9e-7", "c.toml:3 surveys.scales.x.max: less than a millionth above min (0)"),
        # A calendar without a name.
        ("[queues.a]\ncalendar = ''", 'c.toml:2 queues.a.calendar: there is no [calendars.""]'),
        ("calendars = 5\n[queues.a]\ncalendar = 'nl'", "c.toml:1 calendars: is not a table"),
        # What is no list.
        ("[exposition]\nmetrics = 5", "c.toml:2 exposition.metrics: must be a list"),
        ("[exposition]\nmetrics = true", "c.toml:2 exposition.metrics: must be a list"),
        ("[exposition]\nmetrics = 'csat_ratio'", "c.toml:2 exposition.metrics: must be a list"),
        ("[metrics.csat_ratio]\nwindows = '24h'", "c.toml:2 metrics.csat_ratio.windows: must be a list"),
        # A table that is only there because of what is below it has a line too.
        ("\n[queue.billing]\nmax_wait = '1h'", "c.toml:2 queue: is not a setting (did you mean 'queues'?)"),
        ("time.zone = 'UTC'\nqueue.a.max_wait = '1h'", "c.toml:2 queue: is not a setting (did you mean 'queues'?)"),
        ("[surveys]\n[surveys.scale.x]\nmin = 1", "c.toml:2 surveys.scale: is not a setting (did you mean 'scales'?)"),
        ("\n[[tickets]]\nreview_age = '1h'", "c.toml:2 tickets: is not a table"),
        ("\n[[queues]]\nname = 'a'", "c.toml:2 queues: is not a table"),
        ("[queues.b]\n[[queues.a]]\nmax_wait = '1h'", "c.toml:2 queues.a: is not a table"),
        # What is not finished begins at a line.
        ("[time]\n[calendars.x]\nholidays = ['2026-12-25',\n'2026-12-26',\n", "c.toml:3: is not TOML: "),
        ('[time]\nzone = """\nUTC\n', "c.toml:2: is not TOML: "),
        ("[time]\n[queues", "c.toml:2: is not TOML: "),
        # True is no number.
        ("[surveys]\nmin_samples = true", "c.toml:2 surveys.min_samples: must be a number, not true or false"),
        ("[targets]\ncsat_ratio = true", "c.toml:2 targets.csat_ratio: must be a number, not true or false"),
        (SCALE + "min = false\nmax = 5", "c.toml:2 surveys.scales.x.min: must be a number, not true or false"),
        # What a metric cannot have.
        ("[targets]\ncsat_ratio = 80", "c.toml:2 targets.csat_ratio: must be between 0 and 1, not 80"),
        ("[targets]\nabandon_ratio = -0.1", "c.toml:2 targets.abandon_ratio: must be between 0 and 1, not -0.1"),
        (f"[targets]\ncsat_ratio = 1{'0' * 400}", "c.toml:2 targets.csat_ratio: input should be a "),
        (
            "[metrics.tickets_backlog]\nwindows = ['1h']",
            "c.toml:2 metrics.tickets_backlog.windows: the metric has no windows",
        ),
        ("[metrics.csat_ratio]\nwindows = []", "c.toml:2 metrics.csat_ratio.windows: must not be empty"),
        # Waits that would be lost before they are no longer short.
        (
            "[queues.a]\nshort_abandon = '5h'",
            "c.toml:2 queues.a.short_abandon: short_abandon (5h) is longer than max_wait (4h)",
        ),
        (
            "[queues.default]\nmax_wait = 1",
            "c.toml:2 queues.default.max_wait: short_abandon (5s) is longer than max_wait (1s)",
        ),
        # Opening hours are read from texts only.
        (
            "[calendars.default]\nhours = [[[1080, 480]],[],[],[],[],[],[[0, 99999]]]",
            f"c.toml:2 calendars.default.hours: {WEEK}",
        ),
        ("[calendars.default]\nhours = '08:00-18:00'", f"c.toml:2 calendars.default.hours: {WEEK}"),
        # What is shown twice.
        (
            "[exposition]\nmetrics = ['nps_score', 'nps_score']",
            "c.toml:2 exposition.metrics[1]: 'nps_score' stands here twice",
        ),
        ("[exposition]\nwindows = ['1h', '1h']", "c.toml:2 exposition.windows[1]: '1h' stands here twice"),
        (
            "[exposition]\ngroupings = [['queue'], ['queue']]",
            "c.toml:2 exposition.groupings[1]: ['queue'] stands here twice",
        ),
        # The hint is a setting of the same table.
        ("[queues.a]\nmax_wiat = '1h'", "c.toml:2 queues.a.max_wiat: is not a setting (did you mean 'max_wait'?)"),
        # The names are wrong, not the groupings that would be made of them.
        ("\n[dimensions]\nnames = [['queue']]", "c.toml:3 dimensions.names[0]: input should be 'channel', 'queue'"),
    ],
)
def test_a_mistake_is_one_line(text, expected, file):
    found = mistakes(file, text)

    assert len(found) == 1
    assert found[0].startswith(expected)


def test_a_word_is_no_hint_at_itself_in_another_table(file):
    assert mistakes(file, "[kafka]\nport = 9092") == ["c.toml:2 kafka.port: is not a setting"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[exposition]\ngroupings = [['brand']]\nmax_series = 0",
            ["2 exposition.groupings", "3 exposition.max_series"],
        ),
        (
            "[queues.a]\nmax_wait = 'x'\n[queues.b]\ncalendar = 'nl'\nmax_wait = '1s'",
            ["2 queues.a.max_wait", "4 queues.b.calendar", "5 queues.b.max_wait"],
        ),
        (SCALE + "min = 5\nmax = 1\nbest = 'x'", ["3 surveys.scales.x.max", "4 surveys.scales.x.best"]),
        (
            SCALE + "min = 1\nmax = 5\nbest = 'x'\nsatisfied = 9",
            ["4 surveys.scales.x.best", "5 surveys.scales.x.satisfied"],
        ),
        (
            "[calendars.default]\nzone = 'Mars'\n[queues.a]\ncalendar = 'nl'",
            ["2 calendars.default.zone", "4 queues.a.calendar"],
        ),
        (
            "[dimensions]\nnames = ['quue']\ngroupings = [['quue'], ['queue', 'queue']]\nlimit = 0",
            ["2 dimensions.names[0]", "3 dimensions.groupings[0]", "3 dimensions.groupings[1]", "4 dimensions.limit"],
        ),
        (
            "[kafka]\nsecurity_protocol = 'SASL_SSL'\npartitions = 0\ntls_key_file = 'k'",
            ["1 kafka.sasl_password_file", "1 kafka.sasl_username", "3 kafka.partitions", "4 kafka.tls_key_file"],
        ),
        (
            "[ingest]\nport = -1\n[ingest.sources.a]\nadapter = 'x'",
            ["1 ingest.key_file", "2 ingest.port", "4 ingest.sources.a.adapter"],
        ),
        (
            # A queue whose calendar is there, though wrong, names no missing one.
            "[calendars]\nnl = 5\n[queues.a]\ncalendar = 'nl'\n[queues.b]\ncalendar = 'be'",
            ["2 calendars.nl", "6 queues.b.calendar"],
        ),
    ],
)
def test_mistakes_between_settings_come_with_those_of_single_ones(text, expected, file):
    places = [line.removeprefix("c.toml:").split(": ")[0] for line in mistakes(file, text)]

    assert sorted(places, key=lambda place: (int(place.split()[0]), place)) == expected
    assert [int(place.split()[0]) for place in places] == sorted(int(place.split()[0]) for place in places)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("STREAMER_QUEUE__BILLING__SERVICE_TARGET", "30s", "queue: is not a setting (did you mean 'queues'?)"),
        ("STREAMER_TICKETS__REVIEW_AGE__X", "1", "tickets.review_age: not a duration"),
        ("STREAMER_QUEUES__DEFAULT__CALENDAR", "", 'queues.default.calendar: there is no [calendars.""]'),
        ("STREAMER_EXPOSITION__METRICS", "csat_ratio", "exposition.metrics: must be a list"),
        ("STREAMER_KAFKA__SECURITY_PROTOCOL", "SASL_SSL", "kafka.sasl_username: is needed with"),
    ],
)
def test_a_wrong_variable_is_named(variable, value, expected, file):
    assert mistakes(file, **{variable: value})[0].startswith(f"{variable} {expected}")


def test_what_a_variable_takes_the_place_of_is_not_blamed(file):
    text = "[surveys.scales.x]\nmin = 1\nmax = 5\n"
    found = mistakes(file, text, STREAMER_SURVEYS__SCALES='{"x": {"min": 5, "max": 1}}')

    assert found == ["STREAMER_SURVEYS__SCALES surveys.scales.x.max: not above min (5)"]


def test_what_stands_in_the_file_is_not_blamed_on_a_variable(file):
    text = "[calendars]\nnl = { hours = { mon = 'x' } }\n"
    found = mistakes(file, text, STREAMER_CALENDARS__NL__HOURS__TUE="08:00-12:00")

    assert found[0].startswith("c.toml:2 calendars.nl.hours.mon: not opening hours")


def test_what_is_null_in_the_default_queue_is_not_given():
    settings = load_settings(environ={"STREAMER_QUEUES__DEFAULT": '{"calendar": null, "max_wait": "1h"}'})

    assert settings.queue("a").calendar == "default"
    assert settings.queue("a").max_wait == 3_600_000


@pytest.mark.parametrize(
    "sections",
    [
        {"surveys": {"scales": {"x": {"min": -1e6, "max": 1e6}}}},
        {"surveys": {"scales": {"x": {"min": 0, "max": 1e-6, "satisfied": 1e-6}}}},
        {"queues": {"a": {"short_abandon": "4h"}, "b": {"short_abandon": "5h", "max_wait": "6h"}}},
        {"exposition": {"metrics": [], "windows": [], "groupings": []}},
        {"dimensions": {"names": ["brand"]}, "exposition": {"groupings": [["brand"], []]}},
        {"surveys": {"min_samples": "5"}, "kafka": {"partitions": "8"}},
    ],
    ids=str,
)
def test_what_can_work_is_taken(sections):
    Settings.model_validate(sections)


@pytest.mark.parametrize("target", [0, 1, "0.5", 0.8])
def test_a_ratio_may_have_any_target_from_0_to_1(target, file):
    file.write_text(
        f"[targets]\ncsat_ratio = {target!r}\nfirst_response = 1800\nresolution_ratio = 1.1\nnps_score = -20\n"
    )

    settings = load_settings(file, environ={}, metric_names=NAMES)

    assert math.isclose(settings.targets["csat_ratio"], float(target))
