"""All partitions added up are one partition with all customers; what is kept is what would be computed anew."""

import random

import pytest

from streamer.board.merge import Merge
from streamer.metrics.catalogue import METRICS
from streamer.metrics.evaluate import evaluate
from streamer.metrics.exposition import render
from streamer.panes import records
from streamer.panes.store import SIZES
from streamer.partition import Partition
from streamer.replay import snapshot_of
from streamer.settings import Settings
from streamer.timelines.context import GROUPS_MAX, OTHER
from tests.board.changelog import Cluster, simulated

pytestmark = pytest.mark.slow

NAMES = ("channel", "queue", "team")
HOUR = 3_600_000


def second(at):
    return -(-at // 1000) * 1000


def anew(merge, settings, at):
    return render(evaluate(merge.snapshot(), settings, at), settings.dimensions.names)


@pytest.mark.slow
@pytest.mark.parametrize(("count", "seed"), [(1, 1), (3, 2), (8, 3)])
def test_partitions_added_up_are_one_partition_with_all_customers(count, seed):
    settings, dice = Settings(), random.Random(seed)
    cluster, merge, one = Cluster(settings, count), Merge(settings), Partition(settings)
    looks, due = 0, 0
    for arrival, event, time in simulated(seed=seed, customers=120, minutes=12):
        cluster.accept(arrival, event, time)
        one.accept(event, time, arrival)
        if arrival >= due:
            due = arrival + dice.choice([500, 20_000, 90_000])
            flushes = cluster.cut(0)
            dice.shuffle(flushes)  # partitions are flushed in any order
            for number, rows in flushes:
                merge.apply(number, dict(rows))
            if dice.random() < 0.2:
                looks += 1
                at = second(arrival)
                shown = render(merge.evaluate(at), NAMES)
                assert render(evaluate(snapshot_of(one), settings, at), NAMES) == shown
                assert anew(merge, settings, at) == shown
    assert looks > 3


@pytest.fixture(scope="module")
def written():
    """Settings, the flushes of three partitions in order, and the instant after them."""
    settings = Settings()
    cluster, flushes, due = Cluster(settings, 3), [], 0
    events = simulated(minutes=15, customers=150)
    for arrival, event, time in events:
        cluster.accept(arrival, event, time)
        if arrival >= due:
            due = arrival + 30_000
            flushes += cluster.cut(0)
    flushes += cluster.cut(0)
    return settings, flushes, second(events[-1][0])


def test_a_board_that_starts_late_and_reads_the_compacted_log_shows_the_same(written):
    settings, flushes, at = written
    early, late = Merge(settings), Merge(settings)
    compacted = {}
    for number, rows in flushes:
        early.apply(number, dict(rows))
        compacted.setdefault(number, {}).update(rows)
    for number, rows in compacted.items():
        late.apply(number, rows)
    assert render(early.evaluate(at), NAMES) == render(late.evaluate(at), NAMES)


@pytest.mark.slow
def test_a_log_that_is_read_twice_counts_once(written):
    settings, flushes, at = written
    merge = Merge(settings)
    for number, rows in (*flushes, *flushes):
        merge.apply(number, dict(rows))
    once = Merge(settings)
    for number, rows in flushes:
        once.apply(number, dict(rows))
    assert render(once.evaluate(at), NAMES) == render(merge.evaluate(at), NAMES)


@pytest.mark.slow
def test_a_board_that_looked_all_the_time_shows_what_one_shows_that_looks_now(written):
    settings, flushes, at = written
    merge = Merge(settings)
    for i, (number, rows) in enumerate(flushes):
        merge.apply(number, dict(rows))
        if i % 4 == 0:
            merge.evaluate(at - (len(flushes) - i) * 7_000)
    for now in (at, at + 61_000, at + HOUR, at + 3 * HOUR, at - 5_000, at + 30 * HOUR, at + 40 * 24 * HOUR):
        assert anew(merge, settings, now) == render(merge.evaluate(now), NAMES)


@pytest.mark.slow
def test_when_all_that_was_written_is_deleted_nothing_is_left(written):
    settings, flushes, at = written
    merge = Merge(settings)
    keys = {}
    for i, (number, rows) in enumerate(flushes):
        merge.apply(number, dict(rows))
        if i % 10 == 0:
            merge.evaluate(at)
        keys.setdefault(number, set()).update(key for key, _ in rows if key[:1] in (records.PANE, records.WORK))
    for number, of_partition in keys.items():
        merge.apply(number, dict.fromkeys(of_partition))
    assert merge.evaluate(at) == []
    assert merge.store.panes == {}
    assert merge.work.oldest([0], [0], at, 1) == (0, [])


def test_panes_past_their_last_reader_are_dropped_and_do_not_come_back(written):
    settings, flushes, at = written
    merge = Merge(settings)
    for number, rows in flushes:
        merge.apply(number, dict(rows))
    merge.settle(at + 5 * HOUR)
    assert not [key for key in merge.store.panes if key[0] == 0 and key[1] * SIZES[0] < at]
    assert [key for key in merge.store.panes if key[0] == 1]
    for number, rows in flushes:
        merge.apply(number, dict(rows))
    assert not [key for key in merge.store.panes if key[0] == 0 and key[1] * SIZES[0] < at]
    assert anew(merge, settings, at + 5 * HOUR) == render(merge.evaluate(at + 5 * HOUR), NAMES)


def test_an_earlier_instant_leaves_out_windows_whose_panes_are_gone(written):
    settings, flushes, at = written
    merge = Merge(settings)
    for number, rows in flushes:
        merge.apply(number, dict(rows))
    now = render(merge.evaluate(at), NAMES)
    assert render(merge.evaluate_past(at), NAMES) == now
    merge.settle(at + 2 * HOUR)
    windows = {dict(block.labels).get("window") for block in merge.evaluate_past(at)}
    assert windows >= {"15m", "7d"}
    assert windows.isdisjoint({"1h", "24h"})  # the hour before, and the day before, are gone


def test_a_group_past_the_limit_is_other_and_counted():
    merge = Merge(Settings())
    for first in range(0, GROUPS_MAX + 20, 1_000):
        rows = {
            records.number_key(records.GROUP, i + 1): records.encode(("chat", f"q{i % 900}", f"t{i // 900}"))
            for i in range(first, first + 1_000)
        }
        merge.apply(0, rows)
    assert len(merge.groups) == GROUPS_MAX + 1
    assert merge.groups[-1] == (OTHER,) * 3
    assert merge.limited > 0


def test_a_pane_of_a_group_that_was_never_named_is_a_broken_log():
    merge = Merge(Settings())
    with pytest.raises(ValueError, match="group 7 was never named"):
        merge.apply(0, {records.pane_key(0, 1, 7): b""})


def test_the_worst_open_items_come_oldest_first(written):
    settings, flushes, at = written
    merge = Merge(settings)
    for number, rows in flushes:
        merge.apply(number, dict(rows))
    stocks = [metric for metric in METRICS if metric.name in ("agents", "tickets_backlog")]
    rows = [series.numerator[0].row for metric in stocks for series in metric.series]
    groups = list(range(len(merge.groups)))
    count, items = merge.work.oldest(rows, groups, at, 10_000)
    assert count == len(items) > 1
    assert sorted(items, key=lambda item: (item.start, item.entity)) == items
    assert merge.work.oldest(rows, groups, at, 2) == (count, items[:2])
