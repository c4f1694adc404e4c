"""Open label values: the ten with the most facts are shown, the rest is `other`, whatever rows there are besides."""

import pytest

from streamer.facts import cell
from streamer.metrics.catalogue.customers import CARTS
from streamer.settings import Settings

from .test_comparison import DAY, MINUTE, Desk, T

SETTINGS = Settings.model_validate({"metrics": {"carts_abandoned": {"windows": ["15m", "24h"]}}})


# Fewer than ten values have anything: this one has a place, whatever rows an intermediate state has left.
@pytest.mark.parametrize("left", [0, 12])
def test_a_value_that_the_longest_window_does_not_have_yet_has_a_place(left):
    desk = Desk(SETTINGS)

    def row(reason):
        number = desk.open_rows.row(CARTS, reason, "")
        desk.plan.open_row(number, CARTS)
        return number

    for i in range(left):
        fact = (cell(row(f"gone {i:02}"), 0), T, 1, 1)
        desk.put([fact, (*fact[:3], -1)])
    desk.put([(cell(row("price"), 0, time_made=True), T + MINUTE, 1, 1)])  # in a slice of 15 min from T + 15 min on

    def at_all(at):
        return [
            (set(key) - {"all"}, n)
            for key, n in desk.numbers(at).items()
            if key[0] == "carts_abandoned" and "all" in key
        ]

    assert at_all(T + MINUTE) == [({"carts_abandoned", "15m", "price"}, 1)]
    assert at_all(T + DAY // 2) == [({"carts_abandoned", "24h", "price"}, 1)]
