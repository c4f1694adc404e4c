"""`streamer watch` as it is run: an incident in the demo is told in words, with its queue."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest

from streamer.demo import TARGETS
from streamer.embedded import EmbeddedBroker, free_port
from streamer.errors import DependencyError, InputMissingError
from streamer.watch import command
from streamer.watch.receiver import words
from tests.conftest import missing
from tests.services.process import ServiceMissingError, find_program, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Services

NOTIFICATION = {
    "status": "firing",
    "groupLabels": {"team": "operations", "queue": "billing", "empty": ""},
    "alerts": [
        {
            "status": status,
            "labels": {"alertname": name, "severity": "warning"},
            "annotations": {"description": f"Queue billing: {name}.", "runbook_url": "http://127.0.0.1:8080/runbook#x"},
        }
        for name, status in (("Abandonment", "firing"), ("ServiceLevel", "resolved"))
    ],
}


def test_a_notification_in_words() -> None:
    assert list(words("operations", NOTIFICATION)) == [
        "firing (operations): queue billing, team operations",
        "  Abandonment (warning): Queue billing: Abandonment. -> http://127.0.0.1:8080/runbook#x",
        "  ServiceLevel (warning) [resolved]: Queue billing: ServiceLevel. -> http://127.0.0.1:8080/runbook#x",
    ]


def test_without_prometheus_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DependencyError, match="no-such-program is not installed"):
        command._program("no-such-program")


def test_outside_of_a_clone_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "_ROOT", tmp_path)
    with pytest.raises(InputMissingError, match="runs in a clone"):
        command._prepare(tmp_path / "copy", {})


def test_the_links_of_its_alerts_lead_to_its_board(tmp_path: Path) -> None:
    addresses = {name: f"127.0.0.1:{port}" for port, name in enumerate(("worker", "alertmanager", "receiver"), 1)}
    command._prepare(tmp_path, {**addresses, "board": "127.0.0.1:9000"})
    rules = (tmp_path / "prometheus" / "rules.yml").read_text()
    assert "http://127.0.0.1:9000/runbook#longestwait" in rules
    assert ":8080" not in rules


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_an_incident_in_the_demo_is_told(services: Services, tmp_path: Path) -> None:
    try:
        find_program("prometheus")
        find_program("prometheus-alertmanager", "alertmanager")
        with EmbeddedBroker():
            pass
    except (ServiceMissingError, DependencyError) as error:
        missing(str(error))
    port, log = free_port(), tmp_path / "log"
    code = "import typer; from streamer.watch.command import watch; typer.run(watch)"
    arguments = ["--port", str(port), "--incident", "billing@+20s"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env=os.environ | {"COLUMNS": "200"},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: "firing (operations): queue billing" in log.read_text(), 360, lambda: process.poll() is None)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/runbook", timeout=10) as answer:
            assert b'id="longestwait"' in answer.read()
        # The page compares with what the alerts do.
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/metrics?name=contacts", timeout=10) as answer:
            assert json.load(answer)["targets"].items() >= TARGETS.items()
    except TimeoutError:
        raise AssertionError(log.read_text()[-4_000:]) from None
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert "LongestWait (critical)" in log.read_text()
    assert f" -> http://127.0.0.1:{port}/runbook#longestwait" in log.read_text()
