"""Sums that are kept as windows move are the sums that would be computed anew, to the last unit."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.board.merge import Merge
from streamer.facts import cell
from streamer.metrics.catalogue import ACTIVITY, METRICS, row
from streamer.metrics.evaluate import evaluate
from streamer.metrics.exposition import render
from streamer.metrics.plan import Plan, slices
from streamer.metrics.windows import Rows, Windows
from streamer.panes import records
from streamer.panes.store import NO_CELLS, SIZES, Store, reduce_facts
from streamer.settings import Settings

START = 1_767_600_000_000
GROUPS = [("", "", ""), *(("chat", f"q{i}", f"t{i % 2}") for i in range(5))]
ROWS = [
    row("tickets_created"),
    row("first_response"),
    row("csat_ratio", kind="csat"),
    row("replies_per_resolution"),
    row("customers_active"),
    row("customers_joined"),
    *ACTIVITY.values(),
]
# two queues are shown, the others are `other`: which ones changes with the counts
SETTINGS = Settings.model_validate(
    {"dimensions": {"limit": 2, "groupings": [[], ["queue"], ["team", "queue"]]}, "time": {"zone": "Europe/Berlin"}}
)
SHAPE = Plan(SETTINGS).shape

spans = st.one_of(st.integers(0, 3 * 60), st.integers(0, 26 * 3600), st.integers(0, 40 * 86400))
facts = st.lists(
    st.tuples(
        st.builds(
            lambda r, g, made: cell(r, g, time_made=made), st.sampled_from(ROWS), st.integers(0, 5), st.booleans()
        ),
        spans.map(lambda s: START + 1000 * s),
        st.integers(0, 5_000_000),
        st.sampled_from([1, 1, 1, -1]),
    ),
    max_size=12,
)
#: facts that arrive, and by how many seconds the clock then moves (sometimes back)
steps = st.lists(st.tuples(facts, st.one_of(spans, st.integers(-7200, 0))), min_size=1, max_size=8)


def partition_records(store):
    """The records of what changed in a store."""
    changed = {}
    for (size, number), groups in store.take_changed().items():
        for group, value in records.encode_groups(store.panes.get((size, number), NO_CELLS), groups):
            changed[records.pane_key(size, number, group)] = value
    return changed


# facts that no events would make: more satisfied answers than answers
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt:RuntimeWarning")
@settings(max_examples=40)  # each evaluates all metrics twice a step
@given(steps)
def test_moving_windows_show_what_is_added_up_anew(story):
    merge, store, at = Merge(SETTINGS), Store(), START
    names = {records.number_key(records.GROUP, i): records.encode(values) for i, values in enumerate(GROUPS) if i}
    merge.apply(0, names)
    for arrived, seconds in story:
        if arrived:
            for size, batch in enumerate(reduce_facts(arrived, SHAPE)):
                store.add(size, batch)
        merge.apply(0, partition_records(store))
        at += 1000 * seconds
        shown = render(merge.evaluate(at), SETTINGS.dimensions.names)
        assert render(evaluate(merge.snapshot(), SETTINGS, at), SETTINGS.dimensions.names) == shown


@pytest.mark.slow
@given(facts, spans)
def test_a_window_is_the_sum_of_its_panes(arrived, seconds):
    """Against sums in plain Python, fact by fact, by the rule of metrics.md."""
    at = START + 1000 * seconds
    store = Store()
    if arrived:
        for size, batch in enumerate(reduce_facts(arrived, SHAPE)):
            store.add(size, batch)
    windows = Windows(SETTINGS)
    windows.move(store, Rows(GROUPS, []), at)
    for window in ("15m", "24h", "today", "30d"):
        size, low, high = slices(window, at, "Europe/Berlin")
        expected = Counter()
        for number, when, value, sign in arrived:
            made, row_, group = number & 1, number >> 1 & 0x3FFF, number >> 15
            # a time-made fact goes into the first minute that begins at or after it, and that one into its slice
            minute = -(-when // SIZES[0]) if made else when // SIZES[0]
            factor = SIZES[size] // SIZES[0]
            slice_ = -(-minute // factor) if made else minute // factor
            if low <= slice_ <= high:
                expected[row_, group] += sign * value
        sums = windows.sums(window)
        everywhere = np.flatnonzero(windows.places.by(()))
        for row_ in ROWS:
            reads = any(row_ in {t.row for s in m.series for t in s.numerator} and window in m.windows for m in METRICS)
            if reads:
                total = sum(value for (r, _), value in expected.items() if r == row_)
                assert total == int(sums.total[row_][everywhere].sum())
