"""One customer's timeline: a packed base that everything older is folded into, and the recent events in order.

`Timeline.add` is the one entry: it applies an event in order with one step, or folds the tail again from the base with
the event in its place and states the difference. A fold and a live step are the same `step`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from streamer.events import Event
from streamer.events.codec import pack, unpack_all
from streamer.facts import GROUP_UNIT, Fact, cell
from streamer.metrics.catalogue import ACTIVITY
from streamer.timelines import agents, contacts, customers, surveys, tickets
from streamer.timelines.context import Context
from streamer.timelines.relations import KEPT_MAX, forget
from streamer.timelines.state import State

#: a hot customer's older events fold early (design.md): one out-of-order event folds at most so many again
TAIL_MAX = 2_000
_TAIL_KEPT = 1_500
_LOOKED_THROUGH = 64
#: the bits of `_seen`: of 64 events a repeat is asked for in vain once in eight
_BITS = [1 << place for place in range(512)]
#: a long tail's state is packed after every so many events: to pack costs as much as some ten steps
_MARK_EVERY = 32

_STEPS: dict[str, tuple[Callable[[State, Context, Any, int], int], int]] = {
    "ticket": (tickets.step, cell(ACTIVITY["tickets"], 0)),
    "chat": (contacts.step, cell(ACTIVITY["queue"], 0)),
    "call": (contacts.step, cell(ACTIVITY["queue"], 0)),
    "survey": (surveys.step, cell(ACTIVITY["surveys"], 0)),
    "customer": (customers.step_customer, cell(ACTIVITY["customers"], 0)),
    "cart": (customers.step_cart, cell(ACTIVITY["customers"], 0)),
    "mention": (customers.step_mention, cell(ACTIVITY["customers"], 0)),
    "agent": (agents.step, cell(ACTIVITY["agents"], 0)),
}
_encode_state = msgspec.msgpack.Encoder().encode
_decode_state = msgspec.msgpack.Decoder(State).decode


#: (time, rank, source, id, event): an event that may be applied, and its place in the order of metrics.md, which no other
#: has. A plain tuple: one is made for every event, and a named one costs four times as much.
Entry = tuple[int, int, str, str, Event]


class Record(msgspec.Struct, array_like=True, gc=False):
    """A timeline as it is written: the base (empty: nothing folded yet), up to when it is folded, and the tail.

    `erased` is written only where the customer was erased: the clock (ms) when that was taken in.
    """

    base: bytes
    folded: int
    count: int
    tail: bytes
    erased: int = 0


_encode_record = msgspec.msgpack.Encoder().encode
_decode_record = msgspec.msgpack.Decoder(Record).decode
#: MessagePack's first byte of an array of five: a record with `erased`
_FIVE = 0x95


def step(state: State, ctx: Context, event: Event, t: int) -> None:
    """Apply one event at its time `t` to the state; append its signed facts to `ctx.facts`. Meaning lives behind this."""
    state.events += 1
    ctx.source = event.source
    if (
        t >= state.forget_from
        or len(state.tickets) + len(state.contacts) > KEPT_MAX
        or max(len(state.surveys), len(state.carts)) > KEPT_MAX
    ):
        forget(state, t)
    apply, activity = _STEPS[event.entity]
    group = apply(state, ctx, event, t)
    if group >= 0:
        ctx.facts.append((activity + group * GROUP_UNIT, t, 0, 1))


class Timeline:
    """The live form of a timeline. `state` is always the fold of base and tail."""

    __slots__ = (
        "_ids",
        "_marks",
        "_seen",
        "base",
        "count",
        "erased",
        "first",
        "folded",
        "last",
        "state",
        "tail",
        "touched",
    )

    def __init__(self, *, customer: bool) -> None:
        self.base = b""
        self.folded = -(1 << 62)
        #: the tail: how many events, the time of the first, the last one's place in the order, and all of them packed
        self.count = 0
        self.first = 0
        self.last: tuple[int, int, str, str] = (0, 0, "", "")
        self.tail = bytearray()
        self.state = State(customer=customer)
        #: the clock when the customer's erasure was taken in, ms; 0: was not erased
        self.erased = 0
        #: the cut up to which it was used last
        self.touched = 0
        #: the bits of the hashes of the ids in the tail: almost every event is told by them to be no repeat
        self._seen = 0
        #: source and id of the tail's events, kept once the tail is too long to look through
        self._ids: set[tuple[str, str]] | None = None
        #: (how many events of the tail, the state packed after them): an event out of order folds from there
        self._marks: list[tuple[int, bytes]] = []

    @classmethod
    def load(cls, record: bytes, ctx: Context, *, customer: bool) -> "Timeline":
        """Return the timeline of a written record; its facts have been counted already and are not stated again."""
        timeline = cls(customer=customer)
        stored = _decode_record(record)
        timeline.base, timeline.folded = stored.base, stored.folded
        timeline.count, timeline.tail = stored.count, bytearray(stored.tail)
        timeline.erased = stored.erased
        entries = timeline._entries()
        timeline._know(entries)
        timeline.state = timeline._fold(ctx, entries, [])
        return timeline

    def record(self) -> bytes:
        """Return the timeline as it is written."""
        written = (self.base, self.folded, self.count, self.tail)  # as a Record, which takes longer to make
        return _encode_record((*written, self.erased) if self.erased else written)

    def has(self, source: str, id_: str) -> bool:
        """Tell whether the tail has an event of this source and id."""
        if self._ids is None:
            if self.count <= _LOOKED_THROUGH:
                likely = self._seen & _BITS[hash(id_) & 511]
                return bool(likely) and any(e[3] == id_ and e[2] == source for e in self._entries())
            self._ids = {entry[2:4] for entry in self._entries()}
        return (source, id_) in self._ids

    def add(self, ctx: Context, entries: list[Entry]) -> None:
        """Apply events, in order among themselves, none late and none a repeat; their facts go into `ctx.facts`.

        What comes after the tail is applied at once. Otherwise the tail is folded again with the events in their places,
        and the difference is stated.
        """
        if self._ids is not None:
            self._ids.update(entry[2:4] for entry in entries)
        if self.count and entries[0] < self.last:
            self._insert(ctx, entries)
        else:
            self._append(ctx, entries)
        if self.count > TAIL_MAX and self.last[0] > self.first:
            times = [entry[0] for entry in self._entries()]
            kept = times[-_TAIL_KEPT]
            self.fold_before(ctx, kept if kept > self.first else next(time for time in times if time > kept))

    def _append(self, ctx: Context, entries: list[Entry]) -> None:
        if not self.count:
            self.first = entries[0][0]
        state, tail, count, seen = self.state, self.tail, self.count, self._seen
        for time, _, _, id_, event in entries:
            step(state, ctx, event, time)
            pack(event, time, tail)
            seen |= _BITS[hash(id_) & 511]
            count += 1
            if not count % _MARK_EVERY:
                self._marks = [*self._marks[-1:], (count, _encode_state(state))]
        self.count, self.last, self._seen = count, entries[-1][:4], seen

    def _insert(self, ctx: Context, entries: list[Entry]) -> None:
        tail = self._entries()
        place = bisect_left(tail, entries[0])
        self._marks = [mark for mark in self._marks if mark[0] <= place]
        old: list[Fact] = []
        self._fold(ctx, tail, old)
        tail = sorted(tail + entries)
        new: list[Fact] = []
        self.state = self._fold(ctx, tail, new)
        self._put(tail)
        ctx.facts += difference(old, new)

    def _entries(self) -> list[Entry]:
        """Return the events of the tail."""
        return [(time, event.rank, event.source, event.id, event) for time, event in unpack_all(self.count, self.tail)]

    def _put(self, entries: list[Entry]) -> None:
        """Let these be the tail."""
        self.count, self.tail = len(entries), bytearray()
        for entry in entries:
            pack(entry[4], entry[0], self.tail)
        self._know(entries)

    def _know(self, entries: list[Entry]) -> None:
        """Note what is to be known of the tail without unpacking it."""
        self._seen = 0
        for entry in entries:
            self._seen |= _BITS[hash(entry[3]) & 511]
        if entries:
            self.first, self.last = entries[0][0], entries[-1][:4]

    def _fold(self, ctx: Context, tail: list[Entry], facts: list[Fact]) -> State:
        """Return the state after `tail`, folded from the last mark, else from the base; what is odd was counted before.

        The facts of what is folded go into `facts`.
        """
        kept_facts, kept_anomalies = ctx.facts, ctx.anomalies
        ctx.facts, ctx.anomalies = facts, {}
        done, packed = self._marks[-1] if self._marks else (0, self.base)
        state = _decode_state(packed) if packed else State(customer=self.state.customer)
        for entry in tail[done:]:
            step(state, ctx, entry[4], entry[0])
        ctx.facts, ctx.anomalies = kept_facts, kept_anomalies
        return state

    @property
    def blank(self) -> bool:
        """Whether nothing is left to remember: the customer was erased, and nothing has come since."""
        return not self.count and self.state == State(customer=self.state.customer, events=self.state.events)

    def fold_before(self, ctx: Context, bound: int) -> None:
        """Fold what is older than `bound` into the base: no event before the last of that can be accepted any more."""
        if not self.count or self.first >= bound:
            return
        self._marks = []
        if self.last[0] < bound:
            folded = self.last[0]
            self.base, self.tail, self.count, self._seen = _encode_state(self.state), bytearray(), 0, 0
        else:
            tail = self._entries()
            place = bisect_left(tail, (bound,))
            folded = tail[place - 1][0]
            self.base = _encode_state(self._fold(ctx, tail[:place], []))
            self._put(tail[place:])
        self._ids = None
        self.folded = max(self.folded, folded + 1)


def erased_at(record: bytes) -> int:
    """Return the clock (ms) when the customer of a timeline's record was erased, 0 where they were not."""
    return _decode_record(record).erased if record[0] == _FIVE else 0


def difference(old: list[Fact], new: list[Fact]) -> list[Fact]:
    """Return the facts that turn the sum of `old` into the sum of `new`."""
    counts: Counter[tuple[int, int, int]] = Counter()
    for c, at, value, sign in new:
        counts[c, at, value] += sign
    for c, at, value, sign in old:
        counts[c, at, value] -= sign
    return [(*key, 1 if n > 0 else -1) for key, n in counts.items() for _ in range(abs(n))]
