"""The comparison of the exactness tests sees what it is for."""

import random

import msgspec
import pytest

from streamer.settings import Settings
from tests.processor import product

pytestmark = pytest.mark.slow

END = 1_774_684_800_000


def test_any_event_that_is_lost_shows():
    settings, at = Settings(), END + product.MINUTE
    values = product.history(2_000, END, customers=100)
    whole = product.expected(settings, values, at)
    events = [msgspec.json.decode(value) for value in values]
    for place in random.Random(1).sample(range(len(values)), 30):
        one = events[place]
        late = one["recordedtime"][:10] > one["time"][:10]  # perhaps too late to count: on another day
        if not late and sum(event["id"] == one["id"] for event in events) == 1:
            found = product.expected(settings, values[:place] + values[place + 1 :], at)
            assert product.different_panes(settings, found, whole, END), one


def test_an_event_that_comes_twice_or_in_another_order_does_not_show():
    settings, at = Settings(), END + product.MINUTE
    values = product.history(2_000, END, customers=100)
    found = product.expected(settings, [*reversed(values), *values[:100]], at)
    whole = product.expected(settings, values, at)
    assert product.different_panes(settings, found, whole, END) == set()
    assert product.text(settings, found, at) == product.text(settings, whole, at)
