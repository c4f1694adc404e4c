"""The mark: the last record of each flush in each changelog. It says what the records before it include.

A reader of a changelog holds records back until their mark comes, and applies them together with it.
"""

import msgspec

MARK = b"\x00mark"
# A record without meaning that has to exist before Tansu tells the log's end right.
END = b"\x00end"


class Mark(msgspec.Struct, frozen=True):
    """What a partition's changelogs include up to here; times in ms since the epoch."""

    offsets: dict[str, int]
    """Next offset to read, of every source topic."""
    arrivals: dict[str, int]
    """Arrival of the last record applied, of every source topic that had one."""
    clock: int
    """Arrival clock of the partition: nothing that arrived before it can still come."""
    time: int
    """Wall time of the flush: how old a reader's view is."""
    configuration: str
    """Hash of the settings and code that decided these facts."""


encode_mark = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Mark)


def decode_mark(value: bytes) -> Mark:
    """Decode a mark's value; raises msgspec.DecodeError (a ValueError) where it is none."""
    return _decoder.decode(value)


CONTROL = frozenset({MARK, END})


def is_control(key: bytes | None) -> bool:
    """Whether a changelog record is the processor's own (a mark, or Tansu's end) and not a table's."""
    return key in CONTROL
