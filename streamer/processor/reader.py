"""The consumer of whoever reads logs without a group: recovery, boards, the commands."""

import asyncio

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from streamer.logs import get_logger
from streamer.processor.config import WorkerConfig

logger = get_logger(__name__)

_READ_BYTES = 4 << 20
# Nothing but control records is not signalled by aiokafka, so this is how often the position is looked at.
READ_WAIT_MS = 100
_STOP_SECONDS = 3.0


def reader(config: WorkerConfig, name: str) -> AIOKafkaConsumer:
    """Make a consumer without a group that reads what is committed; `name` is what the brokers know it by."""
    return AIOKafkaConsumer(
        **config.client(name),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=config.isolation_level,
        fetch_max_wait_ms=READ_WAIT_MS,
        max_partition_fetch_bytes=_READ_BYTES,
    )


async def stop(consumer: AIOKafkaConsumer) -> None:
    """End a consumer, within 3 s also where the brokers do not answer."""
    try:
        await asyncio.wait_for(consumer.stop(), _STOP_SECONDS)
    except (TimeoutError, KafkaError) as error:
        logger.info("the consumer did not stop in order", error=repr(error))
