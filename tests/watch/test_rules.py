"""The committed rules are those of the tables, name only what exists, and each alert has its section in the runbook."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestClient, TestServer

from streamer.board.metrics import BoardMetrics
from streamer.board.server import make_app
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
from streamer.watch import runbook
from streamer.watch.rules import ALERTS, FILE, main, runbook_url, text
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
    found: dict[str, dict[str, tuple[str, ...]]] = {"up": {}}
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
        assert kept <= own.keys() | {"instance", "job"} or family == "support_metric_target"
        for label, operator, value in MATCHER.findall(matchers):
            assert label in own.keys() | {"job"}, f"{family} has no label {label}"
            for one in value.split("|") if operator == "=~" and own.get(label) else [value]:
                assert not one or not own.get(label) or one in own[label], f"{family}: {label} is never {one}"


@pytest.mark.parametrize("alert", EVERY, ids=lambda alert: alert.name)
def test_a_rule_names_only_what_exists(alert: Alert) -> None:
    kept = set(re.findall(r"\w+", " ".join(re.findall(r"\bby \(([^)]*)\)", alert.expr))))
    check(alert.expr, kept)
    for query in re.findall(r"query (?:\(printf )?`([^`]+)`", alert.description):
        if query != "vector(100 * %g)":
            check(query, set())
    asked = set(re.findall(r"\$labels\.(\w+)", alert.summary + alert.description))
    assert asked <= (kept or {"job", "instance"}), "a label that the alert has not"
    assert kept or alert.team == "platform", "does not name its segment"


@pytest.mark.parametrize("alert", EVERY, ids=lambda alert: alert.name)
def test_an_alert_says_whose_target_it_needs_and_its_section_that_it_is_silent_without(alert: Alert) -> None:
    needed = set(re.findall(r'support_metric_target\{metric="(\w+)"', alert.expr))
    assert needed == {alert.target} - {None}
    said = re.findall(r"Silent without `\[targets\] (\w+)`", sections()[alert.name])
    assert said == list(needed)


def test_no_alert_is_there_twice() -> None:
    assert len({alert.name for alert in EVERY}) == len(EVERY)


def test_the_committed_rules_are_up_to_date() -> None:
    assert RULES.read_text(encoding="utf-8") == text(), "run: python -m streamer.watch.rules"


def test_the_packaged_runbook_is_up_to_date_and_made_with_the_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = runbook.page(RUNBOOK.read_text(encoding="utf-8"))
    assert (ROOT / runbook.PAGE).read_text(encoding="utf-8") == wanted, "run: python -m streamer.watch.rules"
    monkeypatch.chdir(tmp_path)
    for folder in (FILE.parent, runbook.SOURCE.parent, runbook.PAGE.parent):
        folder.mkdir(parents=True)
    runbook.SOURCE.write_text("# New", encoding="utf-8")
    FILE.write_text(text(), encoding="utf-8")
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert '<h1 id="new">New</h1>' in runbook.PAGE.read_text(encoding="utf-8")


def test_the_runbooks_markdown_becomes_html() -> None:
    made = runbook.page(
        '# A & B\n\nText **bold** and\n`a{b="*"} < **c**`.\n\n- one\n  more\n- two\n\n### LongestWait\n\n**Yes.** No.\n'
    )
    assert made.partition("<title>Runbook</title>\n")[2] == (
        '<h1 id="a &amp; b">A &amp; B</h1>\n'
        '<p>Text <strong>bold</strong> and\n<code>a{b="*"} &lt; **c**</code>.\n'
        "<ul>\n<li>one\n  more\n<li>two\n</ul>\n"
        '<h3 id="longestwait">LongestWait</h3>\n<p><strong>Yes.</strong> No.\n'
    )


async def test_a_board_serves_the_section_that_the_link_of_each_alert_leads_to() -> None:
    view = View(Settings.model_validate({}))
    async with TestClient(TestServer(make_app(view))) as client:
        for alert in EVERY:
            address = urlsplit(runbook_url(alert))
            answer = await client.get(address.path)
            page = await answer.text()
            assert (answer.status, answer.content_type) == (200, "text/html")
            assert f'<h3 id="{address.fragment}">{alert.name}</h3>' in page
    view.close()


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


def sections() -> dict[str, str]:
    """Return name -> text of the runbook's sections, in order."""
    found = re.split(r"^### (\w+)$", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


def test_each_alert_has_a_section_in_the_runbook_and_each_section_its_alert() -> None:
    assert list(sections()) == [alert.name for alert in EVERY]
    for name, section in sections().items():
        parts = re.findall(r"^\*\*(.+?)\*\*", section, re.MULTILINE)
        assert parts == ["What it means.", "What to look at.", "What to do."], name


def test_the_runbook_queries_name_only_what_exists() -> None:
    for code in re.findall(r"`([^`\n]+)`", RUNBOOK.read_text(encoding="utf-8")):
        if SELECTOR.match(code) and code != "up":
            check(code, set())


def test_prometheus_takes_rules_and_settings(promtool: str) -> None:
    settings = RULES.with_name("prometheus.yml")
    done = subprocess.run([promtool, "check", "config", str(settings)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(EVERY)} rules found" in done.stdout
