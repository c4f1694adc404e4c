"""History (events with a recordedtime) may be taken in at any time of the clock, over any number of flushes."""

import pytest

from streamer.board.merge import Merge
from streamer.events import millis
from streamer.metrics.evaluate import evaluate
from streamer.metrics.exposition import render
from streamer.partition import _LONG_TAIL, PANES, TIMELINES, Partition
from streamer.replay import snapshot_of
from streamer.settings import Settings
from tests.laws.test_law_one import small_limits
from tests.strategies.events import START_MS, build

NOW = START_MS + 30 * 86_400_000
MINUTE = 60_000


@pytest.mark.parametrize("number", [6, _LONG_TAIL + 50])
def test_history_of_one_customer_loses_nothing_between_flushes(number):
    partition = Partition(Settings())
    partition.changes(NOW)
    # Each minute a message, every second one brought before its forerunner, as topics that are not in step bring them.
    times = [START_MS + MINUTE * (i ^ 1) for i in range(number)]
    for i, time in enumerate(times):
        event = build("support.ticket.message", time, "T", {"customer": "c", "author": "agent"}, id=str(i), source="s")
        partition.accept(event, millis(event.time), time)
        partition.changes(NOW + i)
    assert not any(key[0] == "support_events_late" for key in partition.counters())


@pytest.mark.parametrize("first", [0, NOW])
def test_history_of_more_customers_than_stay_unpacked_may_come_in_any_order(first):
    """The newer file first: those that are packed meanwhile take in what is older, whatever the clock says."""
    partition = Partition(Settings())
    if first:
        partition.changes(first)
    with small_limits():
        for hour in (3, 1):
            for number in range(20):
                time = START_MS + hour * 60 * MINUTE
                event = build("support.ticket.created", time, f"T{number}-{hour}", {"customer": f"c{number}"})
                partition.accept(event, time, time)
            partition.changes(NOW)
    assert not any(key[0] == "support_events_late" for key in partition.counters())


def test_an_event_of_half_a_century_ago_does_not_blur_those_beside_it():
    """The clock of one system was never set; what came in one batch with it keeps its minutes, also on the board."""
    settings = Settings()

    def shown(times):
        partition, merge = Partition(settings), Merge(settings)
        for i, time in enumerate(times):
            for name, at in (("created", time), ("message", time + (i + 1) * MINUTE)):
                data = {"customer": f"c{i}"} | ({"author": "agent"} if name == "message" else {})
                partition.accept(build(f"support.ticket.{name}", at, f"T{i}", data, id=name), at, at)
        merge.apply(0, dict(partition.changes(1).tables[PANES]))  # a clock by which nothing is dropped
        for blocks in (evaluate(snapshot_of(partition), settings, NOW), merge.evaluate(NOW)):
            yield [
                line
                for line in render(blocks, settings.dimensions.names).splitlines()
                if "quantile" in line and "window" in line
            ]

    now = [NOW - 9 * MINUTE, NOW - 7 * MINUTE, NOW - 5 * MINUTE]
    alone, beside = list(shown(now)), list(shown([*now, 400 * 86_400_000]))
    assert all(alone)
    assert beside == alone


@pytest.mark.parametrize("restarted", [False, True])
def test_an_erased_customer_of_the_past_stays_erased_while_history_comes(restarted):
    """Forgotten by the clock, not by its own time: what was there before the erasure may still be told, and told again."""
    partition = Partition(Settings())
    partition.changes(NOW)

    def take(name, minute, known=None):
        subject, data = ("c" if name == "customer.erased" else "T"), {"customer": "c"}
        if name == "ticket.message":
            data["author"] = "customer"
        time = START_MS + MINUTE * minute
        event = build(f"support.{name}", time, subject, data, id=f"{name} {minute}")
        partition.accept(event, time, time if known is None else START_MS + MINUTE * known)

    take("ticket.created", 0)
    take("customer.erased", 60)
    cut = partition.changes(NOW + 1).tables
    if restarted:
        partition = Partition(Settings())
        for table, rows in cut.items():
            partition.restore_many(table, rows)
        partition.restored()
    partition.changes(NOW + MINUTE)
    take("ticket.created", 0)  # the file is sent again
    take("ticket.message", 30, known=120)
    partition.changes(NOW + 2 * MINUTE)
    assert [item for work in partition.open_work() for item in work] == []
    assert partition.counters()["support_events_duplicate", "crm"] == 1
    assert list(partition.changes(NOW + 2 * 86_400_000).tables[TIMELINES]) == [(b"c:c", None)]
