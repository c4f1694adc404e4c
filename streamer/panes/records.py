"""How panes, groups, open rows and open work are written: the records of the board's changelog.

| first byte | key | value |
|---|---|---|
| ``p`` | size index, slice number, group number | the cells of one group in one pane |
| ``g`` | group number | the group's dimension values |
| ``r`` | row number | family and label values of an open row |
| ``w`` | timeline key | the open work of one timeline |
"""

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


class _Pane(msgspec.Struct, array_like=True, gc=False):
    cells: list[int]
    count: list[int]
    total: list[int]
    buckets: list[int]
    bucket_count: list[int]


encode = msgspec.msgpack.Encoder().encode
_decode_pane = msgspec.msgpack.Decoder(_Pane).decode
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


def encode_cells(cells: Cells) -> bytes:
    """Return one group's cells as they are written, without the group, which is in the key."""
    mask = GROUP_UNIT - 1
    return encode(
        _Pane(
            (cells.cells & mask).tolist(),
            cells.counts.tolist(),
            cells.totals.tolist(),
            (cells.buckets & ((GROUP_UNIT << BUCKET_BITS) - 1)).tolist(),
            cells.bucket_counts.tolist(),
        )
    )


def decode_cells(value: bytes, group: int) -> Cells:
    """Return the cells of a written record, in the numbers of `group`."""
    pane = _decode_pane(value)
    unit = group * GROUP_UNIT
    return Cells(
        np.array(pane.cells, dtype=np.int64) + unit,
        np.array(pane.count, dtype=np.int64),
        np.array(pane.total, dtype=np.int64),
        np.array(pane.buckets, dtype=np.int64) + (unit << BUCKET_BITS),
        np.array(pane.bucket_count, dtype=np.int64),
    )
