"""What a partition's timelines share: the rules, the numbers of groups and open labels, and where facts go.

Groups (tuples of dimension values) and open label values are numbered once per partition, so that a fact is four
integers. The numbers are part of the partition's state and are written with it.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from msgspec import UNSET

from streamer.facts import GROUP_LIMIT, ROW_LIMIT, Fact
from streamer.metrics.catalogue import FAMILIES, FIXED_ROWS
from streamer.settings import QueueRules, Settings

OTHER = "other"
#: metrics.md, Limits. Beyond them numbers are still right in total, but which value became `other` depends on arrival.
VALUES_MAX = 1_000
GROUPS_MAX = 5_000
DEFAULT_CHANNEL = {"ticket": "email", "chat": "chat", "call": "phone"}


class Groups:
    """Numbers for tuples of dimension values, in order of first use; both limits of the store are kept here."""

    def __init__(self, width: int) -> None:
        self.tuples: list[tuple[str, ...]] = []
        self.limited = 0
        self._numbers: dict[tuple[str, ...], int] = {}
        self._values: list[set[str]] = [set() for _ in range(width)]
        self.number(("",) * width)

    def number(self, values: tuple[str, ...]) -> int:
        """Return the number of a group, a new one if need be; what goes over a limit is counted and becomes `other`."""
        found = self._numbers.get(values)
        return self._add(values) if found is None else found

    def _add(self, values: tuple[str, ...]) -> int:
        kept = list(values)
        for i, value in enumerate(values):
            known = self._values[i]
            if value and value not in known:
                if len(known) >= VALUES_MAX:
                    kept[i] = OTHER
                    self.limited += 1
                else:
                    known.add(value)
        group = tuple(kept)
        if group not in self._numbers:
            if len(self.tuples) >= GROUPS_MAX:
                self.limited += 1
                group = (OTHER,) * len(values)
            if group not in self._numbers:
                self._numbers[group] = len(self.tuples)
                self.tuples.append(group)
        # What was folded away is not remembered: that would be the very growth that the limit prevents.
        return self._numbers[group]

    def restore(self, number: int, values: tuple[str, ...]) -> None:
        """Put a group back under the number that it was written with; numbers come in order."""
        if number != len(self.tuples):
            msg = f"group {number} follows group {len(self.tuples) - 1}: the changelog has lost records"
            raise ValueError(msg)
        for known, value in zip(self._values, values, strict=True):
            if value:
                known.add(value)
        self._numbers[values] = number
        self.tuples.append(values)


class OpenRows:
    """Row numbers for label values that come from the events: (family, values) -> row, at most 1,000 a family."""

    def __init__(self) -> None:
        self.keys: list[tuple[str, tuple[str, ...]]] = []
        self.limited = 0
        self._numbers: dict[tuple[str, tuple[str, ...]], int] = {}
        self._sizes = dict.fromkeys(FAMILIES, 0)

    def row(self, family: str, *values: str) -> int:
        """Return the row of a family's label values."""
        key = (family, values)
        number = self._numbers.get(key)
        if number is not None:
            return number
        if self._sizes[family] >= VALUES_MAX:
            self.limited += 1
            key = (family, (OTHER,) * len(values))
            if key in self._numbers:
                return self._numbers[key]
        return self._add(key)

    def number(self, place: int) -> int:
        """Return the row number of `keys[place]`."""
        return FIXED_ROWS + place

    def _add(self, key: tuple[str, tuple[str, ...]]) -> int:
        number = self._numbers[key] = FIXED_ROWS + len(self.keys)
        self.keys.append(key)
        self._sizes[key[0]] += 1
        return number

    def restore(self, number: int, key: tuple[str, tuple[str, ...]]) -> None:
        """Put a row back under the number that it was written with; numbers come in order."""
        if self._add(key) != number:
            msg = f"row {number} is not the next one: the changelog has lost records"
            raise ValueError(msg)


assert GROUPS_MAX < GROUP_LIMIT
assert FIXED_ROWS + len(FAMILIES) * (VALUES_MAX + 1) < ROW_LIMIT


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes the dimension fields out of an event's data, always as a tuple."""
    if not names:
        return lambda _data: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda data: (get(data),)


class Context:
    """The shared part of one partition. Steps append facts to `facts` and count oddities in `anomalies`, by kind and source."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tickets = settings.tickets
        self.surveys = settings.surveys
        names = settings.dimensions.names
        self.names = names
        self.groups = Groups(len(names))
        self.open_rows = OpenRows()
        self.facts: list[Fact] = []
        #: the entity's group before the fields of the event that is being applied: an outcome belongs there
        self.before = 0
        self.anomalies: dict[tuple[str, str], int] = {}
        #: of the event that is applied
        self.source = ""
        self._get = _getter(names)
        self._unset = (UNSET,) * len(names)
        self._moves: dict[tuple[int, tuple[Any, ...]], int] = {}
        self._queue_moves: dict[tuple[int, str], int] = {}
        self._queues: dict[str, QueueRules] = {}
        self._queue_at = names.index("queue") if "queue" in names else -1
        self._agent_at = names.index("agent") if "agent" in names else -1
        self._channel_at = names.index("channel") if "channel" in names else -1

    def first_group(self, entity: str) -> int:
        """Return the group of an entity of which nothing is known but its default channel."""
        values = [""] * len(self.names)
        if self._channel_at >= 0:
            values[self._channel_at] = DEFAULT_CHANNEL.get(entity, "")
        return self.groups.number(tuple(values))

    def regroup(self, group: int, data: Any) -> int:
        """Return the group after the dimension fields that an event's data has were applied."""
        values = self._get(data)
        if values == self._unset:
            return group
        key = (group, values)
        moved = self._moves.get(key)
        if moved is None:
            old = self.groups.tuples[group]
            moved = self.groups.number(tuple(o if v is UNSET else v for o, v in zip(old, values, strict=True)))
            if len(self._moves) > 4 * GROUPS_MAX:  # a cache, not a record of everything ever seen
                self._moves.clear()
            self._moves[key] = moved
        return moved

    def regroup_ticket(self, group: int, data: Any, *, assigns: bool) -> int:
        """Do the same for a ticket, whose `agent` is the assignee: only created and assigned set it."""
        moved = self.regroup(group, data)
        if self._agent_at >= 0 and not assigns and data.agent is not UNSET:
            values = list(self.groups.tuples[moved])
            values[self._agent_at] = self.groups.tuples[group][self._agent_at]
            moved = self.groups.number(tuple(values))
        return moved

    def own_values(self, own: list[str | None], data: Any) -> list[str | None]:
        """Return the dimension values that an entity has of its own, None where it has none, after an event's data."""
        values = self._get(data)
        if values == self._unset:
            return own
        return [o if v is UNSET else v for o, v in zip(own, values, strict=True)]

    def filled(self, own: list[str | None], group: int) -> int:
        """Return the group of an entity's own values, those it lacks taken from `group`."""
        others = self.groups.tuples[group]
        return self.groups.number(tuple(b if a is None else a for a, b in zip(own, others, strict=True)))

    def with_queue(self, group: int, queue: str) -> int:
        """Return the group with another queue: a leg's facts belong to the leg's queue."""
        if self._queue_at < 0:
            return group
        key = (group, queue)
        moved = self._queue_moves.get(key)
        if moved is None:
            values = list(self.groups.tuples[group])
            values[self._queue_at] = queue
            moved = self.groups.number(tuple(values))
            if len(self._queue_moves) > 4 * GROUPS_MAX:
                self._queue_moves.clear()
            self._queue_moves[key] = moved
        return moved

    def queue(self, name: str) -> QueueRules:
        """Return the rules of a queue (cached: the settings resolve them anew each time)."""
        rules = self._queues.get(name)
        if rules is None:
            if len(self._queues) > VALUES_MAX:
                self._queues.clear()
            rules = self._queues[name] = self.settings.queue(name)
        return rules

    def duration(self, milliseconds: int) -> int:
        """Return a duration as it is summed: a negative one (clock skew) counts as 0 and is counted as an anomaly."""
        if milliseconds >= 0:
            return milliseconds
        self.note("negative_duration")
        return 0

    def note(self, kind: str) -> None:
        """Count an oddity of an accepted event; `unknown` is an entity that begins without its opening event."""
        key = (kind, self.source)
        self.anomalies[key] = self.anomalies.get(key, 0) + 1
