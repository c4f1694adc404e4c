"""Events at a steady rate from one process that takes a tenth of a core, so that the product has the machine.

What the SDK does for each event (validation, its spool, kafka-python's locks) is left out: records are put into batches
of 50 ms by topic partition, as they come, and sent with aiokafka, acknowledged by all replicas.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

_TICK_SECONDS = 0.05
Record = tuple[str, bytes, bytes]


async def send(producer: AIOKafkaProducer, input_: Sequence[Record], rate: float, partitions: int) -> float:
    """Send (topic, key, value) at `rate` a second, placed by key; return the events a second that it came to.

    Raises KafkaError if one of them could not be appended.
    """
    place, numbers = DefaultPartitioner(), list(range(partitions))
    begun, sent, under_way = time.monotonic(), 0, []
    while sent < len(input_):
        await asyncio.sleep(_TICK_SECONDS)
        due = min(len(input_), int((time.monotonic() - begun) * rate) + 1)
        batches: dict[tuple[str, int], Any] = {}
        for topic, key, value in input_[sent:due]:
            where = topic, place(key, numbers, numbers)
            batch = batches.get(where)
            if batch is None or batch.append(timestamp=None, key=key, value=value) is None:
                if batch is not None:
                    under_way.append(await producer.send_batch(batch, where[0], partition=where[1]))
                batch = batches[where] = producer.create_batch()
                batch.append(timestamp=None, key=key, value=value)
        for (topic, partition), batch in batches.items():
            under_way.append(await producer.send_batch(batch, topic, partition=partition))
        sent = due
    await asyncio.gather(*under_way)
    return len(input_) / (time.monotonic() - begun)
