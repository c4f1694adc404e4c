"""Law 1 and 3: a number is a function of the set of events and T, whatever happens to them on the way, byte for byte.

Events may come in any order, repeated, in any chunks; in between a partition sums, cuts, folds what can no longer come,
is moved to another worker, or dies and starts again from its last cut. The exposition text is that of one sorted pass.
The events are a drawn history, by itself or told into weeks that show every family of the catalogue.
"""

from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from streamer import partition as partition_module
from streamer.board.merge import Merge
from streamer.events import timeline_key
from streamer.events.codec import millis
from streamer.facts import GROUP_UNIT
from streamer.metrics.catalogue import FIXED_ROWS, METRICS
from streamer.metrics.evaluate import Snapshot, evaluate
from streamer.metrics.explain import families
from streamer.metrics.exposition import render
from streamer.panes.histogram import BUCKET_BITS
from streamer.panes.store import NO_CELLS, Cells, Store, merged
from streamer.panes.work import Work
from streamer.partition import FOLD_MARGIN, Partition
from streamer.replay import snapshot_of
from streamer.settings import Settings
from tests.strategies.events import SCALES, START_MS, build, histories
from tests.strategies.weeks import weeks

pytestmark = pytest.mark.slow

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
#: short, so that T may lie close after the events though everything is folded that can be
GRACE = MINUTE
CONFIG = {
    "time": {"grace": "1m"},
    "surveys": {"scales": {name: scale._asdict() for name, scale in SCALES.items()}, "min_samples": 1},
}
NARROW = CONFIG | {
    "dimensions": {
        "names": ["channel", "queue", "team", "agent"],
        "groupings": [[], ["queue"], ["channel", "queue"], ["team", "agent"]],
        "limit": 1,
    }
}
TWO_VALUES = CONFIG | {"dimensions": {"limit": 2}}
SETTINGS = {
    name: Settings.model_validate(config)
    for name, config in {"default": CONFIG, "two dimensions": NARROW, "two values": TWO_VALUES}.items()
}
#: T after the last event: at once, and where windows, deadlines and retention end
AFTER = (0, SECOND, 5 * MINUTE, HOUR, 4 * HOUR, DAY, 7 * DAY, 30 * DAY, 91 * DAY)
#: by what was before the drawn events, a part of what the profile asks for: each is two passes over the whole program
EXAMPLES = {"nothing": settings().max_examples // 4, "weeks": settings().max_examples // 10}
#: a failure of the first kind is made smaller; with weeks before it that would take minutes
PHASES = {"nothing": settings().phases, "weeks": (Phase.explicit, Phase.reuse, Phase.generate)}
ACTIONS = ("settle", "cut", "move", "die")
#: arrival in order of these after the event is nearly in order; what the clock lets be folded depends on it
DELAYS = (0, 0, 0, MINUTE, HOUR, DAY)
FAMILIES = {family for metric in METRICS for family in families(metric)}

configs = st.sampled_from(sorted(SETTINGS)).map(SETTINGS.__getitem__)
narrow_configs = st.sampled_from(["two dimensions", "two values"]).map(SETTINGS.__getitem__)


def text(snapshot, config, at):
    return render(evaluate(snapshot, config, at), config.dimensions.names)


def in_order(events):
    return sorted(events, key=lambda event: (millis(event.time), event.rank, event.source, event.id))


def arrival(event, late):
    """Return when a record arrived, which is its own matter whatever the order: at the end of the grace, or too late."""
    return millis(event.time) + GRACE + (event in late)


def single_pass(config, events, late=()):
    """Return the snapshot of one partition that saw each event once, in order."""
    partition = Partition(config)
    for event in in_order(events):
        partition.accept(event, millis(event.time), arrival(event, late))
    return snapshot_of(partition)


def told(draw, before):
    """Draw a history, into the weeks that end with it if there is to be anything before it."""
    drawn = draw(histories().filter(bool))
    return drawn + weeks(soon(drawn)) if before == "weeks" else drawn


def soon(events):
    """Return the first whole second at which all of the events have happened."""
    return -(-max(millis(event.time) for event in events) // SECOND) * SECOND


class Shown:
    """The families that texts have shown, with another value than 0 at least once."""

    def __init__(self):
        self.families = set()

    def same(self, text, expected):
        """Assert that the texts are equal; they are too long for pytest to tell where they differ."""
        if text != expected:
            lines, wanted = text.splitlines(), expected.splitlines()
            differ = [
                *(f"- {line}" for line in set(wanted) - set(lines)),
                *(f"+ {line}" for line in set(lines) - set(wanted)),
            ]
            raise AssertionError("\n".join(sorted(differ, key=lambda line: line[2:])[:50]) or "another order of lines")
        for line in text.splitlines():
            if line[0] != "#" and not line.endswith(" 0.0"):
                self.families.add(line[: line.index("{")])

    def all_after(self, before):
        """Assert that no family was left out, where there was enough before to show them all."""
        assert before == "nothing" or FAMILIES - self.families == set()


class Worker:
    """A partition with its changelog, at the hands of chance."""

    def __init__(self, config, late=()):
        self.config = config
        self.late = late
        self.partition = Partition(config)
        self.tables = {}
        self.flushes = []
        self.uncommitted = []

    def accept(self, event):
        self.uncommitted.append(event)
        self.partition.accept(event, millis(event.time), arrival(event, self.late))

    def cut(self, clock):
        changes = self.partition.changes(clock)
        for table, pairs in changes.tables.items():
            self.tables.setdefault(table, {}).update(pairs)
        self.flushes.append(dict(changes.tables[partition_module.PANES]))
        self.uncommitted = []

    def restart(self):
        """Start anew from the records of the last cut, and take in again what came after it."""
        self.partition = Partition(self.config)
        for table, pairs in self.tables.items():
            self.partition.restore_many(table, list(pairs.items()))
        self.partition.restored()
        again, self.uncommitted = self.uncommitted, []
        for event in again:
            self.accept(event)

    def do(self, action, clock):
        if action == "settle":
            self.partition.settle()
        if action in ("cut", "move"):
            self.cut(clock)
        if action in ("move", "die"):
            self.restart()


@contextmanager
def small_limits():
    """Keep one timeline unpacked and fold long tails partly, as with a thousand times the events."""
    with mock.patch.multiple(partition_module, HOT_MAX=1, _LONG_TAIL=2):
        yield


def deliver(draw, worker, events, latest_clock):
    """Hand over all events in any order, some again; in between anything may happen to the worker."""
    order = arranged(draw, events)
    again = draw(st.lists(st.tuples(st.integers(0, len(order)), st.sampled_from(order)), max_size=5)) if order else []
    for place, event in sorted(again, key=lambda pair: -pair[0]):
        order = [*order[:place], event, *order[place:]]
    # As far as the clock may have gone while these were still to come.
    clocks = [latest_clock] * len(order)
    for i in range(len(order) - 1, 0, -1):
        clocks[i - 1] = min(clocks[i], millis(order[i].time) + GRACE + FOLD_MARGIN)
    places = st.integers(0, len(order) - 1)
    actions = draw(st.dictionaries(places, st.sampled_from(ACTIONS), max_size=12)) if order else {}
    for place, (event, clock) in enumerate(zip(order, clocks, strict=True)):
        worker.accept(event)
        worker.do(actions.get(place), clock)
    worker.do(draw(st.sampled_from((None, *ACTIONS))), latest_clock)


def arranged(draw, events):
    """Draw an order of arrival: that of time, nearly that, or any."""
    how = draw(st.sampled_from(("in order", "nearly", "any")))
    if how == "any":
        return draw(st.permutations(events))
    order = in_order(events)
    if how == "nearly":
        delays = draw(st.lists(st.sampled_from(DELAYS), min_size=len(order), max_size=len(order)))
        late = zip(order, delays, strict=True)
        order = [event for event, _ in sorted(late, key=lambda pair: millis(pair[0].time) + pair[1])]
    return order


def spread(draw, config, events, at):
    """Return three workers that were handed all events, each customer's and agent's to one of them."""
    keys = sorted({timeline_key(event) for event in events})
    home = dict(zip(keys, draw(st.lists(st.integers(0, 2), min_size=len(keys), max_size=len(keys))), strict=True))
    workers = [Worker(config) for _ in range(3)]
    for number, worker in enumerate(workers):
        deliver(draw, worker, [e for e in events if home[timeline_key(e)] == number], at)
    return workers


def together(snapshots):
    """Return one snapshot of many: groups and rows by name, panes added up."""
    groups, rows = [], []
    store = Store()
    columns = []
    for one in snapshots:
        group_of = numbers(groups, one.groups)
        row_of = np.concatenate((np.arange(FIXED_ROWS), FIXED_ROWS + numbers(rows, one.open_rows)))
        for key, pane in one.store.panes.items():
            store.put(*key, merged(store.panes.get(key, NO_CELLS), renumbered(pane, group_of, row_of)))
        work = one.work
        columns.append(Work(row_of[work.row], group_of[work.group], work.start, work.due, work.until))
    return Snapshot(store, groups, rows, Work(*(np.concatenate(column) for column in zip(*columns, strict=True))))


def numbers(known, names):
    """Return the places of the names in `known`, which takes in the new ones."""
    known += [name for name in names if name not in known]
    return np.array([known.index(name) for name in names], dtype=np.int64)


def renumbered(pane, group_of, row_of):
    def other(cells):
        row = (cells & (GROUP_UNIT - 1)) >> 1
        return group_of[cells // GROUP_UNIT] * GROUP_UNIT + row_of[row] * 2 + (cells & 1)

    bucket = pane.buckets & ((1 << BUCKET_BITS) - 1)
    return Cells(
        other(pane.cells), pane.counts, pane.totals, other(pane.buckets >> BUCKET_BITS) << BUCKET_BITS | bucket,
        pane.bucket_counts,
    )  # fmt: skip


@pytest.mark.parametrize("before", EXAMPLES)
def test_any_way_of_arrival_gives_the_bytes_of_one_sorted_pass(before):
    shown = Shown()

    @settings(max_examples=EXAMPLES[before], phases=PHASES[before])
    @given(configs, st.sampled_from(AFTER), st.data())
    def law(config, after, data):
        events = told(data.draw, before)
        at = soon(events)
        late = data.draw(st.lists(st.sampled_from(events), max_size=3))
        expected = single_pass(config, events, late)
        worker = Worker(config, late)
        with small_limits():
            deliver(data.draw, worker, events, at)
            shown.same(text(snapshot_of(worker.partition), config, at), text(expected, config, at))
            worker.do(data.draw(st.sampled_from(ACTIONS)), at + after)
            shown.same(text(snapshot_of(worker.partition), config, at + after), text(expected, config, at + after))
        on_time = single_pass(config, [event for event in events if event not in late])
        shown.same(text(on_time, config, at), text(expected, config, at))

    law()
    shown.all_after(before)


@pytest.mark.parametrize("before", EXAMPLES)
def test_any_number_of_partitions_gives_the_bytes_of_one(before):
    shown = Shown()

    @settings(max_examples=EXAMPLES[before], phases=PHASES[before])
    @given(configs, st.sampled_from(AFTER), st.data())
    def law(config, after, data):
        events = told(data.draw, before)
        at = soon(events)
        expected = single_pass(config, events)
        with small_limits():
            workers = spread(data.draw, config, events, at)
            for then in (at, at + after):
                for worker in workers:
                    worker.do(data.draw(st.sampled_from(ACTIONS)), then)
                snapshot = together([snapshot_of(worker.partition) for worker in workers])
                shown.same(text(snapshot, config, then), text(expected, config, then))

    law()
    shown.all_after(before)


@pytest.mark.parametrize("before", EXAMPLES)
def test_a_board_ranks_the_values_of_many_partitions_as_those_of_one(before):
    shown = Shown()

    @settings(max_examples=EXAMPLES[before], phases=PHASES[before])
    @given(narrow_configs, st.sampled_from(AFTER), st.data())
    def law(config, after, data):
        events = told(data.draw, before)
        at = soon(events)
        expected = single_pass(config, events)
        merge = Merge(config)
        with small_limits():
            workers = spread(data.draw, config, events, at)
            for then in (at, at + after):
                for worker in workers:
                    worker.cut(then)
                turns = data.draw(st.permutations([n for n, worker in enumerate(workers) for _ in worker.flushes]))
                for number in turns:
                    merge.apply(number, workers[number].flushes.pop(0))
                    if data.draw(st.booleans()):
                        merge.evaluate(then)
                shown.same(render(merge.evaluate(then), config.dimensions.names), text(expected, config, then))

    law()
    shown.all_after(before)


def test_the_weeks_have_every_number_and_each_of_its_labels():
    snapshot = single_pass(SETTINGS["default"], weeks(START_MS))
    blocks = list(evaluate(snapshot, SETTINGS["default"], START_MS))
    assert {block.family for block in blocks if block.values[block.shown].any()} == FAMILIES
    shown = {(block.metric.name, label) for block in blocks for label in block.labels}
    # what spikes is the count of tickets; whose excess it is is shown of no other metric
    asked = (metric for metric in METRICS if metric.name != "spike_contributor_ratio")
    assert {(metric.name, label) for metric in asked for series in metric.series for label in series.labels} <= shown


def status(second, *queues):
    """Return an agent's event that says whose queues it now serves."""
    ms = START_MS + second * SECOND
    return build(
        "support.agent.status_changed", ms, "agent-1", {"status": "available", "queues": [*queues]}, id=str(ms)
    )


def test_a_value_that_only_one_order_of_arrival_went_through_takes_no_place():
    """Limit 1: no event is of a queue. That there was a cut while the agent served billing makes it no value to rank."""
    config = SETTINGS["two dimensions"]
    events = [status(0, "billing"), status(1, "support")]
    at = START_MS + MINUTE
    worker = Worker(config)
    for event in events:
        worker.accept(event)
        worker.cut(at)
    assert ("", "billing", "", "") in worker.partition.context.groups.tuples
    shown = text(snapshot_of(worker.partition), config, at)
    assert shown == text(single_pass(config, events), config, at)
    assert (
        'support_queue_agents{agent="",by="queue",channel="",queue="support",status="available",team=""} 1.0' in shown
    )


def test_open_work_of_a_value_without_events_is_shown_while_a_place_is_free():
    """90 days on nothing has events: both queues are shown. One event of a third takes the only place: both are `other`."""
    config = SETTINGS["two dimensions"]
    old = [
        build("support.ticket.created", START_MS, f"ticket-ada-{i}", {"customer": "ada", "created_by": "customer"} | where,
              id=str(i))
        for i, where in enumerate(({"queue": "billing"}, {"queue": "support"}))
    ]  # fmt: skip
    at = START_MS + 91 * DAY
    unassigned = 'support_tickets_unassigned{{agent="",by="queue",channel="",queue="{}",team=""}} {}.0'
    shown = text(single_pass(config, old), config, at)
    assert all(unassigned.format(queue, 1) in shown for queue in ("billing", "support"))
    new = build("support.ticket.created", at, "ticket-bob-0",
                {"customer": "bob", "created_by": "customer", "queue": "sales"})  # fmt: skip
    for events in ([*old, new], [new, *reversed(old)]):
        worker = Worker(config)
        for event in events:
            worker.accept(event)
        shown = text(snapshot_of(worker.partition), config, at)
        assert unassigned.format("other", 2) in shown
        assert unassigned.format("sales", 1) in shown
