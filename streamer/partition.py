"""One partition, all of it: records come in, timelines fold them into facts, panes add them up, changes go out.

Pure but for being stateful: no clock, no I/O. The processor keeps one a partition and writes its changes; `replay` keeps
one for a whole file.
"""

from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush

from streamer.events import CustomerErased, Event, timeline_key
from streamer.events.codec import Decoder
from streamer.events.errors import InvalidEvent
from streamer.metrics.catalogue.trust import OWN, WORKER
from streamer.metrics.plan import Plan
from streamer.panes import records
from streamer.panes.store import NO_CELLS, SIZES, Store, reduce_facts
from streamer.processor.partition import Changes, DeadLetter, Record
from streamer.settings import Settings
from streamer.timelines.context import OTHER, Context
from streamer.timelines.open_work import Item, open_work
from streamer.timelines.timeline import Entry, Timeline, erased_at

#: raised whenever a step, a row or a record's form changes what is in the state: older state is then rebuilt
FACTS_VERSION = 5
#: the worker's own counters: family (Prometheus adds _total) -> help, labels
COUNTERS = {
    f"support_{own.name.removesuffix('_total')}": (own.about, own.open_labels) for own in OWN if own.where == WORKER
}
#: sources with counters of their own, a partition; what a producer writes there is not to be trusted
_SOURCES_MAX = 1_000

TIMELINES = "timelines"
PANES = "panes"
#: facts that wait to be summed: numpy pays from some thousands on, and 40 MB of tuples is enough
_FACTS_MAX = 200_000
#: events that wait to be applied: a timeline's come together, and all are applied without a pause in a tenth of a second
_TAKEN_MAX = 10_000
#: live timelines a partition keeps unpacked; the others are their records (about a third of the memory)
HOT_MAX = 50_000
#: what is older than this under the grace cannot come any more (design.md)
FOLD_MARGIN = 10 * 60_000
_NEVER = 1 << 62
#: a tail this long is folded partly, though its newest events are recent
_LONG_TAIL = 256


class Partition:
    """The state of one partition; see `streamer.processor.partition.PartitionState` for who calls what when."""

    def __init__(self, settings: Settings, number: int = 0) -> None:
        self.number = number
        self.context = Context(settings)
        self.plan = Plan(settings)
        self.store = Store()
        self.clock = 0
        #: the oldest arrival since the last cut; and whether history is taken in: something that came by `recordedtime`
        self._oldest = _NEVER
        self._history = False
        self._grace = settings.time.grace
        self._decoder = Decoder(settings.surveys.scales, settings.time.future)
        self._hot: dict[str, Timeline] = {}
        self._cold: dict[str, bytes] = {}
        self._work: dict[str, bytes] = {}
        self._dirty: set[str] = set()
        #: what was taken in and not applied yet, by timeline, and how many events that are
        self._waiting: dict[str, list[Entry]] = {}
        self._taken = 0
        #: (the clock when a customer's erasure was taken in, timeline): it goes a grace later. By the clock, as history
        #: (`recordedtime`) is late by its own time: what the erasure tells of may come again as long as it is taken in
        self._erased: list[tuple[int, str]] = []
        #: (time of the erasure, timeline) since the last cut
        self._erased_now: list[tuple[int, str]] = []
        self._dead: list[DeadLetter] = []
        self._counters: dict[tuple[str, ...], float] = {}
        #: when the newest event of each source happened (ms)
        self._newest: dict[str, int] = {}
        self._sources: set[str] = set()
        self._limited = 0
        self._cuts = 0
        self._groups_written = 1  # group 0, nothing known, is the same everywhere
        self._rows_written = 0
        self._rows_shaped = 0
        self._found_panes: dict[tuple[int, int, int], bytes | None] = {}
        self._found_groups: dict[int, tuple[str, ...]] = {}
        self._found_rows: dict[int, tuple[str, tuple[str, ...]]] = {}

    def apply(self, topic: str, records_: Sequence[Record]) -> None:
        """Take in records of one topic in the log's order; what cannot be accepted becomes a dead letter."""
        decode, accept = self._decoder.decode, self.accept
        counts: dict[str, int] = {}
        newest: dict[str, int] = {}
        for record in records_:
            try:
                event, time, arrival = decode(topic, record.key, record.value, record.timestamp)
            except InvalidEvent as error:
                self._refuse(topic, record, error)
            else:
                source = event.source
                counts[source] = counts.get(source, 0) + 1
                if time > newest.get(source, 0):
                    newest[source] = time
                accept(event, time, arrival)
        for source, number in counts.items():
            label = self._source(source)
            self.count("support_events", topic, label, by=number)
            self._newest[label] = max(newest.get(source, 0), self._newest.get(label, 0))

    def work_off(self) -> None:
        """Apply what was taken in, once it is enough to be worth it. Best called where no topic is ahead of another."""
        if self._taken > _TAKEN_MAX:
            self._apply_taken()
        if len(self.context.facts) > _FACTS_MAX:
            self.settle()

    def _refuse(self, topic: str, record: Record, error: InvalidEvent) -> None:
        self.count("support_events_invalid", error.code, self._source(error.source))
        headers = [
            *record.headers,
            ("streamer_error_code", error.code.encode()),
            ("streamer_error_stage", b"decode"),
            ("streamer_error_topic", topic.encode()),
            ("streamer_error_partition", str(self.number).encode()),
            ("streamer_error_offset", str(record.offset).encode()),
        ]
        self._dead.append(DeadLetter(record.key, record.value, headers))

    def _source(self, source: str) -> str:
        """Return a source as a label: those past the limit together as `other`."""
        if source not in self._sources:
            if len(self._sources) >= _SOURCES_MAX:
                return OTHER
            self._sources.add(source)
        return source

    def count(self, *key: str, by: int = 1) -> None:
        """Count something for the worker's own /metrics: a family and its label values."""
        self._counters[key] = self._counters.get(key, 0) + by

    def accept(self, event: Event, time: int, arrival: int) -> None:
        """Take in a valid event that happened at `time` and arrived at `arrival`, unless it is late.

        It is applied together with the others of its timeline, in order, before the state is read: topics arrive one
        after the other, and one by one most events would be out of order.
        """
        if time < arrival - self._grace:
            self.count("support_events_late", self._source(event.source), "grace")
            return
        if arrival < self._oldest:  # noqa: PLR1730 (for every event; `min` takes twice as long)
            self._oldest = arrival
        entry = (time, event.rank, event.source, event.id, event)
        key = timeline_key(event)
        entries = self._waiting.get(key)
        if entries is None:
            self._waiting[key] = [entry]
        else:
            entries.append(entry)
        self._taken += 1

    def _apply_taken(self) -> None:
        """Apply what was taken in."""
        waiting = self._waiting
        while waiting:
            key, entries = waiting.popitem()  # which frees the events while they are in the cache
            timeline = self._hot.get(key)
            if timeline is None:
                timeline = self._timeline(key)
            if fresh := self._fresh(timeline, entries):
                if timeline.count and timeline.last[0] < (bound := self._bound(fresh[0][0])):
                    timeline.fold_before(self.context, bound)
                timeline.touched = self._cuts
                for time, _, _, _, event in fresh:
                    if type(event) is CustomerErased:
                        self._erased_now.append((time, key))
                timeline.add(self.context, fresh)
                self._dirty.add(key)
        self._taken = 0

    def _bound(self, time: int) -> int:
        """Return what can be folded of a timeline that has an event at `time`: nothing so old can come any more.

        The clock alone does not tell: history (`recordedtime`) is taken in as it was, at any time of the clock.
        """
        return min(self.clock, time) - self._grace - FOLD_MARGIN

    def _fresh(self, timeline: Timeline, entries: list[Entry]) -> list[Entry]:
        """Return the events that are neither older than what is folded nor repeats, in order."""
        folded, has = timeline.folded, timeline.count and timeline.has
        if len(entries) == 1:  # as most are: without a dict
            time, _, source, id_, _ = entries[0]
            if time >= folded and not (has and has(source, id_)):
                return entries
        fresh: dict[tuple[str, str], Entry] = {}
        for entry in entries:
            time, _, source, id_, _ = entry
            if time < folded:
                self.count("support_events_late", self._source(source), "folded")
            elif (source, id_) in fresh or (has and has(source, id_)):
                self.count("support_events_duplicate", self._source(source))
            else:
                fresh[source, id_] = entry
        return sorted(fresh.values()) if len(fresh) > 1 else list(fresh.values())

    def _timeline(self, key: str) -> Timeline:
        customer = key.startswith("c:")
        record = self._cold.pop(key, None)
        timeline = (
            Timeline(customer=customer) if record is None else Timeline.load(record, self.context, customer=customer)
        )
        self._hot[key] = timeline
        return timeline

    def settle(self) -> None:
        """Sum the facts made so far into the store."""
        self._apply_taken()
        context = self.context
        keys = context.open_rows.keys
        for i in range(self._rows_shaped, len(keys)):
            self.plan.open_row(context.open_rows.number(i), keys[i][0])
        self._rows_shaped = len(keys)
        facts = context.facts
        if facts:
            context.facts = []
            for size, batch in enumerate(reduce_facts(facts, self.plan.shape)):
                self.store.add(size, batch)

    @property
    def dirty(self) -> bool:
        """Whether anything changed since the last cut."""
        return bool(self._waiting or self._dirty or self._dead)

    def changes(self, clock: int) -> Changes:
        """Cut: return all that changed since the last cut, as records of the two tables, and the dead letters."""
        self.settle()  # by the clock as it was: what waits may be older than what the new one lets be folded
        before, self.clock = self.clock, max(self.clock, clock)
        self._history |= self._oldest < before - FOLD_MARGIN
        self._oldest = _NEVER
        bound = self.clock - self._grace - FOLD_MARGIN
        timelines: list[tuple[bytes, bytes | None]] = []
        panes: list[tuple[bytes, bytes | None]] = []
        for time, key in self._erased_now:
            at = self._hot[key].erased = max(self.clock, time)
            heappush(self._erased, (at, key))
        self._erased_now = []
        for key in self._dirty:
            timeline = self._hot[key]
            if timeline.count > _LONG_TAIL:
                timeline.fold_before(self.context, self._bound(timeline.last[0]))
            timelines.append((key.encode(), timeline.record()))
            self._write_work(key, timeline, panes)
        timelines += [(key.encode(), None) for key in self._forget(bound)]  # behind what was written of it just now
        panes += self._new_numbers()  # after open work, which may number groups
        self._dirty = set()
        for (size, number), groups in self.store.take_changed().items():
            pane = self.store.panes.get((size, number), NO_CELLS)
            panes += [
                (records.pane_key(size, number, group), value) for group, value in records.encode_groups(pane, groups)
            ]
        panes += [(records.pane_key(*dropped), None) for dropped in self._drop()]
        dead, self._dead = self._dead, []
        self._cuts += 1
        # at the first cut nothing tells yet whether it was history
        self._evict(bound, tails=self._history or not before)
        return Changes({TIMELINES: timelines, PANES: panes}, dead)

    def _forget(self, bound: int) -> list[str]:
        """Forget the erased customers of whom nothing from before can come any more, unless they have come back."""
        forgotten = []
        while self._erased and self._erased[0][0] < bound:
            at, key = heappop(self._erased)
            if key not in self._hot and key not in self._cold:
                continue
            timeline = self._hot.get(key) or self._timeline(key)
            if timeline.erased != at:  # erased again, later
                continue
            timeline.fold_before(self.context, bound)
            timeline.erased = 0
            if timeline.blank:
                del self._hot[key]
                forgotten.append(key)
        return forgotten

    def _write_work(self, key: str, timeline: Timeline, panes: list[tuple[bytes, bytes | None]]) -> None:
        items = open_work(timeline.state, self.context)
        value = records.encode(items) if items else b""
        if value != self._work.get(key, b""):
            if value:
                self._work[key] = value
            else:
                del self._work[key]
            panes.append((records.WORK + key.encode(), value or None))

    def open_work(self) -> Iterator[list[Item]]:
        """Return the open work of every timeline that is held."""
        self._apply_taken()
        for timeline in self._hot.values():
            yield open_work(timeline.state, self.context)
        for key, record in self._cold.items():
            timeline = Timeline.load(record, self.context, customer=key.startswith("c:"))
            yield open_work(timeline.state, self.context)

    def _new_numbers(self) -> list[tuple[bytes, bytes | None]]:
        groups, rows = self.context.groups.tuples, self.context.open_rows
        new: list[tuple[bytes, bytes | None]] = [
            (records.number_key(records.GROUP, i), records.encode(groups[i]))
            for i in range(self._groups_written, len(groups))
        ]
        new += [
            (records.number_key(records.ROW, rows.number(i)), records.encode(rows.keys[i]))
            for i in range(self._rows_written, len(rows.keys))
        ]
        self._groups_written, self._rows_written = len(groups), len(rows.keys)
        return new

    def _drop(self) -> list[tuple[int, int, int]]:
        """Drop panes past their last reader: nobody asks for a time before the arrival clock."""
        dropped = []
        for size, width in enumerate(SIZES):
            dropped += self.store.drop_before(size, (self.clock - self.plan.kept[size]) // width)
        return dropped

    def _evict(self, bound: int, *, tails: bool) -> None:
        """Keep the timelines touched last unpacked, and of the others their records.

        With `tails` the newest day of each stays unfolded whatever the clock is: history may come in any order.
        """
        excess = len(self._hot) - HOT_MAX
        if excess <= HOT_MAX // 4:
            return
        coldest = sorted(self._hot, key=lambda key: self._hot[key].touched)[:excess]
        for key in coldest:
            timeline = self._hot.pop(key)
            timeline.fold_before(self.context, self._bound(timeline.last[0]) if tails and timeline.count else bound)
            self._cold[key] = timeline.record()

    def restore_many(self, table: str, pairs: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Take in changelog records of one table."""
        if table == TIMELINES:
            for key, value in pairs:
                if value is None:
                    self._cold.pop(key.decode(), None)
                else:
                    self._cold[key.decode()] = value
                    if erased := erased_at(value):
                        heappush(self._erased, (erased, key.decode()))
            return
        for key, value in pairs:
            kind = key[:1]
            if kind == records.PANE:
                size, number, group = records.read_pane_key(key)
                self._found_panes[size, number, group] = value
            elif kind == records.WORK:
                if value is None:
                    self._work.pop(key[1:].decode(), None)
                else:
                    self._work[key[1:].decode()] = value
            elif value is not None and kind == records.GROUP:
                self._found_groups[records.read_number_key(key)] = records.decode_group(value)
            elif value is not None:
                self._found_rows[records.read_number_key(key)] = records.decode_row(value)

    def restored(self) -> None:
        """Recovery is complete: number groups and rows as they were, and put the panes together."""
        for number in sorted(self._found_groups):
            self.context.groups.restore(number, self._found_groups[number])
        for number in sorted(self._found_rows):
            self.context.open_rows.restore(number, self._found_rows[number])
        self._groups_written = len(self.context.groups.tuples)
        self._rows_written = len(self.context.open_rows.keys)
        parts: dict[tuple[int, int], dict[int, bytes]] = {}
        for (size, number, group), value in self._found_panes.items():
            if value is not None:
                parts.setdefault((size, number), {})[group] = value
        for (size, number), found in parts.items():
            self.store.put(size, number, records.join_groups(found))
        self._found_panes, self._found_groups, self._found_rows = {}, {}, {}

    def counters(self) -> Mapping[tuple[str, ...], float]:
        """Return and reset the increments since the last call, and when each source was heard of last (s)."""
        context = self.context
        limited = context.groups.limited + context.open_rows.limited
        if limited > self._limited:
            self._counters["support_values_limited",] = limited - self._limited
            self._limited = limited
        for (kind, source), number in context.anomalies.items():
            label = self._source(source)
            if kind == "unknown":
                self.count("support_events_unknown", label, by=number)
            else:
                self.count("support_events_anomalous", kind, label, by=number)
        context.anomalies.clear()
        for source, time in self._newest.items():
            self._counters["support_source_last_event_timestamp_seconds", source] = time / 1000
        increments, self._counters = self._counters, {}
        return increments
