"""What is said of a metric: complete, about events and fields that exist, and queries that Prometheus understands."""

import re
from typing import get_type_hints

import pytest

from streamer.events.registry import TYPES
from streamer.metrics.catalogue import METRICS, Kind
from streamer.metrics.explain import explanation, families, find, labels, needed, queries, similar, unknown
from streamer.metrics.reference import page
from streamer.settings import Settings

BY_NAME = {metric.name: metric for metric in METRICS}
SELECTOR = re.compile(r"(support_\w+)\{([^}]*)\}")
#: made from other metrics' sums, so they need no event of their own
DERIVED = {"metric_baseline", "metric_deviation_score", "spike", "spike_confirmed", "spike_contributor_ratio"}


def data_fields(name):
    return get_type_hints(TYPES[name])["data"].__struct_fields__


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_says_what_it_counts_and_what_not(metric):
    known = explanation(metric)
    for key in ("definition", "formula", "counted", "not_counted", "counted_at"):
        assert known[key], key
    for key in ("definition", "counted", "not_counted"):
        assert known[key].endswith("."), key
        assert not known[key].endswith("..")
    assert known["needs"] or metric.name in DERIVED
    assert known["promql"]
    assert set(known["articles"]) <= {"S0", "S1", "S2", "S3", "S4"}
    assert bool(known["articles"]) == bool(metric.seed)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_event_and_field_that_is_named_exists(metric):
    for name, fields in needed(metric):
        assert name in TYPES
        assert set(fields) <= set(data_fields(name)), name
        assert len(fields) == len(set(fields))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_queries_name_families_and_label_values_that_exist(metric):
    own = labels(metric)
    known = {"by": {"all", *Settings().dimensions.names}, "window": set(metric.windows), "quantile": {"0.5", "0.9"}}
    for _, query in queries(metric):
        found = SELECTOR.findall(query)
        assert found
        for family, inside in found:
            assert family in families(metric)
            for key, value in re.findall(r'(\w+)="([^"]*)"', inside):
                assert value in known.get(key, own.get(key, ())), (key, value)
            assert ('window="' in inside) == bool(metric.windows)
            if metric.only_by:
                assert f'by="{metric.only_by[0]}"' in inside


def test_prometheus_understands_every_query(prometheus):
    server = prometheus([])
    for metric in METRICS:
        for _, query in queries(metric):
            server.query(query)  # raises on a query that cannot be read


def test_a_metric_is_found_by_its_name_and_by_its_families_with_and_without_the_prefix():
    assert find("first_response") is BY_NAME["first_response"]
    for metric in METRICS:
        assert find(f"support_{metric.name}") is metric
        for family in families(metric):
            assert find(family) is metric
            assert find(family.removeprefix("support_")) is metric
    assert find("") is None
    assert find("support_nix") is None


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("frist_response", "first_response"),
        ("support_abandonratio", "abandon_ratio"),
        ("CSAT", "csat_ratio"),
        ("service-level", "service_level_ratio"),
        ("nps", "nps_score"),
    ],
)
def test_a_mistyped_name_is_answered_with_what_may_have_been_meant(typed, meant):
    assert meant in similar(typed)
    assert meant in unknown(typed)


def test_nothing_is_suggested_where_nothing_is_near():
    assert similar("zzzzzz") == []
    assert unknown("zzzzzz") == "there is no metric zzzzzz"


def test_vendors_are_matched_to_variants_that_exist():
    """Every `label=value` in the texts about vendors is one of the metric's own."""
    matched = 0
    for metric in METRICS:
        for key, value in re.findall(r"\b(formula|short|kind|unit)=(\w+)", metric.elsewhere):
            assert value in labels(metric)[key]
            matched += 1
    assert matched >= 10


def test_service_levels_of_the_vendors_are_told_apart():
    """What their own documents say: Genesys' switch for flow-outs, Talkdesk's two models, Zendesk's silence."""
    told = BY_NAME["service_level_ratio"].elsewhere
    assert "Flow-outs out: no formula here; formula=offered" in told
    assert "Talkdesk, contacts model: " in told
    assert "Talkdesk, calls model: " in told
    assert "Zendesk Talk" in told


def test_the_page_says_all_of_it():
    text = page().replace("\\", "")
    for metric in METRICS:
        part = text.split(f"\n### {metric.name}\n")[1].split("\n### ")[0]
        known = explanation(metric)
        for key in ("definition", "formula", "counted", "not_counted", "elsewhere"):
            assert known[key] in part
        assert all(need["type"].removeprefix("support.") in part for need in known["needs"])
        assert all(query["query"] in part for query in known["promql"])


def test_a_needed_event_without_fields_and_two_entities_are_written_out():
    found = dict(needed(BY_NAME["abandon_ratio"]))
    assert found["support.chat.abandoned"] == found["support.call.abandoned"] == []
    assert found["support.call.left_queue"] == ["reason"]


def test_open_work_has_no_window_and_says_that_it_counts_now():
    for metric in METRICS:
        if metric.kind is Kind.STOCK:
            assert explanation(metric)["windows"] == []
            assert explanation(metric)["counted_at"] == "now, while it is open"
