"""`streamer simulate`: its options, its output, and how an incident is written."""

import json
import os
import subprocess

import pytest
import typer
from typer.testing import CliRunner

from streamer.errors import OutputError, UsageError
from streamer.producers.simulator import Incident, erlang_a, pace, parse_incident, simulate
from streamer.producers.simulator.command import simulate as command
from tests.cli.test_cli import STREAMER

MINUTE_MS = 60_000
START_MS = 1_767_571_200_000


def run(*arguments):
    app = typer.Typer(rich_markup_mode=None)  # as streamer.cli makes it
    app.command()(command)
    return CliRunner().invoke(app, [*arguments], catch_exceptions=True)


@pytest.mark.parametrize(
    ("text", "delay_ms", "duration_ms", "factor"),
    [
        ("billing@+2m", 2 * MINUTE_MS, 30 * MINUTE_MS, 5.0),
        ("billing@+0s/10m", 0, 10 * MINUTE_MS, 5.0),
        ("billing@+90s/1hx4", 90_000, 60 * MINUTE_MS, 4.0),
        ("billing@+2m/10m x2.5", 2 * MINUTE_MS, 10 * MINUTE_MS, 2.5),
        ("billing@+1.5h x10", 90 * MINUTE_MS, 30 * MINUTE_MS, 10.0),
    ],
)
def test_an_incident_is_read(text, delay_ms, duration_ms, factor):
    expected = Incident(queue="billing", start_ms=1_000 + delay_ms, duration_ms=duration_ms, factor=factor)
    assert parse_incident(text, 1_000) == expected


@pytest.mark.parametrize(
    "text", ["", "billing", "billing@2m", "@+2m", "billing@+soon", "billing@+2m/0s", "billing@+2mx0"]
)
def test_what_is_no_incident_is_refused(text):
    with pytest.raises(ValueError, match=r"incident|duration"):
        parse_incident(text, 0)


def test_a_file_is_the_same_for_the_same_seed_and_is_history(tmp_path):
    files = [tmp_path / "a", tmp_path / "b"]
    for file in files:
        result = run("--out", str(file), "--duration", "10m", "--seed", "3", "--customers", "50")
        assert result.exit_code == 0
        assert "events written" in result.stderr
        assert result.stdout == ""
    assert files[0].read_bytes() == files[1].read_bytes()
    events = [json.loads(line) for line in files[0].read_text().splitlines()]
    assert all(event["recordedtime"] == event["time"] for event in events)
    assert events[50]["time"].startswith("2026-01-05T00:0")


def test_help_tells_how_to_write_an_incident():
    assert "QUEUE@+DELAY[/DURATION][xFACTOR]" in run("--help").stdout


def test_standard_output_holds_nothing_but_events():
    result = run("--out", "-", "--duration", "1m", "--customers", "5", "--start", "2026-03-01T12:00:00+01:00")
    assert [json.loads(line)["specversion"] for line in result.stdout.splitlines()]
    assert json.loads(result.stdout.splitlines()[-1])["time"].startswith("2026-03-01T11:00")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--live", "--rate", "5"], "leave --rate out"),
        (["--out", "-", "--bootstrap", "127.0.0.1:1"], "one of them"),
        (["--out", "-", "--start", "2026-01-01T00:00:00"], "no offset"),
        (
            ["--out", "-", "--start", "now"],
            "--start: 'now' is not an RFC 3339 time; write 2026-01-05T00:00:00Z, or -2h",
        ),
        (["--out", "-", "--start", "-soon"], "--start: not a duration: 'soon'"),
        (["--out", "-", "--start", "0001-01-01T00:00:00+14:00"], "not between the years"),
        (["--out", "-", "--start", "9999-12-31T23:59:59Z"], "not between the years"),
        (["--out", "-", "--duration", "long"], "--duration"),
        (["--out", "-", "--incident", "biling@+2m"], "unknown queue 'biling'; the centre has accounts, billing"),
        (["--out", "-", "--incident", "billing"], "QUEUE@"),
        (
            ["--out", "-", "--incident", "billing@+2m", "--incident", "billing@+99d"],
            "'billing@+99d' begins after the end of the simulation, 1d from 2026-01-05T00:00:00Z; write a shorter DELAY",
        ),
        (["--out", "-", "--duration", "2m", "--incident", "billing@+2m"], "after the end of the simulation, 2m from"),
        (["--live", "--out", "-", "--start", "-2h", "--duration", "1h", "--incident", "billing@+0s"], "after the end"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(arguments, message):
    result = run(*arguments)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    assert result.stdout == ""


def test_an_incident_within_the_duration_is_taken():
    result = run("--out", "-", "--duration", "2m", "--customers", "5", "--incident", "billing@+119s")
    assert result.exit_code == 0


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_enough_is_no_failure(unbuffered):
    environ = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(
        [*STREAMER, "simulate", "--out", "-", "--duration", "1h"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
    ) as process:
        process.stdout.read(1)
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (0, b"")


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    result = run("--out", str(tmp_path / "nowhere" / "file"))
    assert isinstance(result.exception, OutputError)


class Clock:
    """A clock that sleeping moves."""

    def __init__(self, now_s):
        self.now_s = now_s

    def __call__(self):
        return self.now_s

    def sleep(self, seconds):
        self.now_s += seconds


def calls():
    centre = erlang_a(arrivals=0.5, service=1 / 60, agents=40, impatience=1 / 60)
    return simulate(centre, start_ms=START_MS, duration_ms=10 * MINUTE_MS, seed=0)


def test_live_sends_the_past_at_once_and_the_rest_when_it_happens():
    begin_s = START_MS / 1000 + 300
    clock = Clock(begin_s)
    seen = set()
    for event in pace(calls(), live=True, clock=clock, sleep=clock.sleep):
        past = clock() == begin_s
        assert ("recordedtime" in event) == past
        assert past or event["time"].startswith("2026-01-05T00:0")
        seen.add(past)
    assert seen == {True, False}
    assert clock() == pytest.approx(START_MS / 1000 + 600, abs=10)


def test_a_rate_is_kept_over_the_whole_of_it():
    clock = Clock(0.0)
    count = sum(1 for _ in pace(calls(), rate=50, clock=clock, sleep=clock.sleep))
    assert clock() == pytest.approx((count - 1) / 50)


def test_without_a_pace_nothing_sleeps():
    assert all(event["recordedtime"] == event["time"] for event in pace(calls(), sleep=pytest.fail))
