"""What the emitter's courier holds: events until Kafka has them, who waits for them, and how many there are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from streamer.producers.spool import Row


class Counts(NamedTuple):
    """What became of this process's events, and what is still on its way."""

    sent: int
    """Events that Kafka acknowledged, also those that an earlier process left in the spool."""
    spooled: int
    """Events that were written to the spool, for a while."""
    refused: int
    """Events that were not accepted: invalid, or the spool was full or could not be written."""
    waiting: int
    """Events that Kafka has not acknowledged yet."""
    waiting_bytes: int
    """Their keys and values, in bytes; the limit `spool_bytes` is on this."""
    direct: bool
    """Whether new events go straight to Kafka."""


class Group:
    """Events whose acknowledgement somebody waits for together."""

    __slots__ = ("failure", "waiting")

    def __init__(self) -> None:
        self.waiting = 0
        self.failure: Exception | None = None


class Held:
    """An accepted event until Kafka has it; `group` until it is acknowledged, by Kafka or by the disk."""

    __slots__ = ("future", "group", "row", "since", "spooled")

    def __init__(self, row: Row, group: Group | None, *, spooled: bool) -> None:
        self.row = row
        self.group = group
        self.spooled = spooled
        self.future: Any = None
        self.since = time.monotonic()


def settle(held: Held, failure: Exception | None = None) -> None:
    """Tell the event's group, once."""
    group, held.group = held.group, None
    if group is not None:
        group.waiting -= 1
        group.failure = group.failure or failure
