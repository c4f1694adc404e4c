"""The topics: made where they are missing, checked where they are there."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from mode.utils.logging import get_logger

from streamer.errors import DependencyError
from streamer.processor.config import WorkerConfig
from streamer.processor.errors import WrongPartitionsError
from streamer.processor.writer import RECORD_BYTES_MAX

logger = get_logger(__name__)

DAY_MS = 24 * 3_600_000
# A rebuild replays the log, so it has to reach back over the longest window (90 days) and some.
RETENTION_MS = 100 * DAY_MS
# A reader (the board) that is this far behind still sees every flush as it was written.
COMPACTION_LAG_MS = 3_600_000
# Compaction leaves the active segment alone: smaller than Kafka's 1 GiB, so that a recovery reads little that is outdated.
SEGMENT_BYTES = 64 << 20
CREATE_LIMIT = 30.0


SOURCE = {
    "retention.ms": str(RETENTION_MS),
    # Arrival is what the broker says: lateness is then not a matter of the producers' clocks.
    "message.timestamp.type": "LogAppendTime",
}
CHANGELOG = {
    "cleanup.policy": "compact",
    "min.compaction.lag.ms": str(COMPACTION_LAG_MS),
    "segment.bytes": str(SEGMENT_BYTES),
    "max.message.bytes": str(RECORD_BYTES_MAX),
}
DEAD_LETTERS = {"retention.ms": str(RETENTION_MS)}


def wanted(config: WorkerConfig) -> dict[str, dict[str, str]]:
    """Give every topic of the application with its settings; each has `config.partitions` partitions."""
    return {
        **dict.fromkeys(config.sources, SOURCE),
        config.dead_letters: DEAD_LETTERS,
        **dict.fromkeys(config.changelogs, CHANGELOG),
    }


async def ensure_topics(config: WorkerConfig) -> list[str]:
    """Make the topics that are missing and check the others' partition counts; gives the names of those made.

    Raises WrongPartitionsError, DependencyError where a topic cannot be made, KafkaError where the brokers do not answer.
    """
    admin = AIOKafkaAdminClient(**config.client("topics"), request_timeout_ms=int(CREATE_LIMIT * 1000))
    await admin.start()
    try:
        topics = wanted(config)
        missing = [topic for topic, count in _checked(config, await _counts(admin, topics)).items() if not count]
        if missing:
            await _create(admin, config, {topic: topics[topic] for topic in missing})
            # Until the brokers know what was made: the group's assignment would leave such a topic out.
            async with asyncio.timeout(CREATE_LIMIT):
                while not all(_checked(config, await _counts(admin, topics)).values()):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        return sorted(missing)
    except TimeoutError:
        raise DependencyError("kafka", f"topics made {CREATE_LIMIT:.0f} s ago are not there") from None
    finally:
        await admin.close()


def _checked(config: WorkerConfig, counts: dict[str, int]) -> dict[str, int]:
    """Give the counts back, or raise WrongPartitionsError."""
    wrong = {topic: count for topic, count in counts.items() if count not in (0, config.partitions)}
    if wrong:
        raise WrongPartitionsError(wrong, config.partitions, config.bootstrap)
    return counts


async def _counts(admin: AIOKafkaAdminClient, topics: dict[str, dict[str, str]]) -> dict[str, int]:
    """Partitions of each topic; 0 where it does not exist. Of all topics: asking for one may create it."""
    there = set(await admin.list_topics())
    counts = dict.fromkeys(topics, 0)
    if there & set(topics):
        for described in await admin.describe_topics(sorted(there & set(topics))):
            counts[described["topic"]] = len(described["partitions"])
    return counts


async def _create(admin: AIOKafkaAdminClient, config: WorkerConfig, missing: dict[str, dict[str, str]]) -> None:
    response = await admin.create_topics(
        [
            NewTopic(topic, config.partitions, config.replication, topic_configs=settings)
            for topic, settings in missing.items()
        ]
    )
    for topic, code, *message in response.topic_errors:
        # Another worker that starts at the same time may have been faster.
        if code not in (0, TopicAlreadyExistsError.errno):
            why = f"{for_code(code).__name__} {message[0] if message else ''}"
            raise DependencyError("kafka", f"cannot make topic {topic}: {why}")
    logger.info("made topics %s", ", ".join(sorted(missing)))
