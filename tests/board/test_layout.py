"""The wall page at many sizes: nothing is cut, lies over something else, or has to be scrolled sideways for."""

from contextlib import asynccontextmanager

import pytest

from tests.board.browser import opened
from tests.board.walls import Wall, story

pytestmark = [pytest.mark.service, pytest.mark.slow]

#: width, height, phone, whether all of it is on one screen
SIZES = {
    "wall": (1920, 1080, False, True),
    "4k": (3840, 2160, False, True),
    "laptop": (1366, 768, False, True),
    "hd": (1280, 720, False, True),
    "short": (1920, 900, False, True),
    "upright": (1080, 1920, False, True),
    "xga": (1024, 768, False, False),
    "tablet": (820, 1180, False, False),
    "narrow": (641, 900, False, False),
    "phone": (390, 844, True, False),
    "small": (320, 640, True, False),
}
#: each line of each text with the box that it must stay in
LINES = """(() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const hidden = element.closest(".unseen, dialog, noscript, [hidden]") || (innerWidth <= 900 && element.closest("thead"));
    if (!node.textContent.trim() || hidden) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = element.closest(".tile, section, header, #band").getBoundingClientRect();
    for (const r of range.getClientRects()) if (r.width) found.push({ text: node.textContent, node, r, box });
  }
  return found;
})()"""
CUT = f"""(() => {{
  const out = ({{ r, box }}) => Math.max(box.left - r.left, r.right - box.right, box.top - r.top, r.bottom - box.bottom) > 1;
  const clipped = (e) => getComputedStyle(e).overflow !== "visible" && e.scrollWidth > e.clientWidth;
  const all = [...document.querySelectorAll("body *")].filter((e) => e.clientWidth && !e.closest(".unseen, dialog, thead"));
  return [...{LINES}.filter(out).map(({{ text }}) => text), ...all.filter(clipped).map((e) => e.textContent)];
}})()"""
OVER = f"""(() => {{
  const lines = {LINES}, found = [];
  const others = [...lines, ...[...document.querySelectorAll(".spark")].filter((e) => e.getClientRects().length)
    .map((e) => ({{ text: "spark", node: e, r: e.getBoundingClientRect() }}))];
  lines.forEach((a, i) => others.slice(i + 1).forEach((b) => {{
    const x = Math.min(a.r.right, b.r.right) - Math.max(a.r.left, b.r.left);
    const y = Math.min(a.r.bottom, b.r.bottom) - Math.max(a.r.top, b.r.top);
    if (a.node !== b.node && x > 2 && y > 0.2 * Math.min(a.r.height, b.r.height)) found.push([a.text, b.text]);
  }}));
  return found;
}})()"""
STALE = "!document.querySelector('#band').hidden"


@asynccontextmanager
async def incident(chromium, names=None):
    """A page in an incident; `names` are others for queues."""
    wall = Wall()
    await wall.feed(story(minutes=190, incident="billing@+178m/30m x3", seed=4))
    await wall.start()
    groups = wall.view.merge.groups
    groups[:] = [tuple((names or {}).get(value, value) for value in values) for values in groups]
    async with opened(chromium, wall.url) as page:
        await page.until("!document.body.classList.contains('empty')")
        yield page, wall
    await wall.stop()


async def _looked_at(page):
    found = []
    for name, (width, height, phone, whole) in SIZES.items():
        await page.size(width, height, phone=phone)
        await page.until(f"innerWidth === {width} && new Promise(done => setTimeout(() => done(true), 300))")
        found += [(name, "sideways")] * await page.run("document.documentElement.scrollWidth > innerWidth")
        found += [(name, "down")] * (whole and await page.run("document.documentElement.scrollHeight > innerHeight"))
        found += [(name, "cut", text) for text in await page.run(CUT)]
        found += [(name, "over", *texts) for texts in await page.run(OVER)]
    return found


async def test_nothing_is_cut_or_hidden_at_any_size_in_an_incident_and_when_it_is_stale(chromium):
    rows = "[...document.querySelectorAll('tbody tr')].filter(e => e.getClientRects().length).length"
    async with incident(chromium) as (page, wall):
        await page.size(1920, 1080)
        assert "more" in (await page.text("#others")).split(" · ")[-1]  # more than a line has room for, and it says so
        assert await _looked_at(page) == []
        await page.size(1920, 1080)
        await page.until(f"{rows} === 5")
        wall.silent = True
        await page.until(STALE, 60)
        assert await page.run(rows) == 5  # no number goes because the band comes
        assert await _looked_at(page) == []
        assert page.errors == []


async def test_long_names_of_queues_stay_in_their_place(chromium):
    names = {
        "billing": "Rechnungen und Zahlungen Premiumkunden Süd",
        "technical": "technical-support-second-level-emea",
    }
    async with incident(chromium, names) as (page, _):
        assert names["technical"] in await page.text("tbody")
        assert await _looked_at(page) == []
