"""Panes that facts are put into, and the numbers of the comparison that they give."""

import numpy as np

from streamer.facts import cell
from streamer.metrics.catalogue import row
from streamer.metrics.catalogue.comparison import OPEN_DRIVERS
from streamer.metrics.evaluate import Snapshot, evaluate
from streamer.metrics.exposition import labels_of, render
from streamer.metrics.plan import Plan
from streamer.metrics.windows import Windows
from streamer.panes.store import Store, reduce_facts
from streamer.panes.work import work_table
from streamer.settings import Settings
from streamer.timelines.context import Groups, OpenRows

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
WEEK = 7 * DAY
#: Monday, 2 March 2026, 10:00 UTC
T = 1_772_445_600_000
SETTINGS = Settings()
CREATED, ABANDONED, ANSWERED, WAIT = (
    row("tickets_created"),
    row("leg", outcome="abandoned", reached="within"),
    row("leg", outcome="answered", reached="within"),
    row("answer_wait"),
)


class Desk:
    """Panes that facts are put into, and the numbers they give."""

    def __init__(self, settings=SETTINGS):
        self.settings, self.plan, self.store = settings, Plan(settings), Store()
        self.groups, self.open_rows = Groups(3), OpenRows()
        self.windows = Windows(settings, self.plan)

    def facts(self, row_, at, n, value=1, *, queue="billing", channel="phone"):
        return [(cell(row_, self.groups.number((channel, queue, ""))), at, value, 1)] * n

    def open_row(self, value):
        number = self.open_rows.row(OPEN_DRIVERS, value)
        self.plan.open_row(number, OPEN_DRIVERS)
        return number

    def put(self, facts):
        for size, batch in enumerate(reduce_facts(facts, self.plan.shape)):
            self.store.add(size, batch)
            self.windows.change(size, batch)

    def add(self, *args, **kwargs):
        self.put(self.facts(*args, **kwargs))

    def snapshot(self):
        return Snapshot(self.store, self.groups.tuples, self.open_rows.keys, work_table([]))

    def numbers(self, at=T, *, windows=None, **kwargs):
        found = {}
        for block in evaluate(self.snapshot(), self.settings, at, windows, **kwargs):
            for place in np.flatnonzero(block.shown).tolist():
                by, values = block.places.labels[place]
                labels = labels_of(by, values, block.labels, self.settings.dimensions.names)
                key = (block.family.removeprefix("support_"), *sorted(v for v in labels.values() if v))
                found[key] = block.values[place].item()
        return found

    def text(self, windows=None, at=T):
        return render(evaluate(self.snapshot(), self.settings, at, windows), self.settings.dimensions.names)


def usual_weeks(desk, counts, shift=0):
    """Have so many tickets created in the hour of T (moved by `shift` ms) 1, 2, ... weeks before it."""
    for week, n in enumerate(counts, 1):
        desk.add(CREATED, T - week * WEEK + shift + MINUTE, n)
