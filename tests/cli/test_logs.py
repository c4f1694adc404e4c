"""Logs go to stderr, alike from everywhere, and hold no payload."""

import json
import logging
import ssl

import pytest

from streamer import logs
from streamer.settings import Settings


@pytest.fixture(autouse=True)
def _restored_root():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    logging.captureWarnings(capture=False)


def configured(log_format, **values):
    logs.configure_logs(Settings.model_validate({"logs": {"format": log_format, **values}}))


def test_ours_and_others_come_out_alike_as_json(capsys):
    configured("auto")
    logs.get_logger("a.b").info("hello", n=1)
    logging.getLogger("faust").warning("bye %s", "x")

    captured = capsys.readouterr()
    ours, others = map(json.loads, captured.err.splitlines())
    assert captured.out == ""
    assert {"event": "hello", "n": 1, "level": "info", "logger": "a.b"}.items() <= ours.items()
    assert {"event": "bye x", "level": "warning", "logger": "faust"}.items() <= others.items()
    assert ours["timestamp"].endswith("Z")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_payload_is_logged(log_format, capsys):
    configured(log_format)
    logs.get_logger("x").warning("refused", raw="canary", value={"a": "canary"}, customer="canary", bytes_=b"canary")

    text = capsys.readouterr().err
    assert "canary" not in text
    assert "<6 bytes>" in text


def test_a_traceback_shows_no_variables(capsys):
    configured("console")
    secret = "canary"  # a local variable, as an event would be
    try:
        int(secret[:0])
    except ValueError:
        logs.get_logger("x").exception("failed")

    text = capsys.readouterr().err
    assert "Traceback" in text
    assert "canary" not in text


def test_a_client_of_kafka_is_heard_where_it_says_more_than_that_nobody_answers(capsys):
    configured("json")
    first = 'Unable connect to "%s:%s": %s'
    logging.getLogger("aiokafka").error(first, "h", 1, ConnectionRefusedError(111, "refused"))
    logging.getLogger("aiokafka").error(first, "h", 1, ssl.SSLError("certificate verify failed"))
    logging.getLogger("aiokafka").error("Unable connect to node with id %s: %s", 1, ConnectionRefusedError())
    logging.getLogger("kafka.net.connection").error("%s: Connection lost: %s", "c", "Error: 111 ECONNREFUSED")
    logging.getLogger("kafka.net.connection").error("%s: Connection lost: %s", "c", "SaslAuthenticationFailed")
    logging.getLogger("kafka.net.manager").error("Connection failed: %s", "SaslAuthenticationFailed")

    events = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert events == [
        "Unable connect to \"h:1\": ('certificate verify failed',)",
        "Unable connect to node with id 1: ",
        "c: Connection lost: SaslAuthenticationFailed",
    ]


def test_the_level_holds(capsys):
    configured("json", level="error")
    logs.get_logger("x").warning("no")
    logging.getLogger("faust").warning("no")

    assert capsys.readouterr().err == ""


def test_a_name_is_logged_once():
    assert logs.once("a limit", "x")
    assert logs.once("a limit", "y")
    assert not logs.once("a limit", "x")


def test_names_without_end_do_not_fill_the_memory():
    for number in range(25_000):
        logs.once("many", number)

    assert len(logs._seen) <= 10_000


@pytest.mark.parametrize(("command", "events"), [(True, ["refused"]), (False, ["subscribed", "refused"])])
def test_a_command_logs_of_its_kafka_client_only_what_is_amiss(command, events, capsys):
    logs.configure_logs(Settings.model_validate({"logs": {"format": "json", "level": "debug"}}), command=command)
    client = logging.getLogger("aiokafka.consumer.subscription_state")
    client.info("subscribed")
    client.warning("refused")

    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == events
