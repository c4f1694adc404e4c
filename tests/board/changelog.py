"""A changelog as workers write it: partitions that are fed with a simulator's events and cut now and then."""

from zlib import crc32

import msgspec

from streamer.events.codec import Decoder
from streamer.events.keys import partition_key, timeline_key
from streamer.partition import PANES, Partition
from streamer.producers.simulator import demo, simulate
from streamer.replay import accept
from streamer.settings import Settings

START = 1_767_600_000_000  # 2026-01-05T08:00:00Z, a Monday
_encode = msgspec.json.Encoder().encode


def simulated(settings=None, *, minutes=20, customers=300, seed=1, start=START):
    """(arrival, event, time) of a simulated centre, in order of arrival."""
    settings = settings or Settings()
    decoder = Decoder(settings.surveys.scales, settings.time.future)
    raw = simulate(demo(customers=customers), start_ms=start, duration_ms=minutes * 60_000, seed=seed)
    found = [accept(decoder, _encode(event)) for event in raw]
    return sorted(((arrival, event, time) for event, time, arrival in found), key=lambda record: record[0])


class Cluster:
    """Some partitions, each with its events' changes cut when asked for."""

    def __init__(self, settings, count=3):
        self.partitions = [Partition(settings, number) for number in range(count)]
        self.count = count

    def accept(self, arrival, event, time):
        key = timeline_key(event) if event.entity == "agent" else partition_key(event)
        self.partitions[crc32(key.encode()) % self.count].accept(event, time, arrival)

    def cut(self, clock):
        """(partition, records of the panes table) of all partitions."""
        return [(p.number, p.changes(clock).tables[PANES]) for p in self.partitions]
