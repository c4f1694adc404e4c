"""The wall page in a real Chromium: what a person sees, and pictures of it in the test's folder."""

import asyncio

import pytest
import pytest_asyncio

from streamer.board.page import _FILES
from streamer.board.stream import FEED, Feed
from streamer.board.view import View
from tests.board.browser import opened
from tests.board.walls import START, Wall, story

pytestmark = [pytest.mark.service, pytest.mark.slow]

WALL, PHONE = (1920, 1080), (390, 844)
SHOWN = "!document.body.classList.contains('empty') && document.querySelectorAll('tbody tr').length"
STALE = "!document.querySelector('#band').hidden"
FITS = "document.documentElement.scrollWidth <= innerWidth"
LONGEST = "document.querySelector('tbody tr td:nth-child(3)').innerText"
#: what only an update changes
NOW = "document.querySelector('#tiles .number').getAttribute('aria-label')"
#: what no clock changes
SHARES = ".tile:nth-child(2) .big, .tile:nth-child(3) .big"
INCIDENT = 178


@pytest.fixture(scope="module")
def quiet():
    return story(minutes=190)


@pytest.fixture(scope="module")
def incident():
    return story(minutes=190, incident=f"billing@+{INCIDENT}m/30m x3", seed=4)


@pytest_asyncio.fixture
async def wall():
    wall = Wall()
    yield wall
    await wall.stop()


@pytest_asyncio.fixture
async def page(chromium, wall, quiet):
    await wall.feed(quiet)
    await wall.start()
    async with opened(chromium, wall.url) as page:
        await page.size(*WALL)
        await page.until(SHOWN)
        yield page


async def test_the_whole_wall_fits_its_screen_in_light_and_dark(page, tmp_path):
    await page.picture(tmp_path / "wall.png")
    assert await page.run("document.documentElement.scrollHeight <= innerHeight")
    assert await page.run(FITS)
    for word in ("Waiting now", "Service level", "formula offered", "Abandonment", "First response", "CSAT", "NPS"):
        assert word in await page.text("#tiles")
    assert "last 15\u202fmin" in await page.text("#tiles")
    assert "target 80\u202f%" in await page.text("#tiles")
    assert "12:10" in await page.text("#clock")
    assert "CET" in await page.text("#clock")
    assert "live" in await page.text("#fresh")
    assert await page.run("document.querySelectorAll('#tiles .spark path').length") >= 4
    assert await page.run("document.querySelectorAll('#tiles .spark rect').length") >= 1
    light = await page.run("getComputedStyle(document.body).backgroundColor")
    await page.media(prefers_color_scheme="dark")
    assert await page.run("getComputedStyle(document.body).backgroundColor") != light
    await page.picture(tmp_path / "dark.png")
    assert page.errors == []


async def test_a_phone_shows_everything_without_sideways_scrolling(page, tmp_path):
    await page.size(*PHONE, phone=True)
    assert await page.run(FITS)
    await page.picture(tmp_path / "phone.png", whole=True)
    cut = "[...document.querySelectorAll('main *:not(thead, thead *)')].filter(e => e.getBoundingClientRect().right > 391)"
    assert await page.run(f"{cut}.map(e => e.outerHTML)") == []
    await page.run("document.querySelector('tbody .number').click()")
    await page.until("document.querySelectorAll('#explain-facts dt').length")
    assert await page.run(FITS)
    assert page.errors == []


async def test_waits_count_up_each_second_between_updates(page, wall):
    """Updates are held back for 3 s, in which the page is not yet stale; the wait goes on."""
    wall.view.latest = lambda **_: asyncio.Event().wait()
    await asyncio.sleep(1)
    said = await page.run(f"[{NOW}, {LONGEST}]")
    await page.until(f"{LONGEST} !== {said[1]!r}", 3)
    assert await page.run(NOW) == said[0]
    assert not await page.run(STALE)
    del wall.view.latest
    assert page.errors == []


async def test_numbers_change_while_the_page_is_open(chromium, wall, incident, tmp_path):
    early = [event for event in incident if event[2] < START + INCIDENT * 60_000]
    await wall.feed(early)
    await wall.start()
    async with opened(chromium, wall.url) as page:
        await page.size(*WALL)
        await page.until(SHOWN)
        levels = f"[...document.querySelectorAll({SHARES!r})].map(e => e.innerText)"
        before = await page.run(levels)
        billing = "[...document.querySelectorAll('tbody tr')].find(e => e.innerText.startsWith('billing'))"
        assert await page.run(f"{billing}.rowIndex") > 1
        await page.run(f"{billing}.querySelector('.number').focus()")
        await wall.feed(incident[len(early) :])
        worst = await page.until("/spike in billing.*/.exec(document.querySelector('#worst').innerText)?.[0]")
        assert "since 12:0" in worst  # set while the page was open, by events of the minutes before
        assert "usual" in worst
        assert all(now != then for now, then in zip(await page.run(levels), before, strict=True))
        assert await page.run(f"{billing}.rowIndex") == 1
        assert await page.run(
            f"document.activeElement === {billing}.querySelector('.number')"
        )  # it moved, the focus too
        assert "spike: wait" in await page.text("tbody tr")
        assert "well past target" in await page.text("#tiles")
        await asyncio.sleep(1)  # the new lines are drawn
        await page.picture(tmp_path / "incident.png")
        assert await page.run(FITS)
        assert page.errors == []


async def test_a_number_explains_itself_by_keyboard_and_lists_who_waits(page, tmp_path):
    button = "document.querySelector('tbody tr .number')"
    waiting = int(await page.run(f"{button}.innerText"))
    assert waiting > 0
    await page.run(f"{button}.focus()")
    await page.press("Enter", 13)
    await page.until("document.querySelectorAll('#explain-open li').length")
    assert "Customers waiting in a queue now." in await page.text("#explain")
    assert "call-" in await page.text("#explain-open") or "chat-" in await page.text("#explain-open")
    assert f"{waiting} open" in await page.text("#explain-note")
    await page.picture(tmp_path / "explain.png")
    await page.press("Escape", 27)
    await page.until("!document.querySelector('#explain').open")
    assert await page.run(f"document.activeElement === {button}")
    assert "waiting: " in await page.run(f"{button}.getAttribute('aria-label')")
    for place in range(await page.run("document.querySelectorAll('.number').length")):
        await page.run(f"document.querySelectorAll('.number')[{place}].click()")
        await page.until("document.querySelectorAll('#explain-facts dt').length")
        assert "does not answer" not in await page.text("#explain")
        await page.run("document.querySelector('#close').click()")
    assert page.errors == []


async def test_stale_numbers_turn_the_whole_page_and_stay(page, wall, tmp_path):
    wall.silent = True
    await page.until(STALE, 40)
    assert "no news for" in await page.text("#band")
    assert await page.run("document.querySelector('#band').offsetWidth >= innerWidth - 16")
    assert "no news for" in await page.text("#say")
    assert "not live" in await page.run("document.querySelector('#fresh').textContent")
    await page.picture(tmp_path / "stale.png")
    kept = await page.text("main")
    band = await page.text("#band")
    await page.until(f"document.querySelector('#band').innerText !== {band!r}")  # it counts
    assert await page.text("main") == kept
    wall.silent = False
    await page.until(f"!({STALE})")
    assert page.errors == []


async def test_the_page_comes_back_by_itself_when_the_board_does(page, wall):
    await wall.stop()
    await page.until(STALE)
    assert "the board does not answer" in await page.text("#band")
    await wall.start()
    await page.until(f"!({STALE})")
    assert "live" in await page.text("#fresh")
    refused = [error for error in page.errors if "ERR_CONNECTION_REFUSED" not in error]
    assert [error for error in refused if "ERR_INCOMPLETE_CHUNKED_ENCODING" not in error] == []


async def test_the_page_reads_again_what_has_fallen_silent(page, wall):
    """The connection stays, but nothing comes: only the page can know."""
    feed, held, read = wall.app[FEED], asyncio.Event(), []

    async def latest(**how):
        await held.wait()
        return await View.latest(wall.view, **how)

    async def reading(response):
        read.append(response)
        await Feed.read(feed, response)

    wall.view.latest, feed.read = latest, reading
    await page.until(STALE)
    for _ in range(300):
        if read:
            break
        await asyncio.sleep(0.1)
    assert read
    held.set()
    await page.until(f"!({STALE})")


async def test_a_page_of_another_version_loads_itself_again(page, wall, monkeypatch):
    await page.run("window.old = 1")
    await wall.stop()
    await wall.start()
    for _ in range(100):
        if wall.app[FEED].readers:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(2)  # it has read the first update, and stays: the version is the same
    assert await page.run("window.old") == 1
    await wall.stop()
    monkeypatch.setitem(_FILES, "/more.css", ("wall.css", "text/css"))
    await wall.start()
    await page.until("window.old === undefined")
    await page.until(SHOWN)


async def test_all_queues_are_shown_when_asked_for(page):
    await page.size(1280, 420)
    shown = "[...document.querySelectorAll('tbody tr')].filter(e => e.getClientRects().length).length"
    await page.until(f"{shown} === 3")
    assert await page.text("#more") == "and 2 more"
    await page.run("document.querySelector('#more').click()")
    assert await page.run(shown) == 5
    assert await page.text("#more") == "Show the worst only"
    await page.run("document.querySelector('#more').click()")
    assert await page.run(shown) == 3


async def test_only_another_worst_is_announced_not_its_numbers(page):
    """aria-live: what is said again each time a number changes is turned off."""
    said = await page.run("""(async () => {
        const { showWorst } = await import("/worst.js");
        const { board } = await import("/board.js");
        const spike = (value, text) => ({ metric: "abandon_ratio", by: "queue", value, text, what: "abandonment" });
        const past = [{ metric: "queue_waiting", by: "queue", value: "sales", state: "past", text: "sales: 8 waiting" }];
        const told = [];
        for (const spikes of [[spike("a", "a: 30 %")], [spike("a", "a: 31 %")], [spike("b", "b: 31 %")], []]) {
            showWorst({ spikes, since: spikes.map(() => [board.update.now, true]), past });
            told.push([document.querySelector("#worst").innerText, document.querySelector("#say").textContent]);
        }
        showWorst({ spikes: [], since: [], past: [] });
        told.push([document.querySelector("#worst").innerText, document.querySelector("#say").textContent]);
        return told;
    })()""")
    worst, live = zip(*said, strict=True)
    assert "a: 31 %" in worst[1]
    assert live[1] == live[0] == worst[0]
    assert live[2] == worst[2]
    assert live[3] == worst[3] == "▲ sales: 8 waiting"
    assert live[4] == worst[4] == "no spikes, nothing past its target"


async def test_that_nobody_waits_is_no_lack_of_data(page):
    """A number that is not there says why, by what it is."""
    reason = await page.run("""import("/words.js").then(({ reason }) => [
        { metric: "queue_waiting", unit: "seconds", open: "queue_waiting" },
        { metric: "tickets_backlog", unit: "seconds", open: "tickets_backlog" },
        { metric: "csat_ratio", unit: "ratio", window: "24h" },
        { metric: "first_response", unit: "seconds", open: "tickets_awaiting_first_response", window: "15m" },
        { metric: "driver_lift" },
    ].map(reason))""")
    assert reason[:2] == ["Nobody waits now.", "None is open now."]
    assert "last 24" in reason[2]
    assert "last 15" in reason[3]
    assert "driver" in reason[4]


async def test_a_board_that_catches_up_says_so(chromium, wall):
    await wall.start()
    wall.view.waiting = "catching up: 1 of 2 partitions, 10 records"
    async with opened(chromium, wall.url) as page:
        await page.until(STALE)
        assert "catching up" in await page.text("#band")
        assert page.errors == []


async def test_names_from_events_are_text_and_nothing_runs_inline(chromium, wall, quiet):
    evil = "<img src=x onerror=alert(1)>"
    await wall.feed(quiet[:3000])
    await wall.start()
    wall.view.merge.groups[:] = [
        tuple(evil if value == "billing" else value for value in values) for values in wall.view.merge.groups
    ]
    async with opened(chromium, wall.url) as page:
        await page.until(SHOWN)
        assert evil in await page.text("tbody")
        assert await page.run("document.images.length") == 0
        await page.run(
            "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
        )
        assert await page.run("window.ran") is None
        assert any("Content Security Policy" in error for error in page.errors)
