"""Finished customers: what real folds leave of customers whose contacts have all ended, for a state of any size."""

from collections.abc import Iterator
from typing import NamedTuple

from bench.core import CHUNK, chunks
from bench.inputs import records
from streamer.panes.records import WORK
from streamer.partition import PANES, TIMELINES, Partition
from streamer.settings import Settings
from streamer.timelines.open_work import open_work
from streamer.timelines.timeline import Timeline

#: two days before the input of the measurements, so that nothing of it is late
_START = "2026-01-03T00:00:00Z"
#: some six minutes of the simulator's `bench`: by then many chats and calls have ended
_EVENTS = 300_000
_CUSTOMERS = 10_000
Pair = tuple[bytes, bytes | None]


class Past(NamedTuple):
    """Timeline records of finished customers, and the panes, groups and rows that go with them."""

    customers: list[bytes]
    panes: list[Pair]

    def known(self, number: int) -> Iterator[Pair]:
        """Return timeline records of so many customers c0, c1, ...: what was folded, again and again, each its own bytes."""
        for i in range(number):
            yield b"c:c%d" % i, bytes(bytearray(self.customers[i % len(self.customers)]))


def past() -> Past:
    """Fold the simulator's events, and return the customers without open work."""
    partition = Partition(Settings())
    input_ = records(_EVENTS, _CUSTOMERS, _START)
    for chunk in chunks(input_, CHUNK):
        for topic, part in chunk:
            partition.apply(topic, part)
        partition.work_off()
    tables = partition.changes(input_[-1].timestamp).tables
    bound = input_[-1].timestamp + 1
    found = []
    for key, value in tables[TIMELINES]:
        if key.startswith(b"c:"):
            timeline = Timeline.load(value or b"", partition.context, customer=True)
            if not open_work(timeline.state, partition.context):
                timeline.fold_before(partition.context, bound)  # as for a customer that nobody has heard of for a day
                found.append(timeline.record())
    return Past(found, [pair for pair in tables[PANES] if not pair[0].startswith(WORK)])
