"""The committed rules are those of the tables, name only what exists, and each alert has its section in the runbook."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from streamer.board.metrics import BoardMetrics
from streamer.board.view import View
from streamer.ingest.connections import Guard
from streamer.ingest.metrics import UNKNOWN_SOURCE, IngestMetrics
from streamer.ingest.route import OUTCOMES
from streamer.ingest.server import Ingress
from streamer.metrics.catalogue import METRICS
from streamer.metrics.explain import families, labels
from streamer.partition import COUNTERS
from streamer.processor.metrics import WorkerMetrics
from streamer.settings import Settings
from streamer.watch.rules import ALERTS, main, text
from streamer.watch.targets import DEFAULTS, TARGET, recorded
from tests.watch.promtool import ROOT, RULES

if TYPE_CHECKING:
    from pathlib import Path

    from streamer.watch.alert import Alert

RUNBOOK = ROOT / "docs" / "runbook.md"
EVERY = [alert for alerts in ALERTS.values() for alert in alerts]
#: a family, and the matchers where it has some
SELECTOR = re.compile(r"\b((?:support[_:]|up\b)[\w:]*)(?:\{([^{}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!=|=)(?:"([^"]*)"|%q)')


@cache
def known() -> dict[str, dict[str, tuple[str, ...]]]:
    """Return every family and its labels with their values (none: as the events say)."""
    settings = Settings.model_validate({})
    dimensions = dict.fromkeys(settings.dimensions.names, ())
    found: dict[str, dict[str, tuple[str, ...]]] = {"up": {}, TARGET: {"metric": tuple(DEFAULTS)}}
    for metric in METRICS:
        own = {"by": ("all", *settings.dimensions.names), **dimensions, **labels(metric)}
        if metric.windows:
            own["window"] = metric.windows
        found |= dict.fromkeys(families(metric), own)
    view = View(settings)
    board, worker = BoardMetrics(view), WorkerMetrics(COUNTERS)
    ingress = Ingress(settings, SimpleNamespace(spooled=lambda: 0))
    ingress.guard = Guard(None, connections=1, seconds=1)
    view.close()
    for family in [*board.registry.collect(), *worker.registry.collect(), *IngestMetrics(ingress).collect()]:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = {key: () for sample in family.samples for key in sample.labels}
    # Families without a sample yet do not say their labels.
    found |= {f"{name}_total": dict.fromkeys(own, ()) for name, (_, own) in COUNTERS.items()}
    found["support_ingest_deliveries_total"] = {"source": (), "outcome": (*OUTCOMES, UNKNOWN_SOURCE)}
    found["support_ingest_events_total"] = {"source": ()}
    found["support_ingest_last_delivery_timestamp_seconds"] = {"source": ()}
    found["support_worker_lag_records"] = {"topic": ()}
    found["support_board_mark_timestamp_seconds"] = {"partition": ()}
    found["support_metric_target"] = {"metric": tuple(metric.name for metric in METRICS)}
    return found


def check(expression: str, kept: set[str]) -> None:
    """Fail where an expression names a family, a label or a fixed label value that is not there."""
    selectors = SELECTOR.findall(expression)
    assert selectors
    for family, matchers in selectors:
        assert family in known(), family
        own = known()[family]
        assert kept <= own.keys() | {"instance", "job"} or family in (TARGET, "support_metric_target")
        for label, operator, value in MATCHER.findall(matchers):
            assert label in own.keys() | {"job"}, f"{family} has no label {label}"
            for one in value.split("|") if operator == "=~" and own.get(label) else [value]:
                assert not one or not own.get(label) or one in own[label], f"{family}: {label} is never {one}"


@pytest.mark.parametrize("alert", EVERY, ids=lambda alert: alert.name)
def test_a_rule_names_only_what_exists(alert: Alert) -> None:
    kept = set(re.findall(r"\w+", " ".join(re.findall(r"\bby \(([^)]*)\)", alert.expr))))
    check(alert.expr, kept)
    for query in re.findall(r"query (?:\(printf )?`([^`]+)`", alert.description):
        check(query, set())
    asked = set(re.findall(r"\$labels\.(\w+)", alert.summary + alert.description))
    assert asked <= (kept or {"job", "instance"}), "a label that the alert has not"
    assert kept or alert.team == "platform", "does not name its segment"


@pytest.mark.parametrize("metric", DEFAULTS)
def test_a_target_is_that_of_a_metric(metric: str) -> None:
    check(recorded(metric), set())


def test_no_alert_is_there_twice() -> None:
    assert len({alert.name for alert in EVERY}) == len(EVERY)


def test_the_committed_rules_are_up_to_date() -> None:
    assert RULES.read_text(encoding="utf-8") == text(), "run: python -m streamer.watch.rules"


def test_check_fails_on_drift_and_writing_mends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rules.yml"
    assert main([str(file), "--check"]) == 1
    assert not file.exists()
    assert main([str(file)]) == 0
    assert main([str(file), "--check"]) == 0
    assert main([str(file), "--check", "--runbook", "https://example.org/runbook"]) == 1
    assert main([str(file), "--runbook", "https://example.org/runbook"]) == 0
    assert 'runbook_url: "https://example.org/runbook#longestwait"' in file.read_text(encoding="utf-8")
    assert capsys.readouterr().err == f"{file}: out of date\n" * 2


def test_each_alert_has_a_section_in_the_runbook_and_each_section_its_alert() -> None:
    sections = re.split(r"^### ", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert [section.split("\n", 1)[0] for section in sections] == [alert.name for alert in EVERY]
    for section in sections:
        parts = re.findall(r"^\*\*(.+?)\*\*", section, re.MULTILINE)
        assert parts == ["What it means.", "What to look at.", "What to do."], section[:40]


def test_the_runbook_queries_name_only_what_exists() -> None:
    for code in re.findall(r"`([^`\n]+)`", RUNBOOK.read_text(encoding="utf-8")):
        if SELECTOR.match(code) and code != "up":
            check(code, set())


def test_prometheus_takes_rules_and_settings(promtool: str) -> None:
    settings = RULES.with_name("prometheus.yml")
    done = subprocess.run([promtool, "check", "config", str(settings)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(EVERY) + len(DEFAULTS)} rules found" in done.stdout
