"""What an alert compares with is the target that the page shows: `[targets]`, which the demo and the compose file set."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from streamer.demo import TARGETS, _targets
from streamer.settings import Settings, load_settings
from streamer.watch.rules import ALERTS
from tests.deploy.compose import services
from tests.watch.promtool import ROOT

if TYPE_CHECKING:
    from pathlib import Path

COMPARING = [alert for alerts in ALERTS.values() for alert in alerts if alert.target]
NOTES = [
    "the alert Abandonment stays silent: [targets] has no abandon_ratio",
    "the alert ServiceLevel stays silent: [targets] has no service_level_ratio",
]


def test_the_demo_and_compose_have_a_target_for_every_alert_that_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = {alert.target for alert in COMPARING}
    assert needed == TARGETS.keys() | {"csat_ratio"}
    monkeypatch.delenv("STREAMER_CONFIG", raising=False)
    assert load_settings(environ=_targets()).targets == Settings().targets | TARGETS
    for name in ("board", "worker"):
        assert load_settings(environ=services()[name]["environment"]).targets == Settings().targets | TARGETS


def test_the_demo_leaves_a_target_of_the_configuration_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[targets]\nabandon_ratio = 0.03\n")
    monkeypatch.setenv("STREAMER_CONFIG", str(file))
    assert _targets() == {"STREAMER_TARGETS__SERVICE_LEVEL_RATIO": "0.8"}


@pytest.mark.parametrize("page", ["deployment.md", "configuration.md"])
def test_the_pages_say_which_alerts_are_silent_without_a_target(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    for name, value in TARGETS.items():
        assert f"{name} = {value}" in text
    for alert in COMPARING:
        assert f"`{alert.name}`" in text or f"[{alert.name}]" in text


@pytest.mark.parametrize(
    ("targets", "notes"),
    [
        ("", NOTES),
        ("[targets]\nabandon_ratio = 0.1\n", NOTES[1:]),
        ("[targets]\nservice_level_ratio = 0.8\n", NOTES[:1]),
    ],
)
def test_check_notes_the_alerts_that_stay_silent(targets: str, notes: list[str], tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(targets)
    command = [sys.executable, "-m", "streamer", "check", str(file)]
    plain = subprocess.run(command, check=True, capture_output=True, text=True)
    assert [line.removeprefix("# note: ") for line in plain.stdout.splitlines() if line.startswith("# note: ")] == notes
    shown = subprocess.run([*command, "--json"], check=True, capture_output=True, text=True)
    assert json.loads(shown.stdout)["notes"] == notes
    again = tmp_path / "again.toml"
    again.write_text(plain.stdout)
    assert load_settings(again) == load_settings(file)
