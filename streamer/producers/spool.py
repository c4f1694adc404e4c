"""Events on disk: what was accepted while Kafka was away, in order, until Kafka has it. One SQLite file a process.

A commit is on the disk when it returns (WAL, synchronous = FULL), so it outlives `kill -9` and a power cut. Each file
belongs to the process that holds the lock beside it; whoever opens the folder takes over the files of the dead.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

from streamer.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_FILES_MAX: Final = 1_000  # processes of one folder; a bound for the search, far above the workers of one machine
_TABLE: Final = "event (seq INTEGER PRIMARY KEY, topic TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL)"
_SCHEMA: Final = f"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS {_TABLE}"


class SpoolError(OutputError):
    """The spool cannot be read or written, for example because the disk is full. `path` names its file."""

    retryable: ClassVar[bool] = True


class SpoolFullError(SpoolError):
    """The spool has reached its limit: the event was not accepted."""


class Row(NamedTuple):
    """A record with its place in the order."""

    seq: int
    topic: str
    key: bytes
    value: bytes

    @property
    def size(self) -> int:
        """What counts against the limit, in bytes."""
        return len(self.key) + len(self.value)


class Spool:
    """The file of this process in `folder`, which is made where it is missing. Not thread-safe: callers take turns.

    Raises `SpoolError`, as does every method: nothing of a write that fails is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path, lock = self._claim()
        except OSError as error:
            raise SpoolError(str(folder), error.strerror or str(error)) from None
        self._lock: int | None = lock
        self._connection: sqlite3.Connection | None = None
        try:
            with self._cursor() as cursor:
                self.last_seq: int = cursor.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0]
            self._take_over_others()
            with self._cursor() as cursor:
                self.count, self.bytes = cursor.execute(
                    "SELECT count(*), coalesce(sum(length(key) + length(value)), 0) FROM event"
                ).fetchone()
        except BaseException:
            self.close()
            raise

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows whose `seq` rises from `last_seq`; all of them are on the disk when this returns, or none."""
        assert rows[0].seq > self.last_seq
        with self._cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany("INSERT INTO event VALUES (?, ?, ?, ?)", rows)
            cursor.execute("COMMIT")
        self.last_seq = rows[-1].seq
        self.count += len(rows)

    def read(self, after: int, limit: int) -> list[Row]:
        """Return the first `limit` rows after the place `after`."""
        with self._cursor() as cursor:
            query = "SELECT seq, topic, key, value FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
            return list(map(Row._make, cursor.execute(query, (after, limit))))

    def drop_through(self, seq: int) -> None:
        """Forget the rows up to and with `seq`."""
        with self._cursor() as cursor:
            self.count -= cursor.execute("DELETE FROM event WHERE seq <= ?", (seq,)).rowcount

    def disconnect(self) -> None:
        """Close SQLite's files, which must not be carried over a fork; the next call opens them again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Give the file free for another process, or in a fork leave it to the parent. Does nothing when it is closed."""
        self.disconnect()
        # A fork closes again what its parent has closed: the number may be another file's by then.
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _claim(self) -> tuple[Path, int]:
        for number in range(1, _FILES_MAX + 1):
            lock = _try_lock(self.folder / f"{number}.lock")
            if lock is not None:
                return self.folder / f"{number}.sqlite", lock
        raise OSError(None, f"has {_FILES_MAX} spools in use")

    def _take_over_others(self) -> None:
        """Copy what dead processes left behind, before anything new is accepted: so their events stay in front."""
        for path in sorted(self.folder.glob("*.sqlite"), key=lambda path: (len(path.name), path.name)):
            lock = None if path == self.path else _try_lock(path.with_suffix(".lock"))
            if lock is None:
                continue
            try:
                self._take_over(path)
            finally:
                os.close(lock)

    def _take_over(self, path: Path) -> None:
        if not path.exists():  # another process was faster
            return
        with self._cursor() as cursor:
            cursor.execute("ATTACH ? AS other", (str(path),))
            try:
                cursor.execute(f"CREATE TABLE IF NOT EXISTS other.{_TABLE}")  # its owner may have died before
                first: int = cursor.execute("SELECT coalesce(min(seq), 0) FROM other.event").fetchone()[0]
                moved = "SELECT seq - ? + ?, topic, key, value FROM other.event ORDER BY seq"
                cursor.execute("BEGIN IMMEDIATE")
                cursor.execute(f"INSERT INTO event {moved}", (first, self.last_seq + 1))
                cursor.execute("COMMIT")
                (self.last_seq,) = cursor.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()
            finally:
                if cursor.connection.in_transaction:
                    cursor.connection.rollback()
                cursor.execute("DETACH other")
        # Committed here first: killed in between, its events are sent twice and counted once.
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    @contextmanager
    def _cursor(self) -> Iterator[sqlite3.Cursor]:
        try:
            if self._connection is None:
                # Whoever holds the lock is alone: a busy file is a backup that reads it for a moment.
                self._connection = sqlite3.connect(
                    self.path, timeout=5.0, isolation_level=None, check_same_thread=False
                )
                self._connection.executescript(_SCHEMA)
            yield self._connection.cursor()
        except sqlite3.Error as error:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.rollback()
            raise SpoolError(str(self.path), str(error)) from None


def _try_lock(path: Path) -> int | None:
    """Return the open lock file, or None where another process holds it. The kernel frees it when its holder dies."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
