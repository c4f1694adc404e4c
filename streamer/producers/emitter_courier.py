"""One way to Kafka for all of a process's events, straight on or by the spool, with each customer's order kept.

What was accepted has a place in one row of events. Its front, the window, has been handed to kafka-python and is not
acknowledged yet. While all goes well (`direct`) new events go into the window at once. When Kafka has not acknowledged
the oldest for `patience_s`, the window is written to the spool and new events go there too, behind it; a thread hands
the spool's events to kafka-python as the window empties, and the way is direct again when it has caught up. What Kafka
has is dropped from the spool. So the first arrival of a customer's events is always in order, whoever dies: what is
sent again after a crash begins at an event that everything later was behind.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from kafka.errors import KafkaError, KafkaTimeoutError

from streamer.errors import DependencyError
from streamer.events.registry import TOPICS
from streamer.producers.emitter_held import Counts, Group, Held, settle
from streamer.producers.spool import Row, Spool, SpoolError, SpoolFullError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamer.producers.emitter_compose import Record

log = logging.getLogger("streamer.emitter")

# As the Kafka sender: 20,000 records of 300 bytes are 6 MB, and 0.4 s at 50,000 a second.
WINDOW_MAX: Final = 20_000
_READ_ROWS: Final = 2_000
#: a batch's events that wait for one commit: at 5 ms a commit, 100,000 events/s
_COMMIT_ROWS: Final = 500
#: how long the thread may not notice that it has something to do, where nothing wakes it
_IDLE_S: Final = 0.2
_BACKOFF_S: Final = 1.0
#: beyond its patience a call waits for the disk; after this it is a defect or a dead disk, and no longer waits
_DISK_S: Final = 60.0


class Courier:
    """Takes records and sees to it that Kafka gets them. Thread-safe; in a forked child it begins anew."""

    def __init__(self, connect: Callable[[], Any], folder: Path, bytes_max: int, patience_s: float) -> None:
        self._connect = connect
        self._folder = folder
        self._bytes_max = bytes_max
        self._patience_s = patience_s
        self._closed = False
        self._begin()
        self._spool: Spool | None = None
        self._start()
        _couriers.add(self)

    def _begin(self) -> None:
        """Set what belongs to one process. `_disk` is taken before `_lock`, never after it."""
        self._mutex = threading.Lock()  # that of `_lock`, entered without its Python: a fifth of the time of `submit`
        self._lock = threading.Condition(self._mutex)
        self._disk = threading.Lock()
        self._window: deque[Held] = deque()
        self._pending: list[Held] = []
        self._producer: Any = None
        self._direct = False
        self._unspooled = False  # whether the window may hold events that are not in the spool
        self._full = False
        self._sent = self._spooled = self.refused = 0
        self._thread: threading.Thread | None = None

    def _start(self) -> None:
        """Open the spool, with what is left in it, and start the thread."""
        self._spool = spool = Spool(self._folder)
        self._seq = spool.last_seq
        # The place of the last event that kafka-python was given; everything in the spool is still to be sent.
        self._cursor = 0
        self._waiting, self._waiting_bytes = spool.count, spool.bytes
        self._thread = threading.Thread(target=self._run, name="streamer-emitter", daemon=True)
        self._thread.start()

    def submit(self, record: Record, group: Group) -> None:
        """Accept a record, or raise `SpoolFullError`. It is acknowledged once `wait` has returned for its group."""
        size = len(record.key) + len(record.value)
        with self._mutex:
            if self._closed:
                raise RuntimeError("the emitter is closed")
            if self._thread is None:
                self._start()
            self._make_room(size)
            self._seq += 1
            held = Held(Row(self._seq, *record), group, spooled=False)
            group.waiting += 1
            self._waiting += 1
            self._waiting_bytes += size
            if not (self._direct and self._hand_over(held)):
                self._pending.append(held)
            commit = len(self._pending) >= _COMMIT_ROWS
        if commit:
            self._commit()

    def wait(self, group: Group) -> None:
        """Return when every event of the group is in Kafka or on the disk; raise what kept one of them from it."""
        if not self._direct:
            self._commit()
        with self._lock:
            done = self._lock.wait_for(lambda: group.waiting == 0, self._patience_s + _DISK_S)
        failure, group.failure = group.failure, None
        if failure is not None:
            raise failure
        if not done:
            raise DependencyError("kafka", f"{group.waiting:,} events are neither in Kafka nor in {self._folder}")

    def flush(self, timeout_s: float) -> None:
        """Return when Kafka has everything. Raises `DependencyError` where that takes longer than `timeout_s`."""
        self._commit()
        with self._lock:
            if not self._lock.wait_for(lambda: self._waiting == 0, timeout_s):
                what = f"has not acknowledged {self._waiting:,} events; {self._folder} has them"
                raise DependencyError("kafka", what)

    def close(self, timeout_s: float) -> None:
        """Give Kafka `timeout_s` for what waits; the rest is in the spool when this returns, for the next start."""
        if self._closed or self._thread is None:
            self._closed = True
            return
        try:
            self.flush(timeout_s)
        except DependencyError as error:
            log.warning("%s", error)
        with self._lock:
            self._closed = True
            self._direct = False
            self._lock.notify_all()
        self._commit()
        self._thread.join()
        if self._spool is not None:
            self._spool.close()

    def counts(self) -> Counts:
        """Return the numbers of now."""
        with self._lock:
            return Counts(self._sent, self._spooled, self.refused, self._waiting, self._waiting_bytes, self._direct)

    def refuse(self) -> None:
        """Count an event that was refused before it came here."""
        with self._lock:
            self.refused += 1

    def _make_room(self, size: int) -> None:
        if self._waiting_bytes + size > self._bytes_max:
            self.refused += 1
            if not self._full:
                log.error("the spool %s is full (%d bytes): events are refused", self._folder, self._bytes_max)
            self._full = True
            raise SpoolFullError(str(self._folder), f"is full: {self._waiting:,} events wait for Kafka")
        self._full = False
        # The thread acknowledges, or ends the direct way when its patience does.
        if not self._direct or len(self._window) < WINDOW_MAX:
            return
        limit_s = self._patience_s + _DISK_S
        if not self._lock.wait_for(lambda: not self._direct or len(self._window) < WINDOW_MAX, limit_s):
            self.refused += 1
            raise DependencyError("kafka", "the window does not empty")

    def _hand_over(self, held: Held) -> bool:
        """Give the newest event to kafka-python; say if it took it."""
        row = held.row
        try:
            held.future = self._producer.put(row.topic, row.key, row.value)
        except KafkaError as error:
            log.warning("kafka: %s: %s", row.topic, error)
            self._direct = False
            return False
        self._cursor = row.seq
        self._unspooled = True
        self._window.append(held)
        if len(self._window) == 1:
            self._lock.notify_all()
        return True

    def _commit(self) -> None:
        """Write to the spool what is not acknowledged and not in it, in one transaction for all threads."""
        with self._disk:
            with self._lock:
                assert self._spool is not None
                # What the disk did not take the last time, and kafka-python still has, is refused and stays so.
                last = self._spool.last_seq
                waiting = [h for h in self._window if not h.spooled and h.row.seq > last] if self._unspooled else []
                rows = [*waiting, *self._pending]
                unsent, self._pending = self._pending, []
                if self._direct or not rows:
                    self._pending = unsent
                    return
                self._unspooled = False
            try:
                self._spool.append([held.row for held in rows])
            except SpoolError as error:
                self._give_up(rows, unsent, error)
                return
            with self._lock:
                self._spooled += len(rows)
                for held in rows:
                    held.spooled = True
                    settle(held)
                self._lock.notify_all()

    def _give_up(self, rows: list[Held], unsent: list[Held], error: SpoolError) -> None:
        """Tell whoever waits; those that kafka-python has may arrive all the same."""
        log.error("%s", error)
        with self._lock:
            for held in rows:
                self.refused += held.group is not None
                settle(held, error)
            for held in unsent:
                self._waiting -= 1
                self._waiting_bytes -= held.row.size
            self._lock.notify_all()

    def _run(self) -> None:
        while not self._closed:
            try:
                if self._producer is None and not self._open():
                    continue
                if not self._direct:
                    self._commit()
                    self._feed()
                self._await_oldest()
                self._trim()
            except SpoolError as error:
                log.error("%s", error)  # noqa: TRY400 (the spool's own words; it is tried again)
                self._pause()
            except Exception:
                log.exception("unexpected; the events wait in %s", self._folder)
                self._start_over()
        if self._producer is not None:
            _discard(self._producer, _BACKOFF_S)

    def _open(self) -> bool:
        try:
            self._producer = self._connect()
            for topic in TOPICS:
                if not self._producer.partitions_for(topic):
                    log.warning("kafka: there is no topic %s", topic)
        except KafkaError as error:
            log.warning("kafka: %s: %s; events wait in %s", type(error).__name__, error, self._folder)
            if self._producer is not None:
                self._start_over()
            else:
                self._pause()
            return False
        return True

    def _feed(self) -> None:
        """Hand the next events of the spool to kafka-python; when there are none left, the way is direct."""
        room = min(_READ_ROWS, WINDOW_MAX - len(self._window))
        assert self._spool is not None
        with self._disk:
            rows = self._spool.read(self._cursor, room) if room else []
            if room and not rows:
                with self._lock:
                    self._direct = not self._pending and not self._closed
                    self._lock.notify_all()
        for row in rows:
            held = Held(row, None, spooled=True)
            try:
                held.future = self._producer.put(row.topic, row.key, row.value)
            except KafkaError as error:
                log.warning("kafka: %s: %s; events wait in %s", row.topic, error, self._folder)
                self._pause()
                return
            with self._lock:
                self._window.append(held)
                self._cursor = row.seq

    def _await_oldest(self) -> None:
        with self._lock:
            if not self._window:
                self._lock.wait_for(lambda: self._window or self._pending or self._closed, _IDLE_S)
            oldest = self._window[0] if self._window else None
        if oldest is None:
            return
        patience_s = oldest.since + self._patience_s - time.monotonic()
        try:
            # While there is a spool to feed the window is looked at often, so that it never runs empty.
            oldest.future.get(timeout=max(0.0, min(_IDLE_S, patience_s)) if self._direct else _IDLE_S / 10)
        except KafkaTimeoutError:
            if not oldest.future.is_done and patience_s <= 0 and self._direct:
                log.warning("kafka has not answered for %.1f s: events wait in %s", self._patience_s, self._folder)
                self._direct = False
                self._commit()
        except KafkaError as error:
            log.warning("kafka: %s: %s", type(error).__name__, error)
        self._count_done()

    def _count_done(self) -> None:
        failed = False
        with self._lock:
            window, count = self._window, len(self._window)
            while window and window[0].future.is_done and not failed:
                failed = window[0].future.exception is not None
                if not failed:
                    held = window.popleft()
                    settle(held)
                    self._waiting_bytes -= held.row.size
            self._sent += count - len(window)
            self._waiting -= count - len(window)
            self._lock.notify_all()
        if failed:
            self._start_over()

    def _trim(self) -> None:
        """Drop from the spool what Kafka has: everything before the window."""
        spool = self._spool
        if spool is None or not spool.count:
            return
        with self._disk:
            with self._lock:
                through = self._window[0].row.seq - 1 if self._window else self._cursor
            spool.drop_through(through)

    def _start_over(self) -> None:
        """Take everything back from a producer that has failed for good, and send it again with a new one."""
        with self._lock:
            self._direct = False
        self._commit()
        with self._lock:
            lost = [held for held in self._window if not held.spooled]  # the disk failed, and their senders know it
            self._waiting -= len(lost)
            self._waiting_bytes -= sum(held.row.size for held in lost)
            self._cursor = self._window[0].row.seq - 1 if self._window else self._cursor
            self._window.clear()
            producer, self._producer = self._producer, None
        if producer is not None:
            _discard(producer)
        self._pause()

    def _pause(self) -> None:
        """Wait before the next attempt, with jitter: a broker that comes back is not met by everybody at once."""
        end = time.monotonic() + _BACKOFF_S * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)
        with self._lock:
            while not self._closed and (left_s := end - time.monotonic()) > 0:
                self._lock.wait(left_s)

    def before_fork(self) -> None:
        """Stand still, with no file of SQLite open: two processes must not share one."""
        self._disk.acquire()
        self._lock.acquire()
        if self._spool is not None:
            self._spool.disconnect()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()
        self._disk.release()

    def after_fork_in_child(self) -> None:
        """Begin anew with a spool and a producer of its own at the first event; what the parent holds is the parent's."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None
        if self._producer is not None:
            # Its sockets are the parent's: it is neither closed, not even at exit, nor collected.
            self._producer._closed = True  # noqa: SLF001 (kafka-python has no word for it)
            _of_parents.append(self._producer)
        self._begin()


def _discard(producer: Any, timeout_s: float = 0.0) -> None:
    """Close a producer, and where it cannot send what it has, end its thread all the same."""
    try:
        producer.close(timeout=timeout_s)
    except KafkaError:
        # close() has given up before it told its thread; that one would go on sending, beside our next producer.
        producer._sender.force_close()  # noqa: SLF001
        producer._closed = True  # noqa: SLF001


_couriers: weakref.WeakSet[Courier] = weakref.WeakSet()
_of_parents: list[Any] = []


def _each(name: str) -> Callable[[], None]:
    def call() -> None:
        for courier in sorted(_couriers, key=id):
            getattr(courier, name)()

    return call


os.register_at_fork(
    before=_each("before_fork"),
    after_in_parent=_each("after_fork_in_parent"),
    after_in_child=_each("after_fork_in_child"),
)
