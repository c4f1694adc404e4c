"""Workers that count (`counting`), on topics of their own, and what they must come to."""

import json
import random

from streamer.processor.config import WorkerConfig
from tests.processor.counting import decode, unpack
from tests.processor.kit import Group

QUEUES = 20
CUSTOMERS = 500


def record(sources, number, poison=0):
    """(topic, key, value) of an event of a known sequence; with `poison`, one in so many is no JSON."""
    hashed = (number * 2654435761) & 0xFFFFFFFF
    customer, queue = f"c{hashed % CUSTOMERS}", f"q{(hashed >> 8) % QUEUES}"
    body = {"id": number, "customer": customer, "queue": queue, "value": hashed % 600}
    value = b"poison %d" % number if poison and number % poison == 7 else json.dumps(body).encode()
    return sources[number & 1], customer.encode(), value


class CountingGroup(Group):
    """Workers that count, on topics of their own."""

    def __init__(self, folder, bootstrap, partitions=4, **changes):
        name = f"t{random.randrange(1 << 40):x}"
        values = {
            "bootstrap": bootstrap, "app_id": f"{name}-app", "configuration": "c1", "partitions": partitions,
            "sources": [f"{name}.tickets", f"{name}.calls"], "dead_letters": f"{name}.dead-letters",
            "session_timeout_ms": 6_000, "flush_interval_ms": 200, "idle_mark_interval_ms": 1_000, **changes,
        }  # fmt: skip
        super().__init__(folder, WorkerConfig(**{**values, "sources": tuple(values["sources"])}), values)

    def produce(self, count, rate, poison=0):
        return self.send([record(self.config.sources, number, poison) for number in range(count)], rate)

    @property
    def poisoned(self):
        return [value for _, _, value in self.acknowledged if value.startswith(b"poison")]

    def expected(self):
        """What the tables must hold, from what was acknowledged."""
        customers, queues = {}, {}
        for topic, key, value in self.acknowledged:
            if value.startswith(b"poison"):
                continue
            event = decode(value)
            sums = customers.setdefault(key, [0, 0, 0])
            sums[self.config.sources.index(topic)] += 1
            sums[2] += event.value
            queues[event.queue.encode()] = queues.get(event.queue.encode(), 0) + 1
        return {"timelines": customers, "panes": queues}

    @staticmethod
    def found(audit):
        """Tables over all partitions. A customer has one partition; a queue's counts are added up."""
        customers, queues = {}, {}
        for rows in audit.table("timelines").values():
            assert not rows.keys() & customers.keys()
            customers |= {key: unpack(value) for key, value in rows.items()}
        for rows in audit.table("panes").values():
            for key, value in rows.items():
                queues[key] = queues.get(key, 0) + unpack(value)
        return {"timelines": customers, "panes": queues}

    def assert_same(self, audit):
        assert self.found(audit) == self.expected()
