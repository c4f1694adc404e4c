"""What worker and board say of themselves is what the catalogue has, and the catalogue has what the specification asks for."""

import datetime as dt
import re
from types import SimpleNamespace

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streamer.board.view import Evaluation, View
from streamer.events.codec import encode
from streamer.metrics.catalogue import METRICS, OWN, Kind
from streamer.metrics.catalogue.trust import KINDS
from streamer.metrics.explain import explanation, find, labels
from streamer.metrics.limits import Limited
from streamer.metrics.reference import page
from streamer.partition import COUNTERS, Partition
from streamer.processor.metrics import WorkerMetrics
from streamer.settings import Settings
from streamer.timelines.context import VALUES_MAX
from tests.strategies.events import START_MS, build

HOUR = 3_600_000
DAY = 24 * HOUR
SOURCE = "crm"


def record(event, arrival):
    return SimpleNamespace(
        offset=0, timestamp=arrival, key=event.data.customer.encode(), value=encode(event), headers=[]
    )


@pytest.fixture(scope="module")
def counted():
    """The registry of a worker whose partition met every kind of trouble, and when its newest event happened (ms)."""
    partition = Partition(Settings())

    def take(topic, *events, arrival=START_MS):
        partition.apply(topic, [record(event, arrival) for event in events])
        partition.changes(arrival)

    def ticket(name, ms, number, **data):
        event_id = f"{name} {number} {ms}"
        return build(f"support.ticket.{name}", ms, f"T{number}", {"customer": "c", **data}, id=event_id, source=SOURCE)

    first = ticket("created", START_MS, 0)
    started = dt.datetime.fromtimestamp(START_MS / 1000 + 60, dt.UTC)
    answer = {"customer": "c", "kind": "csat", "score": 5.0, "scale_min": 1.0, "scale_max": 5.0, "started_at": started}
    take("support.tickets", first, first, ticket("message", START_MS, 1, author="agent"))
    take(
        "support.surveys", build("support.survey.sent", START_MS, "S", {"customer": "c", "kind": "csat"}, source=SOURCE)
    )
    take("support.surveys", build("support.survey.answered", START_MS + 1, "S", answer, id="2", source=SOURCE))
    take("support.chats", first)  # belongs to another topic
    queues = [ticket("created", START_MS, 10 + i, queue=f"q{i}") for i in range(VALUES_MAX + 1)]
    take("support.tickets", *queues)
    take("support.tickets", ticket("created", START_MS, 2), arrival=START_MS + DAY + 1)
    later = START_MS + 5 * DAY
    take("support.tickets", ticket("created", later, 3), arrival=later)
    partition.changes(later + 2 * DAY)  # so long after it the tail is folded up to here
    take("support.tickets", ticket("created", later + 4 * DAY, 4), arrival=later + 4 * DAY)
    old = ticket("created", later - HOUR, 5)
    partition.accept(old, later - HOUR, later - HOUR)  # as history comes: its arrival is its own time
    partition.changes(later + 4 * DAY)
    worker = WorkerMetrics(COUNTERS)
    worker.count(partition.counters())
    return worker.registry, later + 4 * DAY


def answered():
    """What a board says beside the numbers."""
    view = View(Settings())
    text = view.metrics.text(Evaluation(START_MS, Limited([], 0, []), 0.0))
    view.close()
    return text


@pytest.fixture(scope="module")
def exposed(counted):
    worker, _ = counted
    return {
        "worker": {family.name: family for family in text_string_to_metric_families(generate_latest(worker).decode())},
        "board": {family.name: family for family in text_string_to_metric_families(answered())},
    }


@pytest.mark.parametrize("metric", OWN, ids=lambda metric: metric.name)
def test_it_is_exposed_where_and_as_the_catalogue_says(exposed, metric):
    name = f"support_{metric.name}"
    (other,) = exposed.keys() - {metric.where}
    family = exposed[metric.where][name.removesuffix("_total")]
    assert name.removesuffix("_total") not in exposed[other]
    assert (family.documentation, family.type) == (metric.about, metric.kind.value)
    own = labels(metric)
    samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
    assert samples
    for sample in samples:
        assert sample.name.removeprefix(name) in ("", "_bucket", "_sum", "_count")
        assert sample.labels.keys() - {"le"} == own.keys()
        assert all(not own[key] or value in own[key] for key, value in sample.labels.items() if key != "le")


def test_the_worker_counts_each_trouble_as_the_catalogue_says(counted):
    worker, newest = counted

    def value(name, **own):
        return worker.get_sample_value(f"support_{name}", own)

    source = {"source": SOURCE}
    assert value("events_total", topic="support.tickets", **source) == 3 + VALUES_MAX + 1 + 3
    assert value("events_total", topic="support.surveys", **source) == 2
    assert value("events_duplicate_total", **source) == 1
    assert value("events_late_total", reason="grace", **source) == 1
    assert value("events_late_total", reason="folded", **source) == 1
    assert value("events_invalid_total", code="wrong_topic", **source) == 1
    assert value("events_unknown_total", **source) == 1
    assert value("events_anomalous_total", kind="negative_duration", **source) == 1
    assert value("values_limited_total") >= 1
    assert value("source_last_event_timestamp_seconds", **source) == newest / 1000


@pytest.mark.parametrize("metric", OWN, ids=lambda metric: metric.name)
def test_it_is_explained_and_on_the_page(metric):
    known = explanation(metric)
    for key in ("definition", "formula", "counted", "not_counted", "counted_at", "edge_cases", "promql"):
        assert known[key], key
    for key in ("definition", "counted", "not_counted"):
        assert known[key].endswith("."), key
    assert known["families"] == {f"support_{metric.name}": metric.kind.value}
    assert find(metric.name) is find(f"support_{metric.name}") is metric
    part = page().replace("\\", "").split(f"\n### {metric.name}\n")[1].split("\n### ")[0]
    assert f"- **Exposed by**: the {metric.where}\n" in part
    for key in ("definition", "formula", "counted", "not_counted"):
        assert known[key] in part
    assert all(text in part for text in known["edge_cases"])
    assert all(f"`{key}`: " in part for key in known["labels"])
    assert all(query["query"] in part for query in known["promql"])


def test_prometheus_understands_and_answers_the_queries(prometheus, counted):
    worker, _ = counted
    text = generate_latest(worker).decode() + answered()
    found = {family.name for family in text_string_to_metric_families(text)}
    server = prometheus([])
    for metric in OWN:
        for query in explanation(metric)["promql"]:
            server.query(query["query"])  # raises on a query that cannot be read
            (name,) = re.findall(r"support_\w+", query["query"])
            assert name.removesuffix("_bucket").removesuffix("_total") in found
            kept = re.findall(r"by \(([^)]*)\)", query["query"])
            wanted = "le" if metric.kind is Kind.HISTOGRAM else ", ".join(labels(metric))
            assert kept == ([wanted] if wanted else [])


def test_nothing_evaluates_them():
    assert not {metric.kind for metric in METRICS} & KINDS
    assert {metric.kind for metric in OWN} == KINDS


def specified(text):
    """Yield (name, names of its labels, who asks for it) of every row of the tables of metrics.md."""
    for line in text.splitlines():
        if line.startswith("| `"):
            first, *_, seed = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
            previous = ""
            for name, inside in re.findall(r"`(\w+)(?:\{([^`]*)\})?`", first):
                full = previous + name if name.startswith("_") else name  # `events_total`, `_late_total`
                previous = previous or full.split("_")[0]
                yield full, set(re.findall(r"(\w+)(?==|,|$)", re.sub(r'"[^"]*"', "", inside))), seed


def test_every_row_of_the_specification_is_in_the_catalogue_and_the_page_and_says_who_asks_for_it(shared):
    rows = list(specified((shared / "metrics.md").read_text(encoding="utf-8")))
    assert len(rows) > 100
    text = page()
    for name, own, seed in rows:
        metric = find(name)
        assert metric is not None, name
        assert f"\n### {metric.name}\n" in text
        assert own <= labels(metric).keys(), name
        assert metric.seed == seed, name
