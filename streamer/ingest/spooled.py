"""Delivery by the SDK's courier: what Kafka does not take in time goes to a spool on the disk, and later to Kafka."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from streamer.errors import DependencyError
from streamer.ingest.deliver import FullError
from streamer.producers.emitter import connecting
from streamer.producers.emitter_compose import Record
from streamer.producers.emitter_courier import Courier
from streamer.producers.emitter_held import Group
from streamer.producers.kafka import address
from streamer.producers.spool import SpoolError, SpoolFullError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from streamer.settings import Settings

_SPOOL_BYTES: Final = 1024 * 2**20  # 3 million events of 300 bytes: 25 minutes at 2,000 a second, hours at less
_PATIENCE_S: Final = 2.0  # webhooks wait 5 s for an answer at the least patient sender (Chatwoot)
_CLOSE_S: Final = 5.0

_encode: Final = msgspec.json.Encoder().encode


class _Waiting(NamedTuple):
    """The records of one delivery, and who waits for them."""

    records: list[Record]
    done: asyncio.Future[None]


class SpoolDeliver:
    """Delivers to Kafka, or to the folder `spool` while Kafka is away: a delivery is over when either has its events.

    The courier blocks, so one thread at a time hands it all deliveries that have come meanwhile. Raises `SpoolError`.
    """

    def __init__(
        self, settings: Settings, folder: Path, *, patience_s: float = _PATIENCE_S, bytes_max: int = _SPOOL_BYTES
    ) -> None:
        self._courier = Courier(connecting(settings), folder, bytes_max, patience_s)
        self._full_bytes = bytes_max - settings.ingest.body_bytes  # from there on it cannot take every delivery
        self._room = settings.ingest.unacknowledged
        self._waiting: list[_Waiting] = []
        self._handing: asyncio.Task[None] | None = None

    async def deliver(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Return when Kafka or the disk has all of them."""
        if len(events) > self._room:
            raise FullError("too many events are not acknowledged yet")
        if not events:
            return
        records = [Record(topic, key.encode(), _encode(event)) for event in events for topic, key in [address(event)]]
        waiting = _Waiting(records, asyncio.get_running_loop().create_future())
        self._room -= len(records)
        self._waiting.append(waiting)
        if self._handing is None or self._handing.done():
            self._handing = asyncio.create_task(self._hand_over())
        await waiting.done

    async def unready(self) -> str | None:
        """Tell only of a spool that is full while Kafka is away."""
        counts = self._courier.counts()
        full = not counts.direct and counts.waiting_bytes > self._full_bytes
        return "Kafka is away and the spool is full" if full else None

    def spooled(self) -> int | None:
        """Return how many events Kafka has not taken from the disk."""
        counts = self._courier.counts()
        return 0 if counts.direct else counts.waiting

    def close(self) -> None:
        """End; what is not in Kafka is in the spool, for the next start."""
        self._courier.close(_CLOSE_S)

    async def _hand_over(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failures = await asyncio.to_thread(self._take, [one.records for one in batch])
            for one, failure in zip(batch, failures, strict=True):
                self._room += len(one.records)
                if one.done.cancelled():
                    continue
                if failure is None:
                    one.done.set_result(None)
                else:
                    one.done.set_exception(failure)

    def _take(self, deliveries: list[list[Record]]) -> list[Exception | None]:
        groups = [self._submit(records) for records in deliveries]
        return [group if isinstance(group, Exception) else self._wait(group) for group in groups]

    def _submit(self, records: list[Record]) -> Group | Exception:
        group = Group()
        try:
            for record in records:
                self._courier.submit(record, group)
        except SpoolFullError:
            return FullError("Kafka is away and the spool is full")
        except (DependencyError, RuntimeError) as error:
            return DependencyError("kafka", str(error))
        return group

    def _wait(self, group: Group) -> Exception | None:
        try:
            self._courier.wait(group)
        except (DependencyError, SpoolError) as error:
            return DependencyError("kafka", str(error))
        return None
