"""The partitions of this worker: applying, flushing, giving up.

The rule that makes the state exact: commit or nothing. A flush that fails, for whatever reason, drops the partition's
memory (it is ahead of the log, or the outcome is unknown) and asks the group for a new generation; whoever is
assigned the partition then recovers it.
"""

import asyncio
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from faust.types import TP
from mode.utils.logging import get_logger

from streamer.processor.clock import End, Progress
from streamer.processor.metrics import WorkerMetrics
from streamer.processor.owned import Owned, now_ms
from streamer.processor.transport import MAX_ROUND, Round
from streamer.processor.writer import PartitionWriter

if TYPE_CHECKING:
    from streamer.processor.app import WorkerApp

logger = get_logger(__name__)

# A flush takes 10 to 20 ms. Longer than the request timeout (15 s) and a repetition means that the broker is gone.
FLUSH_LIMIT = 25.0
# Part of the group's rebalance timeout (20 s): the others wait meanwhile, and the join itself needs time too.
REVOKE_LIMIT = 8.0
# Records of one topic partition: what a second brings at full speed is a backlog, what is under way just now is not.
BACKLOG = 2 * MAX_ROUND
# In one flush interval: an event waits at most a tenth longer than that for its flush. At each look only so many flushes
# begin as are needed for all partitions to have one an interval: together they would hold each other up.
LOOKS = 10


class Partitions:
    """All partitions that are assigned to this worker. Used from the application's event loop only."""

    def __init__(self, app: "WorkerApp", metrics: WorkerMetrics) -> None:
        self._app = app
        self._config = app.config
        self._metrics = metrics
        self._sources = frozenset(self._config.sources)
        self._owned: dict[int, Owned] = {}
        self._tasks: set[asyncio.Future[Any]] = set()

    # ---- looking

    @property
    def held(self) -> list[Owned]:
        """All partitions, active or not."""
        return list(self._owned.values())

    @property
    def active(self) -> list[Owned]:
        """Partitions that take in events."""
        return [owned for owned in self._owned.values() if owned.active]

    def _end(self, topic: str, partition: int) -> End | None:
        return self._app.consumer.end(TP(topic, partition))

    def progress(self, partition: int) -> dict[str, Progress] | None:
        """How far each source topic of an active partition is."""
        owned = self._owned.get(partition)
        if owned is None or not owned.active:
            return None
        return {topic: owned.progress(topic, self._end(topic, partition)) for topic in owned.offsets}

    def topics(self, partition: int) -> list[TP]:
        """The source topics of an active partition; none of another."""
        owned = self._owned.get(partition)
        return [TP(topic, partition) for topic in owned.offsets] if owned and owned.active else []

    def applied(self, tp: TP, default: int) -> int:
        """Give the next offset to apply of a source topic partition, or the default where that is not known."""
        owned = self._owned.get(tp.partition)
        return owned.offsets.get(tp.topic, default) if owned and owned.active else default

    def wanted(self) -> dict[TP, int]:
        """Where the sources of the active partitions go on."""
        return {TP(topic, owned.number): o for owned in self.active for topic, o in owned.offsets.items()}

    def flushed(self) -> dict[TP, int]:
        """What the newest marks of the partitions include."""
        return {
            TP(topic, owned.number): offset
            for owned in self._owned.values()
            if owned.mark
            for topic, offset in owned.mark.offsets.items()
        }

    # ---- applying

    async def take(self, round_: Round) -> None:
        """Apply a round from the stream; what is of a former assignment changes nothing.

        Without an await up to the end of applying: no cut comes in between.
        """
        owned = self._owned.get(round_[0][0].partition)
        if owned is None or not owned.active:
            return
        try:
            for tp, chunk in round_:
                if tp.topic not in owned.offsets:
                    continue
                if owned.missing(tp.topic, chunk):
                    offset = owned.offsets[tp.topic]
                    logger.warning("%s: applied up to %s, got %s: reading again", tp, offset, chunk.start)
                    self.spawn(self._app.consumer.seek_to({tp: offset}))
                elif count := owned.apply(tp.topic, chunk):
                    self._metrics.records.labels(tp.topic).inc(count)
            owned.state.work_off()
        except Exception as exc:  # noqa: BLE001
            await self.fail(owned, exc)

    # ---- flushing

    async def flush(self, owned: Owned) -> None:
        """Write what changed, and a mark, as one transaction. Never raises: what goes wrong loses the partition."""
        async with owned.lock:
            writer = owned.writer
            if writer is None or self._owned.get(owned.number) is not owned:
                return
            started = time.monotonic()
            config = self._config
            ends = {topic: self._end(topic, owned.number) for topic in owned.offsets}
            try:
                rows, mark, counters = owned.cut(ends, config.changelogs, config.dead_letters, config.configuration)
            except Exception as exc:  # noqa: BLE001
                await self.fail(owned, exc)
                return
            try:
                async with asyncio.timeout(FLUSH_LIMIT):
                    positions = await writer.write(rows, mark.time)
            except BaseException as exc:
                self.lose(owned, exc)
                if not isinstance(exc, Exception):  # cancelled: the outcome is as unknown, and the caller is to know
                    raise
                return
            owned.mark = mark
            owned.positions.update({topic: o for topic, o in positions.items() if topic in config.changelogs})
            self._metrics.count(counters)
            self._metrics.flushes.inc()
            self._metrics.flushed_rows.inc(sum(map(len, rows.values())))
            self._metrics.flush_seconds.observe(time.monotonic() - started)

    def due(self, owned: Owned, now: int) -> bool:
        """Whether to flush at wall time `now` (ms): changed, or idle for so long that its mark has to say it lives."""
        config = self._config
        age = now - owned.mark.time if owned.mark else config.idle_mark_interval_ms
        behind = any(p.backlog > BACKLOG for p in (self.progress(owned.number) or {}).values())
        interval = config.backlog_flush_interval_ms if behind else config.flush_interval_ms
        idle = config.idle_mark_interval_ms
        # A clock that was set back makes the age negative: then it is due.
        return age < 0 or age >= (min(interval, idle) if owned.changed else idle)

    async def flush_loop(self) -> None:
        """Flush for ever, each partition by itself: one that waits for its broker does not hold up the others."""
        pause = self._config.flush_interval_ms / 1000 / LOOKS
        while not self._app.should_stop:
            await self._app.sleep(pause)
            now, active = now_ms(), self.active
            due = [owned for owned in active if not owned.lock.locked() and self.due(owned, now)]
            due.sort(key=lambda owned: owned.mark.time if owned.mark else 0)
            for owned in due[: -(-len(active) // LOOKS)]:
                self.spawn(self.flush(owned))
            self.show()

    def lose(self, owned: Owned, reason: BaseException) -> None:
        """Drop a partition's memory and rejoin the group."""
        logger.error("partition %s lost: %r", owned.number, reason)
        self._metrics.lost.inc()
        owned.active = False
        if self._owned.get(owned.number) is owned:
            del self._owned[owned.number]
            self._app.consumer.rejoin()
        self.release(owned)

    async def fail(self, owned: Owned, reason: Exception) -> None:
        """End the worker: the application's state raised, which recovering it and trying again would only repeat."""
        owned.active = False
        await self._app.crash(reason)

    def release(self, owned: Owned) -> None:
        """End the partition's writer, in the background."""
        writer, owned.writer = owned.writer, None
        if writer is not None:
            self.spawn(writer.stop())

    async def revoke(self) -> None:
        """Stop applying and write what there is; what cannot be written in time is lost."""
        holding = self.active
        for owned in holding:
            owned.active = False
        pending = [owned for owned in holding if owned.changed or owned.lock.locked()]
        try:
            async with asyncio.timeout(REVOKE_LIMIT):
                await asyncio.gather(*[self.flush(owned) for owned in pending])
        except TimeoutError as exc:
            for owned in pending:
                if owned.changed:
                    self.lose(owned, exc)

    async def close(self) -> None:
        """Flush and end all writers: the worker stops."""
        await self.revoke()
        for owned in self._owned.values():
            self.release(owned)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- assignment

    def hold(self, numbers: set[int]) -> list[Owned]:
        """Give the partitions with these numbers, not active; the others are dropped.

        Those that are new, or whose recovery was broken off, have empty states.
        """
        for number in [n for n, owned in self._owned.items() if n not in numbers or owned.mark is None]:
            self.release(self._owned.pop(number))
        for number in numbers - self._owned.keys():
            self._owned[number] = Owned(number, self._app.factory(number))
        for owned in self._owned.values():
            owned.active = False
        return [self._owned[n] for n in sorted(numbers)]

    def activate(self) -> None:
        """Let all held partitions take in events: they are recovered, and nobody else may write them."""
        for owned in self._owned.values():
            owned.active = True

    def reset(self, owned: Owned) -> Owned:
        """Put an empty state in the place of one that cannot be continued."""
        fresh = self._owned[owned.number] = Owned(owned.number, self._app.factory(owned.number), owned.writer)
        return fresh

    async def fence(self, owned: Owned) -> None:
        """Shut out every older owner of the partition."""
        async with owned.lock:  # a flush under way keeps its writer to the end
            self.release(owned)
            writer = PartitionWriter(self._config, owned.number)
            await writer.fence()
            owned.writer = writer

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something in the background; its errors are logged."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Future[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (exc := task.exception()):
            logger.warning("background work: %r", exc)

    # ---- showing

    def lag(self) -> dict[str, int] | None:
        """Records behind, by source topic; None while that is not known for every one."""
        lag = dict.fromkeys(self._config.sources, 0)
        for owned in self.active:
            for topic in owned.offsets:
                end = self._end(topic, owned.number)
                if end is None:
                    return None
                lag[topic] += max(0, end.offset - owned.offsets[topic])
        return lag

    def heard(self) -> int:
        """Give the wall time (ms) of the newest answer to a fetch; 0 while there was none."""
        ends = (self._end(topic, owned.number) for owned in self.active for topic in owned.offsets)
        return max((end.seen for end in ends if end), default=0)

    def show(self) -> None:
        """Put what is gauged into the metrics."""
        self._metrics.partitions.set(len(self.active))
        for topic, records in (self.lag() or {}).items():
            self._metrics.lag.labels(topic).set(records)
