"""A deterministic PartitionState: counts and sums per customer, counts per queue, dead letters for what is no JSON.

It takes topics of any name: tests of what lies around the state share a broker, and see each record counted.
"""

import msgspec

from streamer.processor.partition import Changes, DeadLetter

pack, unpack = msgspec.msgpack.encode, msgspec.msgpack.decode


class Event(msgspec.Struct, gc=False):
    id: int
    customer: str
    queue: str
    value: int


decode = msgspec.json.Decoder(Event).decode


class CountingState:
    def __init__(self, sources):
        self.sources = sources
        self.tables = {"timelines": {}, "panes": {}}
        self.touched = {"timelines": set(), "panes": set()}
        self.letters = []
        self.increments = {}
        self.clock = 0

    def work_off(self):
        pass

    def apply(self, topic, records):
        column, customers, queues = self.sources.index(topic), self.tables["timelines"], self.tables["panes"]
        for record in records:
            try:
                event = decode(record.value)
            except msgspec.DecodeError:
                self.letters.append(DeadLetter(record.key, record.value, [("offset", str(record.offset).encode())]))
                continue
            key, queue = event.customer.encode(), event.queue.encode()
            sums = customers.get(key)
            if sums is None:
                sums = customers[key] = [0] * len(self.sources) + [0]
            elif type(sums) is bytes:
                sums = customers[key] = unpack(sums)
            sums[column] += 1
            sums[-1] += event.value
            counted = queues.get(queue)
            queues[queue] = (unpack(counted) if type(counted) is bytes else counted or 0) + 1
            self.touched["timelines"].add(key)
            self.touched["panes"].add(queue)
        self.increments[("support_events", topic)] = self.increments.get(("support_events", topic), 0) + len(records)

    @property
    def dirty(self):
        return bool(self.touched["timelines"] or self.letters)

    def changes(self, clock):
        assert clock >= self.clock
        self.clock = clock
        cut = {table: [(k, pack(self.tables[table][k])) for k in keys] for table, keys in self.touched.items()}
        letters, self.letters = self.letters, []
        self.touched = {table: set() for table in self.touched}
        return Changes(cut, letters)

    def counters(self):
        taken, self.increments = self.increments, {}
        return taken

    def restore_many(self, table, pairs):
        rows = self.tables[table]
        for key, value in pairs:
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value

    def restored(self):
        assert all(type(value) is bytes or self.clock for value in self.tables["timelines"].values())
