"""The one producer that may write a partition's state."""

import asyncio
from collections.abc import Iterable, Mapping

from aiokafka import AIOKafkaProducer
from mode.utils.logging import get_logger

from streamer.processor.config import WorkerConfig
from streamer.processor.mark import END

logger = get_logger(__name__)

Row = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Key, value, headers."""

# Uncompressed; under Kafka's default limit of 1 MiB a batch, so that only a single large record needs more.
BATCH_BYTES = 900_000
# One timeline with a full tail (2,000 events) and its base; the changelogs are created with this limit.
RECORD_BYTES_MAX = 8 << 20
# aiokafka waits this long for a broker before it gives a batch up; Faust's setting would be 20 minutes.
REQUEST_TIMEOUT_MS = 15_000
STOP_LIMIT = 5.0


class PartitionWriter:
    """A producer with the static transactional id `<app>-<partition>`.

    Starting it is the fence: InitProducerId ends every older producer of that id and settles its open transaction.
    After any error it is of no more use: it is never started again by itself.
    """

    def __init__(self, config: WorkerConfig, partition: int) -> None:
        self._config = config
        self.partition = partition
        transactional = (
            {
                "transactional_id": f"{config.app_id}-{partition}",
                "transaction_timeout_ms": config.transaction_timeout_ms,
            }
            if config.fenced
            else {"acks": "all"}
        )
        self._producer = AIOKafkaProducer(
            **config.client(f"writer-{partition}"),
            **transactional,
            compression_type="zstd",  # smaller than lz4, whose level in aiokafka (9) takes six times the CPU
            max_batch_size=BATCH_BYTES,
            max_request_size=RECORD_BYTES_MAX,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )

    async def fence(self) -> None:
        """Shut every older writer out; raises KafkaError, and stops what it started, where that is not possible."""
        try:
            await self._producer.start()
            if not self._config.fenced:
                # Tansu tells a log's end right only after a batch of one record.
                for topic in self._config.changelogs:
                    await self._producer.send_and_wait(topic, key=END, partition=self.partition)
        except BaseException:
            await self.stop()
            raise

    async def write(self, rows: Mapping[str, Iterable[Row]], time_ms: int) -> dict[str, int]:
        """Append rows to topics, all or nothing where there are transactions.

        Gives the position after the last row of each topic that got any. The rows are read before the first await.
        """
        batches = {topic: self._batches(content, time_ms) for topic, content in rows.items()}
        if self._config.fenced:
            await self._producer.begin_transaction()
        # aiokafka's commit does not look at failed batches: each one's outcome has to be seen first.
        sent = await asyncio.gather(*[self._send(topic, content) for topic, content in batches.items() if content])
        if self._config.fenced:
            await self._producer.commit_transaction()
        return dict(sent)

    def _batches(self, rows: Iterable[Row], time_ms: int) -> list[AIOKafkaProducer]:
        producer, batches = self._producer, []
        batch = None
        for key, value, headers in rows:
            if batch is None or batch.append(timestamp=time_ms, key=key, value=value, headers=headers) is None:
                batch = producer.create_batch()
                batches.append(batch)
                batch.append(timestamp=time_ms, key=key, value=value, headers=headers)
        for batch in batches:
            batch.close()
        return batches

    async def _send(self, topic: str, batches: list[AIOKafkaProducer]) -> tuple[str, int]:
        futures = [await self._producer.send_batch(batch, topic, partition=self.partition) for batch in batches]
        metadata = (await asyncio.gather(*futures))[-1]
        return topic, metadata.offset + batches[-1].record_count()

    async def stop(self) -> None:
        """End the producer; one that was fenced raises here, and with a dead broker it would hang: neither matters."""
        try:
            await asyncio.wait_for(self._producer.stop(), STOP_LIMIT)
        except Exception as exc:  # noqa: BLE001
            logger.info("writer of partition %s: %r at its end", self.partition, exc)
