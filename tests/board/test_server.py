"""The board over HTTP, on a changelog that is handed to it."""

import asyncio
import datetime as dt
import subprocess

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.utils import floatToGoString

from streamer.board.answer import NAMES
from streamer.board.server import make_app
from streamer.board.view import View
from streamer.metrics.evaluate import evaluate
from streamer.metrics.exposition import render
from streamer.partition import Partition
from streamer.processor.mark import Mark
from streamer.producers.simulator import demo, simulate
from streamer.replay import exposition, replay, replayed, snapshot_of
from streamer.settings import Settings
from tests.board.changelog import Cluster, simulated

pytestmark = pytest.mark.slow

PAST = 25_000


@pytest.fixture(scope="module")
def story():
    """Settings, events in order of arrival, and the flushes of two partitions after all of them."""
    settings = Settings.model_validate({"targets": {"csat_ratio": 0.9}, "board": {"cache": "0s"}})
    events = simulated(settings, minutes=15, customers=150)
    cluster = Cluster(settings, 2)
    for arrival, event, time in events:
        cluster.accept(arrival, event, time)
    return settings, events, cluster.cut(0)


def mark(clock, offset=0):
    return Mark(offsets={"t": offset}, arrivals={"t": clock - 400}, clock=clock, time=clock - 100, configuration="c")


@pytest.fixture
async def board(story):
    """A client of a board that has caught up, whose clock stands still at the last event."""
    settings, events, flushes = story
    clock = -(-events[-1][0] // 1000) * 1000 + 300
    view = View(settings, lambda: view.now)
    view.now = clock
    for number, rows in flushes:
        await view.apply(number, dict(rows), mark(clock))
    view.waiting = ""
    async with TestClient(TestServer(make_app(view))) as client:
        client.view = view
        yield client
    view.close()


async def text_of(client, path, status=200):
    answer = await client.get(path)
    assert status == answer.status, await answer.text()
    return await answer.text()


async def json_of(client, path, status=200):
    answer = await client.get(path)
    assert status == answer.status, await answer.text()
    return await answer.json()


async def test_metrics_begin_with_what_replay_prints(board, story):
    settings, events, _ = story
    at = board.view.instant()
    expected = render(evaluate(snapshot_of(replayed(settings, events, at)), settings, at), settings.dimensions.names)
    answer = await board.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    text = await answer.text()
    assert text.startswith(expected)
    rest = text[len(expected) :]
    assert f"support_as_of_timestamp_seconds {floatToGoString(at / 1000)}\n" in rest
    assert 'support_metric_target{metric="csat_ratio"} 0.9' in rest
    assert 'support_metric_target{metric="cart_abandonment_ratio"} 0.63' in rest
    assert "support_series_left_out 0.0" in rest


async def test_what_is_shown_passes_promtool(board, promtool):
    text = await text_of(board, "/metrics")
    done = await asyncio.to_thread(
        subprocess.run, [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


async def test_another_instant_can_be_asked_for(board, story):
    settings, events, _ = story
    at = board.view.instant() - 2 * 60_000
    # what arrived later is in the panes, too: as --final; open work is left out of the comparison
    final = Partition(settings)
    for arrival, event, time in events:
        final.accept(event, time, arrival)
    windows = render(
        (b for b in evaluate(snapshot_of(final), settings, at) if "window" in dict(b.labels)), settings.dimensions.names
    )
    found = set((await text_of(board, f"/metrics?at={_rfc(at)}")).splitlines())
    asked = {line for line in found if 'window="' in line}
    assert asked == {line for line in windows.splitlines() if not line.startswith("#")}
    assert (await json_of(board, f"/api/metrics?at={_rfc(at)}&name=contacts"))["as_of"] == _rfc(at)


def _rfc(at):
    return dt.datetime.fromtimestamp(at / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    "at",
    [
        "yesterday",
        "2026-01-05T08:00:00",
        "2999-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00%2B14:00",
        "",
    ],
)
async def test_an_instant_that_cannot_be_is_refused(board, at):
    assert "at:" in await text_of(board, f"/metrics?at={at}", 400)


async def test_the_api_gives_the_same_numbers_and_filters_them(board):
    found = await json_of(board, "/api/metrics?name=queue_waiting&name=first_response&by=queue&window=15m")
    families = {family["name"]: family for family in found["families"]}
    assert "support_queue_waiting" in families
    assert families["support_first_response_seconds"]["type"] == "summary"
    text = (await text_of(board, "/metrics")).splitlines()
    for name, family in families.items():
        assert family["metric"] in ("queue_waiting", "first_response")
        for sample in family["samples"]:
            labels = sample["labels"]
            assert labels["by"] == "queue"
            assert labels.get("window", "15m") == "15m"
            inside = ",".join(f'{key}="{labels[key]}"' for key in sorted(labels))
            assert f"{name}{{{inside}}} {sample['value']}" in text


async def test_the_worst_open_items_stand_behind_their_number(board):
    waiting = await json_of(board, "/api/metrics?name=agents&by=all")
    counts = {s["labels"]["status"]: s["value"] for s in waiting["families"][0]["samples"]}
    status = max(counts, key=counts.get)
    found = await json_of(board, f"/api/open?metric=agents&status={status}&limit=3")
    assert found["count"] == counts[status]
    items = found["items"]
    assert len(items) == min(3, found["count"])
    assert items == sorted(items, key=lambda item: -item["age_seconds"])
    assert {item["labels"]["status"] for item in items} == {status}
    queue = items[0]["group"]["queue"]
    narrowed = await json_of(board, f"/api/open?metric=agents&status={status}&queue={queue}")
    assert {item["group"]["queue"] for item in narrowed["items"]} == {queue}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "metric: one of"),
        ("metric=contacts", "metric: one of"),
        ("metric=queue_waiting&limit=0", "limit:"),
        ("metric=queue_waiting&limit=x", "limit:"),
        ("metric=queue_waiting&state=new", "state: not a label of queue_waiting"),
    ],
)
async def test_a_question_about_no_open_work_is_refused(board, query, reason):
    assert reason in await text_of(board, f"/api/open?{query}", 400)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("name=nps_scor", "name: there is no metric nps_scor; did you mean nps_score"),
        ("name=contacts&name=nosuch", "name: there is no metric nosuch"),
        ("name=support_as_of_timestamp_seconds", "is in the board's /metrics only"),
        ("by=nosuch", "by: one of all channel queue team"),
        ("by=", "by: one of all"),
        ("window=3d", "window: one of 15m 1h 24h today 7d 30d 90d"),
        ("foo=1", "foo: not a parameter; there are at, name, by, window"),
    ],
)
async def test_a_question_that_has_no_answer_is_refused(board, query, reason):
    assert reason in await text_of(board, f"/api/metrics?{query}", 400)


async def test_every_name_grouping_and_window_of_the_answer_can_be_asked_for(board):
    for family in (await json_of(board, "/api/metrics"))["families"]:
        for name in {family["name"], family["metric"], f"support_{family['metric']}"}:
            labels = family["samples"][0]["labels"]
            window = f"&window={labels['window']}" if "window" in labels else ""
            found = await json_of(board, f"/api/metrics?name={name}&by={labels['by']}{window}")
            assert family["name"] in {one["name"] for one in found["families"]}


async def test_the_wall_in_the_terminal_asks_for_what_there_is(board):
    await json_of(board, "/api/metrics?" + "&".join(f"name={name}" for name in NAMES))


async def test_ready_says_what_is_old(board):
    assert await json_of(board, "/ready") == {"ready": True, "reasons": []}
    board.view.now += PAST
    assert await json_of(board, "/ready", 503) == {
        "ready": False,
        "reasons": ["partition 0: no news for 25 s", "partition 1: no news for 25 s"],
    }
    board.view.marks[1] = None
    assert "partition 1: no worker has written yet" in (await json_of(board, "/ready", 503))["reasons"]
    assert await json_of(board, "/live") == {"live": True}


async def test_half_a_log_shows_nothing(board):
    board.view.waiting = "catching up: 1 of 2 partitions, 10 records"
    for path in ("/metrics", "/api/metrics", "/api/open?metric=queue_waiting"):
        assert "catching up" in await text_of(board, path, 503)
    assert await json_of(board, "/ready", 503) == {"ready": False, "reasons": [board.view.waiting]}
    assert await json_of(board, "/live") == {"live": True}


async def test_series_over_the_limit_are_left_out_and_counted(story):
    settings, events, flushes = story
    small = settings.model_copy(update={"exposition": settings.exposition.model_copy(update={"max_series": 500})})
    at = -(-events[-1][0] // 1000) * 1000  # a whole second, with nothing after it
    view = View(small, lambda: at)
    for number, rows in flushes:
        await view.apply(number, dict(rows), mark(at))
    view.waiting = ""
    async with TestClient(TestServer(make_app(view))) as client:
        text = await text_of(client, "/metrics")
    view.close()
    shown = [line for line in text.splitlines() if "by=" in line]
    assert 0 < len(shown) <= 500
    left_out = next(line for line in text.splitlines() if line.startswith("support_series_left_out "))
    assert float(left_out.split()[1]) > 1000
    assert all('by="all"' in line for line in shown)
    replay = exposition(small, events, at)
    assert shown == [line for line in replay.splitlines() if "by=" in line]


def test_a_replay_says_what_is_over_the_limit(tmp_path, capsys):
    config, events = tmp_path / "streamer.toml", tmp_path / "events.jsonl"
    config.write_text("[exposition]\nmax_series = 100\n")
    emitted = simulate(demo(customers=20), start_ms=1_774_684_800_000, duration_ms=600_000, seed=3)
    events.write_bytes(b"".join(msgspec.json.encode(event) + b"\n" for event in emitted))
    replay([str(events)], config=config)
    printed = capsys.readouterr()
    assert 0 < sum("by=" in line for line in printed.out.splitlines()) <= 100
    assert "over exposition.max_series: tickets_created by queue is left out\n" in printed.err


async def test_one_evaluation_serves_all_who_ask_at_once(story):
    settings, events, flushes = story
    view = View(settings.model_copy(update={"board": Settings().board}), lambda: events[-1][0])
    for number, rows in flushes:
        await view.apply(number, dict(rows), mark(events[-1][0]))
    view.waiting = ""
    first, *others = await asyncio.gather(*(view.latest() for _ in range(8)))
    view.close()
    assert all(other is first for other in others)
