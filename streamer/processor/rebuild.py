"""Beginning anew: the state is taken away, so that workers make it again from the source topics."""

from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streamer.processor.config import WorkerConfig
from streamer.processor.errors import ProcessorError
from streamer.processor.reader import reader
from streamer.processor.topics import administer, create, ensure_topics, remove
from streamer.processor.writer import PartitionWriter


class WorkersRunningError(ProcessorError):
    """Workers are members of the group: they would write old state beside the new one."""

    retryable = True
    exit_code = 1

    def __init__(self, group: str, members: int) -> None:
        super().__init__(
            f"{members} workers of {group} are running: stop them first (one that was killed is one for as long as "
            "its session lasts)"
        )


@dataclass(frozen=True)
class Log:
    """What a source topic still holds: records, those that are gone, and the time of the first one (ms; 0: none)."""

    topic: str
    records: int
    gone: int
    oldest: int


async def look(config: WorkerConfig) -> list[Log]:
    """Tell how far back the source topics go, making those that are missing.

    Raises WorkersRunningError, what `ensure_topics` raises, and KafkaError where the brokers do not answer.
    """
    await ensure_topics(config)
    async with administer(config) as admin:
        await _refuse_if_running(admin, config)
    consumer = reader(config, "recovery")
    await consumer.start()
    try:
        tps = [TopicPartition(topic, number) for topic in config.sources for number in range(config.partitions)]
        consumer.assign(tps)
        consumer.pause(*tps)
        starts, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        first = await consumer.offsets_for_times(dict.fromkeys(tps, 0))
    finally:
        await consumer.stop()
    return [
        Log(
            topic,
            sum(ends[tp] - starts[tp] for tp in tps if tp.topic == topic),
            sum(starts[tp] for tp in tps if tp.topic == topic),
            min((found.timestamp for tp, found in first.items() if found and tp.topic == topic), default=0),
        )
        for topic in config.sources
    ]


async def begin_anew(config: WorkerConfig) -> None:
    """Make all changelogs anew, empty. Raises as `look` does, and DependencyError where a topic cannot be made.

    Breaking off at any point leaves no half of a state: run it again.
    """
    async with administer(config) as admin:
        await _refuse_if_running(admin, config)
        # A worker that was frozen and comes back would write its old state, with a mark, into the new topics.
        for number in range(config.partitions if config.fenced else 0):
            writer = PartitionWriter(config, number)
            await writer.fence()
            await writer.stop()
        await remove(admin, config.changelogs)
        await create(admin, config)


async def _refuse_if_running(admin: AIOKafkaAdminClient, config: WorkerConfig) -> None:
    (response,) = await admin.describe_consumer_groups([config.app_id])
    for group in response.groups:
        members = group[5]
        if members:
            raise WorkersRunningError(config.app_id, len(members))
