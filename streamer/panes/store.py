"""The store: panes of three slice sizes, each a sorted array of cells with their counts and sums, and of their buckets.

Facts are summed at the finest size first (numpy over a whole batch), coarser sizes are filled from those sums. All sums
are integers, so the order of addition never matters.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, NamedTuple

import numpy as np

from streamer.facts import CELL_BITS, GROUP_UNIT, ROW_LIMIT, Fact
from streamer.panes.histogram import BUCKET_BITS, Ints, duration_bucket, value_bucket

MINUTE: Final = 60_000
#: slice sizes in ms: for windows up to 2 h, up to 24 h, and above. The last "size" is all of time, for running sums.
SIZES: Final = (MINUTE, 15 * MINUTE, 60 * MINUTE)
EVER: Final = len(SIZES)
_EMPTY: Final = np.empty(0, dtype=np.int64)


class Cells(NamedTuple):
    """Summed facts: cells ascending and unique, their counts and sums; (cell, bucket) ascending, their counts."""

    cells: Ints
    counts: Ints
    totals: Ints
    buckets: Ints
    bucket_counts: Ints


NO_CELLS: Final = Cells(_EMPTY, _EMPTY, _EMPTY, _EMPTY, _EMPTY)


class Batch(NamedTuple):
    """Summed facts of one slice size: as `Cells`, each with its slice number, ascending by slice, then cell."""

    slices: Ints
    cells: Ints
    counts: Ints
    totals: Ints
    bucket_slices: Ints
    buckets: Ints
    bucket_counts: Ints


def _sum_by(keys: Ints, *values: Ints) -> tuple[Ints, ...]:
    """Return the unique keys ascending, and each array of values summed by key (exact integers)."""
    if len(keys) == 0:
        return (keys, *values)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.empty(len(keys), dtype=bool)
    first[0] = True
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    return (keys[starts], *(np.add.reduceat(v[order], starts) for v in values))


class Shape(NamedTuple):
    """What the store must know of rows: arrays by row number. Open rows take the shape of their family's first row.

    `sizes` is a bit mask of slice sizes (bit EVER: a running sum), `histogram` 0 none, 1 milliseconds, 2 unit-less.
    """

    sizes: Ints
    histogram: Ints


def _slice_of(at: Ints, made: Ints, size: int) -> Ints:
    """Return the slice numbers of facts: the slice that holds `at`, or for time-made facts the first that begins at it."""
    return np.where(made == 1, -(-at // size), at // size)


def reduce_facts(facts: list[Fact], shape: Shape) -> list[Batch]:
    """Sum facts into one batch a slice size, the last for running sums."""
    table = np.fromiter(chain.from_iterable(facts), dtype=np.int64, count=4 * len(facts)).reshape(-1, 4)
    cell, at, value, sign = table[:, 0], table[:, 1], table[:, 2], table[:, 3]
    row = (cell >> 1) & (ROW_LIMIT - 1)
    mask = shape.sizes[row]
    timed = (mask & ((1 << EVER) - 1)) > 0
    slices = _slice_of(at, cell & 1, SIZES[0])
    finest = _batch(slices[timed], cell[timed], sign[timed], (sign * value)[timed])
    kind = shape.histogram[row]
    spread = timed & (kind > 0)
    buckets = np.where(kind[spread] == 1, duration_bucket(value[spread]), value_bucket(value[spread]))
    finest = _with_buckets(finest, slices[spread], cell[spread], buckets, sign[spread])
    ever = (mask & (1 << EVER)) > 0
    running = _batch(np.zeros(int(ever.sum()), dtype=np.int64), cell[ever], sign[ever], (sign * value)[ever])
    return [*_coarsened(finest, shape), running]


def _batch(slices: Ints, cell: Ints, count: Ints, total: Ints) -> Batch:
    keys, count, total = _sum_by(slices << CELL_BITS | cell, count, total)
    return Batch(keys >> CELL_BITS, keys & ((1 << CELL_BITS) - 1), count, total, _EMPTY, _EMPTY, _EMPTY)


def _with_buckets(batch: Batch, slices: Ints, cell: Ints, buckets: Ints, count: Ints) -> Batch:
    """Return a batch with its buckets, whose slices are among its own: by their places, as years apart fill no int64."""
    if len(slices) == 0:
        return batch
    numbers = np.unique(batch.slices)
    keys, count = _sum_by((np.searchsorted(numbers, slices) << CELL_BITS | cell) << BUCKET_BITS | buckets, count)
    return batch._replace(
        bucket_slices=numbers[keys >> (CELL_BITS + BUCKET_BITS)],
        buckets=keys & ((1 << (CELL_BITS + BUCKET_BITS)) - 1),
        bucket_counts=count,
    )


def _coarsened(finest: Batch, shape: Shape) -> list[Batch]:
    """Return the batches of all sizes, each with the rows that somebody reads at that size."""
    row = (finest.cells >> 1) & (ROW_LIMIT - 1)
    bucket_cell = finest.buckets >> BUCKET_BITS
    bucket_row = (bucket_cell >> 1) & (ROW_LIMIT - 1)
    made, bucket_made = finest.cells & 1, bucket_cell & 1
    batches = []
    for i, size in enumerate(SIZES):
        chosen = (shape.sizes[row] >> i & 1) == 1
        bucket_chosen = (shape.sizes[bucket_row] >> i & 1) == 1
        if i == 0:
            batches.append(
                Batch(
                    *(a[chosen] for a in finest[:4]),
                    *(a[bucket_chosen] for a in finest[4:]),
                )
            )
            continue
        factor = size // SIZES[0]
        slices = _slice_of(finest.slices[chosen], made[chosen], factor)
        batch = _batch(slices, finest.cells[chosen], finest.counts[chosen], finest.totals[chosen])
        slices = _slice_of(finest.bucket_slices[bucket_chosen], bucket_made[bucket_chosen], factor)
        buckets = finest.buckets[bucket_chosen]
        batches.append(
            _with_buckets(
                batch,
                slices,
                buckets >> BUCKET_BITS,
                buckets & ((1 << BUCKET_BITS) - 1),
                finest.bucket_counts[bucket_chosen],
            )
        )
    return batches


def merged(*parts: Cells) -> Cells:
    """Return the sum of sets of cells, without those that came to nothing."""
    cells, count, total = _sum_by(*(np.concatenate([part[i] for part in parts]) for i in range(3)))
    keep = (count != 0) | (total != 0)
    buckets, bucket_count = _sum_by(*(np.concatenate([part[i] for part in parts]) for i in (3, 4)))
    keep_buckets = bucket_count != 0
    return Cells(cells[keep], count[keep], total[keep], buckets[keep_buckets], bucket_count[keep_buckets])


class Store:
    """Panes by (size index, slice number)."""

    def __init__(self) -> None:
        self.panes: dict[tuple[int, int], Cells] = {}
        #: groups that changed since `take_changed`, by pane
        self._changed: dict[tuple[int, int], set[int]] = {}

    def add(self, size: int, batch: Batch) -> None:
        """Add a batch of one slice size (its index)."""
        for number, cells in split(batch):
            self.put(size, number, merged(self.panes.get((size, number), NO_CELLS), cells))
            groups = np.unique(cells.cells // GROUP_UNIT)
            self._changed.setdefault((size, number), set()).update(groups.tolist())

    def put(self, size: int, number: int, cells: Cells) -> None:
        """Replace a pane."""
        self.panes[size, number] = cells

    def drop_before(self, size: int, number: int) -> list[tuple[int, int, int]]:
        """Drop the panes of a size below a slice number; return their (size index, slice, group)."""
        dropped = []
        for key in [k for k in self.panes if k[0] == size and k[1] < number]:
            groups = np.unique(self.panes.pop(key).cells // GROUP_UNIT)
            dropped += [(*key, group) for group in groups.tolist()]
        return dropped

    def take_changed(self) -> dict[tuple[int, int], set[int]]:
        """Return the groups that changed since the last call, by (size index, slice)."""
        changed, self._changed = self._changed, {}
        return changed

    def range(self, size: int, low: int, high: int) -> Iterator[Cells]:
        """Return the panes of slices low..high, in no order."""
        if high - low < len(self.panes):
            found = (self.panes.get((size, number)) for number in range(low, high + 1))
        else:
            found = (cells for (s, number), cells in self.panes.items() if s == size and low <= number <= high)
        return (cells for cells in found if cells is not None)


def split(batch: Batch) -> Iterable[tuple[int, Cells]]:
    """Return the batch slice by slice."""
    if len(batch.slices) == 0:
        return
    numbers, starts = np.unique(batch.slices, return_index=True)
    ends = [*starts[1:].tolist(), len(batch.slices)]
    for number, start, end in zip(numbers.tolist(), starts.tolist(), ends, strict=True):
        first, last = np.searchsorted(batch.bucket_slices, (number, number + 1))
        yield (
            number,
            Cells(
                batch.cells[start:end],
                batch.counts[start:end],
                batch.totals[start:end],
                batch.buckets[first:last],
                batch.bucket_counts[first:last],
            ),
        )
