"""`streamer explain`: plain where it is piped, JSON where it is asked for, near misses where the name is wrong."""

import json
import os
import pty
import subprocess

from streamer.metrics.catalogue import METRICS, OWN
from streamer.metrics.explain import explanation, find
from streamer.metrics.explain_command import entries
from tests.cli.test_cli import STREAMER, run


def test_a_metric_is_explained_in_plain_text():
    result = run("explain", "support_abandon_ratio")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("abandon_ratio: Share of waiting customers who gave up.\n")
    assert "\x1b" not in result.stdout
    for line in (
        "Formula: included: (abandoned + short) / all legs; excluded: abandoned / (all legs - short)",
        "Needs: support.call.left_queue (reason)",
        "Windows: 15m 1h 24h today",
        "Labels: short: included excluded",
        "Asked for by: S0",
        'PromQL: support_abandon_ratio{by="all",window="1h",short="included"}  # now',
    ):
        assert line in result.stdout.splitlines()
    assert "Talkdesk" in result.stdout


def test_a_number_of_the_pipeline_itself_is_explained_too():
    result = run("explain", "events_total")

    assert (result.returncode, result.stderr) == (0, "")
    for line in (
        "Kind: counter",
        "Exposed by: the worker",
        "Labels: source: as the events say",
        "PromQL: sum by (topic, source) (rate(support_events_total[5m]))  # a second",
    ):
        assert line in result.stdout.splitlines()
    assert "Labels: metric: as [targets] says\n" in run("explain", "metric_target").stdout


def test_json_is_the_whole_explanation():
    result = run("explain", "first_response_mean_seconds", "--json")

    assert json.loads(result.stdout) == json.loads(json.dumps(explanation(find("first_response"))))


def test_a_mistyped_name_is_a_usage_error_with_suggestions():
    result = run("explain", "frist_response")

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("streamer: there is no metric frist_response; did you mean first_response, ")


def test_where_no_name_is_near_the_list_is_and_it_has_all():
    result = run("explain", "zzz")
    assert (result.returncode, result.stderr) == (
        2,
        "streamer: there is no metric zzz\nstreamer: all metrics: streamer explain\n",
    )

    names = [line.split()[0] for line in run("explain").stdout.splitlines()]
    assert names == list(json.loads(run("explain", "--json").stdout)) == [metric.name for metric in (*METRICS, *OWN)]


def test_on_a_terminal_the_lines_fit_and_the_queries_stay_whole():
    leader, follower = pty.openpty()
    environ = {**os.environ, "COLUMNS": "70", "TERM": "xterm"}
    with os.fdopen(leader, "rb", buffering=0) as terminal:
        process = subprocess.Popen([*STREAMER, "explain", "service_level_ratio"], stdout=follower, env=environ)
        os.close(follower)
        text = b""
        while chunk := _read(terminal):
            text += chunk
        assert process.wait(60) == 0
    lines = text.decode().splitlines()
    assert "\x1b[1mservice_level_ratio" in lines[0]
    assert any(line.startswith('support_service_level_ratio{by="all",window="1h"') for line in lines)


def _read(terminal):
    try:
        return terminal.read(65_536)
    except OSError:  # Linux: the other end is closed
        return b""


def test_every_metric_can_be_explained():
    for metric in (*METRICS, *OWN):
        assert dict(entries(explanation(metric)))["PromQL"]
