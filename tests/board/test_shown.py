"""What the page shows is what the stream says, number by number; and it is said to those who do not see it, too."""

import json

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from streamer.board.words import THIN, amount, spoken, whole
from tests.board.browser import opened
from tests.board.walls import Wall, story

pytestmark = [pytest.mark.service, pytest.mark.slow]

STATES = {"new": "new", "open": "open", "pending": "pending", "on_hold": "on hold"}
TARGETS = {"first_response": "first response", "response": "response", "resolution": "resolution"}
DRIVERS = {
    "waited_over_target": "waited over target",
    "transferred": "transferred",
    "replies_over_2": "more than 2 replies",
    "reopened": "reopened",
    "repeat_contact": "repeat contact",
    "breached": "SLA missed",
    "abandoned_first": "gave up before",
}
SHAPES = {"past": "▲ ", "far": "◆ "}


@pytest_asyncio.fixture
async def wall():
    wall = Wall()
    await wall.feed(story(minutes=190, incident="billing@+178m/30m x3", seed=4))
    wall.freeze()
    await wall.start()
    yield wall
    await wall.stop()


@pytest_asyncio.fixture
async def page(chromium, wall):
    async with opened(chromium, wall.url) as page:
        await page.size(1920, 1080)
        await wall.again()
        await page.until("!document.body.classList.contains('empty')")
        yield page


async def streamed(wall):
    async with ClientSession(read_bufsize=1 << 20) as session, session.get(f"{wall.url}api/stream") as answer:
        await wall.again()
        async for line in answer.content:
            if line.startswith(b'data: {"now"'):
                return json.loads(line[6:])
    raise AssertionError("the stream ended")


def said(number, unit=None):
    value = number.get("value")
    return "-" if value is None else amount(value, unit or number.get("unit", "count"), THIN)


def overs(number, words):
    value = number.get("value")
    return "-" if value is None else f"{'▲ ' if value else ''}{said(number)} {words}"


def driver(name):
    return DRIVERS.get(name) or name.replace(":", " ")


def score(number):
    return f"{whole(number['value'])} ±{whole(number['high'] - number['value'])}"


def expected(update):
    """Name of each number and its text."""
    tiles, tickets, satisfaction = (update[name] for name in ("tiles", "tickets", "satisfaction"))
    found = {
        "Waiting now": said(tiles["waiting"]),
        "Longest wait": spoken(tiles["longest"]["value"], THIN),
        "Waiting over target": overs(tiles["over"], "over target"),
        "Service level": said(tiles["level"]),
        "Abandonment": said(tiles["abandoned"]),
        "First response, median": said(tiles["first"]),
        "First response, 90th percentile": said(tiles["first_high"]),
        "Waiting for a first response over target": overs(tiles["awaiting_over"], "over target now"),
        "CSAT": said(tiles["csat"]),
        "NPS": f"NPS {score(tiles['nps'])}, n={tiles['nps']['n']}",
        "Backlog": f"{said(tickets['backlog'])} tickets",
        "Backlog, median age": said(tickets["ages"]["median"]),
        "Backlog, 90th percentile of age": said(tickets["ages"]["p90"]),
        "Backlog, oldest": said(tickets["ages"]["oldest"]),
        "Resolved against new": said(tickets["ratio"]),
        "Resolved": f"{said(tickets['solved'])} resolved",
        "New": f"{said(tickets['created'])} new",
        "CSAT of the day": said(satisfaction["csat"]),
        "NPS of the day": score(satisfaction["nps"]),
        "Surveys answered": said(satisfaction["response"]),
        "CES": said(satisfaction["ces"]),
        "Easy": said(satisfaction["easy"]),
        "Detractors without follow-up": said(satisfaction["detractors"]),
        "Detractors over target": overs(satisfaction["detractors_over"], "over target"),
        "Strongest driver": driver(satisfaction["driver"]["labels"]["driver"]),
    }
    for state, word in STATES.items():
        found[f"Backlog, {word}"] = f"{said(tickets['states'][state])} {word}"
    for target, word in TARGETS.items():
        known = tickets["sla"][target]
        found[f"SLA at risk, {word}"] = f"{said(known['at_risk'])} {word}"
        found[f"SLA missed, still open, {word}"] = overs(known["over"], word)
    for queue in update["queues"]:
        name = queue["name"]
        found[f"{name}, waiting"] = said(queue["waiting"])
        found[f"{name}, longest wait"] = said(queue["longest"], "seconds")
        for field, words in (("level", "service level"), ("abandoned", "abandonment")):
            number = queue[field]
            found[f"{name}, {words}"] = SHAPES.get(number.get("state"), "") + said(number)
    return found


async def test_every_number_of_the_page_is_the_one_of_the_stream_and_can_be_asked(page, wall):
    update = await streamed(wall)
    wanted = expected(update)
    labels = await page.run("[...document.querySelectorAll('main .number')].map(e => e.getAttribute('aria-label'))")
    found = dict(label.split(": ", 1) for label in labels)
    assert len(found) == len(labels)
    assert found == wanted
    texts = "[...document.querySelectorAll('main .number')].map(e => [e.getAttribute('aria-label'), e.textContent])"
    counting = ("Longest wait", "longest wait")  # goes on between updates
    assert [
        (label, text)
        for label, text in await page.run(texts)
        if label != f"{label.split(': ', 1)[0]}: {text}" and not label.split(": ")[0].endswith(counting)
    ] == []


async def test_what_is_beside_the_numbers_is_of_the_same_numbers(page, wall):
    update = await streamed(wall)
    level, nps, ces = update["tiles"]["level"], update["satisfaction"]["nps"], update["satisfaction"]["ces"]
    low, high = whole(100 * level["low"]), whole(100 * level["high"])
    assert f"{low}\u2013{high}{THIN}%, n={level['n']}" in await page.text(".tile:nth-child(2)")
    assert f"{whole(nps['low'])} to {whole(nps['high'])}, n={nps['n']}" in await page.text("#satisfaction")
    assert f"n={ces['n']}, last 24{THIN}h" in await page.text("#satisfaction")
    worst = update["spikes"][0]
    assert f"spike in {worst['text']}" in await page.text("#worst")
    texts = [one["text"] for one in (*update["spikes"][1:], *update["past"])]
    line = await page.text("#others")
    *named, left = line.removeprefix("and ").split(" · ")
    assert left == f"{len(texts) - len(named)} more"
    assert all(text in shown for text, shown in zip(texts, named, strict=False))
    agents = next(queue for queue in update["queues"] if queue["name"] == "billing")["agents"]
    row = "[...document.querySelectorAll('tbody tr')].find(e => e.innerText.startsWith('billing'))"
    assert f"{agents['on_contact']} busy" in await page.run(f"{row}.innerText")


async def test_a_screen_reader_hears_each_number_once_with_its_samples(page):
    await page.call("Accessibility.enable")
    nodes = [node for node in (await page.call("Accessibility.getFullAXTree"))["nodes"] if not node.get("ignored")]
    said = [
        (node["role"]["value"], node.get("name", {}).get("value", ""), node.get("description", {}).get("value", ""))
        for node in nodes
    ]
    ((_, name, beside),) = [one for one in said if one[0] == "button" and one[1].startswith("billing, service level")]
    assert "n=" not in name
    assert "n=" in beside
    heard = [" ".join(name.split()) for role, name, _ in said if role == "StaticText"]
    assert " ".join(beside.split()) not in heard
    pictures = [name for role, name, _ in said if role in ("image", "img")]
    assert len(pictures) >= 9
    titles = ("Waiting now", "Service level, ", "Abandonment, ", "First response, ", "CSAT, ")
    assert all(name.startswith(titles) or ", abandonment" in name for name in pictures)
    assert any(name.startswith("billing, abandonment, last 60") for name in pictures)


async def test_a_finger_finds_each_number_on_a_phone(page):
    await page.size(390, 844, phone=True)
    small = await page.run("""[...document.querySelectorAll("button")].filter((e) => e.getClientRects().length)
      .map((e) => [e.textContent, e.getBoundingClientRect()]).filter(([, r]) => r.width < 24 || r.height < 24).map(([t]) => t)""")
    assert small == []


CONTRAST = r"""(() => {
  const linear = (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const parts = (s) => [...s.match(/[\d.]+/g).map(Number), 1].slice(0, 4);
  const over = (f, b) => [0, 1, 2].map((i) => f[i] * f[3] + b[i] * (1 - f[3]));
  const up = (e) => e ? [e, ...up(e.parentElement)] : [];
  const grounds = (e) => up(e).map((one) => parts(getComputedStyle(one).backgroundColor)).reverse();
  const ground = (e) => grounds(e).reduce((b, f) => over(f, b), [255, 255, 255]);
  const least = [99, ""];
  for (const e of document.querySelectorAll("body *")) {
    const text = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!text || !e.getClientRects().length || e.closest(".unseen")) continue;
    const opacity = up(e).reduce((o, one) => o * parseFloat(getComputedStyle(one).opacity), 1);
    const back = ground(e), [r, g, b, a] = parts(getComputedStyle(e).color);
    const [x, y] = [light(back), light(over([r, g, b, a * opacity], back))];
    const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
    if (ratio < least[0]) least.splice(0, 2, ratio, e.textContent);
  }
  return least;
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_all_text_can_be_read_stale_or_not(page, scheme):
    await page.media(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    ratio, text = await page.run(CONTRAST)
    assert ratio >= 4.5, text
    await page.until("document.body.classList.contains('stale')")  # the numbers stand still
    ratio, text = await page.run(CONTRAST)
    assert ratio >= 4.5, text


async def test_nothing_moves_for_who_wants_no_motion(page):
    name = "getComputedStyle(document.querySelector('.changed')).animationName"
    assert await page.run(name) == "changed"
    await page.media(prefers_reduced_motion="reduce")
    assert await page.run(name) == "none"
