"""The stream of updates: made once, read by many, and a slow one holds up nobody."""

import asyncio
import json

import pytest
import pytest_asyncio
from aiohttp import ClientError, ClientSession, web

from streamer.board.headline import interval
from streamer.board.stream import FEED, Feed, Updates, add_stream
from streamer.board.trends import trends
from streamer.board.view import View
from streamer.metrics.evaluate import evaluate
from streamer.panes.store import SIZES
from streamer.partition import Partition
from streamer.replay import snapshot_of
from streamer.settings import Settings
from tests.board.walls import SETTINGS, START, Wall, story

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def events():
    return story(minutes=100, customers=400)


@pytest_asyncio.fixture
async def wall(events):
    wall = Wall()
    await wall.feed(events)
    await wall.start()
    yield wall
    await wall.stop()


async def parts(answer):
    """The parts of a stream as (event, data)."""
    event = "message"
    async for line in answer.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "event":
            event = value
        elif name == "data":
            yield event, json.loads(value)
            event = "message"


async def first(wall, count=1):
    found = []
    async with ClientSession(read_bufsize=1 << 20) as session, session.get(f"{wall.url}api/stream") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        async for part in parts(answer):
            found.append(part)
            if len(found) == count:
                return found
    raise AssertionError("the stream ended")


async def test_an_update_says_what_the_api_says(wall):
    (kind, lines), (message, said) = await first(wall, 2)
    assert (kind, message) == ("trends", "message")
    assert said["reasons"] == []
    assert said["zone"] == "Europe/Amsterdam"
    async with ClientSession() as session, session.get(f"{wall.url}api/metrics?by=all&window=15m") as answer:
        families = {family["name"]: family["samples"] for family in (await answer.json())["families"]}
    (level,) = [s for s in families["support_service_level_ratio"] if s["labels"]["formula"] == "offered"]
    (samples,) = [s for s in families["support_service_level_ratio_samples"] if s["labels"]["formula"] == "offered"]
    tile = said["tiles"]["level"]
    assert (tile["value"], tile["n"], tile["window"]) == (level["value"], samples["value"], "15m")
    assert tile["low"] < tile["value"] < tile["high"]
    assert {queue["name"] for queue in said["queues"]} == lines["lines"]["abandon_ratio"].keys() - {""}


async def test_all_pages_get_the_same_update_once_a_second(wall):
    many = await asyncio.gather(*(first(wall, 3) for _ in range(10)))
    updates = [[said["now"] for kind, said in found if kind == "message"] for found in many]
    assert len({tuple(update) for update in updates}) <= 2  # one may have begun a second later
    assert all(later > earlier for earlier, later in updates)


async def test_what_is_applied_meanwhile_is_shown_before_the_second_is_over(wall):
    async def flushes():
        while True:
            await wall.view.apply(0, {}, None)
            await asyncio.sleep(0.05)

    flushing = asyncio.create_task(flushes())
    found = [said["now"] for kind, said in await first(wall, 12) if kind == "message"]
    flushing.cancel()
    assert len(set(found)) < len(found)
    assert found == sorted(found)


async def test_a_reader_that_does_not_read_holds_up_nobody_and_gets_the_newest():
    class Response:
        def __init__(self):
            self.wrote, self.free = [], asyncio.Event()

        async def write(self, data):
            self.wrote.append(data)
            await self.free.wait()

    feed, slow, quick = Feed(), Response(), Response()
    quick.free.set()
    tasks = [asyncio.create_task(feed.read(response)) for response in (slow, quick)]
    await asyncio.sleep(0)
    for number in range(100):
        feed.publish(b"%d" % number, b"lines")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert [data.rpartition(b"data: ")[2] for data in quick.wrote] == [b"%d\n\n" % number for number in range(100)]
    assert quick.wrote[0].startswith(b"event: trends\ndata: lines\n\n")
    assert b"trends" not in b"".join(quick.wrote[1:])
    assert len(slow.wrote) == 1
    slow.free.set()
    await asyncio.sleep(0.01)
    assert slow.wrote[1:] == [b"data: 99\n\n"]
    feed.close()
    await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert feed.readers == 0


async def test_a_page_that_goes_before_its_first_byte_is_no_error(wall, caplog):
    async def go(request, _response):
        request.transport.abort()
        await asyncio.sleep(0)

    app = web.Application()
    add_stream(app, wall.view, "")
    app.on_response_prepare.append(go)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with ClientSession() as session:
        with pytest.raises(ClientError):
            await session.get(f"http://127.0.0.1:{runner.addresses[0][1]}/api/stream")
    await runner.cleanup()
    assert app[FEED].readers == 0
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_reader_that_never_reads_is_dropped(monkeypatch):
    monkeypatch.setattr("streamer.board.stream._WRITE_SECONDS", 0.05)

    class Response:
        async def write(self, _):
            await asyncio.Event().wait()

    feed = Feed()
    task = asyncio.create_task(feed.read(Response()))
    await asyncio.sleep(0)
    feed.publish(b"1", b"{}")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(task, 5)
    assert feed.readers == 0


async def test_too_many_pages_are_refused(wall, monkeypatch):
    monkeypatch.setattr("streamer.board.stream._READERS_MAX", 0)
    async with ClientSession() as session, session.get(f"{wall.url}api/stream") as answer:
        assert answer.status == 503


async def test_a_page_that_closes_is_forgotten(wall):
    await first(wall, 2)
    feed = wall._runner.app[FEED]
    for _ in range(100):
        if feed.readers == 0:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{feed.readers} readers are left")


async def test_an_end_ends_the_streams(wall):
    async with ClientSession() as session, session.get(f"{wall.url}api/stream") as answer:
        await answer.content.readline()
        stopping = asyncio.create_task(wall.stop())
        await asyncio.wait_for(answer.content.read(), 10)
        await stopping


async def test_a_board_that_catches_up_gives_no_numbers():
    view = View(Settings(), lambda: START)
    view.waiting = "catching up"
    update, _ = await Updates(view, "p").make()
    view.close()
    assert json.loads(update) == {
        "now": START,
        "news": None,
        "reasons": ["catching up"],
        "zone": "UTC",
        "min_samples": 30,
        "page": "p",
    }


async def test_the_stream_has_the_numbers_of_this_second_though_a_scrape_came_just_before():
    now = START + 900
    view = View(Settings(), lambda: now)
    scraped = await view.latest()
    now += 200
    assert await view.latest() is scraped
    shown = await view.latest(newest=True)
    assert (scraped.at, shown.at) == (START, START + 1_000)
    assert await view.latest(newest=True) is shown
    await view.apply(0, {}, None)
    assert await view.latest() is shown
    newer = await view.latest(newest=True)
    assert newer is not shown
    assert newer.at == shown.at
    view.close()


def test_a_line_is_the_number_that_was_shown_at_each_minute(events):
    """A sparkline's points against whole evaluations of what had happened by then."""
    one = Partition(SETTINGS)
    for event, at, arrival in events:
        one.accept(event, at, arrival)
    snapshot = snapshot_of(one)
    end = START + 100 * 60_000 - 1
    wanted = {
        "service_level_ratio": ("support_service_level_ratio", ("formula", "offered")),
        "abandon_ratio": ("support_abandon_ratio", ("short", "included")),
        "first_response": ("support_first_response_mean_seconds", ("window", "15m")),
    }
    found = lines_at(snapshot, end)
    for point in (0, 17, 59):
        blocks = list(evaluate(snapshot, SETTINGS, end - (59 - point) * SIZES[0]))
        for metric, (family, own) in wanted.items():
            shown = shown_by_queue(blocks, family, own)
            assert len(shown) > 3
            for queue, value in shown.items():
                assert found[metric][queue][point] == pytest.approx(value, rel=0.005), (metric, queue, point)


def lines_at(snapshot, at):
    blocks = list(evaluate(snapshot, SETTINGS, at))
    return trends(snapshot.store, blocks[0].places, at)


def shown_by_queue(blocks, family, own):
    found = {}
    for block in blocks:
        if block.family != family or own not in block.labels or ("window", "15m") not in block.labels:
            continue
        for place, (by, values) in enumerate(block.places.labels):
            if block.shown[place] and by in ("all", "queue"):
                found["".join(values)] = float(block.values[place])
    return found


async def test_a_spike_says_when_it_was_set_though_the_board_came_later():
    """Against whole evaluations of the same events at the end of that minute and of the one before."""
    events = story(minutes=190, incident="billing@+178m/30m x3", seed=4)
    wall = Wall()
    await wall.feed(events)
    await wall.start()
    try:
        ((_, said),) = [part for part in await first(wall, 2) if part[0] == "message"]
    finally:
        await wall.stop()
    one = Partition(SETTINGS)
    for event, at, arrival in events:
        one.accept(event, at, arrival)
    snapshot, on = snapshot_of(one), {}
    assert any(since > START + 178 * 60_000 for since, _ in said["since"])
    for spike, (since, known) in zip(said["spikes"], said["since"], strict=True):
        assert known
        assert since <= said["now"]
        key = spike["metric"], spike["by"], spike["value"]
        for at in (since, since - 1_000):
            on.setdefault(at, spikes_at(snapshot, at))
        assert key in on[since]
        assert key not in on[since - 1_000]


async def test_numbers_that_are_told_after_newer_ones_were_made_may_have_a_spike_that_these_have_not():
    wall = Wall()
    await wall.feed(story(minutes=190, incident="billing@+178m/30m x3", seed=4))
    await wall.start()
    try:
        view = wall.view
        evaluation = await view.latest()
        await view.run(view.merge.evaluate, evaluation.at + 3_600_000)
        said = await view.run(Updates(view, "")._numbers, evaluation)
    finally:
        await wall.stop()
    assert len(said["since"]) == len(said["spikes"]) > 0


def spikes_at(snapshot, at):
    return {
        (dict(block.labels)["metric"], by, "".join(values))
        for block in evaluate(snapshot, SETTINGS, at)
        if block.family == "support_spike_confirmed"
        for place, (by, values) in enumerate(block.places.labels)
        if block.shown[place] and block.values[place]
    }


def test_the_interval_is_wilsons():
    """Newcombe (1998), table I, method 3: 81 of 263 gives 0.2553 to 0.3662."""
    low, high = interval(81 / 263, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
