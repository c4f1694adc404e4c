"""The frame of the command line: fast help, exit codes, one line for an error, a quick end at Ctrl-C."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from streamer import cli
from streamer.errors import (
    DataError,
    DependencyError,
    InputMissingError,
    Mistake,
    OutputError,
    SettingsError,
    StreamerError,
    UsageError,
)

pytestmark = pytest.mark.slow

STREAMER = [sys.executable, "-c", "from streamer.cli import main; main()"]


def run(*arguments, **options):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("STREAMER_")}
    environ |= options.pop("environ", {})
    return subprocess.run(
        [*STREAMER, *arguments], capture_output=True, text=True, timeout=60, check=False, env=environ, **options
    )


def test_help_names_every_command_and_imports_none_of_them():
    program = (
        "import sys\n"
        "from streamer.cli import main\n"
        "try: main(['--help'])\n"
        "finally: print(*sorted({'faust', 'numpy', 'pydantic', 'kafka', 'rich'} & set(sys.modules)), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)

    assert result.stderr == "\n"
    assert all(f"  {name} " in result.stdout for name in cli.COMMANDS)


@pytest.mark.slow
def test_every_command_of_the_table_is_there():
    for name in cli.COMMANDS:
        assert run(name, "--help").stdout.startswith(f"Usage: streamer {name}"), name


def test_the_version():
    assert run("--version").stdout == "streamer 0.1.0\n"


def test_help_is_whole_on_the_first_page_and_says_all_on_a_command_s_own():
    assert "..." not in run("--help").stdout.partition("Commands:")[2]
    assert "Stop all workers first" in run("rebuild", "--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["nix"],
        ["check", "--nix"],
        ["emit"],
        ["emit", "x.txt"],
        ["emit", "x.csv"],
        ["demo", "--port", "0"],
        ["demo", "--duration", "-1"],
        ["watch", "--port", "65536"],
    ],
)
def test_bad_usage_is_exit_code_2_and_nothing_on_stdout(arguments):
    result = run(*arguments)

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr


def test_a_demo_whose_port_is_taken_starts_nothing():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = run("demo", "--port", str(port))

    assert (result.returncode, result.stdout) == (69, "")
    assert re.fullmatch(
        rf"streamer: demo: cannot listen on port {port} \(another demo\?\); elsewhere: --port \d+\n", result.stderr
    )


@pytest.mark.parametrize("command", ["demo", "watch"])
def test_make_passes_the_port_on(command):
    told = subprocess.run(
        ["make", "-n", command, "PORT=8081"], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert re.search(rf"streamer {command} .*--port 8081\n", told.stdout)


@pytest.mark.parametrize(
    ("error", "code", "retryable", "builtin"),
    [
        (StreamerError("x"), 70, False, Exception),
        (UsageError("x"), 2, False, ValueError),
        (DataError("x", source="f", line=3), 65, False, ValueError),
        (InputMissingError("f", "x"), 66, False, FileNotFoundError),
        (DependencyError("kafka", "x"), 69, True, ConnectionError),
        (OutputError("f", "x"), 73, False, OSError),
        (SettingsError([Mistake("f:1", "a.b", "x")]), 78, False, ValueError),
    ],
)
def test_an_error_is_one_line_and_its_own_exit_code(error, code, retryable, builtin, monkeypatch, capsys):
    def failing(_target):
        raise error

    monkeypatch.setattr(cli, "_load", failing)
    with pytest.raises(SystemExit) as ended:
        cli.main(["check"])

    assert ended.value.code == error.exit_code == code
    assert error.retryable is retryable
    assert isinstance(error, builtin)
    assert isinstance(error, StreamerError)
    assert capsys.readouterr().err == f"streamer: {error}\n"
    assert str(error).endswith("x")


def test_every_mistake_of_a_configuration_is_a_line():
    mistakes = [Mistake("f:1", "a.b", "x"), Mistake("f:2", "", "y")]

    assert str(SettingsError(mistakes)) == "f:1 a.b: x\nf:2: y"
    assert str(Mistake("", "a.b", "x")) == "a.b: x"


@pytest.mark.parametrize(
    "bootstrap", ["host:port", "127.0.0.1:99999", "host:0", "host:", ",", "PLAINTEXT://host:9092", "a:1,[::1", "::1"]
)
def test_an_address_of_brokers_that_cannot_be_is_a_mistake_of_the_configuration(bootstrap, monkeypatch, capsys):
    monkeypatch.setenv("STREAMER_KAFKA__BOOTSTRAP", bootstrap)
    with pytest.raises(SystemExit) as ended:
        cli.main(["check"])

    assert ended.value.code == 78
    assert "kafka.bootstrap: must be HOST:PORT, several separated by commas\n" in capsys.readouterr().err


def test_addresses_of_brokers(monkeypatch, capsys):
    monkeypatch.setenv("STREAMER_KAFKA__BOOTSTRAP", "kafka, kafka-2:9093,[::1]:9092")
    with pytest.raises(SystemExit) as ended:
        cli.main(["check"])

    assert ended.value.code == 0
    assert 'bootstrap = "kafka, kafka-2:9093,[::1]:9092"' in capsys.readouterr().out


def test_an_instant_that_cannot_be_is_bad_usage_of_its_option(tmp_path, capsys):
    for at in ("yesterday", "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        with pytest.raises(SystemExit) as ended:
            cli.main(["replay", "x.jsonl", "--at", at])
        assert ended.value.code == 2
        assert f"Invalid value for '--at': '{at}'" in capsys.readouterr().err


def test_a_file_is_not_written_over_while_it_is_read(tmp_path):
    file = tmp_path / "events.jsonl"
    file.write_text("{}\n")
    result = run("emit", str(file), "--out", f"{tmp_path}/../{tmp_path.name}/events.jsonl")

    assert result.returncode == 2
    assert "is the file that is read" in result.stderr
    assert file.read_text() == "{}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_a_line_and_no_defect():
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*STREAMER, "check"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )

    assert (result.returncode, result.stderr) == (73, "streamer: standard output: No space left on device\n")


@pytest.fixture
def interruptible():
    """A shell without job control starts `make test &` with SIGINT ignored, which every child would take over."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_quickly_without_a_traceback(interruptible):
    with subprocess.Popen(
        [*STREAMER, "emit", "-", "--dry-run"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        # Enough for it to be reading: the pipe holds less than this, so the write ends when the command has begun.
        process.stdin.write(b"{}\n" * 40_000)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)

    assert process.returncode == 130
    assert b"Traceback" not in stderr


def test_a_reader_that_goes_away_ends_it_in_silence(tmp_path):
    event = {"specversion": "1.0", "id": "1", "source": "s", "subject": "a", "time": "2026-01-01T00:00:00Z"}
    line = json.dumps({**event, "type": "support.agent.heartbeat", "data": {"agent": "a"}})
    file = tmp_path / "many.jsonl"
    file.write_text(f"{line}\n" * 5_000)
    result = subprocess.run(
        f"{sys.executable} -c 'from streamer.cli import main; main()' emit {file} --out - | head -1",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "Traceback" not in result.stderr
    assert result.stdout.count("\n") == 1


def test_check_prints_what_a_configuration_comes_to(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text("[time]\ngrace = '2h'\n")

    as_toml = run("check", str(file))
    as_json = run("check", "--config", str(file), "--json", environ={"STREAMER_TIME__ZONE": "Europe/Berlin"})

    assert (as_toml.returncode, as_toml.stderr) == (0, "")
    assert 'grace = "2h"' in as_toml.stdout
    shown = json.loads(as_json.stdout)
    assert shown["ok"] is True
    assert shown["settings"]["time"] == {"zone": "Europe/Berlin", "grace": "2h", "future": "5m"}


def test_check_names_every_mistake(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text("[metrics.csat]\n[time]\ngrace = 'x'\n")

    result = run("check", str(file))
    as_json = run("check", str(file), "--json")

    assert (result.returncode, result.stdout) == (78, "")
    assert [line.split(": ")[1] for line in result.stderr.splitlines()] == [
        "c.toml:1 metrics.csat",
        "c.toml:3 time.grace",
    ]
    assert as_json.returncode == 78
    assert [mistake["where"] for mistake in json.loads(as_json.stdout)["mistakes"]] == ["c.toml:1", "c.toml:3"]


def test_check_reads_secrets_and_certificates(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text(f"[redis]\npassword_file = '{tmp_path}/nix'\n")

    result = run("check", str(file))

    assert result.returncode == 78
    assert f"{tmp_path}/nix redis.password_file: cannot be read" in result.stderr
