"""Writes a test of rules as promtool wants it, and runs it on the committed rules."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RULES = ROOT / "prometheus" / "rules.yml"


def expected(name: str, severity: str, team: str, summary: str, description: str, **labels: str) -> dict[str, Any]:
    """Return an alert as it has to be, to the letter."""
    return {
        "exp_labels": {"severity": severity, "team": team, **labels},
        "exp_annotations": {
            "summary": summary,
            "description": description,
            "runbook_url": f"docs/runbook.md#{name.lower()}",
        },
    }


def block(
    name: str, series: dict[str, str], alerts_at: dict[str, list[dict[str, Any]]], interval: str
) -> dict[str, Any]:
    """Return one test: `series` -> values in promtool's notation; which alerts of one name fire at which times."""
    return {
        "interval": interval,
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "alert_rule_test": [
            {"eval_time": time, "alertname": name, "exp_alerts": alerts} for time, alerts in alerts_at.items()
        ],
    }


def run(promtool: str, folder: Path, blocks: list[dict[str, Any]], evaluated: str = "1m") -> None:
    """Run the tests; AssertionError says what promtool says."""
    file = folder / "test.yml"
    # JSON is YAML, too.
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": evaluated, "tests": blocks}))
    done = subprocess.run(
        [promtool, "test", "rules", str(file)], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
