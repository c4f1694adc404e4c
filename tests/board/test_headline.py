"""Every field of the headline is the one value that its name promises: each sample here has a value of its own."""

import random

import pytest

from streamer.board.answer import NAMES, Answer, read
from streamer.board.api import families
from streamer.board.headline import Headline, headline
from streamer.board.merge import Merge
from streamer.settings import Settings
from tests.board.changelog import START, Cluster, simulated

pytestmark = pytest.mark.slow

SETTINGS = Settings()
STATES = ("new", "open", "pending", "on_hold")
TARGETS = ("first_response", "response", "resolution")


@pytest.fixture(scope="module")
def said():
    """What the API says of a simulated centre."""
    cluster, merge = Cluster(SETTINGS, 2), Merge(SETTINGS)
    for arrival, event, time in simulated(minutes=60):
        cluster.accept(arrival, event, time)
    for number, rows in cluster.cut(0):
        merge.apply(number, dict(rows))
    blocks = merge.evaluate(START + 55 * 60_000)
    found = families(blocks, SETTINGS.dimensions.names, names=frozenset(NAMES), by=None, window=None)
    return {"min_samples": 5, "targets": {"abandon_ratio": 0.5, "service_level_ratio": 0.5}, "families": found}


def distinct(said, seed):
    """The same samples with other values, of which no two are the same; shares are shares, and there are samples enough."""
    chosen = random.Random(seed)
    known = read(said)
    samples, used = {}, set()
    names = [dict(labels)["queue"] for by, labels in known.samples["queue_waiting"] if by == "queue"]
    oldest = {("queue", frozenset({("queue", name)})): 0 for name in names} | {("all", frozenset()): 0}
    drivers = {("all", frozenset({("driver", name)})): 0 for name in ("transferred", "reopened", "channel:chat")}
    # though nobody may wait, and answers be too few for drivers
    added = {"queue_waiting_oldest_age_seconds": oldest, "driver_lift": drivers, "driver_samples": drivers}
    for family, values in {**known.samples, **added}.items():
        samples[family] = {}
        for key in values:
            value = None
            while value is None or value in used:
                share = family.endswith("_ratio") and family != "resolution_ratio"
                value = chosen.random() if share else chosen.randint(10, 10**7)
            used.add(value)
            samples[family][key] = value
    return Answer(said, samples)


def expected(answer):
    """(field, value) from the catalogue's families and labels alone."""

    def value(family, by="all", **labels):
        return answer.samples[family][by, frozenset(labels.items())]

    yield "tiles.waiting.value", value("queue_waiting")
    yield "tiles.longest.value", value("queue_waiting_oldest_age_seconds")
    yield "tiles.over.value", value("queue_waiting_over_target")
    yield "tiles.awaiting_over.value", value("tickets_awaiting_first_response_over_target")
    for field, q in (("first", "0.5"), ("first_high", "0.9")):
        yield f"tiles.{field}.value", value("first_response_seconds", window="15m", quantile=q)
        yield f"tiles.{field}.n", value("first_response_samples", window="15m")
    shares = {
        "tiles.level": ("service_level_ratio", {"formula": "offered", "window": "15m"}),
        "tiles.abandoned": ("abandon_ratio", {"short": "included", "window": "15m"}),
        "tiles.csat": ("csat_ratio", {"kind": "csat", "window": "24h"}),
        "satisfaction.csat": ("csat_ratio", {"kind": "csat", "window": "24h"}),
        "satisfaction.easy": ("ces_easy_ratio", {"window": "24h"}),
        "satisfaction.response": ("survey_response_ratio", {"kind": "csat", "window": "24h"}),
        "satisfaction.ces": ("ces_mean", {"window": "24h"}),
        "satisfaction.nps": ("nps_score", {"window": "24h"}),
        "tiles.nps": ("nps_score", {"window": "24h"}),
        "tickets.ratio": ("resolution_ratio", {"window": "24h"}),
    }
    for field, (family, labels) in shares.items():
        yield f"{field}.value", value(family, **labels)
        yield f"{field}.n", value(f"{family}_samples", **labels)
    nps, margin = value("nps_score", window="24h"), value("nps_margin", window="24h")
    yield from (("tiles.nps.low", nps - margin), ("tiles.nps.high", nps + margin))
    backlog = {state: value("tickets_backlog", state=state) for state in STATES}
    yield "tickets.backlog.value", sum(backlog.values())
    for state, count in backlog.items():
        yield f"tickets.states.{state}.value", count
    yield "tickets.ages.median.value", value("tickets_backlog_age_seconds", quantile="0.5")
    yield "tickets.ages.p90.value", value("tickets_backlog_age_seconds", quantile="0.9")
    oldest = [
        answer.samples["tickets_backlog_oldest_age_seconds"].get(("all", frozenset({("state", state)}))) or 0
        for state in STATES
    ]
    assert len(set(oldest)) > 1
    yield "tickets.ages.oldest.value", max(oldest)
    yield "tickets.created.value", value("tickets_created", window="15m")
    yield "tickets.solved.value", value("tickets_solved", window="15m", unit="tickets")
    for target in TARGETS:
        yield f"tickets.sla.{target}.at_risk.value", value("sla_open_at_risk", target=target)
        yield f"tickets.sla.{target}.over.value", value("sla_open_over_target", target=target)
    yield "satisfaction.detractors.value", value("detractors_awaiting_follow_up")
    yield "satisfaction.detractors_over.value", value("detractors_awaiting_follow_up_over_target")
    lifts = {
        dict(labels)["driver"]: lift for (by, labels), lift in answer.samples["driver_lift"].items() if by == "all"
    }
    assert len(lifts) > 1
    driver = max(lifts, key=lifts.get)
    yield "satisfaction.driver.value", lifts[driver]
    yield "satisfaction.driver.labels", {"driver": driver}
    yield "satisfaction.driver.n", value("driver_samples", driver=driver)
    names = {dict(labels)["queue"] for by, labels in answer.samples["queue_waiting"] if by == "queue"}
    for name in names:
        yield f"queues.{name}.waiting.value", value("queue_waiting", "queue", queue=name)
        yield f"queues.{name}.over", value("queue_waiting_over_target", "queue", queue=name)
        for field, family, own in (
            ("level", "service_level_ratio", {"formula": "offered"}),
            ("abandoned", "abandon_ratio", {"short": "included"}),
        ):
            labels = {**own, "window": "15m", "queue": name}
            yield f"queues.{name}.{field}.value", value(family, "queue", **labels)
            yield f"queues.{name}.{field}.n", value(f"{family}_samples", "queue", **labels)


def field(found, path):
    for name in path.split("."):
        found = found[name] if isinstance(found, dict) else getattr(found, name)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_each_field_is_the_sample_that_its_name_says(said, seed):
    answer = distinct(said, seed)
    found = headline(answer)
    found["queues"] = {queue.name: queue for queue in found["queues"]}
    wanted = list(expected(answer))
    assert [(path, field(found, path)) for path, _ in wanted] == wanted


def with_shares(said, level, abandoned):
    """The answer with so much of everything, each of 1000."""
    answer = distinct(said, 1)
    for family, share in (("service_level_ratio", level), ("abandon_ratio", abandoned)):
        answer.samples[family] = dict.fromkeys(answer.samples[family], share)
        answer.samples[f"{family}_samples"] = dict.fromkeys(answer.samples[f"{family}_samples"], 1000)
    return answer


def test_less_service_and_more_abandonment_is_worse(said):
    states = {
        (level, abandoned): [number.state for number in (tiles["level"], tiles["abandoned"])]
        for level, abandoned in ((0.6, 0.4), (0.4, 0.6), (0.49, 0.51))
        for tiles in [Headline(with_shares(said, level, abandoned)).tiles()]
    }
    assert states == {(0.6, 0.4): ["", ""], (0.4, 0.6): ["far", "far"], (0.49, 0.51): ["past", "past"]}


def test_the_worst_past_its_target_is_said_queues_that_wait_first(said):
    answer = with_shares(said, 0.4, 0.4)
    waiting = dict(answer.samples["queue_waiting_over_target"])
    for key in waiting:
        waiting[key] = 0
    key = ("queue", frozenset({("queue", "billing")}))
    waiting[key] = 8
    answer.samples["queue_waiting_over_target"] = waiting
    answer.samples["queue_waiting_oldest_age_seconds"][key] = 114
    answer.samples.pop("spike_confirmed", None)
    past = headline(answer)["past"]
    text = past[0].text.replace("\u202f", " ")
    assert text == "billing: 8 waiting past target, longest 1 min 54 s"
    assert (past[0].by, past[0].value, past[0].state) == ("queue", "billing", "past")
    others = {one.text.replace("\u202f", " ") for one in past}
    assert "orders: service level 40 %, target 50 %" in others
    assert len([one for one in past if one.value == "billing"]) == 1


def test_a_queue_with_a_spike_comes_first_and_a_channel_is_named_as_one(said):
    answer = distinct(said, 2)
    hot = {
        ("queue", frozenset({("queue", "sales"), ("metric", "answer_wait")})): 1,
        ("queue", frozenset({("queue", "sales"), ("metric", "abandon_ratio")})): 1,
        ("channel", frozenset({("channel", "chat"), ("metric", "queue_legs")})): 1,
    }
    answer.samples["spike_confirmed"] = hot
    found = headline(answer)
    assert found["queues"][0].name == "sales"
    assert sorted(found["queues"][0].spiking) == ["abandonment", "wait"]
    texts = {spike.key: spike.text for spike in found["spikes"]}
    assert texts["queue_legs", "channel", "chat"].startswith("channel chat: ")
    assert texts["answer_wait", "queue", "sales"].startswith("sales: wait ")
