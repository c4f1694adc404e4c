"""The input of jobs J1 to J3, the same for this product and its peers, and what comes out of it by plain computation.

`event` i of n: JSON of some 230 bytes, 1 ms apart in event time, four to a ticket, 20 queues, keyed by ticket.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

TOPIC = "pe-tickets"
#: the first events only, for slow engines
FEW_TOPIC = "pe-few"
PARTITIONS = 4
_TYPES = ("ticket.created", "ticket.first_reply", "ticket.reply", "ticket.resolved")
#: what a producer with a linger of 20 ms would put into one batch at 100,000 events/s
_BATCH_EVENTS = 500
_BATCH_BYTES = 900_000

SLICE_MS, SLICES = 10_000, 30
MINUTE_MS = 60_000

#: by name: a number, or (count, sum)
Counts = dict[tuple[str, ...], int]
Sums = dict[tuple[Any, ...], tuple[int, int]]


def events(number: int) -> Iterator[dict[str, Any]]:
    """Return the first `number` events."""
    dice = random.Random(1)  # noqa: S311 (the same input every time)
    for i in range(number):
        yield {
            "event_id": str(i),
            "type": _TYPES[i % 4],
            "ticket_id": f"t-{i // 4}",
            "occurred_at": 1.7e9 + i * 0.001,
            "channel": dice.choice(("email", "web", "chat")),
            "queue": f"q{i % 20}",
            "priority": "normal",
            "agent_id": f"a{i % 200}",
            "customer_id": f"c{i % 50_000}",
        }


def millis(seconds: float) -> int:
    """Return a time of the input in ms: it was written as seconds with a rounding error far below one."""
    return round(seconds * 1000)


async def send(bootstrap: str, topic: str, number: int) -> None:
    """Append the first `number` events to a topic, which is there: batches of lz4, in order, placed by the ticket."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, compression_type="lz4", max_batch_size=_BATCH_BYTES, acks="all"
    )
    await producer.start()
    place, all_ = DefaultPartitioner(), list(range(PARTITIONS))
    batches: dict[int, Any] = {}
    sent = []

    async def hand_over(partition: int) -> None:
        batch = batches.pop(partition)
        batch.close()
        sent.append(await producer.send_batch(batch, topic, partition=partition))

    try:
        for event in events(number):
            key = event["ticket_id"].encode()
            partition = place(key, all_, all_)
            if partition not in batches:
                batches[partition] = producer.create_batch()
            batches[partition].append(key=key, value=json.dumps(event).encode(), timestamp=None)
            if batches[partition].record_count() == _BATCH_EVENTS:
                await hand_over(partition)
        for partition in list(batches):
            await hand_over(partition)
        for future in sent:
            await future
    finally:
        await producer.stop()


def plain(number: int) -> tuple[Counts, Sums, Sums]:
    """Return what J1, J2 and J3 are for the first `number` events: one event after the other, nothing shared or batched.

    J1: events by (queue,). J2: by (first slice of the window, queue, channel) count and sum of `time in ms mod 60`. J3: by
    (minute, queue) count and sum of the ms from a ticket's first event to its first reply.
    """
    queues: Counter[tuple[str, ...]] = Counter()
    slices: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0])
    firsts: dict[str, int] = {}
    means: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
    for event in events(number):
        at, queue = millis(event["occurred_at"]), event["queue"]
        queues[queue,] += 1
        one = slices[at // SLICE_MS, queue, event["channel"]]
        one[0] += 1
        one[1] += at % 60
        first = firsts.setdefault(event["ticket_id"], at)
        if event["type"] == "ticket.first_reply":
            two = means[at // MINUTE_MS, queue]
            two[0] += 1
            two[1] += at - first
    windows: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for (number_, queue, channel), (count, total) in slices.items():
        for start in range(number_ - SLICES + 1, number_ + 1):
            one = windows[start, queue, channel]
            one[0] += count
            one[1] += total
    return (
        dict(queues),
        {key: (count, total) for key, (count, total) in windows.items()},
        {key: (count, total) for key, (count, total) in means.items()},
    )
