"""What the dashboards show, in a real Prometheus that has scraped a simulated day: every query has data, and the right data."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from streamer import demo
from streamer.board.spikes import spikes
from streamer.board.view import View
from streamer.events.codec import Decoder
from streamer.partition import COUNTERS
from streamer.processor.mark import Mark
from streamer.processor.metrics import WorkerMetrics
from streamer.producers import simulator
from streamer.producers.simulator import parse_incident, simulate
from streamer.replay import accept, exposition
from streamer.settings import Settings
from streamer.watch.dashboards.promql import ENOUGH, judged, missed, numbered, shown
from tests.services.process import wait_until
from tests.watch.chain import Page, hurried
from tests.watch.promtool import RULES
from tests.watch.test_dashboards import DASHBOARDS, every_dashboard, every_panel, filled, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.services.prometheus import Prometheus

pytestmark = pytest.mark.slow
#: labels whose values are empty in some series, where another one says what it is
MAY_BE_EMPTY = {"reason", "step", "few", "queue", "team", "channel"}
HOURS, SHARE = 32, 0.1
START = 1_767_600_000_000  # 2026-01-05T08:00:00Z, a Monday
END = START + HOURS * 3_600_000
SECONDS = 60
TARGETS = {"csat_ratio": 0.8} | demo.TARGETS
#: a grouping of two, too
GROUPINGS = [[], ["channel"], ["queue"], ["team"], ["channel", "queue"]]
#: a spike of all queues together, and of none by itself
EVERYWHERE = 'support_spike_confirmed{by="all",channel="",metric="nps_score",queue="",team=""}'


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
    centre = simulator.demo(customers=400)
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
    for raw in simulate(centre, start_ms=START, duration_ms=END - START, seed=2):
        event, time, _ = accept(decoder, json.dumps(raw).encode())
        events.append((time, event, time))
    return exposition(settings, events, END)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings.model_validate(
        {"surveys": {"min_samples": 5}, "dimensions": {"groupings": GROUPINGS}, "targets": TARGETS}
    )


@pytest.fixture(scope="module")
def day(settings: Settings) -> str:
    text = a_day(settings)
    for series, value in {
        EVERYWHERE: 1.0,
        EVERYWHERE.replace("spike_confirmed", "metric_deviation_score"): 5.5,
    }.items():
        text, count = re.subn(rf"^{re.escape(series)} .*$", f"{series} {value}", text, flags=re.MULTILINE)
        assert count == 1
    return text


@pytest.fixture(scope="module")
def watching(
    prometheus: Callable[..., Prometheus], tmp_path_factory: pytest.TempPathFactory, settings: Settings, day: str
) -> Iterator[Prometheus]:
    rules = tmp_path_factory.mktemp("rules") / "rules.yml"
    rules.write_text(hurried(RULES.read_text(encoding="utf-8")), encoding="utf-8")
    with Live(day, settings) as page:
        found = prometheus([page.address], rule_files=[rules])
        wait_until(lambda: bool(found.query("rate(support_worker_flush_seconds_count[10s]) > 0")), SECONDS)
        wait_until(lambda: bool(found.query('support_metric_target{metric="csat_ratio"}')), SECONDS)
        wait_until(lambda: bool(found.query('ALERTS{alertstate="firing"}')), SECONDS)
        yield found
        found.stop()
    page.view.close()


@every_panel
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
def test_every_annotation_and_every_choice_has_data(watching: Prometheus, name: str) -> None:
    for annotation in DASHBOARDS[name]["annotations"]["list"]:
        found = watching.query(filled(name, annotation["expr"]))
        assert any(series["metric"].get("queue") == "billing" for series in found)
    for variable in variables(name).values():
        choice = re.fullmatch(r"label_values\((.+), (\w+)\)", str(variable["query"]))
        if choice:
            current = variable["current"]["value"]
            found = watching.query(f"count by ({choice[2]}) ({filled(name, choice[1])})")
            assert {series["metric"].get(choice[2]) for series in found} >= ({current} - {"$__all"})
            assert found


def settled(watching: Prometheus, name: str, chosen: dict[str, str]) -> dict[str, str]:
    """Return what becomes of a choice: Grafana fills the variables in their order, each with what its query offers."""
    found: dict[str, str] = {}
    for variable in ("queue", "channel", "team"):
        query = re.fullmatch(r"label_values\((.+), (\w+)\)", variables(name)[variable]["query"])
        assert query
        series = watching.query(f"count by ({query[2]}) ({filled(name, query[1], **found)})")
        offered = sorted(one["metric"].get(variable, "") for one in series)
        if chosen.get(variable) in offered:
            found[variable] = chosen[variable]
        elif variable in chosen and offered:
            found[variable] = offered[0]
    return found


@pytest.mark.parametrize(
    ("chosen", "becomes", "grouping"),
    [
        ({}, {}, "all"),
        ({"queue": "billing"}, {"queue": "billing"}, "queue"),
        ({"channel": "phone"}, {"channel": "phone"}, "channel"),
        ({"team": "shop"}, {"team": "shop"}, "team"),
        ({"queue": "billing", "channel": "phone"}, {"queue": "billing", "channel": "phone"}, "channel,queue"),
        ({"queue": "billing", "channel": "letter"}, {"queue": "billing", "channel": "chat"}, "channel,queue"),
        ({"queue": "billing", "team": "finance"}, {"queue": "billing"}, "queue"),
        ({"channel": "phone", "team": "finance"}, {"channel": "phone"}, "channel"),
        (
            {"queue": "billing", "channel": "phone", "team": "finance"},
            {"queue": "billing", "channel": "phone"},
            "channel,queue",
        ),
    ],
    ids=str,
)
def test_what_is_chosen_is_what_is_shown(
    watching: Prometheus, chosen: dict[str, str], becomes: dict[str, str], grouping: str
) -> None:
    """What cannot be shown together cannot be chosen together: without a grouping of both, the choice before stands."""
    kept = settled(watching, "queues", chosen)
    assert kept == becomes
    query = re.fullmatch(r"query_result\((.+)\)", variables("queues")["by"]["query"])
    assert query
    (found,) = watching.query(filled("queues", query[1], **kept))
    assert found["metric"] == {"by": grouping}
    labels = {"queue": "", "channel": "", "team": ""} | kept
    exact = ",".join(f'{label}="{value}"' for label, value in labels.items())
    (expected,) = watching.query(
        f'support_service_level_ratio{{by="{grouping}",window="1h",formula="offered",{exact}}}'
    )
    query_of = shown("service_level_ratio", window="$window", formula="offered")
    (actual,) = watching.query(filled("queues", query_of, by=grouping, **kept))
    assert expected["value"][1] == actual["value"][1]


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
    (found,) = watching.query(judged(f"vector({value})", "csat_ratio", worse, f"vector({samples})"))
    assert found["metric"] == {"state": state, "target": "80", "n": str(samples)}
    assert float(found["value"][1]) == value
    (mark,) = watching.query(missed(f"vector({value})", "csat_ratio", worse, f"vector({samples})"))
    assert mark["value"][1] == {"on target": "0", "past target": "1", "few answers": "2"}[state]
    (plain,) = watching.query(numbered(f"vector({value})", f"vector({samples})"))
    assert plain["metric"] == {"n": str(samples)} | ({"few": "few answers · "} if state == "few answers" else {})


@pytest.mark.parametrize(("samples", "state"), [(30, "no target"), (29, "few answers")])
def test_a_number_without_a_target_is_shown_and_not_judged(watching: Prometheus, samples: int, state: str) -> None:
    (found,) = watching.query(judged("vector(0.5)", "fcr_ratio", "<", f"vector({samples})"))
    assert found["metric"] == {"state": state, "target": "-", "n": str(samples)}
    assert found["value"][1] == "0.5"
    assert not watching.query(missed("vector(0.5)", "fcr_ratio", "<", "vector(30)"))


# The wall's numbers are those that `streamer replay` prints


class Said:
    """The numbers of an exposition, looked up by family and by the labels that are not empty."""

    def __init__(self, text: str) -> None:
        self.samples: dict[str, dict[tuple[str, frozenset[tuple[str, str]]], float]] = {}
        for family in text_string_to_metric_families(text):
            for name, labels, value, *_ in family.samples:
                own = frozenset((key, one) for key, one in labels.items() if one and key != "by")
                group = self.samples.setdefault(name.removeprefix("support_"), {})
                group[labels.get("by", ""), own] = value

    def value(self, family: str, by: str = "all", **labels: str) -> float:
        return self.samples[family][by, frozenset(labels.items())]

    def state(self, share: float, n: float, metric: str, good: int) -> str:
        """`good` is 1 where more is better, -1 where less is."""
        few = "few answers" if n < ENOUGH else ""
        return few or ("past target" if good * share < good * TARGETS[metric] else "on target")


LEVEL: dict[str, Any] = {"window": "15m", "formula": "offered"}
GIVEN_UP: dict[str, Any] = {"window": "15m", "short": "included"}
SLA = ("first_response", "response", "resolution")
#: title -> (family, labels); a tuple of values of a label: their sum
TILES: dict[str, tuple[str, dict[str, Any]]] = {
    "Waiting now": ("queue_waiting", {}),
    "Longest wait now": ("queue_waiting_oldest_age_seconds", {}),
    "Waiting past target": ("queue_waiting_over_target", {}),
    "First response, median, $window": ("first_response_seconds", {"window": "15m", "quantile": "0.5"}),
    "First response, 90 %, $window": ("first_response_seconds", {"window": "15m", "quantile": "0.9"}),
    "First reply overdue": ("tickets_awaiting_first_response_over_target", {}),
    "New, last $window": ("tickets_created", {"window": "15m"}),
    "Solved, last $window": ("tickets_solved", {"window": "15m", "unit": "tickets"}),
    "Backlog now": ("tickets_backlog", {"state": ("new", "open", "pending", "on_hold")}),
    "Backlog, median age now": ("tickets_backlog_age_seconds", {"quantile": "0.5"}),
    "SLA targets due within 15 min": ("sla_open_at_risk", {"target": SLA}),
    "SLA targets past due now": ("sla_open_over_target", {"target": SLA}),
    "NPS (-100 to 100), 24h": ("nps_score", {"window": "24h"}),
    "Margin of the NPS (±, 95 %)": ("nps_margin", {"window": "24h"}),
    "CES (7 is easiest), 24h": ("ces_mean", {"window": "24h"}),
    "Detractors nobody has followed up": ("detractors_awaiting_follow_up", {}),
}
#: title -> (family, labels, 1 where more is better and -1 where less is)
JUDGED: dict[str, tuple[str, dict[str, Any], int]] = {
    "Service level (offered), $window": ("service_level_ratio", LEVEL, 1),
    "Abandonment, $window": ("abandon_ratio", GIVEN_UP, -1),
    "CSAT, 24h": ("csat_ratio", {"window": "24h", "kind": "csat"}, 1),
}
ELSEWHERE = {
    "Age of the numbers",
    "Spikes now (how many spreads from the usual)",
    "Strongest driver of bad answers, 30 days (lift)",
}
#: of samples that not all of a number's labels have
NOT_OF_SAMPLES = {"quantile"}


@pytest.fixture(scope="module")
def said(day: str) -> Said:
    return Said(day)


def wall(title: str) -> dict[str, Any]:
    (panel,) = [panel for panel in DASHBOARDS["wall"]["panels"] if panel["title"] == title]
    return dict(panel)


def asked(watching: Prometheus, title: str, target: int = 0) -> list[dict[str, Any]]:
    return watching.query(filled("wall", wall(title)["targets"][target]["expr"]))


def test_every_tile_of_the_wall_is_compared() -> None:
    tiles = {panel["title"] for panel in DASHBOARDS["wall"]["panels"] if panel["type"] == "stat"}
    assert tiles == TILES.keys() | JUDGED.keys() | ELSEWHERE


@pytest.mark.parametrize("title", TILES)
def test_a_tile_shows_what_replay_says(watching: Prometheus, said: Said, title: str) -> None:
    family, labels = TILES[title]
    many = [(key, value) for key, value in labels.items() if isinstance(value, tuple)]
    choices = [labels | {key: one} for key, values in many for one in values] or [labels]
    (found,) = asked(watching, title)
    assert float(found["value"][1]) == sum(said.value(family, **choice) for choice in choices)
    if "{{n}}" in wall(title)["targets"][0]["legendFormat"]:
        own = {key: value for key, value in labels.items() if key not in NOT_OF_SAMPLES}
        n = said.value(f"{family.removesuffix('_seconds')}_samples", **own)
        assert found["metric"] == {"n": f"{n:g}"} | ({"few": "few answers · "} if n < ENOUGH else {})


@pytest.mark.parametrize("title", JUDGED)
def test_a_tile_with_a_target_says_how_it_stands(watching: Prometheus, said: Said, title: str) -> None:
    family, labels, good = JUDGED[title]
    (found,) = asked(watching, title)
    share, n = said.value(family, **labels), said.value(f"{family}_samples", **labels)
    assert float(found["value"][1]) == share
    assert found["metric"] == {
        "state": said.state(share, n, family, good),
        "target": f"{100 * TARGETS[family]:g}",
        "n": f"{n:g}",
    }


def test_the_table_of_queues_shows_what_replay_says(watching: Prometheus, said: Said) -> None:
    title = "Queues now, and the last $window"
    (organized,) = [one for one in wall(title)["transformations"] if one["id"] == "organize"]
    names = list(organized["options"]["renameByName"].values())
    shown_of: dict[str, dict[str, float]] = {name: {} for name in names}
    for place, name in enumerate(names):
        for series in asked(watching, title, place):
            shown_of[name][series["metric"].get("queue", "")] = float(series["value"][1])
    queues = {dict(labels)["queue"] for by, labels in said.samples["queue_waiting"] if by == "queue" and labels}
    value = partial(said.value, by="queue")
    states = {"on target": 0, "past target": 1, "few answers": 2}
    for queue in queues:
        level = value("service_level_ratio", queue=queue, **LEVEL)
        n = value("service_level_ratio_samples", queue=queue, **LEVEL)
        expected = {
            "waiting": value("queue_waiting", queue=queue),
            "service level": level,
            "state": states[said.state(level, n, "service_level_ratio", 1)],
            "abandonment": value("abandon_ratio", queue=queue, **GIVEN_UP),
            "available agents": value("queue_agents", queue=queue, status="available"),
        }
        if expected["waiting"]:
            expected["longest"] = value("queue_waiting_oldest_age_seconds", queue=queue)
        assert expected == {name: values[queue] for name, values in shown_of.items() if queue in values}


def test_spikes_are_those_of_the_page_the_ones_of_all_queues_together_too(watching: Prometheus, said: Said) -> None:
    title = "Spikes now (how many spreads from the usual)"
    expected = {(one.metric, one.value or "everywhere", one.score) for one in spikes(said.samples)[:3]}
    assert {segment for _, segment, _ in expected} >= {"billing", "everywhere"}
    found = set()
    for series in asked(watching, title):
        segments = [series["metric"][label] for label in ("queue", "team", "channel") if label in series["metric"]]
        found.add((series["metric"]["metric"], *segments, float(series["value"][1])))
    assert found == expected


def test_the_strongest_driver_is_the_one_with_the_largest_lift(watching: Prometheus, said: Said) -> None:
    lift, driver = max(
        (v, dict(labels)["driver"]) for (by, labels), v in said.samples["driver_lift"].items() if by == "all"
    )
    (found,) = asked(watching, "Strongest driver of bad answers, 30 days (lift)")
    assert (float(found["value"][1]), found["metric"]) == (lift, {"driver": driver})
