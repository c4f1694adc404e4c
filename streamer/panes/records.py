"""How panes, groups, open rows and open work are written: the records of the board's changelog.

| first byte | key | value |
|---|---|---|
| ``p`` | size index, slice number, group number | the cells of one group in one pane |
| ``g`` | group number | the group's dimension values |
| ``r`` | row number | family and label values of an open row |
| ``w`` | timeline key | the open work of one timeline |
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from struct import Struct
from typing import Final

import msgspec
import numpy as np

from streamer.facts import GROUP_UNIT
from streamer.panes.histogram import BUCKET_BITS
from streamer.panes.store import Cells

PANE: Final = b"p"
GROUP: Final = b"g"
ROW: Final = b"r"
WORK: Final = b"w"
_PANE_KEY: Final = Struct(">cBIH")
_NUMBER_KEY: Final = Struct(">cH")
_CELL_MASK: Final = GROUP_UNIT - 1
_BUCKET_MASK: Final = (GROUP_UNIT << BUCKET_BITS) - 1
#: a pane's record: how many cells and buckets, then five arrays, little endian
_LENGTHS: Final = Struct("<II")
_TYPES: Final = tuple(np.dtype(name) for name in ("<u2", "<i8", "<i8", "<u4", "<i8"))
_WIDTHS: Final = tuple(t.itemsize for t in _TYPES)


encode = msgspec.msgpack.Encoder().encode
decode_group = msgspec.msgpack.Decoder(tuple[str, ...]).decode
decode_work = msgspec.msgpack.Decoder(list[tuple[int, int, int, int, int, str]]).decode
decode_row = msgspec.msgpack.Decoder(tuple[str, tuple[str, ...]]).decode


def pane_key(size: int, number: int, group: int) -> bytes:
    """Return the key of one group's part of a pane."""
    return _PANE_KEY.pack(PANE, size, number, group)


def read_pane_key(key: bytes) -> tuple[int, int, int]:
    """Return (size index, slice number, group number) of a pane's key."""
    _, size, number, group = _PANE_KEY.unpack(key)
    return size, number, group


def number_key(kind: bytes, number: int) -> bytes:
    """Return the key of a group or row."""
    return _NUMBER_KEY.pack(kind, number)


def read_number_key(key: bytes) -> int:
    """Return the group or row number of a key."""
    number: int = _NUMBER_KEY.unpack(key)[1]
    return number


def encode_groups(pane: Cells, groups: Iterable[int]) -> Iterator[tuple[int, bytes | None]]:
    """Return (group, its cells as they are written) of some groups of a pane; None where a group has no cells.

    The group is in the record's key, so the cells are written without it.
    """
    wanted = np.array(sorted(groups), dtype=np.int64)
    starts = wanted * GROUP_UNIT
    lows = np.searchsorted(pane.cells, starts).tolist()
    highs = np.searchsorted(pane.cells, starts + GROUP_UNIT).tolist()
    firsts = np.searchsorted(pane.buckets, starts << BUCKET_BITS).tolist()
    lasts = np.searchsorted(pane.buckets, (starts + GROUP_UNIT) << BUCKET_BITS).tolist()
    masked = (pane.cells & _CELL_MASK, pane.counts, pane.totals, pane.buckets & _BUCKET_MASK, pane.bucket_counts)
    cells, counts, totals, buckets, bucket_counts = (
        array.astype(type_).tobytes() for array, type_ in zip(masked, _TYPES, strict=True)
    )
    cell, count, total, bucket, bucket_count = _WIDTHS
    for group, low, high, first, last in zip(wanted.tolist(), lows, highs, firsts, lasts, strict=True):
        if low == high:
            yield group, None
            continue
        yield (
            group,
            _LENGTHS.pack(high - low, last - first)
            + cells[cell * low : cell * high]
            + counts[count * low : count * high]
            + totals[total * low : total * high]
            + buckets[bucket * first : bucket * last]
            + bucket_counts[bucket_count * first : bucket_count * last],
        )


def decode_groups(values: Sequence[bytes]) -> tuple[list[int], list[int], Cells]:
    """Return how many cells and how many buckets each record has, and those of all records one behind the other.

    The cells are without their group.
    """
    parts: tuple[list[bytes], ...] = ([], [], [], [], [])
    lengths, bucket_lengths = [], []
    for value in values:
        cells, buckets = _LENGTHS.unpack_from(value)
        lengths.append(cells)
        bucket_lengths.append(buckets)
        at = _LENGTHS.size
        for part, width, number in zip(parts, _WIDTHS, (cells, cells, cells, buckets, buckets), strict=True):
            part.append(value[at : (at := at + width * number)])
    arrays = (np.frombuffer(b"".join(part), type_).astype(np.int64) for part, type_ in zip(parts, _TYPES, strict=True))
    return lengths, bucket_lengths, Cells(*arrays)


def join_groups(found: Mapping[int, bytes]) -> Cells:
    """Return the pane of its groups' records."""
    groups = sorted(found)
    lengths, bucket_lengths, cells = decode_groups([found[group] for group in groups])
    units = np.array(groups, dtype=np.int64) * GROUP_UNIT
    return cells._replace(
        cells=cells.cells + np.repeat(units, lengths),
        buckets=cells.buckets + np.repeat(units << BUCKET_BITS, bucket_lengths),
    )
