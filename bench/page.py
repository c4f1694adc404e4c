"""Event to page: from an event's append to Kafka to the update of the wall page's live stream that shows it.

Broker, worker, board and this process on one machine, none pinned. Beside a steady rate of events, probes are appended: each
is one more chat that waits in a queue of their own, so the first update whose row of that queue counts n chats is the
one that shows the n-th probe. The other readers take the same stream and throw it away; one never reads.
"""

import asyncio
import datetime as dt
import os
import time
from contextlib import AsyncExitStack
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from aiohttp import ClientSession, ClientTimeout, TCPConnector
from aiokafka import AIOKafkaProducer

from bench.figures import say
from bench.latency import WARM_SECONDS, Running, running, shares, simulated
from bench.paced import Record, send
from streamer.producers.kafka import address

_QUEUE: Final = "probe"
#: not a part of a second, so that probes come at every place in one
_EVERY_SECONDS: Final = 0.37
#: for what is on its way when the sending ends: 10 s
_LAST_LOOKS: Final = 100
_READ_BYTES: Final = 1 << 20


class Phase(NamedTuple):
    """What was seen with so many readers: ms from append to update of each probe, and the CPU meanwhile."""

    readers: int
    took: list[int]
    missing: int
    cpu: str
    updates: int


def _probe(number: int) -> Record:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    event = {
        "specversion": "1.0",
        "id": f"probe-{number}",
        "source": "bench/page",
        "type": "support.chat.queued",
        "subject": f"chat-probe-{number}",
        "time": now,
        "data": {"customer": f"probe-{number}", "queue": _QUEUE},
    }
    topic, key = address(event)
    return topic, key.encode(), msgspec.json.encode(event)


class _Probes:
    """The probes of all phases: when each was appended, by the broker's clock, and seen, by this machine's (ms)."""

    def __init__(self) -> None:
        self.appended: list[int] = []
        self.seen: list[int] = []
        self.updates = 0

    async def append(self, producer: AIOKafkaProducer, until: asyncio.Event) -> None:
        """Append one after the other."""
        while not until.is_set():
            topic, key, value = _probe(len(self.appended))
            self.appended.append((await producer.send_and_wait(topic, value, key=key)).timestamp)
            await asyncio.sleep(_EVERY_SECONDS)

    async def watch(self, session: ClientSession, url: str) -> None:
        """Read the stream as the page does until cancelled."""
        async with session.get(url) as answer:
            async for line in answer.content:
                if line.startswith(b'data: {"now"'):
                    said: dict[str, Any] = msgspec.json.decode(line[6:])
                    rows = [row for row in said.get("queues", ()) if row["name"] == _QUEUE]
                    waiting = int(rows[0]["waiting"]["value"]) if rows else 0
                    self.seen += [time.time_ns() // 1_000_000] * (waiting - len(self.seen))
                    self.updates += 1


async def _drop(session: ClientSession, url: str) -> None:
    async with session.get(url) as answer:
        while await answer.content.readany():
            pass


async def _never(port: int) -> None:
    """Ask for the stream and read nothing of it."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    writer.write(b"GET /api/stream HTTP/1.1\r\nHost: bench\r\n\r\n")
    await asyncio.Event().wait()


async def _phase(
    on: Running,
    probes: _Probes,
    session: ClientSession,
    readers: int,
    producer: AIOKafkaProducer,
    part: list[Record],
    rate: int,
) -> Phase:
    """Send for a while with so many readers beside the one that watches, and one that never reads."""
    url = f"http://127.0.0.1:{on.board_port}/api/stream"
    jobs = [asyncio.create_task(_drop(session, url)) for _ in range(readers)]
    jobs.append(asyncio.create_task(_never(on.board_port)))
    await asyncio.sleep(1)
    first, updates, begun, before = len(probes.appended), probes.updates, time.time(), on.cpu()
    sent = asyncio.Event()
    probing = asyncio.create_task(probes.append(producer, sent))
    await send(producer, part, rate, on.settings.kafka.partitions)
    cpu, updates = shares(before, on.cpu(), time.time() - begun), probes.updates - updates
    sent.set()
    await probing
    for _ in range(_LAST_LOOKS):
        if len(probes.seen) == len(probes.appended):
            break
        await asyncio.sleep(0.1)
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)
    took = [seen - at for at, seen in zip(probes.appended[first:], probes.seen[first:], strict=False)]
    return Phase(readers + 1, took, len(probes.appended) - len(probes.seen), cpu, updates)


async def _measured(on: Running, input_: list[Record], rate: int, readers: int) -> list[Phase]:
    warm, probes = int(rate * WARM_SECONDS), _Probes()
    middle = (warm + len(input_)) // 2
    async with AsyncExitStack() as stack:
        producer = await stack.enter_async_context(on.producer())
        session = await stack.enter_async_context(
            ClientSession(read_bufsize=_READ_BYTES, connector=TCPConnector(limit=0), timeout=ClientTimeout(total=None))
        )
        watching = asyncio.create_task(probes.watch(session, f"http://127.0.0.1:{on.board_port}/api/stream"))
        await send(producer, input_[:warm], rate, on.settings.kafka.partitions)
        found = [
            await _phase(on, probes, session, others, producer, part, rate)
            for others, part in ((0, input_[warm:middle]), (readers - 1, input_[middle:]))
        ]
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        return found


def main(rate: int, seconds: float, customers: int, readers: int) -> None:
    """Measure for some seconds with one reader, and for as long with many; print percentiles."""
    input_ = simulated(int(rate * (2 * seconds + WARM_SECONDS)), customers)
    with running() as on:
        phases = asyncio.run(_measured(on, input_, rate, readers))
        load = os.getloadavg()[0]
    say(f"page: {rate} events/s, a probe each {_EVERY_SECONDS} s, load {load:.1f}")
    for phase in phases:
        p50, p99 = np.percentile(phase.took, (50, 99))
        say(f"{phase.readers} readers and one that never reads: {len(phase.took)} probes, {phase.missing} not seen,")
        say(
            f"  append to update: p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {max(phase.took)} ms, {phase.updates} updates"
        )
        say(f"  {phase.cpu}")
