"""Writes a test of rules as promtool wants it, and runs it on the committed rules."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from streamer.watch.rules import RUNBOOK

ROOT = Path(__file__).parents[2]
RULES = ROOT / "prometheus" / "rules.yml"


def expected(name: str, severity: str, team: str, summary: str, description: str, **labels: str) -> dict[str, Any]:
    """Return an alert as it has to be, to the letter."""
    return {
        "exp_labels": {"severity": severity, "team": team, **labels},
        "exp_annotations": {
            "summary": summary,
            "description": description,
            "runbook_url": f"{RUNBOOK}#{name.lower()}",
        },
    }


def block(
    name: str,
    series: dict[str, str],
    alerts_at: dict[str, list[dict[str, Any]]],
    interval: str,
    firing_at: dict[str, int] | None = None,
) -> dict[str, Any]:
    """Return one test: `series` -> values in promtool's notation; which alerts of one name fire at which times.

    `firing_at` says how many do, whatever they say.
    """
    count = f'count(ALERTS{{alertname="{name}", alertstate="firing"}}) or vector(0)'
    return {
        "interval": interval,
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "alert_rule_test": [
            {"eval_time": time, "alertname": name, "exp_alerts": alerts} for time, alerts in alerts_at.items()
        ],
        "promql_expr_test": [
            {"expr": count, "eval_time": time, "exp_samples": [{"labels": "{}", "value": number}]}
            for time, number in (firing_at or {}).items()
        ],
    }


def run(promtool: str, folder: Path, blocks: list[dict[str, Any]], evaluated: str = "1m", rules: Path = RULES) -> None:
    """Run the tests of the committed rules, or of others; AssertionError says what promtool says."""
    file = folder / "test.yml"
    # JSON is YAML, too.
    file.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": evaluated, "tests": blocks}))
    done = subprocess.run(
        [promtool, "test", "rules", str(file)], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
