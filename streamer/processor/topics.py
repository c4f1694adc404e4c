"""The topics: made where they are missing, checked where they are there."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from mode.utils.logging import get_logger

from streamer.errors import DependencyError
from streamer.processor.config import RETENTION_MS, WorkerConfig
from streamer.processor.errors import WrongPartitionsError
from streamer.processor.topic_checks import PARTITIONS, Finding, UnfitTopicsError, Verdict, judge
from streamer.processor.writer import RECORD_BYTES_MAX
from streamer.progress import waiting

__all__ = ["COMPACTION_LAG_MS", "RETENTION_MS", "administer", "create", "ensure_topics", "inspect", "remove", "wanted"]

logger = get_logger(__name__)

# A reader (the board) that is this far behind still sees every flush as it was written.
COMPACTION_LAG_MS = 3_600_000
# Without it Kafka compacts when half of a log is outdated, which may be never: then what an erased customer left stays.
# It also closes the active segment, which compaction leaves alone.
COMPACTION_LAG_MS_MAX = 24 * 3_600_000
# Smaller than Kafka's 1 GiB, so that a recovery reads little that is outdated.
SEGMENT_BYTES = 64 << 20
CREATE_LIMIT = 30.0

CHANGELOG = {
    "cleanup.policy": "compact",
    "min.compaction.lag.ms": str(COMPACTION_LAG_MS),
    "max.compaction.lag.ms": str(COMPACTION_LAG_MS_MAX),
    "segment.bytes": str(SEGMENT_BYTES),
    "max.message.bytes": str(RECORD_BYTES_MAX),
}

Settings = Mapping[str, str]


def wanted(config: WorkerConfig) -> dict[str, Settings]:
    """Give every topic of the application with its settings; each has `config.partitions` partitions."""
    kept = {"cleanup.policy": "delete", "retention.ms": str(config.retention_ms)}
    # Arrival is what the broker says: lateness is then not a matter of the producers' clocks.
    source = {**kept, "message.timestamp.type": "LogAppendTime"}
    return {
        **dict.fromkeys(config.sources, source),
        config.dead_letters: kept,
        **dict.fromkeys(config.changelogs, CHANGELOG),
    }


@asynccontextmanager
async def administer(config: WorkerConfig) -> AsyncIterator[AIOKafkaAdminClient]:
    """Give a started admin client, ended behind the block. Raises KafkaError where the brokers do not answer."""
    admin = AIOKafkaAdminClient(**config.client("topics"), request_timeout_ms=int(CREATE_LIMIT * 1000))
    with waiting(f"Kafka at {config.bootstrap}", CREATE_LIMIT):
        await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def ensure_topics(config: WorkerConfig) -> list[str]:
    """Make the topics that are missing and check the others; gives the names of those made.

    Partition counts that differ (WrongPartitionsError) and settings that lose state or events (UnfitTopicsError) are
    refused; what is only worse than it could be is a line in the log. Raises DependencyError where a topic cannot be
    made, KafkaError where the brokers do not answer.
    """
    async with administer(config) as admin:
        counts = await _fitting(admin, config)
        findings = await _findings(admin, config, counts)
        if refused := [finding for finding in findings if finding.verdict is Verdict.WRONG]:
            raise UnfitTopicsError(refused, config.bootstrap)
        for finding in findings:
            if finding.verdict is Verdict.WARNING:
                logger.warning("%s", finding.words(config.bootstrap))
        made = await create(admin, config)
        if made:  # perhaps by somebody else meanwhile, with another number
            await _fitting(admin, config)
        return made


async def _fitting(admin: AIOKafkaAdminClient, config: WorkerConfig) -> dict[str, int]:
    """Return the partitions of each topic, 0 where it does not exist; WrongPartitionsError where it has another number."""
    counts = await _counts(admin, wanted(config))
    if wrong := {topic: count for topic, count in counts.items() if count not in (0, config.partitions)}:
        raise WrongPartitionsError(wrong, config.partitions, config.bootstrap)
    return counts


async def inspect(admin: AIOKafkaAdminClient, config: WorkerConfig) -> list[Finding]:
    """Compare every topic with what it should be: first its partitions, then its settings."""
    return await _findings(admin, config, await _counts(admin, wanted(config)))


async def create(admin: AIOKafkaAdminClient, config: WorkerConfig) -> list[str]:
    """Make the topics that are missing, and wait until the brokers know them; gives their names.

    Raises DependencyError where that is not possible.
    """
    topics = wanted(config)
    missing = sorted(topic for topic, count in (await _counts(admin, topics)).items() if not count)
    if not missing:
        return []
    new = [NewTopic(topic, config.partitions, config.replication, topic_configs=topics[topic]) for topic in missing]
    response = await admin.create_topics(new)
    # Another worker that starts at the same time may have been faster.
    _raise_for("make", response.topic_errors, TopicAlreadyExistsError.errno)
    # Until the brokers know what was made: the group's assignment would leave such a topic out.
    await _wait_until(admin, missing, there=True)
    logger.info("made topics %s", ", ".join(missing))
    return missing


async def remove(admin: AIOKafkaAdminClient, names: Iterable[str]) -> list[str]:
    """Delete those of the topics that exist, and wait until they are gone; gives their names.

    Raises DependencyError where that is not possible.
    """
    there = sorted(set(await admin.list_topics()) & set(names))
    if there:
        _raise_for("delete", (await admin.delete_topics(there)).topic_error_codes)
        await _wait_until(admin, there, there=False)
    return there


async def _findings(admin: AIOKafkaAdminClient, config: WorkerConfig, counts: Mapping[str, int]) -> list[Finding]:
    settings = await _settings(admin, [topic for topic, count in counts.items() if count])
    findings, partitions = [], str(config.partitions)
    for topic, wanted_settings in wanted(config).items():
        count = counts[topic]
        verdict = Verdict.MISSING if not count else Verdict.OK if count == config.partitions else Verdict.WRONG
        findings.append(Finding(topic, PARTITIONS, partitions, str(count), verdict))
        if count:
            findings += judge(topic, wanted_settings, settings.get(topic, {}))
    return findings


async def _counts(admin: AIOKafkaAdminClient, topics: Iterable[str]) -> dict[str, int]:
    """Partitions of each topic; 0 where it does not exist. Of all topics: asking for one may create it."""
    counts = dict.fromkeys(topics, 0)
    if there := counts.keys() & set(await admin.list_topics()):
        for described in await admin.describe_topics(sorted(there)):
            counts[described["topic"]] = len(described["partitions"])
    return counts


async def _settings(admin: AIOKafkaAdminClient, topics: Iterable[str]) -> dict[str, dict[str, str]]:
    """Settings of topics that exist; without those that the brokers do not tell, or not us, which is logged."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
    settings: dict[str, dict[str, str]] = {}
    if not resources:
        return settings
    try:
        responses = await admin.describe_configs(resources)
    except KafkaError as error:  # a worker needs the right to read topics, not the one to describe their settings
        logger.warning("the topics' settings cannot be checked: %r", error)
        return settings
    for response in responses:
        for code, _, _, topic, entries in response.resources:
            if code:
                logger.warning("the settings of topic %s cannot be checked: %s", topic, for_code(code).__name__)
            settings[topic] = {entry[0]: entry[1] or "" for entry in entries}
    return settings


def _raise_for(what: str, outcomes: Iterable[tuple[object, ...]], *accepted: int) -> None:
    for topic, code, *message in outcomes:
        if code not in (0, *accepted):
            why = f"{for_code(code).__name__} {message[0] if message and message[0] else ''}".rstrip()
            raise DependencyError("kafka", f"cannot {what} topic {topic}: {why}")


async def _wait_until(admin: AIOKafkaAdminClient, names: Sequence[str], *, there: bool) -> None:
    late = list(names)
    try:
        async with asyncio.timeout(CREATE_LIMIT):
            while late := [name for name, count in (await _counts(admin, names)).items() if bool(count) is not there]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    except TimeoutError:
        what = "made are not there" if there else "deleted are still there"
        raise DependencyError("kafka", f"topics {what} after {CREATE_LIMIT:.0f} s: {', '.join(late)}") from None
