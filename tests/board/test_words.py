"""Numbers are said the same way by the page, in a real Chromium, and by everything else."""

import json
import random

import pytest

from streamer.board.words import THIN, amount, whole
from tests.board.browser import opened
from tests.board.walls import Wall

pytestmark = [pytest.mark.service, pytest.mark.slow]


def values():
    """Edges of rounding, of thousands and of units, then values of all sizes."""
    chosen = random.Random(1)
    edges = [
        0,
        0.5,
        0.8125,
        1,
        1.005,
        1.015,
        9.995,
        12.25,
        12.35,
        99.95,
        999.4,
        999.5,
        1000,
        1005,
        1234,
        12_345,
        12_350,
    ]
    edges += [999_500, 1_000_000, 1_234_567, 59.5, 59.4, 3599.5, 3600, 86_399.5, 86_400, 0.285, 0.2855, 1.235, 12.5]
    return edges + [chosen.random() * 10.0 ** chosen.randint(-4, 10) for _ in range(2_000)]


async def test_the_page_says_a_number_as_the_terminal_does_but_with_thin_spaces(chromium):
    wall = Wall()
    await wall.start()
    try:
        async with opened(chromium, wall.url) as page:
            wanted = [(value, unit) for value in values() for unit in ("count", "score", "seconds", "ratio")]
            script = (
                f"import('/words.js').then(words => {json.dumps(wanted)}.map(([v, unit]) => words.amount(v, unit)))"
            )
            said = await page.run(script)
            rounded = await page.run(
                f"import('/words.js').then(words => {json.dumps(values())}.map(v => words.whole(-v)))"
            )
    finally:
        await wall.stop()
    differ = [
        (value, unit, text, amount(value, unit, THIN))
        for (value, unit), text in zip(wanted, said, strict=True)
        if text != amount(value, unit, THIN)
    ]
    assert differ == []
    assert rounded == [whole(-value) for value in values()]
    assert amount(12_345, "count") == "12.3 k"
    assert amount(1234, "count", THIN) == "1.23\u202fk"
