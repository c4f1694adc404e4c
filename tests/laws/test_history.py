"""History (events with a recordedtime) may be taken in at any time of the clock, over any number of flushes."""

import pytest

from streamer.events import millis
from streamer.partition import _LONG_TAIL, Partition
from streamer.settings import Settings
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
