"""The reference page says what the catalogue says, and names the families that really are exposed."""

import json
from pathlib import Path

import pytest

from streamer.events.codec import Decoder
from streamer.metrics.catalogue import METRICS, OWN
from streamer.metrics.evaluate import evaluate
from streamer.metrics.exposition import type_of
from streamer.metrics.reference import families, labels, main, page, sections
from streamer.producers.simulator import demo, simulate
from streamer.replay import accept, replayed, snapshot_of
from streamer.settings import Settings

COMMITTED = Path(__file__).parents[2] / "docs" / "metrics.md"
HOUR = 3_600_000
START = 1_767_600_000_000


@pytest.fixture(scope="module")
def blocks():
    settings = Settings.model_validate({})
    decoder = Decoder(settings.surveys.scales, settings.time.future)
    events = []
    for raw in simulate(demo(customers=60), start_ms=START, duration_ms=6 * HOUR, seed=5):
        event, time, _ = accept(decoder, json.dumps(raw).encode())
        events.append((time, event, time))
        if len(events) == 1_500:
            break
    at = max(time for time, _, _ in events)
    return list(evaluate(snapshot_of(replayed(settings, events, at)), settings, at))


def test_the_committed_page_is_up_to_date():
    assert COMMITTED.read_text(encoding="utf-8") == page(), "run: python -m streamer.metrics.reference"


def test_check_fails_on_drift_and_writing_mends_it(tmp_path, capsys):
    file = tmp_path / "metrics.md"
    assert main([str(file), "--check"]) == 1
    assert not file.exists()
    assert main([str(file)]) == 0
    assert main([str(file), "--check"]) == 0
    file.write_text(file.read_text(encoding="utf-8") + "by hand\n", encoding="utf-8")
    capsys.readouterr()
    assert main([str(file), "--check"]) == 1
    assert capsys.readouterr().err == f"{file}: out of date\n"


def test_every_metric_is_in_exactly_one_section():
    found = [metric.name for metrics in sections().values() for metric in metrics]
    assert sorted(found) == sorted(metric.name for metric in (*METRICS, *OWN))
    assert all(sections().values())


def test_no_family_belongs_to_two_metrics():
    found = [family for metric in (*METRICS, *OWN) for family in families(metric)]
    assert len(found) == len(set(found))


def test_what_is_exposed_is_what_the_page_names(blocks):
    assert len({block.metric.name for block in blocks}) > 60
    for block in blocks:
        assert families(block.metric)[block.family] == type_of(block)
        own = labels(block.metric)
        for key, value in block.labels:
            if key not in ("window", "quantile"):
                assert value in own[key] or not own[key]


def test_every_family_of_a_metric_with_data_is_exposed(blocks):
    """But not that of an empty stock's age."""
    exposed = {block.family for block in blocks}
    for metric in {block.metric.name: block.metric for block in blocks}.values():
        missing = families(metric).keys() - exposed
        assert all(name.endswith(("_age_seconds", "_age_samples")) for name in missing)
