"""The text is prometheus-client's own, byte for byte."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric as Family
from prometheus_client.utils import floatToGoString

from streamer.metrics.catalogue import METRICS
from streamer.metrics.evaluate import Block
from streamer.metrics.exposition import help_of, labels_of, number, render, type_of
from streamer.metrics.grouping import Places
from streamer.settings import Settings

SETTINGS = Settings.model_validate({"dimensions": {"groupings": [[], ["queue"], ["channel", "team"]]}})
NAMES = SETTINGS.dimensions.names

texts = st.one_of(st.text(max_size=6), st.sampled_from(['"', "\\", "\n", '\\"\n', "ä€😀", " ", "a=b,c", "{}", "\\n"]))
groups = st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=5, unique=True)
values = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, width=64),
    st.floats(0, 1e12, allow_nan=False),
    st.integers(-(10**15), 10**15).map(float),
)


class Families:
    def __init__(self, blocks):
        self.blocks = blocks

    def collect(self):
        found = {}
        for block in self.blocks:
            if block.family not in found:
                text = help_of(block.metric, block.family)
                found[block.family] = Family(block.family, text, type_of(block))
            for place in block.order.tolist():
                if block.shown[place]:
                    by, own = block.places.labels[place]
                    labels = labels_of(by, own, block.labels, NAMES)
                    found[block.family].add_sample(block.family, labels, float(block.values[place]))
        return found.values()


def theirs(blocks):
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Families(blocks))
    return generate_latest(registry).decode()


@pytest.mark.slow
@given(st.data())
def test_a_text_is_the_one_that_prometheus_client_writes(data):
    places = Places(SETTINGS)
    names = data.draw(groups)
    places.update(names, np.ones(len(names), dtype=np.int64))
    blocks = []
    for metric in data.draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=4, unique_by=lambda m: m.name)):
        for labels in data.draw(st.lists(st.tuples(st.tuples(st.just("quantile"), texts)), min_size=1, max_size=2)):
            own = labels if metric.kind == "duration" else (("window", labels[0][1]),)
            size = places.width
            blocks.append(
                Block(
                    f"support_{metric.name}",
                    metric,
                    own,
                    places,
                    np.array(data.draw(st.lists(values, min_size=size, max_size=size))),
                    np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=bool),
                )
            )
    shown = [block for block in blocks if block.shown.any()]
    assert theirs(shown) == render(shown, NAMES)
    assert theirs(shown) == render(shown, NAMES)  # now from kept label strings


@given(values)
@example(1e6)
@example(999_999.5)
@example(1e15)
@example(123_456_789.125)
@example(1e16)
@example(-1e7)
@example(0.0)
@example(math.pi * 1e8)
def test_a_number_is_written_as_prometheus_client_writes_it(value):
    assert floatToGoString(value) == number(value)


def test_new_places_do_not_disturb_kept_label_strings():
    places = Places(SETTINGS)
    metric = METRICS[0]
    names = [("chat", "b", "x")]
    for new in (("chat", "a", "x"), ("phone", "c", "y")):
        names.append(new)
        places.update(names, np.ones(len(names), dtype=np.int64))
        shown = np.ones(places.width, dtype=bool)
        block = Block("support_" + metric.name, metric, (), places, np.arange(places.width), shown)
        assert theirs([block]) == render([block], NAMES)


def test_older_numbers_are_written_as_they_were_though_places_came_since():
    places, metric, texts = Places(SETTINGS), METRICS[0], []
    for names in ([("chat", "b", "x")], [("chat", "b", "x"), ("chat", "a", "x")]):
        places.update(names, np.ones(len(names), dtype=np.int64))
        width = places.width
        block = Block("support_" + metric.name, metric, (), places, np.arange(width), np.ones(width, dtype=bool))
        texts.append((block, render([block], NAMES)))
    for block, text in texts:
        assert text == theirs([block])
        assert render([block], NAMES) == text
