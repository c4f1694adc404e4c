"""What the ingress remembers for adapters: a contact's customer, a ticket's last snapshot. Bounded, in one SQLite file.

Values are what adapters make of payloads: hashed ids, words and times, never a name or a text.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from streamer.errors import OutputError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

_ROWS_MAX: Final = 1_000_000  # 200 bytes each: 200 MB
_AGE_MAX_MS: Final = 90 * 86_400_000  # the timelines forget a finished ticket after 90 days
_PRUNE_EVERY: Final = 1_000  # keys saved between two looks at the bounds; the look takes 1 ms
#: the source of the rows that are the ingress' own, one for each source: they are never forgotten
OWN: Final = ""
_SCHEMA: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS state (source TEXT, key TEXT, value BLOB NOT NULL, saved INTEGER NOT NULL,
    PRIMARY KEY (source, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_age ON state (saved);
"""


# Source, key, value in JSON, and when it was saved in ms since the epoch.
_Row: TypeAlias = "tuple[str, str, bytes, int]"


class StateStore:
    """The remembered values of all sources in one file; `path` None keeps them in memory. For one thread.

    A commit is not forced to the disk: a power cut takes the last ones, and their deliveries then count as the first
    of their tickets, as those do that the bounds have forgotten. Raises `OutputError` where the file cannot be used.
    """

    def __init__(self, path: Path | None = None, *, rows_max: int = _ROWS_MAX, age_max_ms: int = _AGE_MAX_MS) -> None:
        self._where = str(path or "the state")
        self._rows_max, self._age_max_ms = rows_max, age_max_ms
        self._saved = 0
        self._waiting: list[tuple[list[_Row], asyncio.Future[None]]] = []
        try:
            self._connection = sqlite3.connect(path or ":memory:", isolation_level=None)
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise OutputError(self._where, str(error)) from None

    def changes(self, source: str) -> Changes:
        """Return the source's state for one delivery."""
        return Changes(self, source)

    def get(self, source: str, key: str) -> Any:
        """Return the value saved last, None if there is none."""
        try:
            row = self._connection.execute("SELECT value FROM state WHERE source = ? AND key = ?", (source, key))
            found = row.fetchone()
        except sqlite3.Error as error:
            raise OutputError(self._where, str(error)) from None
        return None if found is None else msgspec.json.decode(found[0])

    async def save(self, source: str, values: dict[str, Any], now_ms: int) -> None:
        """Save the values of one delivery, all or none, and return when they are committed.

        Deliveries that are acknowledged together are saved together: a commit takes as long as five rows.
        """
        rows = [(source, key, msgspec.json.encode(value), now_ms) for key, value in values.items()]
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._commit)  # after all that this turn of the loop wakes
        self._waiting.append((rows, saved := loop.create_future()))
        await saved

    def _commit(self) -> None:
        """Commit what waits, and forget what is too old or too much."""
        waiting, self._waiting = self._waiting, []
        rows = [row for found, _ in waiting for row in found]
        failure = None
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)", rows)
            self._saved += len(rows)
            if self._saved >= _PRUNE_EVERY:
                self._saved = 0
                self._prune(max(saved_ms for *_, saved_ms in rows))
            self._connection.execute("COMMIT")
        except (sqlite3.Error, UnicodeError) as error:
            if self._connection.in_transaction:
                self._connection.rollback()
            failure = OutputError(self._where, str(error))
        for _, saved in waiting:
            if not saved.done():
                saved.set_result(None) if failure is None else saved.set_exception(failure)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _prune(self, now_ms: int) -> None:
        self._connection.execute("DELETE FROM state WHERE saved < ? AND source != ?", (now_ms - self._age_max_ms, OWN))
        (rows,) = self._connection.execute("SELECT count(*) FROM state").fetchone()
        if rows > self._rows_max:
            oldest = "SELECT source, key FROM state WHERE source != ? ORDER BY saved LIMIT ?"
            self._connection.execute(
                f"DELETE FROM state WHERE (source, key) IN ({oldest})",  # noqa: S608 (a constant)
                (OWN, rows - self._rows_max),
            )


class Changes:
    """The state as one delivery sees it; what it puts is saved when its events are acknowledged."""

    def __init__(self, store: StateStore, source: str) -> None:
        self._store, self._source = store, source
        self._put: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        """Return what was put last, else None."""
        return self._put[key] if key in self._put else self._store.get(self._source, key)

    def put(self, key: str, value: Any) -> None:
        """Remember a value, once `save` is called."""
        self._put[key] = value

    @property
    def some(self) -> bool:
        """Whether anything was put."""
        return bool(self._put)

    async def save(self, now_ms: int) -> None:
        """Save what was put; returns when it is committed."""
        await self._store.save(self._source, self._put, now_ms)


class Locks:
    """One lock for each ticket or contact that deliveries are under way for."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], tuple[asyncio.Lock, list[None]]] = {}

    def of(self, source: str, key: str | None) -> AbstractAsyncContextManager[None]:
        """Let one delivery of this ticket in at a time; None needs no lock."""
        return nullcontext() if key is None else _Turn(self._held, (source, key))


class _Turn:
    """One delivery's turn with a ticket. A class, for a generator of `contextlib` takes 10 us more."""

    __slots__ = ("_held", "_key", "_lock", "_users")

    def __init__(self, held: dict[tuple[str, str], tuple[asyncio.Lock, list[None]]], key: tuple[str, str]) -> None:
        self._held, self._key = held, key

    async def __aenter__(self) -> None:
        self._lock, self._users = self._held.setdefault(self._key, (asyncio.Lock(), []))
        self._users.append(None)
        try:
            await self._lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()
        self._leave()

    def _leave(self) -> None:
        self._users.pop()
        if not self._users:
            del self._held[self._key]
