"""The worker: a Faust application whose agent applies chunks to partition states."""

import gc
from typing import Any, cast

import faust
from faust.types import StreamT, TransportT

from streamer.processor.config import WorkerConfig
from streamer.processor.health import HealthServer, unready
from streamer.processor.metrics import WorkerMetrics
from streamer.processor.owned import now_ms
from streamer.processor.partition import Families, PartitionFactory
from streamer.processor.partitions import Partitions
from streamer.processor.recovery import ExactRecovery, ExactTableManager
from streamer.processor.transport import ChunkConsumer, ChunkTransport, Round

# How fresh /ready is.
BEAT_SECONDS = 0.25
# What a state is made of has no cycles: Python's own collections look at every new object to find next to nothing, a tenth
# of the time of a backlog. The cycles that asyncio and the clients leave are few enough for so many seconds.
COLLECT_SECONDS = 300.0


class WorkerApp(faust.App):
    """Faust's application with the chunked transport and the exact partitions."""

    consumer: ChunkConsumer

    def __init__(self, config: WorkerConfig, factory: PartitionFactory, families: Families) -> None:
        self.config = config
        self.factory = factory
        super().__init__(
            config.app_id,
            broker=[f"kafka://{server}" for server in config.bootstrap_servers],
            store="memory://",
            topic_partitions=config.partitions,
            topic_replication_factor=config.replication,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            autodiscover=False,
            stream_wait_empty=False,
            TableManager=ExactTableManager,
            broker_session_timeout=config.session_timeout_ms / 1000,
            broker_commit_interval=5.0,
        )
        self.metrics = WorkerMetrics(families)
        self.health: HealthServer | None = None
        self.partitions = Partitions(self, self.metrics)

    @property
    def recovery(self) -> ExactRecovery:
        """The service that recovers partitions."""
        return cast("ExactTableManager", self.tables).recovery

    def _new_transport(self) -> TransportT:
        return ChunkTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> TransportT:
        return ChunkTransport(self.conf.broker_producer, self)

    async def on_start(self) -> None:
        """Start, and tell the health server so from now on."""
        gc.disable()
        await super().on_start()
        if self.health:
            self.add_future(self._beat(self.health))

    async def _beat(self, health: HealthServer) -> None:
        while not self.should_stop:
            health.beat(unready(self, now_ms()))
            await self.sleep(BEAT_SECONDS)

    def _create_directories(self) -> None:
        """None: nothing is kept on this machine."""


def build_app(config: WorkerConfig, factory: PartitionFactory, families: Families | None = None) -> WorkerApp:
    """Make the worker's Faust application; nothing is connected before it starts.

    `factory` makes the empty state of a partition; `families` declares the counters of states that count.
    """
    app = WorkerApp(config, factory, families or {})
    partitions = app.partitions
    topic = app.topic(*config.sources, key_type=bytes, key_serializer="raw", value_type=bytes, value_serializer="raw")

    @app.agent(topic, name="apply")
    async def apply(stream: StreamT[Round]) -> None:
        """Apply each round to its partition."""
        async for round_ in stream:
            await partitions.take(round_)

    @app.on_partitions_revoked.connect(weak=False)
    async def revoked(*_: Any, **__: Any) -> None:
        """Write what there is before others take over."""
        await partitions.revoke()

    @app.on_before_shutdown.connect(weak=False)
    async def shutdown(*_: Any, **__: Any) -> None:
        """Write what there is and end the writers."""
        await partitions.close()

    @app.timer(COLLECT_SECONDS)  # type: ignore[untyped-decorator]  # Faust's own
    async def collect() -> None:
        """Collect garbage, which nothing else does."""
        gc.collect()
        gc.freeze()  # what has stayed is state: the next collection need not look at it

    app.task(partitions.flush_loop)
    return app
