"""The committed dashboards: made by code, clean by the dashboard linter's rules, and every query of theirs has data."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import generate_latest

from streamer.board.view import View
from streamer.events.codec import Decoder
from streamer.metrics.catalogue import METRICS
from streamer.partition import COUNTERS
from streamer.processor.mark import Mark
from streamer.processor.metrics import WorkerMetrics
from streamer.producers.simulator import demo, parse_incident, simulate
from streamer.replay import accept, exposition
from streamer.settings import Settings
from streamer.watch.dashboards.__main__ import main, texts
from streamer.watch.dashboards.panels import described
from streamer.watch.dashboards.promql import judged, shown
from streamer.watch.targets import TARGET
from tests.services.process import wait_until
from tests.watch.chain import Page, hurried
from tests.watch.promtool import ROOT, RULES
from tests.watch.test_rules import MATCHER, SELECTOR, known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.services.prometheus import Prometheus

FOLDER = ROOT / "grafana" / "dashboards"
PROVISIONING = ROOT / "grafana" / "provisioning"
DASHBOARDS = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json"))}
PANELS = [
    pytest.param(name, panel, id=f"{name}: {panel['title']}")
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    if panel["type"] != "row"
]
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
#: Grafana's names of them
UNITS = {"bool", "cps", "percentunit", "s", "short"}
#: what Grafana puts in by itself
BUILT_IN = {"__rate_interval": "10s", "__range": "10s"}
#: labels whose values are empty in some series, where another one says what it is
MAY_BE_EMPTY = {"reason", "step"}
HOURS, SHARE = 32, 0.1
START = 1_767_600_000_000  # 2026-01-05T08:00:00Z, a Monday
END = START + HOURS * 3_600_000
SECONDS = 60

every_dashboard = pytest.mark.parametrize("name", DASHBOARDS)
every_panel = pytest.mark.parametrize(("name", "panel"), PANELS)


def variables(name: str) -> dict[str, dict[str, Any]]:
    return {variable["name"]: variable for variable in DASHBOARDS[name]["templating"]["list"]}


def filled(name: str, query: str, **chosen: str) -> str:
    """Return a query with the values of its variables, as Grafana sends it: those chosen, else the first ones."""

    def value(match: re.Match[str]) -> str:
        variable = match[1]
        if variable in BUILT_IN:
            return BUILT_IN[variable]
        if variable in chosen:
            return chosen[variable]
        known = variables(name)[variable]
        current = known["current"]["value"]
        return str(known["allValue"] if current == "$__all" else current)

    return re.sub(r"\$\{?(\w+)\}?", value, query)


# As code


def test_the_committed_dashboards_are_up_to_date() -> None:
    committed = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.json")}
    assert committed == texts(), "run: python -m streamer.watch.dashboards"


def test_check_fails_on_drift_and_writing_mends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "dashboards"
    assert main([str(folder), "--check"]) == 1
    assert not folder.exists()
    assert main([str(folder)]) == 0
    assert main([str(folder), "--check"]) == 0
    (folder / "wall.json").write_text("{}", encoding="utf-8")
    (folder / "by_hand.json").write_text("{}", encoding="utf-8")
    capsys.readouterr()
    assert main([str(folder), "--check"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert told == [f"{folder}/by_hand.json: out of date", f"{folder}/wall.json: out of date"]
    assert main([str(folder)]) == 0
    assert main([str(folder), "--check"]) == 0


def test_a_runbook_is_linked_where_its_address_is_given() -> None:
    for text in texts("https://example.org/runbook").values():
        assert "https://example.org/runbook" in [link.get("url") for link in json.loads(text)["links"]]


def test_provisioning_reads_them_and_lets_nobody_change_them() -> None:
    provider = (PROVISIONING / "dashboards" / "streamer.yml").read_text(encoding="utf-8")
    assert "allowUiUpdates: false" in provider
    datasource = (PROVISIONING / "datasources" / "prometheus.yml").read_text(encoding="utf-8")
    assert "uid: streamer-prometheus\n" in datasource
    scraped = re.search(r"scrape_interval: (\w+)", (ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert scraped
    assert f"timeInterval: {scraped[1]} " in datasource


# The rules of the ecosystem's linter


def test_dashboards_are_told_apart() -> None:
    assert {d["uid"] for d in DASHBOARDS.values()} == {f"streamer-{name}" for name in DASHBOARDS}
    assert len({d["title"] for d in DASHBOARDS.values()}) == len(DASHBOARDS) == 6


@every_dashboard
def test_a_dashboard_is_read_only_described_and_linked_to_the_others(name: str) -> None:
    dashboard = DASHBOARDS[name]
    assert dashboard["editable"] is False
    assert dashboard["description"]
    assert dashboard["tags"] == ["streamer"]
    (link,) = dashboard["links"]
    assert link["type"] == "dashboards"
    assert link["tags"] == ["streamer"]
    assert link["includeVars"]
    assert link["keepTime"]


@every_dashboard
def test_variables_have_a_label_follow_the_time_and_are_used(name: str) -> None:
    found = variables(name)
    datasource = found.pop("datasource")
    assert (datasource["type"], datasource["query"], datasource["label"]) == ("datasource", "prometheus", "Data source")
    queries = json.dumps([panel.get("targets") for panel in DASHBOARDS[name]["panels"]])
    for variable in found.values():
        assert variable["datasource"] == DATASOURCE
        assert variable["label"]
        assert variable["refresh"] == 2, "not read again when the time range changes"
        assert f"${variable['name']}" in queries


@every_dashboard
def test_panels_have_their_place(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    panels = DASHBOARDS[name]["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] != "row" or panel["title"].endswith("?"), "a row answers a question"


@every_panel
def test_a_panel_is_described_has_a_unit_and_names_no_data_source(name: str, panel: dict[str, Any]) -> None:
    del name
    assert panel["title"]
    assert panel["description"]
    columns = [p for o in panel["fieldConfig"]["overrides"] for p in o["properties"] if p["id"] == "unit"]
    assert {panel["fieldConfig"]["defaults"]["unit"], *(column["value"] for column in columns)} <= UNITS
    assert panel["fieldConfig"]["defaults"]["noValue"] in ("-", "no spike")
    assert panel["datasource"] == DATASOURCE
    assert panel["targets"]
    assert not panel.get("thresholds"), "limits are series of the configuration"
    for target in panel["targets"]:
        assert target["datasource"] == DATASOURCE
        recorded = target["expr"].startswith(TARGET)
        assert recorded or re.search(r"\b(max|sum)\b", target["expr"]), "two boards are two series"
        for counter in re.finditer(r"(\w+\()?support_\w+_(?:total|bucket)\b(\[[^\]]*\])?", target["expr"]):
            assert (counter[1], counter[2]) in (("rate(", "[$__rate_interval]"), ("increase(", "[$__range]"))


@every_panel
def test_a_description_is_the_catalogues_of_what_is_shown(name: str, panel: dict[str, Any]) -> None:
    del name
    families = {family for target in panel["targets"] for family, _ in SELECTOR.findall(target["expr"])}
    catalogue = {metric.name for metric in METRICS}
    for text in panel["description"].split("\n\n"):
        metric = re.match(r"\*\*(\w+)\*\*: ", text)
        assert metric
        assert any(metric[1] in family for family in families) or metric[1] == "spike_confirmed"
        if metric[1] in catalogue:
            assert text == described([metric[1]])


@every_dashboard
def test_a_link_leads_to_a_dashboard(name: str) -> None:
    uids = {dashboard["uid"] for dashboard in DASHBOARDS.values()}
    for uid, variable in re.findall(r"/d/([\w-]+)\?var-(\w+)=", json.dumps(DASHBOARDS[name])):
        assert uid in uids
        assert variable in variables(uid.removeprefix("streamer-"))


@every_panel
def test_a_query_names_only_what_exists(name: str, panel: dict[str, Any]) -> None:
    families = known() | {"support_as_of_timestamp_seconds": {}, "support_series_left_out": {}}
    for target in panel["targets"]:
        for family, matchers in SELECTOR.findall(filled(name, target["expr"])):
            own = {"quantile": (), **families[family.removesuffix("_bucket")]}
            for label, _, value in MATCHER.findall(matchers):
                assert label in own, f"{family} has no label {label}"
                assert not own[label] or value in own[label], f"{family}: {label} is never {value}"


# In a real Prometheus


class Live(Page):
    """The numbers of a simulated day, and those of a worker and a board at work: a bit more at each scrape."""

    def __init__(self, numbers: str, settings: Settings) -> None:
        super().__init__(numbers)
        self.scrapes = 0
        self.view = View(settings)
        self.worker = WorkerMetrics(COUNTERS)
        self.worker.partitions.set(2)
        self.worker.lag.labels("support.chats").set(3)

    def get(self) -> tuple[int, str]:
        worker, view = self.worker, self.view
        worker.count({(family, *labels): 1 for family, (_, labels) in COUNTERS.items()})
        worker.flush_seconds.observe(0.02)
        view.metrics.evaluation_seconds.observe(0.04)
        self.scrapes += 1
        clock = END + self.scrapes * 1000
        offsets, arrivals = {"t": 10 * self.scrapes}, {"t": clock - 400}
        mark = Mark(offsets=offsets, arrivals=arrivals, clock=clock, time=clock - 100, configuration="c")
        view.marks[0] = mark
        view.visible.flushed(0, mark, clock + 300, sample=True)
        own = generate_latest(view.metrics.registry).decode() + generate_latest(worker.registry).decode()
        as_of = f"support_as_of_timestamp_seconds {END / 1000}\nsupport_series_left_out 0\n"
        return 200, self.text + as_of + own


def a_day(settings: Settings) -> str:
    """Return the exposition of a centre of a tenth of the demo's size, ten minutes into a rush at `billing`."""
    centre = demo(customers=400)
    smaller = [
        replace(
            queue,
            calls_per_hour=queue.calls_per_hour * SHARE,
            chats_per_hour=queue.chats_per_hour * SHARE,
            tickets_per_hour=queue.tickets_per_hour * SHARE,
            agents=max(2, round(queue.agents * SHARE)),
        )
        for queue in centre.queues
    ]
    rush = parse_incident(f"billing@+{HOURS * 60 - 10}m/20mx20", START)
    centre = replace(
        centre, queues=tuple(smaller), carts_per_hour=centre.carts_per_hour * SHARE, incidents=(rush,), heartbeat_ms=0
    )
    decoder = Decoder(settings.surveys.scales, settings.time.future)
    events = []
    for raw in simulate(centre, start_ms=START, duration_ms=END - START, seed=1):
        event, time, _ = accept(decoder, json.dumps(raw).encode())
        events.append((time, event, time))
    return exposition(settings, events, END)


@pytest.fixture(scope="module")
def watching(prometheus: Callable[..., Prometheus], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    settings = Settings.model_validate({"surveys": {"min_samples": 5}})
    rules = tmp_path_factory.mktemp("rules") / "rules.yml"
    rules.write_text(hurried(RULES.read_text(encoding="utf-8")), encoding="utf-8")
    with Live(a_day(settings), settings) as page:
        found = prometheus([page.address], rule_files=[rules])
        wait_until(lambda: bool(found.query("rate(support_worker_flush_seconds_count[10s]) > 0")), SECONDS)
        wait_until(lambda: bool(found.query('support:metric_target:or_default{metric="csat_ratio"}')), SECONDS)
        wait_until(lambda: bool(found.query('ALERTS{alertstate="firing"}')), SECONDS)
        yield found
        found.stop()
    page.view.close()


@every_panel
@pytest.mark.slow
def test_every_query_has_data(watching: Prometheus, name: str, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        query = filled(name, target["expr"])
        found = watching.query(query)
        assert found, query
        asked = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", "")))
        for series in found:
            assert asked <= series["metric"].keys() | MAY_BE_EMPTY, "the legend names a label that the series has not"
            assert math.isfinite(float(series["value"][1])), query
        legends = [tuple(series["metric"].get(label) for label in sorted(asked)) for series in found]
        assert target.get("format") == "table" or len(set(legends)) == len(found), "two series look the same"


@every_dashboard
@pytest.mark.slow
def test_every_annotation_and_every_choice_has_data(watching: Prometheus, name: str) -> None:
    for annotation in DASHBOARDS[name]["annotations"]["list"]:
        found = watching.query(filled(name, annotation["expr"]))
        assert any(series["metric"].get("queue") == "billing" for series in found)
    for variable in variables(name).values():
        choice = re.fullmatch(r"label_values\((.+), (\w+)\)", str(variable["query"]))
        if choice:
            current = variable["current"]["value"]
            found = watching.query(f"count by ({choice[2]}) ({choice[1]})")
            assert {series["metric"].get(choice[2]) for series in found} >= ({current} - {"$__all"})
            assert found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "grouping"),
    [({}, "all"), ({"queue": "billing"}, "queue"), ({"channel": "phone"}, "channel"), ({"team": "shop"}, "team")],
    ids=str,
)
def test_what_is_chosen_is_what_is_shown(watching: Prometheus, chosen: dict[str, str], grouping: str) -> None:
    query = re.fullmatch(r"query_result\((.+)\)", variables("queues")["by"]["query"])
    assert query
    (found,) = watching.query(filled("queues", query[1], **chosen))
    assert found["metric"] == {"by": grouping}
    labels = {"queue": "", "channel": "", "team": ""} | chosen
    exact = ",".join(f'{label}="{value}"' for label, value in labels.items())
    (expected,) = watching.query(
        f'support_service_level_ratio{{by="{grouping}",window="1h",formula="offered",{exact}}}'
    )
    query_of = shown("service_level_ratio", window="$window", formula="offered")
    (actual,) = watching.query(filled("queues", query_of, by=grouping, **chosen))
    assert expected["value"][1] == actual["value"][1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "worse", "samples", "state"),
    [
        (0.81, "<", 30, "on target"),
        (0.79, "<", 30, "past target"),
        (0.8, "<", 30, "on target"),
        (0.81, ">", 30, "past target"),
        (0.79, "<", 29, "few answers"),
    ],
)
def test_a_number_says_whether_its_target_is_met(
    watching: Prometheus, value: float, worse: str, samples: int, state: str
) -> None:
    (found,) = watching.query(judged(f"vector({value})", "csat_ratio", worse, f"vector({samples})", 30))
    assert found["metric"] == {"state": state, "target": "80", "n": str(samples)}
    assert float(found["value"][1]) == value
