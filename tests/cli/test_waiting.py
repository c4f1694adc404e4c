"""Who waits for a broker or a board is told for what and until when, and at the end why, in one line."""

import re
import signal
import socket
import subprocess

import pytest

from streamer import cli
from streamer.producers import kafka
from tests.cli.test_cli import STREAMER, interruptible, run
from tests.services.kafka import Kafka

pytestmark = pytest.mark.slow
__all__ = ["interruptible"]  # a fixture
AWAY = "127.0.0.1:1"
EVENT = (
    '{"specversion":"1.0","id":"1","source":"s","type":"support.ticket.created","time":"2026-11-23T09:00:00Z",'
    '"subject":"T-1","data":{"customer":"c-1","channel":"email","queue":"billing","created_by":"customer"}}\n'
)


@pytest.fixture
def silent():
    """An address that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def events(tmp_path):
    file = tmp_path / "events.jsonl"
    file.write_text(EVENT)
    return str(file)


@pytest.mark.parametrize(
    ("arguments", "end", "code"),
    [
        (["emit", "{events}"], "giving up at", 130),
        (["simulate", "--duration", "1m"], "giving up at", 130),
        (["erase", "ada"], "giving up at", 130),
        (["topics"], "giving up at", 130),
        (["worker"], "giving up at", 130),
        (["ingest", "--state", "{folder}/state"], "giving up at", 130),
        (["journey", "ada", "--board", "http://{silent}"], "giving up at", 130),
        (["board"], "going on until it answers", 0),
    ],
)
def test_a_wait_is_told_once_and_ctrl_c_ends_it(arguments, end, code, silent, events, tmp_path, interruptible):
    arguments = [part.format(events=events, silent=silent, folder=tmp_path) for part in arguments]
    environ = {"STREAMER_KAFKA__BOOTSTRAP": silent, "STREAMER_BOARD__PORT": "0", "STREAMER_WORKER__PORT": "0"}
    with subprocess.Popen([*STREAMER, *arguments], stderr=subprocess.PIPE, text=True, env=environ) as process:
        try:
            told = next(line for line in process.stderr if "waiting" in line)
            process.send_signal(signal.SIGINT)
            _, rest = process.communicate(timeout=60)
        finally:
            process.kill()

    assert re.fullmatch(rf"streamer: waiting for .+ at (http://)?{silent}; {end}( \d\d:\d\d:\d\d)?\n", told)
    assert process.returncode == code
    assert "waiting" not in rest
    assert "Traceback" not in rest


@pytest.mark.parametrize("arguments", [["topics"], ["dead-letters"], ["rebuild", "--yes"], ["worker"]])
def test_brokers_that_are_away_are_one_line(arguments):
    result = run(*arguments, environ={"STREAMER_KAFKA__BOOTSTRAP": AWAY})

    assert (result.returncode, result.stdout) == (69, "")
    assert result.stderr == f"streamer: kafka: {AWAY} does not answer\n"


def short_wait(monkeypatch):
    monkeypatch.setattr(kafka.KafkaSender.__init__, "__kwdefaults__", {"timeout_s": 0.5, "tell": False})


def test_brokers_that_stay_away_are_one_line_for_a_producer(monkeypatch, capsys, events):
    short_wait(monkeypatch)
    with pytest.raises(SystemExit) as ended:
        cli.main(["emit", events, "--bootstrap", AWAY])

    assert ended.value.code == 69
    assert capsys.readouterr().err == f"streamer: kafka: {AWAY} did not answer in 0.5 s\n"


@pytest.mark.service
def test_what_is_missing_beside_the_broker_is_named(services, monkeypatch, capsys, events):
    broker = services.start(Kafka)  # its own: nobody has made a topic
    short_wait(monkeypatch)
    with pytest.raises(SystemExit) as ended:
        cli.main(["emit", events, "--bootstrap", broker.bootstrap])

    assert ended.value.code == 69
    assert "told of no topic support.tickets in 0.5 s; if there is none, make it with: streamer topics --create" in (
        capsys.readouterr().err
    )

    port = broker.bootstrap.partition(":")[2]
    worker = run("worker", environ={"STREAMER_KAFKA__BOOTSTRAP": broker.bootstrap, "STREAMER_WORKER__PORT": port})
    assert worker.returncode == 69
    assert worker.stderr.splitlines()[-1].startswith(f"streamer: worker: cannot listen on 127.0.0.1:{port}: ")


def test_what_is_wrong_with_a_file_is_said_before_kafka_is_waited_for(tmp_path):
    (tmp_path / "key").write_text("k" * 64)
    (tmp_path / "log").write_text("")
    (tmp_path / "bad").write_text("no position")
    environ = {"STREAMER_KAFKA__BOOTSTRAP": AWAY, "STREAMER_INGEST__KEY_FILE": str(tmp_path / "key")}
    for arguments, code, message in (
        (["emit", "missing.jsonl"], 66, "missing.jsonl: No such file"),
        (["tail", "missing", "--position", "new"], 66, "missing: No such file"),
        (["tail", "log", "--position", "bad"], 65, "bad: is no position"),
        (["dead-letters", "show", "1:x"], 2, "'1:x' is not PARTITION:OFFSET, such as 1:42"),
    ):
        result = run(*arguments, environ=environ, cwd=tmp_path)
        assert (result.returncode, result.stdout) == (code, ""), arguments
        assert message in result.stderr
