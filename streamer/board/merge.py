"""Every partition's panes and open work, added up. Pure: records in, a snapshot out.

A partition numbers its groups and open rows by itself; here they have one number each. A pane record replaces what the
same partition said about the same (slice size, slice, group) before: the difference is applied.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np

from streamer.board.work import OpenWork
from streamer.facts import CELL_BITS, GROUP_UNIT, ROW_BITS, ROW_LIMIT
from streamer.metrics.catalogue import FAMILIES, FIXED_ROWS
from streamer.metrics.evaluate import Block, Snapshot, evaluate
from streamer.metrics.plan import WINDOW, Plan, slices
from streamer.metrics.tally import added, summed
from streamer.metrics.windows import Rows, Windows
from streamer.panes import records
from streamer.panes.histogram import BUCKET_BITS, Ints
from streamer.panes.store import NO_CELLS, SIZES, Batch, Cells, Store, split
from streamer.settings import Settings
from streamer.timelines.context import Groups, OpenRows

#: old and new records summed at once: bounds the memory of a start, which is one flush of all there is
_RECORDS: Final = 20_000
_CELL: Final = (1 << CELL_BITS) - 1
_BUCKET: Final = (1 << BUCKET_BITS) - 1


class _Numbers:
    """What one partition's numbers of groups and open rows are here."""

    def __init__(self) -> None:
        self.groups: list[int] = [0]  # group 0, nothing known, is the same everywhere
        self.rows = np.arange(ROW_LIMIT, dtype=np.int64)

    def group(self, number: int) -> int:
        """Return the number here of a group. Raises ValueError if the partition has not said what it is."""
        if number >= len(self.groups) or self.groups[number] < 0:
            msg = f"group {number} was never named: the changelog has lost records"
            raise ValueError(msg)
        return self.groups[number]


class _Change(NamedTuple):
    """A pane record to be added (sign 1) or taken off (-1)."""

    size: int
    number: int
    value: bytes
    group: int
    sign: int


class Merge:
    """The sum of all partitions, and its windows."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._plan = Plan(settings)
        self._groups = Groups(len(settings.dimensions.names))
        self._open_rows = OpenRows()
        self._numbers: dict[int, _Numbers] = {}
        #: by (size, slice): what each (partition, group) last said
        self._said: dict[tuple[int, int], dict[tuple[int, int], bytes]] = {}
        self._dropped = [0] * len(SIZES)
        self._windows = Windows(settings, self._plan)
        self.store = Store()
        self.work = OpenWork()

    @property
    def groups(self) -> list[tuple[str, ...]]:
        """The dimension values of every group."""
        return self._groups.tuples

    def groups_of(self, partition: int) -> list[tuple[str, ...]]:
        """Return the dimension values of a partition's groups, by its own numbers; what it has not named has none."""
        numbers = self._numbers.get(partition)
        return [self._groups.tuples[max(here, 0)] for here in numbers.groups] if numbers else []

    @property
    def limited(self) -> int:
        """How many groups and open rows of partitions were put into `other` here, past the limits of the store."""
        return self._groups.limited + self._open_rows.limited

    def apply(self, partition: int, rows: Mapping[bytes, bytes | None]) -> None:
        """Apply one flush of a partition: the newest value of every key that it wrote; None deletes."""
        numbers = self._numbers.setdefault(partition, _Numbers())
        self._learn(numbers, rows)
        changes = self._changes(partition, numbers, rows)
        while chunk := [change for _, change in zip(range(_RECORDS), changes, strict=False)]:
            self._add(numbers, chunk)
        for key, value in rows.items():
            if key[:1] == records.WORK:
                self.work.put((partition, key), value, numbers.group)

    def _learn(self, numbers: _Numbers, rows: Mapping[bytes, bytes | None]) -> None:
        for key in sorted(key for key in rows if key[:1] in (records.GROUP, records.ROW)):
            value, number = rows[key], records.read_number_key(key)
            if value is None:
                continue
            if key[:1] == records.ROW:
                family, values = records.decode_row(value)
                if family not in FAMILIES:
                    msg = f"open row of {family!r}, which the catalogue does not have"
                    raise ValueError(msg)
                numbers.rows[number] = self._open_rows.row(family, *values)
            else:
                numbers.groups += [-1] * (number + 1 - len(numbers.groups))
                numbers.groups[number] = self._groups.number(records.decode_group(value))

    def _changes(self, partition: int, numbers: _Numbers, rows: Mapping[bytes, bytes | None]) -> Iterator[_Change]:
        for key, value in rows.items():
            if key[:1] != records.PANE:
                continue
            size, number, local = records.read_pane_key(key)
            if size < len(SIZES) and number < self._dropped[size]:
                continue
            group = numbers.group(local)
            said = self._said.setdefault((size, number), {})
            old = said.pop((partition, local), None)
            if value is not None:
                said[partition, local] = value  # before the first yield: an empty `said` is a pane without anything
            if old is not None:
                yield _Change(size, number, old, group, -1)
            if value is not None:
                yield _Change(size, number, value, group, 1)
            elif old is None and not said:
                del self._said[size, number]

    def _add(self, numbers: _Numbers, changes: list[_Change]) -> None:
        changes.sort(key=lambda change: (change.size, change.number))
        first = 0
        for last in range(1, len(changes) + 1):
            if last == len(changes) or changes[last].size != changes[first].size:
                size = changes[first].size
                batch = _batch(numbers.rows, changes[first:last])
                for number, cells in split(batch):
                    self._put(size, number, cells)
                self._windows.change(size, batch)
                first = last

    def _put(self, size: int, number: int, change: Cells) -> None:
        key = (size, number)
        if not self._said.get(key):  # all that was said about the pane was taken back
            self._said.pop(key, None)
            self.store.panes.pop(key, None)
            return
        pane = self.store.panes.get(key, NO_CELLS)
        self.store.panes[key] = Cells(*added(pane[:3], change[:3]), *added(pane[3:], change[3:]))

    def _drop(self, at: int) -> None:
        """Forget the panes that nobody reads any more at the instant `at` (ms) or later.

        The windows must be at `at` already: what leaves them is taken off by what the pane says.
        """
        for size, width in enumerate(SIZES):
            number = (at - self._plan.kept[size]) // width
            if number > self._dropped[size]:
                self._dropped[size] = number
                for key in [key for key in self._said if key[0] == size and key[1] < number]:
                    del self._said[key]
                self.store.drop_before(size, number)

    def snapshot(self) -> Snapshot:
        """Return what an evaluation reads; it changes with the next flush."""
        return Snapshot(self.store, self._groups.tuples, self._open_rows.keys, self.work.columns)

    def settle(self, at: int) -> None:
        """Bring the windows to the instant `at` (ms) without reading them: what waits to be added stays little."""
        self._windows.move(self.store, Rows(self._groups.tuples, self._open_rows.keys), at)
        self._drop(at)

    def evaluate(self, at: int) -> list[Block]:
        """Return all numbers at the instant `at` (ms), which moves on with the clock."""
        blocks = list(evaluate(self.snapshot(), self._settings, at, self._windows))
        self._drop(at)
        return blocks

    def spikes_begun(self) -> dict[tuple[str, str, str], int]:
        """Return when each spike of the last evaluation was set, in ms, by metric, `by` and value (all: empty)."""
        labels = self._windows.places.labels
        found = {(metric, *labels[place]): at for (metric, place), at in self._windows.comparison.begun().items()}
        return {(metric, by, "".join(values)): at for (metric, by, values), at in found.items()}

    def evaluate_past(self, at: int) -> list[Block]:
        """Return the numbers at an earlier instant (ms), added up anew from the panes that are kept.

        Windows, and comparisons, that reach into dropped panes are left out. Open work is what is open still.
        """
        zone = self._settings.time.zone
        lows = {w: slices(w, at, zone, before=WINDOW[w][0] < len(SIZES) - 1)[:2] for w in WINDOW}
        shown = self._settings.exposition.windows
        whole = tuple(
            w for w, (size, low) in lows.items() if low >= self._dropped[size] and (shown is None or w in shown)
        )
        exposition = self._settings.exposition.model_copy(update={"windows": whole})
        settings = self._settings.model_copy(update={"exposition": exposition})
        return list(evaluate(self.snapshot(), settings, at, dropped=self._dropped))


def _batch(rows: Ints, changes: list[_Change]) -> Batch:
    """Return the sum of pane records of one slice size, those with sign -1 taken off; ascending by slice.

    Entries that come to nothing stay: every bucket's cell is then among the cells.
    """
    lengths, bucket_lengths, pane = records.decode_groups([change.value for change in changes])
    # by their places: years apart and a bucket fill no int64
    numbers = np.unique(np.array([change.number for change in changes], dtype=np.int64))
    place = {number: i for i, number in enumerate(numbers.tolist())}
    unit = np.array([place[c.number] << CELL_BITS | c.group * GROUP_UNIT for c in changes], dtype=np.int64)
    sign = np.array([change.sign for change in changes], dtype=np.int64)
    sign_of = np.repeat(sign, lengths)
    keys, counts, totals = summed(
        np.repeat(unit, lengths) | _numbered(rows, pane.cells), pane.counts * sign_of, pane.totals * sign_of
    )
    local = pane.buckets
    bucket_cells = np.repeat(unit, bucket_lengths) | _numbered(rows, local >> BUCKET_BITS)
    bucket_keys, bucket_counts = summed(
        bucket_cells << BUCKET_BITS | local & _BUCKET,
        pane.bucket_counts * np.repeat(sign, bucket_lengths),
    )
    return Batch(
        numbers[keys >> CELL_BITS],
        keys & _CELL,
        counts,
        totals,
        numbers[bucket_keys >> (CELL_BITS + BUCKET_BITS)],
        bucket_keys & (_CELL << BUCKET_BITS | _BUCKET),
        bucket_counts,
    )


def _numbered(rows: Ints, cells: Ints) -> Ints:
    """Return a partition's cells, without their group, in the row numbers that are used here."""
    numbered: Ints = rows[cells >> 1] << 1 | cells & 1
    return numbered


assert FIXED_ROWS < ROW_LIMIT == 1 << ROW_BITS
