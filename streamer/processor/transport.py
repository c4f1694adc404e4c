"""Faust's aiokafka transport, with one Faust event per round of a partition's topics instead of one per record.

Faust's consumer runs aiokafka in a thread of its own; `ChunkThread` is that side, `ChunkConsumer` the side of the
application's event loop. Commits, flow control and acks then cost per round.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import aiokafka
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode.utils.logging import get_logger

from streamer.processor.clock import End, Fetched, release_limit

if TYPE_CHECKING:
    from streamer.processor.app import WorkerApp
    from streamer.processor.partition import Record

logger = get_logger(__name__)

# A round is applied without a pause: 5,000 records of 20 us are 0.1 s in which the loop does nothing else.
MAX_ROUND = 5_000
# Handed out and not yet applied: two fetches ahead keep the agent busy; more only costs memory.
MAX_IN_FLIGHT = 4 * MAX_ROUND
# A seek waits for the long poll under way, so this is part of every failover; aiokafka's stock use in Faust is 1,500.
FETCH_WAIT_MS = 100
# Or when this much has come: at 5,000 events/s of 230 bytes a fetch every 30 ms, not one per event.
FETCH_MIN_BYTES = 32_768
FETCH_MAX_BYTES = 1 << 20
# Offsets are committed for display only: nothing may wait for a broker that is away.
COMMIT_LIMIT = 3.0


class Chunk(NamedTuple):
    """What lies in a partition between two positions [start, end).

    Fewer records than positions where there are control records (of transactions) or holes of compaction; none at all
    is possible. Consecutive chunks of a partition touch: a receiver sees by `start` whether one was lost on its way.
    """

    start: int
    end: int
    records: "Sequence[Record]"

    def until(self, arrival: int | None) -> "tuple[Chunk | None, Chunk | None]":
        """Split into what arrived until then (ms; None: nothing) and the rest, in the log's order; None where that is empty."""
        if not self.records:
            return self, None
        if arrival is None:
            return None, self
        if self.records[-1].timestamp <= arrival:
            return self, None
        split = next(i for i, record in enumerate(self.records) if record.timestamp > arrival)
        if split == 0:
            return None, self
        middle = self.records[split].offset
        return Chunk(self.start, middle, self.records[:split]), Chunk(middle, self.end, self.records[split:])


Round = list[tuple[TP, Chunk]]
"""What the topics of one partition hold up to one arrival: the value of one Faust event. A topic is in it at most once."""


class ChunkThread(driver.AIOKafkaConsumerThread):
    """The thread with aiokafka's consumer. `next` is the position after the newest chunk of each partition."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._assigned: Any = None
        self.next: dict[TP, int] = {}

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        del transport  # its only content is the brokers' address
        config = cast("WorkerApp", self.app).config
        # Sticky and co-partitioning: topics of equal partition counts always land together on a worker.
        self._assignor = self.app.assignor
        return aiokafka.AIOKafkaConsumer(
            **config.client("worker"),
            group_id=config.app_id,
            group_instance_id=config.instance_id,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=MAX_ROUND,
            max_partition_fetch_bytes=FETCH_MAX_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            fetch_min_bytes=FETCH_MIN_BYTES,
            session_timeout_ms=config.session_timeout_ms,
            heartbeat_interval_ms=max(100, config.session_timeout_ms // 6),
            rebalance_timeout_ms=config.rebalance_timeout_ms,
            request_timeout_ms=max(40_000, config.rebalance_timeout_ms + 10_000),
            # Faust polls from another thread; a pause of its loop is the session timeout's business, not a reason to leave.
            max_poll_interval_ms=24 * 3_600_000,
            isolation_level=config.isolation_level,
        )

    def _current(self) -> Any:
        """Give the assignment of now. Of a new one nothing is known, and no chunk is made before its first seek."""
        subscription = self._ensure_consumer()._subscription.subscription  # noqa: SLF001
        assignment = subscription and subscription.assignment
        if assignment is not self._assigned:
            self._assigned, self.next = assignment, {}
        return assignment

    async def _seek_wait(self, consumer: aiokafka.AIOKafkaConsumer, partitions: Mapping[TP, int]) -> None:
        self._current()
        for tp, offset in partitions.items():
            consumer.seek(tp, offset)
            self.next[tp] = offset

    async def _fetch_records(  # type: ignore[override]  # chunks instead of records is the point
        self, consumer: aiokafka.AIOKafkaConsumer, active_partitions: set[TP], **limits: Any
    ) -> dict[TP, Chunk]:
        """Fetch; a partition whose position moved gives a chunk, also if only over control records."""
        records = await super()._fetch_records(consumer, active_partitions, **limits)
        chunks: dict[TP, Chunk] = {}
        assignment = self._current()
        for tp, start in self.next.items() if assignment else ():
            state = assignment.state_value(tp)
            if state and state.has_valid_position and state.position > start:
                chunks[tp] = Chunk(start, state.position, records.get(tp, ()))
                self.next[tp] = state.position
        return chunks

    def end(self, tp: TP) -> End | None:
        """Tell where the log ended at the last fetch. Only reads attributes, so it may be called from any thread."""
        state = self._assigned.state_value(tp) if self._assigned else None
        if state is None or state.highwater is None or state.timestamp is None:
            return None
        committed = cast("WorkerApp", self.app).config.isolation_level == "read_committed" and state.lso is not None
        return End(state.highwater, state.timestamp, state.lso if committed else state.highwater)

    def rejoin(self) -> None:
        """Ask for a new generation of the group. From any thread."""
        coordinator = self._ensure_consumer()._coordinator  # noqa: SLF001
        self.thread_loop.call_soon_threadsafe(coordinator.request_rejoin)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        consumer, assigned = self._ensure_consumer(), self.assignment()
        wanted = {
            TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items() if tp in assigned
        }
        if wanted:
            await asyncio.wait_for(consumer.commit(wanted), COMMIT_LIMIT)
        return bool(wanted)


class _NoOffsets(dict[TP, Any]):
    """In place of Faust's filter of repeated offsets: chunks are checked by their positions, where they are applied."""

    def __missing__(self, tp: TP) -> None:
        """Every chunk passes."""

    def __setitem__(self, tp: TP, offset: Any) -> None:
        """Nothing is kept."""

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is kept."""


class ChunkConsumer(driver.Consumer):
    """Hands out rounds: by arrival, and no more in flight than the agent can soon apply."""

    app: "WorkerApp"
    _thread: ChunkThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _NoOffsets()
        self._pending: dict[TP, Chunk] = {}
        """Fetched and not handed out; such a partition is not fetched from."""
        self._handed: dict[TP, int] = {}
        """Position after the newest chunk handed out."""

    def _new_consumer_thread(self) -> ChunkThread:
        return ChunkThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ARG002, ASYNC109
        """Fetch once and hand out what may be applied now (`timeout` is Faust's and too long)."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]
        if self._in_flight() < MAX_IN_FLIGHT:
            wanted = {tp for tp in self._get_active_partitions() if tp not in self._pending}
            if wanted:
                chunks = await self._getmany(wanted, FETCH_WAIT_MS / 1000)
                self._pending.update({ensure_TP(tp): chunk for tp, chunk in chunks.items()})  # type: ignore[misc]
            else:
                await asyncio.sleep(FETCH_WAIT_MS / 1000)
        else:
            await asyncio.sleep(0.002)
        for round_ in self._release():
            # The flow may have stopped while the last round was handed on. Then what is here is fetched again: every
            # assignment begins with a seek.
            if self.should_stop or not self.flow_active:
                return
            self._handed.update({tp: chunk.end for tp, chunk in round_})
            yield round_[0][0], self._message(round_)

    def _release(self) -> list[Round]:
        """Take what may go out now from `_pending`: a round of each partition that has one."""
        released = []
        for partition in {tp.partition for tp in self._pending}:
            topics = self.app.partitions.topics(partition)
            limit = release_limit([self._fetched(tp) for tp in topics], MAX_ROUND)
            round_: Round = []
            for tp in topics:
                if chunk := self._pending.pop(tp, None):
                    now, later = chunk.until(limit)
                    if later:
                        self._pending[tp] = later
                    if now:
                        round_.append((tp, now))
            if round_:
                released.append(round_)
        return released

    def _fetched(self, tp: TP) -> Fetched:
        chunk, end = self._pending.get(tp), self.end(tp)
        position = chunk.end if chunk else self._handed.get(tp, 0)
        return Fetched(chunk.records if chunk else (), more=end is None or position < end.readable)

    def _message(self, round_: Round) -> ConsumerMessage:
        tp, chunk = round_[0]
        records = chunk.records
        return ConsumerMessage(
            tp.topic, tp.partition, chunk.end - 1, records[-1].timestamp / 1000 if records else time.time(), 0, None,
            None, cast("Any", round_), None, 0, 0, tp, generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    def _in_flight(self) -> int:
        """Count records handed out and not yet applied (and control records, which hardly matter)."""
        return sum(max(0, end - self.app.partitions.applied(tp, end)) for tp, end in self._handed.items())

    def end(self, tp: TP) -> End | None:
        """Tell where the topic partition's log ended at the last fetch."""
        return self._thread.end(tp)

    def rejoin(self) -> None:
        """Ask for a new generation of the group."""
        self._thread.rejoin()

    async def perform_seek(self) -> None:
        """Go to where the restored state wants to read on (Faust: to the committed offsets)."""
        assigned = self.assignment()
        await self.seek_to({tp: o for tp, o in self.app.partitions.wanted().items() if tp in assigned})

    async def seek_to(self, offsets: Mapping[TP, int]) -> None:
        """Seek; what was fetched before is forgotten."""
        for tp in offsets:
            self._pending.pop(tp, None)
        self._handed.update(offsets)
        await self.seek_wait(offsets)

    # Overriding ack() would be useless: Faust's Cython stream iterator inlines it. It only fills `_acked`, so that is
    # emptied here, and no gap is ever recorded (`_acked` is not what is committed).
    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002
        """Commit what is flushed, for those who look at the group's lag."""
        self._acked.clear()
        self._acked_index.clear()
        offsets = self.app.partitions.flushed()
        try:
            return bool(offsets) and await self._thread.commit(offsets)
        except Exception as exc:  # noqa: BLE001  # Faust's ends the worker, but these offsets are only looked at
            logger.info("offsets not committed: %r", exc)
            return False

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing is kept."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust's livelock detector reads what is not kept here; readiness tells instead."""


class WorkerProducer(driver.Producer):
    """Faust's own producer (this application sends nothing with it) with this worker's security settings."""

    app: "WorkerApp"

    def _settings_auth(self) -> Mapping[str, Any]:
        return self.app.config.security


class ChunkTransport(driver.Transport):
    """aiokafka's transport with chunks."""

    Consumer = ChunkConsumer
    Producer = WorkerProducer
