"""One customer's timeline: a packed base that everything older is folded into, and the recent events in order.

`Timeline.add` is the one entry: it applies an event in order with one step, or folds the tail again from the base with
the event in its place and states the difference. A fold and a live step are the same `step`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from streamer.events import CustomerErased, Event
from streamer.events.codec import millis, pack, unpack
from streamer.facts import Fact, cell
from streamer.metrics.catalogue import ACTIVITY
from streamer.timelines import agents, contacts, customers, surveys, tickets
from streamer.timelines.context import Context
from streamer.timelines.relations import forget
from streamer.timelines.state import State

#: a hot customer's older events fold early (design.md): one out-of-order event folds at most so many again
TAIL_MAX = 2_000
_TAIL_KEPT = 1_500
_LOOKED_THROUGH = 12
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


class Entry(NamedTuple):
    """An event of the tail; the first four fields are the order of metrics.md and, with the last two, its identity."""

    time: int
    rank: int
    source: str
    id: str
    packed: bytes


class Record(msgspec.Struct, array_like=True, gc=False):
    """A timeline as it is written: the base (empty: nothing folded yet), up to when it is folded, and the tail."""

    base: bytes
    folded: int
    tail: list[bytes]


_encode_record = msgspec.msgpack.Encoder().encode
_decode_record = msgspec.msgpack.Decoder(Record).decode


def step(state: State, ctx: Context, event: Event, t: int) -> None:
    """Apply one event at its time `t` to the state; append its signed facts to `ctx.facts`. Meaning lives behind this."""
    state.events += 1
    forget(state, t)
    if isinstance(event, CustomerErased):
        customers.erase(state, ctx, t)
        return
    apply, activity = _STEPS[event.entity]
    group = apply(state, ctx, event, t)
    if group >= 0:
        ctx.facts.append((activity + cell(0, group), t, 0, 1))


class Timeline:
    """The live form of a timeline. `state` is always the fold of base and tail."""

    __slots__ = ("_ids", "_marks", "base", "folded", "state", "tail", "touched", "waiting")

    def __init__(self, *, customer: bool) -> None:
        self.base = b""
        self.folded = -(1 << 62)
        self.tail: list[Entry] = []
        self.state = State(customer=customer)
        #: events out of order, and what came after them, until they are put into the tail
        self.waiting: list[Entry] = []
        self.touched = 0
        #: source and id of the tail's events, kept once the tail is too long to look through
        self._ids: set[tuple[str, str]] | None = None
        #: (how many entries of the tail, the state packed after them): an event out of order folds from there
        self._marks: list[tuple[int, bytes]] = []

    @classmethod
    def load(cls, record: bytes, ctx: Context, *, customer: bool) -> "Timeline":
        """Return the timeline of a written record; its facts have been counted already and are not stated again."""
        timeline = cls(customer=customer)
        stored = _decode_record(record)
        timeline.base, timeline.folded = stored.base, stored.folded
        for packed in stored.tail:
            event = unpack(packed)
            timeline.tail.append(entry_of(event, packed))
        timeline.state = timeline._fold(ctx, [])
        return timeline

    def record(self) -> bytes:
        """Return the timeline as it is written."""
        return _encode_record(Record(self.base, self.folded, [entry.packed for entry in self.tail]))

    def has(self, event: Event) -> bool:
        """Tell whether the tail, or what is to be put into it, has an event of this source and id."""
        id_, source, tail = event.id, event.source, self.tail
        if self._ids is None:
            if len(tail) + len(self.waiting) <= _LOOKED_THROUGH:
                for entry in tail:
                    if entry[3] == id_ and entry[2] == source:
                        return True
                return any(entry.id == id_ and entry.source == source for entry in self.waiting)
            self._ids = {(entry.source, entry.id) for entry in (*tail, *self.waiting)}
        return (source, id_) in self._ids

    def add(self, ctx: Context, event: Event, t: int) -> bool:
        """Take in an event that is neither late, nor a repeat, nor older than what is folded.

        In order it is applied at once. Out of order it waits, and so does all that comes after it, until `insert` is
        called, at the latest before the state is read: then one fold does for all of them. Returns whether it waits.
        """
        entry = Entry(t, event.rank, event.source, event.id, pack(event))
        tail = self.tail
        if self._ids is not None:
            self._ids.add((event.source, event.id))
        if self.waiting or (tail and entry < tail[-1]):
            self.waiting.append(entry)
            return True
        tail.append(entry)
        step(self.state, ctx, event, t)
        if len(tail) % _MARK_EVERY == 0:
            self._marks = [*self._marks[-1:], (len(tail), _encode_state(self.state))]
        self._limit(ctx)
        return False

    def insert(self, ctx: Context) -> None:
        """Put the waiting events into their places in the tail, fold it again, and state the difference."""
        if not self.waiting:
            return
        place = bisect_left(self.tail, min(self.waiting))
        self._marks = [mark for mark in self._marks if mark[0] <= place]
        old: list[Fact] = []
        self._fold(ctx, old)
        self.tail = sorted(self.tail + self.waiting)
        self.waiting = []
        new: list[Fact] = []
        self.state = self._fold(ctx, new)
        ctx.facts += difference(old, new)
        self._limit(ctx)

    def _limit(self, ctx: Context) -> None:
        if len(self.tail) > TAIL_MAX:
            self.fold_before(ctx, self.tail[-_TAIL_KEPT].time)

    def _fold(self, ctx: Context, facts: list[Fact]) -> State:
        """Fold the tail anew from the last mark, else from the base; what is odd has been counted before.

        The facts of what is folded go into `facts`.
        """
        kept_facts, kept_anomalies = ctx.facts, ctx.anomalies
        ctx.facts, ctx.anomalies = facts, {}
        done, packed = self._marks[-1] if self._marks else (0, self.base)
        state = _decode_state(packed) if packed else State(customer=self.state.customer)
        for entry in self.tail[done:]:
            step(state, ctx, unpack(entry.packed), entry.time)
        ctx.facts, ctx.anomalies = kept_facts, kept_anomalies
        return state

    def fold_before(self, ctx: Context, bound: int) -> None:
        """Fold what is older than `bound` into the base: no event that old can be accepted any more."""
        tail = self.tail
        if not tail or tail[0].time >= bound:
            return
        self._marks = []
        if tail[-1].time < bound:
            self.base, self.tail = _encode_state(self.state), []
        else:
            recent = [entry for entry in tail if entry.time >= bound]
            self.tail = tail[: len(tail) - len(recent)]
            self.base = _encode_state(self._fold(ctx, []))
            self.tail = recent
        self._ids = None
        self.folded = max(self.folded, bound)


def entry_of(event: Event, packed: bytes) -> Entry:
    """Return the tail's entry of an event."""
    return Entry(millis(event.time), event.rank, event.source, event.id, packed)


def difference(old: list[Fact], new: list[Fact]) -> list[Fact]:
    """Return the facts that turn the sum of `old` into the sum of `new`."""
    counts: Counter[tuple[int, int, int]] = Counter()
    for c, at, value, sign in new:
        counts[c, at, value] += sign
    for c, at, value, sign in old:
        counts[c, at, value] -= sign
    return [(*key, 1 if n > 0 else -1) for key, n in counts.items() for _ in range(abs(n))]
