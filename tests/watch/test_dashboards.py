"""The committed dashboards: made by code, and clean by the dashboard linter's rules."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from streamer.board.answer import LONG_WINDOWS, WINDOWS
from streamer.metrics.catalogue import METRICS
from streamer.metrics.explain import find
from streamer.settings import Settings
from streamer.watch.dashboards.__main__ import main, texts
from streamer.watch.dashboards.panels import COUNT, described, grid, lines
from streamer.watch.dashboards.promql import ENOUGH
from streamer.watch.rules import RUNBOOK
from streamer.watch.targets import TARGET
from tests.watch.promtool import ROOT
from tests.watch.test_rules import MATCHER, SELECTOR, known

if TYPE_CHECKING:
    from pathlib import Path

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
#: what Prometheus' client adds to the name of a family
PLAIN = re.compile("_(total|bucket)$")

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


def test_few_answers_are_as_many_as_on_the_page_of_a_configuration_that_names_no_number() -> None:
    assert Settings().surveys.min_samples == ENOUGH


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


def test_the_runbook_is_linked_where_its_address_says(tmp_path: Path) -> None:
    assert main([str(tmp_path), "--runbook", "https://example.org/runbook"]) == 0
    written = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in tmp_path.glob("*.json")}
    for dashboards, address in ((DASHBOARDS, RUNBOOK), (written, "https://example.org/runbook")):
        assert [d["links"][1]["url"] for d in dashboards.values()] == [address] * len(texts())


def test_more_queries_than_letters_are_an_error_and_none_is_dropped() -> None:
    columns = [(str(number), f"vector({number})", COUNT) for number in range(27)]
    queries = {title: query for title, query, _ in columns[:26]}
    for panel in (grid("", columns[:26], ""), lines("", queries, "", COUNT)):
        targets = json.loads(JSONEncoder().encode(panel.build()))["targets"]
        assert [target["expr"] for target in targets] == list(queries.values())
        assert len({target["refId"] for target in targets}) == len(queries)
    with pytest.raises(IndexError):
        grid("", columns, "")


def test_provisioning_reads_them_and_lets_nobody_change_them() -> None:
    provider = (PROVISIONING / "dashboards" / "streamer.yml").read_text(encoding="utf-8")
    assert "allowUiUpdates: false" in provider
    datasource = (PROVISIONING / "datasources" / "prometheus.yml").read_text(encoding="utf-8")
    assert "uid: streamer-prometheus\n" in datasource
    scraped = re.search(r"scrape_interval: (\w+)", (ROOT / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert scraped
    assert f"timeInterval: {scraped[1]} " in datasource


# The rules of the ecosystem's linter (grafana/dashboard-linter), but for these:
# - template-job, template-instance, target-job, target-instance: who looks is a support lead, who chooses a queue, not a
#   process. Queries take the maximum over boards, which all say the same, and name no job: that is the operator's word.
# - target-logql, target-logql-auto: there are no logs in them.
# - panel-units, where it wants a unit of its own for each number: `short` is the unit of a count.


def test_dashboards_are_told_apart() -> None:
    assert {d["uid"] for d in DASHBOARDS.values()} == {f"streamer-{name}" for name in DASHBOARDS}
    assert len({d["title"] for d in DASHBOARDS.values()}) == len(DASHBOARDS) == 6


@every_dashboard
def test_a_dashboard_is_read_only_described_and_linked_to_the_others(name: str) -> None:
    dashboard = DASHBOARDS[name]
    assert dashboard["editable"] is False
    assert dashboard["description"]
    assert dashboard["tags"] == ["streamer"]
    link, runbook = dashboard["links"]
    assert (runbook["type"], runbook["title"]) == ("link", "Runbook")
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
    assert "thresholds" not in panel["fieldConfig"]["defaults"], "limits are series of the configuration"
    assert all(p["id"] != "thresholds" for o in panel["fieldConfig"]["overrides"] for p in o["properties"])
    for target in panel["targets"]:
        assert target["datasource"] == DATASOURCE
        assert re.search(r"\b(max|sum)\b", target["expr"]), "two boards are two series"
        for counter in re.finditer(r"(\w+\()?support_\w+_(?:total|bucket)\b(\[[^\]]*\])?", target["expr"]):
            assert (counter[1], counter[2]) in (("rate(", "[$__rate_interval]"), ("increase(", "[$__range]"))


@every_panel
def test_few_answers_are_said_in_words_and_grey(name: str, panel: dict[str, Any]) -> None:
    del name
    overrides = {o["matcher"]["options"]: o["properties"] for o in panel["fieldConfig"]["overrides"]}
    for target in panel["targets"]:
        if "{{n}}" in target.get("legendFormat", ""):
            assert target["legendFormat"].startswith(("{{state}}", "{{few}}"))
            (color,) = overrides["/^few answers/"]
            assert color["value"]["fixedColor"] == "#8e8e8e"
    for properties in overrides.values():
        for words in [p["value"][0]["options"] for p in properties if p["id"] == "mappings"]:
            assert {number: word["text"] for number, word in words.items()} == {
                "0": "on target",
                "1": "▲ past target",
                "2": "few answers",
            }


@every_panel
def test_a_description_is_the_catalogues_of_what_is_shown(name: str, panel: dict[str, Any]) -> None:
    del name
    families = {family for target in panel["targets"] for family, _ in SELECTOR.findall(target["expr"])}
    shown = {
        metric.name if (metric := find(family)) in METRICS else PLAIN.sub("", family) for family in families - {TARGET}
    }
    catalogue = {metric.name for metric in METRICS}
    told = []
    for text in panel["description"].split("\n\n"):
        head = re.match(r"\*\*(\w+)\*\*: ", text)
        assert head
        told.append(head[1])
        if head[1] in catalogue:
            assert text == described([head[1]])
    assert sorted(told) == sorted(shown)


def test_the_wall_fits_a_screen_of_1080_pixels_and_its_lines_are_full() -> None:
    """A row of the grid is 38 px high: 24 of them leave 168 px for the browser, Grafana's own line and the variables."""
    places = [panel["gridPos"] for panel in DASHBOARDS["wall"]["panels"]]
    assert max(place["y"] + place["h"] for place in places) <= 24
    assert sum(place["w"] * place["h"] for place in places) == 24 * max(place["y"] + place["h"] for place in places)


def test_the_wall_has_the_windows_of_the_page() -> None:
    shown = dict(SELECTOR.findall(json.dumps(DASHBOARDS["wall"]).replace('\\"', '"')))
    assert f'window="{LONG_WINDOWS[0]}"' in shown["support_csat_ratio"]
    assert variables("wall")["window"]["current"]["value"] == WINDOWS[0]


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
