"""What the application supplies: the state of one partition, in memory, without any I/O."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol


class Record(Protocol):
    """A record of a source topic, as read from Kafka (aiokafka's ConsumerRecord is one)."""

    @property
    def topic(self) -> str:
        """The source topic."""

    @property
    def offset(self) -> int:
        """Its place in the partition's log."""

    @property
    def timestamp(self) -> int:
        """Arrival, in ms since the epoch: the broker's clock where it stamps the log (LogAppendTime)."""

    @property
    def key(self) -> bytes | None:
        """The partition key: the customer, or the subject."""

    @property
    def value(self) -> bytes | None:
        """The event as it was sent; nothing about it has been checked."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """The record's headers."""


class DeadLetter(NamedTuple):
    """A record that could not be applied, for the dead-letter topic (same partition)."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Changes(NamedTuple):
    """All that changed in a partition since the last cut: per table (key, new value; None deletes), and dead letters."""

    tables: Mapping[str, Sequence[tuple[bytes, bytes | None]]]
    dead_letters: Sequence[DeadLetter]


class PartitionState(Protocol):
    """The state of one partition.

    The processor calls it from one thread only, and never between `changes` and the end of that flush's transaction
    expects it to stand still: `apply` goes on meanwhile. If the transaction fails the object is thrown away.
    An exception out of `apply`, `work_off` or `changes` ends the worker: bad input belongs into `Changes.dead_letters`.
    """

    def apply(self, topic: str, records: Sequence[Record]) -> None:
        """Take in records of one source topic, in the log's order."""

    def work_off(self) -> None:
        """Do what was put off, if it is much: of all topics everything is here that arrived up to the newest record."""

    @property
    def dirty(self) -> bool:
        """Whether `changes` would give anything but new fold results."""

    def changes(self, clock: int) -> Changes:
        """Cut: all that changed since the last cut. Called at every flush and at every idle mark.

        `clock` (ms) is the partition's arrival clock: no record that arrived before it can still come.
        It never goes back, also not over a restart; 0 is "nothing is known yet".
        Two keys are the processor's own: `mark.MARK` and `mark.END`.
        """

    def restore_many(self, table: str, pairs: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Recovery: take in changelog records of one table, in the log's order; a value of None deletes."""

    def restored(self) -> None:
        """Recovery is complete, `apply` comes next; also after a rebalance that left the state as it was."""


class Counting(Protocol):
    """Optional: a PartitionState with counters of its own for the worker's /metrics."""

    def counters(self) -> Mapping[tuple[str, ...], float]:
        """Increments since the last call, by (family, label value, ...); called at each cut, shown if it commits.

        The families are declared to `build_app` as name -> (help, label names).
        """


PartitionFactory = Callable[[int], PartitionState]
"""Makes the empty state of a partition, given its number."""

Families = Mapping[str, tuple[str, tuple[str, ...]]]
"""Families of `Counting` states: name without `_total` -> (help, label names).

A family whose name ends in `_timestamp_seconds` is a gauge: not an increment but an instant, of which the latest is shown.
"""
