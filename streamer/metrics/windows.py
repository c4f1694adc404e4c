"""The sums of every window, kept as time passes and panes change: what enters is added, what leaves is taken off.

All of it is integers, so a sum that was kept is the one that would be computed anew, bit for bit. Each window has its sums
by stored group (`fine`), from which a group can be moved when it becomes or was `other`, and by place (`coarse`), which is
what is shown. A window holds only the rows that somebody reads in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streamer.facts import ROW_BITS, ROW_LIMIT
from streamer.metrics.catalogue import ACTIVITY, FIXED_ROWS, METRICS, Kind, Term
from streamer.metrics.catalogue.comparison import ALL_ANSWERS, DRIVER, OPEN_DRIVERS
from streamer.metrics.comparison import Comparison
from streamer.metrics.grouping import PLACE_BITS, Places
from streamer.metrics.plan import Plan, longest, slices, windows_of
from streamer.metrics.sums import Stack, Sums
from streamer.metrics.tally import NOTHING, Tally, summed
from streamer.panes.histogram import BUCKET_BITS, Ints
from streamer.panes.store import EVER, Batch, Cells, Store
from streamer.settings import Settings

Mask = npt.NDArray[np.bool_]
#: the pseudo-window of running sums
ALWAYS: Final = "ever"
#: panes summed at once when a window is filled: bounds the memory of a concatenation
_CHUNK: Final = 64
#: so few panes are summed once for all windows that take them in
_SHARED: Final = 4
_ROW: Final = ROW_LIMIT - 1
_BUCKET: Final = (1 << BUCKET_BITS) - 1

Name = tuple[str, bool]
"""A window, and whether it is the one before."""


class _Delta:
    """A change of a window: by (group, row), and by (row, place), which is made once for all windows that take it."""

    def __init__(self, cells: tuple[Ints, ...], buckets: tuple[Ints, ...]) -> None:
        self.cells = cells
        self.buckets = buckets
        self._coarse: tuple[tuple[Ints, ...], tuple[Ints, ...]] | None = None

    def coarse(self, of_group: Ints, width: int) -> tuple[tuple[Ints, ...], tuple[Ints, ...]]:
        """Return cells as row, place, count and sum; buckets as in `_by_place`."""
        if self._coarse is None:
            keys, *columns = self.cells
            size = int((keys & _ROW).max(initial=0)) + 1
            sums = [np.zeros((size, width), dtype=np.int64) for _ in columns]
            _add_by_place(sums, self.cells, of_group)
            found = np.nonzero(np.logical_or(*sums))
            self._coarse = (*found, *(table[found] for table in sums)), _by_place(self.buckets, of_group)
        return self._coarse


def _add_by_place(sums: Sequence[Ints], cells: tuple[Ints, ...], of_group: Ints) -> None:
    """Add cells, by (group, row), to tables by row and place."""
    keys, *columns = cells
    row, group = keys & _ROW, keys >> ROW_BITS
    for line in of_group:
        place = line[group]
        for table, column in zip(sums, columns, strict=True):
            np.add.at(table, (row, place), column)


def _by_place(buckets: tuple[Ints, ...], of_group: Ints) -> tuple[Ints, ...]:
    """Return the counts of buckets by (row, place, bucket)."""
    keys, counts = buckets
    cell = keys >> BUCKET_BITS
    places = of_group[:, cell >> ROW_BITS]
    keys = ((cell & _ROW) << PLACE_BITS | places) << BUCKET_BITS | keys & _BUCKET
    return summed(keys.reshape(-1), np.tile(counts, len(of_group)))


def _chosen(arrays: tuple[Ints, ...], rows: Mask, shift: int) -> tuple[Ints, ...]:
    """Return the entries whose row is wanted."""
    mask = rows[arrays[0] >> shift & _ROW]
    return arrays if mask.all() else tuple(array[mask] for array in arrays)


def _signed(arrays: tuple[Ints, ...], sign: int) -> tuple[Ints, ...]:
    return arrays if sign > 0 else (arrays[0], *(-column for column in arrays[1:]))


class _Window:
    """One window's sums, of the slices low..high."""

    def __init__(self) -> None:
        self.rows = np.zeros(ROW_LIMIT, dtype=bool)
        self.families: set[str] = set()
        self.size = EVER
        self.low, self.high = 0, -1
        self.deltas: list[tuple[_Delta, int]] = []
        self.clear()

    def clear(self) -> None:
        """Begin again with nothing."""
        self.fine = Tally(2), Tally(1)
        #: counts and sums by row and place; buckets by row, place and bucket
        self.count = np.zeros((0, 0), dtype=np.int64)
        self.total = self.count
        self.buckets = Tally(1)
        self.deltas.clear()

    def take(self, delta: _Delta, sign: int) -> None:
        """Add (or with sign -1 take off) a change; by place it is done by `settle`."""
        self.fine[0].add(*_signed(_chosen(delta.cells, self.rows, 0), sign))
        self.fine[1].add(*_signed(_chosen(delta.buckets, self.rows, BUCKET_BITS), sign))
        self.deltas.append((delta, sign))

    def settle(self, of_group: Ints, rows: int, width: int) -> None:
        """Do by place what was taken since; there are so many rows and places."""
        if self.count.shape != (rows, width):
            more = (0, rows - len(self.count)), (0, width - self.count.shape[1])
            self.count, self.total = np.pad(self.count, more), np.pad(self.total, more)
        for delta, sign in self.deltas:
            (row, place, count, total), buckets = delta.coarse(of_group, width)
            mine = self.rows[row]
            at = row[mine], place[mine]
            self.count[at] += sign * count[mine]
            self.total[at] += sign * total[mine]
            self.buckets.add(*_signed(_chosen(buckets, self.rows, PLACE_BITS + BUCKET_BITS), sign))
        self.deltas.clear()

    def regroup(self, moved: Ints, before: Ints, places: Ints) -> None:
        """Move groups from their places before to those they have now."""
        after = places[:, moved]
        number = np.full(places.shape[1], -1, dtype=np.int64)
        number[moved] = np.arange(len(moved))
        cells, buckets = (
            _of_groups(fine, number, bits)
            for fine, bits in zip(self.fine, (ROW_BITS, ROW_BITS + BUCKET_BITS), strict=True)
        )
        _add_by_place((self.count, self.total), _signed(cells, -1), before)
        _add_by_place((self.count, self.total), cells, after)
        self.buckets.add(*_signed(_by_place(buckets, before), -1))
        self.buckets.add(*_by_place(buckets, after))

    def sweep(self) -> None:
        for tally in (*self.fine, self.buckets):
            tally.sweep()

    def sums(self) -> Sums:
        return Sums(self.count.copy(), self.total.copy(), self.buckets.keys, *self.buckets.columns)


def _of_groups(fine: Tally, number: Ints, bits: int) -> Any:
    """Return the entries of the groups that have a number, by that instead of their own; a key's group begins at `bits`."""
    found = number[fine.keys >> bits]
    chosen = found >= 0
    keys = found[chosen] << bits | fine.keys[chosen] & ((1 << bits) - 1)
    return keys, *(column[chosen] for column in fine.columns)


def readers(settings: Settings, plan: Plan) -> dict[Name, tuple[set[int], set[str]]]:
    """Return for every window which rows and which families of open rows are read in it."""
    found: dict[Name, tuple[set[int], set[str]]] = {}

    def read(window: str, terms: Iterable[Term], families: Iterable[str] = (), *, before: bool = False) -> None:
        rows, names = found.setdefault((window, before), (set(), set()))
        rows.update(term.row for term in terms)
        names.update(families)

    activity = [Term(number) for number in ACTIVITY.values()]
    for window in {"24h", plan.longest}:
        read(window, activity)
    read("30d", [Term(number) for number in (ALL_ANSWERS, *DRIVER.values())], (OPEN_DRIVERS,))
    shown = settings.exposition
    for metric in METRICS:
        if shown.metrics is not None and metric.name not in shown.metrics:
            continue
        terms = [term for series in metric.series for term in (*series.numerator, *series.denominator)]
        if metric.kind is Kind.LEVEL or metric.name in ("churn_ratio", "retention_ratio"):
            active = [term for m in METRICS if m.name == "customers_active" for term in m.series[0].numerator]
            read(ALWAYS, terms if metric.kind is Kind.LEVEL else active)
        if metric.kind in (Kind.LEVEL, Kind.STOCK):
            continue
        windows = windows_of(metric, settings)
        wanted = [w for w in windows if shown.windows is None or w in shown.windows]
        families = () if metric.open is None else tuple(filter(None, (metric.open.family, metric.open.over)))
        over = () if metric.open is None else metric.open.over_rows
        for window in wanted:
            read(window, (*terms, *over), families)
            if metric.name == "tickets_created_change_ratio":
                read(window, terms, before=True)
        if families and wanted:
            read(longest(windows), (), families)
    return found


class Rows(NamedTuple):
    """What groups and open rows are called, by number."""

    groups: Sequence[tuple[str, ...]]
    open_rows: Sequence[tuple[str, tuple[str, ...]]]


class Windows:
    """All windows under some settings. `change` tells what panes became, `move` brings the sums to an instant."""

    def __init__(self, settings: Settings, plan: Plan | None = None) -> None:
        self._zone = settings.time.zone
        plan = Plan(settings) if plan is None else plan
        self._longest = plan.longest
        self.places = Places(settings)
        self.comparison = Comparison()
        self._windows: dict[Name, _Window] = {}
        for name, (rows, families) in readers(settings, plan).items():
            window = self._windows[name] = _Window()
            window.rows[list(rows)] = True
            window.families = families
        self._pending: list[list[Batch]] = [[] for _ in range(EVER + 1)]
        self._open_rows = 0
        self._store = Store()
        self._deltas: dict[tuple[int, int, int, bool], _Delta] = {}
        self._sums: dict[Name, Sums] = {}
        self._stacks: dict[tuple[str, ...], Stack] = {}

    def change(self, size: int, batch: Batch) -> None:
        """Tell that the panes of one slice size have changed by `batch`; the store has it already."""
        self._pending[size].append(batch)
        self.comparison.change(size, batch)

    def sums(self, window: str, *, before: bool = False) -> Sums:
        """Return the sums of a window at the instant of the last `move`."""
        name = (window, before)
        if name not in self._sums:
            self._sums[name] = self._windows[name].sums()
        return self._sums[name]

    def stack(self, windows: tuple[str, ...]) -> Stack:
        """Return the sums of some windows together."""
        if windows not in self._stacks:
            self._stacks[windows] = Stack([self.sums(window) for window in windows])
        return self._stacks[windows]

    def move(self, store: Store, rows: Rows, at: int) -> None:
        """Bring all sums to the instant `at` (ms), which may also lie before the last one."""
        self._store = store
        self._learn(rows.open_rows)
        pending = [_joined(batches) for batches in self._pending]
        for (label, before), window in self._windows.items():
            size, low, high = (EVER, 0, 0) if label == ALWAYS else slices(label, at, self._zone, before=before)
            batch = pending[size]
            if window.high >= window.low and batch is not None:
                self._apply(window, batch)
            window.size = size
            self._slide(window, low, high)
        moved, old = self.places.update(rows.groups, self._events(len(rows.groups)))
        of_group, numbers, width = self.places.of_group, FIXED_ROWS + len(rows.open_rows), self.places.width
        for window in self._windows.values():
            if len(moved):
                between = of_group.copy()
                between[:, moved] = old
                window.settle(between, numbers, width)
                window.regroup(moved, old, of_group)
            else:
                window.settle(of_group, numbers, width)
        self._pending = [[] for _ in self._pending]
        self._deltas.clear()
        self._sums.clear()
        self._stacks.clear()

    def _learn(self, open_rows: Sequence[tuple[str, tuple[str, ...]]]) -> None:
        for i in range(self._open_rows, len(open_rows)):
            for window in self._windows.values():
                window.rows[FIXED_ROWS + i] = open_rows[i][0] in window.families
        self._open_rows = len(open_rows)

    def _events(self, groups: int) -> Ints:
        """Return the number of accepted events of each group in the longest window."""
        fine = self._windows[self._longest, False].fine[0]
        chosen = np.isin(fine.keys & _ROW, list(ACTIVITY.values()))
        counts = np.zeros(groups, dtype=np.int64)
        np.add.at(counts, fine.keys[chosen] >> ROW_BITS, fine.columns[0][chosen])
        return counts

    def _apply(self, window: _Window, batch: Batch) -> None:
        """Take in the changes of panes that lie in the window."""
        first, last = np.searchsorted(batch.slices, (window.low, window.high + 1)).tolist()
        if first == last:
            return
        key = (window.size, int(batch.slices[first]), int(batch.slices[last - 1]), True)
        delta = self._deltas.get(key)
        if delta is None:
            left, right = np.searchsorted(batch.bucket_slices, (window.low, window.high + 1)).tolist()
            cells = Cells(
                batch.cells[first:last],
                batch.counts[first:last],
                batch.totals[first:last],
                batch.buckets[left:right],
                batch.bucket_counts[left:right],
            )
            delta = self._deltas[key] = _delta([cells])
        window.take(delta, 1)

    def _slide(self, window: _Window, low: int, high: int) -> None:
        """Move the window to the slices low..high."""
        if (window.low, window.high) == (low, high):
            return
        old_low, old_high = window.low, window.high
        if old_high < low or old_low > high:  # nothing in common: begin again
            window.clear()
            self._take(window, low, high, 1)
        else:
            self._take(window, old_low, low - 1, -1)
            self._take(window, high + 1, old_high, -1)
            self._take(window, low, old_low - 1, 1)
            self._take(window, old_high + 1, high, 1)
            window.sweep()
        window.low, window.high = low, high

    def _take(self, window: _Window, low: int, high: int, sign: int) -> None:
        if high < low:
            return
        if high - low < _SHARED:
            key = (window.size, low, high, False)
            if key not in self._deltas:
                self._deltas[key] = _delta(list(self._store.range(window.size, low, high)))
            window.take(self._deltas[key], sign)
            return
        for panes in _chunks(self._store.range(window.size, low, high)):
            window.take(_delta([_of_rows(pane, window.rows) for pane in panes]), sign)


def _chunks(panes: Iterator[Cells]) -> Iterator[list[Cells]]:
    chunk: list[Cells] = []
    for pane in panes:
        chunk.append(pane)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _of_rows(cells: Cells, rows: Mask) -> Cells:
    """Return the part of a pane that belongs to some rows."""
    mask = rows[cells.cells >> 1 & _ROW]
    bucket_mask = rows[cells.buckets >> (BUCKET_BITS + 1) & _ROW]
    return Cells(*(array[mask] for array in cells[:3]), *(array[bucket_mask] for array in cells[3:]))


def _delta(parts: list[Cells]) -> _Delta:
    """Return the sum of some cells, time-made or not."""
    if not parts:
        return _Delta((NOTHING, NOTHING, NOTHING), (NOTHING, NOTHING))
    cells, count, total, buckets, bucket_count = (np.concatenate([part[i] for part in parts]) for i in range(5))
    # a bucket's key without the bit that says time-made, which lies between row and bucket
    buckets = buckets >> (BUCKET_BITS + 1) << BUCKET_BITS | buckets & _BUCKET
    return _Delta(summed(cells >> 1, count, total), summed(buckets, bucket_count))


def _joined(batches: list[Batch]) -> Batch | None:
    """Return some batches as one, ascending by slice."""
    if not batches:
        return None
    if len(batches) == 1:
        return batches[0]
    columns = [np.concatenate([batch[i] for batch in batches]) for i in range(len(Batch._fields))]
    order = np.argsort(columns[0], kind="stable")
    bucket_order = np.argsort(columns[4], kind="stable")
    return Batch(*(c[order] for c in columns[:4]), *(c[bucket_order] for c in columns[4:]))
