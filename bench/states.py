"""Partition states for jobs J1 to J3: this product's transport, facts and panes around the peers' three jobs.

A partition counts what is in it; who reads the changelogs adds the partitions up, as the board does with panes.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from struct import Struct as Packed
from typing import Any, Final

import msgspec
import numpy as np

from bench.tickets import SLICE_MS, SLICES, Sums, millis
from streamer.facts import GROUP_UNIT, ROW_LIMIT, Fact, cell
from streamer.panes.records import GROUP, encode, number_key, read_number_key
from streamer.panes.store import EVER, Batch, Cells, Shape, Store, merged, reduce_facts
from streamer.processor.partition import Changes, Record

PANES, TICKETS = "panes", "timelines"
#: the family by which the bench sees what is committed
FLUSHED: Final = "bench_events_flushed"
_WINDOW, _PANE = b"w", b"p"
_NUMBER: Final = Packed(">cI")
_LINE: Final = Packed(">ddH")
#: J2 keeps its slices as long as the peers keep theirs: the window and 5 min of grace
_KEPT: Final = 2 * SLICES
_NONE: Final = np.empty(0, dtype=np.int64)

Rows = list[tuple[bytes, bytes | None]]
_decode_pane = msgspec.msgpack.Decoder(tuple[list[int], list[int], list[int]]).decode
_decode_name = msgspec.msgpack.Decoder(tuple[str, ...]).decode


class _Numbers(dict[Any, int]):
    """Numbers names as they come."""

    def __missing__(self, name: Any) -> int:
        self[name] = number = len(self)
        return number


def _cells(cells: Any, counts: Any, totals: Any) -> Cells:
    return Cells(cells, counts, totals, _NONE, _NONE)


class Transport:
    """No job: what it takes to bring records to a state, with the worker's flushes of nothing. Base of the others."""

    tables: tuple[str, ...] = (PANES,)

    def __init__(self, tick: Callable[[int], None]) -> None:
        self._tick = tick
        self._applied = 0

    def apply(self, topic: str, records: Sequence[Record]) -> None:
        """Take in records."""
        del topic
        self.take([record.value or b"" for record in records])
        self._applied += len(records)
        self._tick(len(records))

    def work_off(self) -> None:
        """Nothing is put off."""

    def take(self, values: list[bytes]) -> None:
        """Take in the records' values."""

    @property
    def dirty(self) -> bool:
        """Whether anything came since the last cut."""
        return self._applied > 0

    def changes(self, clock: int) -> Changes:
        """Cut."""
        del clock
        return Changes({}, ())

    def counters(self) -> Mapping[tuple[str, ...], int]:
        """Return how many events this cut includes."""
        applied, self._applied = self._applied, 0
        return {(FLUSHED,): applied}

    def restore_many(self, table: str, pairs: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Take in changelog records."""

    def restored(self) -> None:
        """Recovery is complete."""


class _Full(msgspec.Struct, gc=False):
    type: str
    ticket_id: str
    occurred_at: float
    queue: str
    channel: str


class Decode(Transport):
    """No job but decoding every field that any of the three needs."""

    _decode = msgspec.json.Decoder(_Full).decode_lines

    def take(self, values: list[bytes]) -> None:
        """Decode."""
        self._decode(b"\n".join(values))


class _Job(Transport):
    """A job with panes: named groups, summed at the cut, written a pane a record."""

    size = 0

    def __init__(self, tick: Callable[[int], None]) -> None:
        super().__init__(tick)
        self._store = Store()
        self._names = _Numbers()
        self._named = 0

    def batch(self) -> Batch | None:
        """Return what came since the last cut, summed."""
        raise NotImplementedError

    def changes(self, clock: int) -> Changes:
        """Cut."""
        del clock
        rows: Rows = []
        if batch := self.batch():
            self._store.add(self.size, batch)
        names = list(self._names)[self._named :]
        rows += [(number_key(GROUP, self._names[name]), encode(name)) for name in names]
        self._named += len(names)
        changed = {number for _, number in self._store.take_changed()}
        rows += [(_NUMBER.pack(_PANE, n), _encoded(self._store.panes[self.size, n])) for n in changed]
        rows += self.more(changed)
        return Changes({PANES: rows}, ())

    def more(self, changed: set[int]) -> Rows:
        """Return what else follows from panes that changed."""
        del changed
        return []

    def restore_many(self, table: str, pairs: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Take in changelog records; the last one of a key counts."""
        del table
        for key, value in pairs:
            if key[:1] == GROUP:
                self._names[_decode_name(value or b"")] = read_number_key(key)
            elif key[:1] == _PANE and value is None:
                self._store.panes.pop((self.size, _NUMBER.unpack(key)[1]), None)
            elif key[:1] == _PANE:
                cells = _cells(*(np.array(part, dtype=np.int64) for part in _decode_pane(value or b"")))
                self._store.put(self.size, _NUMBER.unpack(key)[1], cells)

    def restored(self) -> None:
        """Recovery is complete."""
        self._named = len(self._names)

    def result(self) -> Sums:
        """Return (pane, *name) -> (count, sum)."""
        return self._named_cells((number, cells) for (_, number), cells in self._store.panes.items())

    def _named_cells(self, panes: Any) -> Sums:
        names = {number: name for name, number in self._names.items()}
        return {
            (number, *names[at // GROUP_UNIT]): (count, total)
            for number, cells in panes
            for at, count, total in zip(*(part.tolist() for part in cells[:3]), strict=True)
        }


def _encoded(cells: Cells) -> bytes:
    return encode([part.tolist() for part in cells[:3]])


class _Queue(msgspec.Struct, gc=False):
    queue: str


class Count(_Job):
    """J1: the running count of each queue, in the pane of all time."""

    size = EVER
    _decode = msgspec.json.Decoder(_Queue).decode_lines
    _queue = attrgetter("queue")

    def __init__(self, tick: Callable[[int], None]) -> None:
        super().__init__(tick)
        self._counts: Counter[str] = Counter()

    def take(self, values: list[bytes]) -> None:
        """Count."""
        self._counts.update(map(self._queue, self._decode(b"\n".join(values))))

    def batch(self) -> Batch | None:
        """Return the counts."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return None
        numbers = np.array([cell(0, self._names[queue,]) for queue in counts])
        number = np.array(list(counts.values()))
        summed = merged(_cells(numbers, number, np.zeros_like(number)))
        return Batch(np.zeros_like(number), *summed[:3], _NONE, _NONE, _NONE)


class _Place(msgspec.Struct, gc=False):
    queue: str
    channel: str
    occurred_at: float


class Hopping(_Job):
    """J2: count and sum by queue and channel in windows of 5 min every 10 s, from slices of 10 s.

    Each cut also writes every window that changed, so that the job's results are in the log as the peers' are.
    """

    _decode = msgspec.json.Decoder(_Place).decode_lines
    _place = attrgetter("queue", "channel")
    _time = attrgetter("occurred_at")

    def __init__(self, tick: Callable[[int], None]) -> None:
        super().__init__(tick)
        self._waiting: list[tuple[Any, Any]] = []
        self._written: dict[int, Cells] = {}

    def take(self, values: list[bytes]) -> None:
        """Number the events' groups, and keep the times."""
        events = self._decode(b"\n".join(values))
        groups = np.fromiter(map(self._names.__getitem__, map(self._place, events)), np.int64, len(events))
        times = np.fromiter(map(self._time, events), np.float64, len(events))
        self._waiting.append((groups, times))

    def batch(self) -> Batch | None:
        """Return the sums by slice and group: a slice and a group are one number of a dense table."""
        if not self._waiting:
            return None
        groups, seconds = (np.concatenate(part) for part in zip(*self._waiting, strict=True))
        self._waiting = []
        times = np.rint(seconds * 1000).astype(np.int64)
        slices = times // SLICE_MS
        low, width = int(slices.min()), len(self._names)
        keys = (slices - low) * width + groups
        counts = np.bincount(keys)
        # exact: a float holds whole numbers up to 2**53
        totals = np.bincount(keys, weights=times % 60).astype(np.int64)
        found = np.flatnonzero(counts)
        return Batch(
            found // width + low, found % width * GROUP_UNIT, counts[found], totals[found], _NONE, _NONE, _NONE
        )

    def more(self, changed: set[int]) -> Rows:
        """Return the windows that hold a slice that changed, and drop the slices past their time."""
        rows: Rows = []
        for start in {number - i for number in changed for i in range(SLICES)}:
            summed = merged(*self._store.range(self.size, start, start + SLICES - 1))
            rows.append((_NUMBER.pack(_WINDOW, start), _encoded(summed)))
        dropped = self._store.drop_before(self.size, max(n for _, n in self._store.panes) - _KEPT) if changed else []
        return rows + [(_NUMBER.pack(_PANE, number), None) for number in {number for _, number, _ in dropped}]

    def restore_many(self, table: str, pairs: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Take in changelog records; windows are results, and kept for who asks."""
        super().restore_many(table, pairs)
        for key, value in pairs:
            if key[:1] == _WINDOW:
                parts = (np.array(part, dtype=np.int64) for part in _decode_pane(value or b""))
                self._written[_NUMBER.unpack(key)[1]] = _cells(*parts)

    def result(self) -> Sums:
        """Return (first slice of the window, queue, channel) -> (count, sum)."""
        return self._named_cells(self._written.items())


class _Step(msgspec.Struct, gc=False):
    type: str
    ticket_id: str
    occurred_at: float
    queue: str


class Line(msgspec.Struct, gc=False):
    """A ticket's timeline: its first event and its reply (seconds; 0 none yet), and the group of that."""

    first: float
    replied: float = 0.0
    group: int = 0


class FirstReply(_Job):
    """J3: the mean time to the first reply by queue and minute, from a timeline a ticket.

    An event that comes late and is a ticket's first takes the reply's fact back and states it anew.
    """

    tables = (TICKETS, PANES)
    _decode = msgspec.json.Decoder(_Step).decode_lines
    _shape = Shape(np.eye(1, ROW_LIMIT, dtype=np.int64)[0], np.zeros(ROW_LIMIT, dtype=np.int64))

    def __init__(self, tick: Callable[[int], None]) -> None:
        super().__init__(tick)
        self._lines: dict[str, Line] = {}
        self._touched: dict[str, Line] = {}
        self._facts: list[Fact] = []

    def take(self, values: list[bytes]) -> None:
        """Follow the tickets."""
        lines, touched = self._lines, self._touched
        known = lines.get
        for event in self._decode(b"\n".join(values)):
            ticket, at = event.ticket_id, event.occurred_at
            line = known(ticket)
            if line is None:
                line = lines[ticket] = touched[ticket] = Line(at)
            elif at < line.first:
                self._state(line, -1)
                line.first = at
                self._state(line, 1)
                touched[ticket] = line
            if event.type == "ticket.first_reply" and not line.replied:
                line.replied, line.group = at, self._names[event.queue,]
                self._state(line, 1)
                touched[ticket] = line

    def _state(self, line: Line, sign: int) -> None:
        """State the reply's fact, or take it back; nothing where there was no reply."""
        if line.replied:
            at = millis(line.replied)
            self._facts.append((line.group * GROUP_UNIT, at, at - millis(line.first), sign))

    def batch(self) -> Batch | None:
        """Return the facts, summed by minute."""
        facts, self._facts = self._facts, []
        return reduce_facts(facts, self._shape)[0] if facts else None

    def changes(self, clock: int) -> Changes:
        """Cut."""
        touched, self._touched = self._touched, {}
        pack = _LINE.pack
        rows: Rows = [(key.encode(), pack(line.first, line.replied, line.group)) for key, line in touched.items()]
        return Changes({TICKETS: rows, **super().changes(clock).tables}, ())

    def restore_many(self, table: str, pairs: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Take in changelog records."""
        if table == PANES:
            super().restore_many(table, pairs)
            return
        for key, value in pairs:
            self._lines[key.decode()] = Line(*_LINE.unpack(value or b""))


STATES: Mapping[str, type[Transport]] = {
    "transport": Transport,
    "decode": Decode,
    "j1": Count,
    "j2": Hopping,
    "j3": FirstReply,
}
