"""Webhooks into a real `streamer ingest` on a core of its own; the broker and the senders are on the other one.

Every request is signed as its sender signs it, and an answer counts only if it is 200: then Kafka has the events. They
are counted in the topics afterwards, so none is missing and none is there twice. Flat out: each connection sends when
it has its answer. At a rate: requests fall due by the clock, and the time of each begins then, sent or not yet.
"""

import asyncio
import base64
import datetime as dt
import gc
import hashlib
import hmac
import json
import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from bench.figures import say, show
from bench.processes import BROKER_CORE, WORKER_CORE, cpu_seconds, pin, started
from streamer.embedded import free_port
from streamer.events import TOPICS
from tests.services.kafka import Kafka
from tests.services.process import answers_ok, wait_until

_PARTITIONS = 4
_SECRET = b"a-secret-of-the-sender"
_BATCH = 10
_WARM = 500
_TICK_SECONDS = 0.002
_READY_SECONDS = 60.0
_REQUEST_SECONDS = 15.0
_CONFIG = """
[kafka]
bootstrap = "{bootstrap}"
[logs]
level = "warning"
[ingest]
port = {port}
key_file = "{folder}/secret"
[ingest.sources]
zendesk = {{ adapter = "zendesk", secret_files = ["{folder}/secret"] }}
zammad = {{ adapter = "zammad", secret_files = ["{folder}/secret"] }}
cloudevents = {{ adapter = "cloudevents", scheme = "standard", secret_files = ["{folder}/secret"] }}
"""


class Kind(NamedTuple):
    """A kind of webhook: number and time to the head's own lines and the body, and how many events one has."""

    path: str
    request: Callable[[str, dt.datetime], tuple[dict[str, str], bytes]]
    events: int = 1


def _zendesk(number: str, now: dt.datetime) -> tuple[dict[str, str], bytes]:
    """Return a new ticket, every second time a comment on it instead: 1 KB, as Zendesk's own."""
    stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    ticket, comment = number[:-1] + "0", int(number[-1]) % 2
    detail = {
        "actor_id": "8447388090494",
        "assignee_id": "8447388090494",
        "brand_id": "8447346621310",
        "created_at": stamp,
        "custom_status": "8447320465790",
        "description": "x" * 300,
        "external_id": None,
        "form_id": "8646151517822",
        "group_id": "8447320466430",
        "id": ticket,
        "is_public": True,
        "organization_id": "8447346622462",
        "priority": "HIGH",
        "requester_id": f"r{int(ticket) % 10_000}",
        "status": "NEW",
        "subject": "y" * 60,
        "submitter_id": f"r{int(ticket) % 10_000}",
        "tags": ["one", "two"],
        "type": "TASK",
        "updated_at": stamp,
        "via": {"channel": "web_service"},
    }
    words = {"author": {"id": "8447388090494", "is_staff": True, "name": "z"}, "body": "x" * 200, "is_public": True}
    payload = {
        "account_id": 22129848,
        "detail": detail,
        "event": {"comment": {"id": number, **words}} if comment else {},
        "id": f"cbe4028c-{number}",
        "subject": f"zen:ticket:{ticket}",
        "time": stamp,
        "type": f"zen:event-type:ticket.{'comment_added' if comment else 'created'}",
        "zendesk_event_version": "2022-06-20",
    }
    body = json.dumps(payload).encode()
    signature = base64.b64encode(hmac.digest(_SECRET, stamp.encode() + body, "sha256")).decode()
    return {"X-Zendesk-Webhook-Signature": signature, "X-Zendesk-Webhook-Signature-Timestamp": stamp}, body


def _zammad(number: str, now: dt.datetime) -> tuple[dict[str, str], bytes]:
    """Return the first snapshot of a ticket, which the ingress is to remember."""
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    ticket = {
        "id": int(number),
        "number": f"31{number}",
        "title": "y" * 60,
        "article_count": 1,
        "note": "x" * 300,
        "created_at": stamp,
        "updated_at": stamp,
        "state": "new",
        "priority": {"name": "2 normal"},
        "customer_id": int(number) % 10_000,
        "customer": {"id": int(number) % 10_000, "login": "z"},
        "owner_id": 1,
        "group": {"id": 4, "name": "Support"},
        "create_article_sender": "Customer",
    }
    body = json.dumps({"ticket": ticket}).encode()
    return {"X-Hub-Signature": "sha1=" + hmac.new(_SECRET, body, hashlib.sha1).hexdigest()}, body


def _event(number: str, now: dt.datetime) -> dict[str, Any]:
    data = {"customer": f"c{int(number) % 10_000}", "queue": "billing", "author": "customer", "channel": "email"}
    event = {"specversion": "1.0", "id": number, "source": "shop", "type": "support.ticket.message"}
    return {**event, "time": now.isoformat(), "subject": f"T{number}", "data": data}


def _standard(kind: str, payload: Any, number: str, now: dt.datetime) -> tuple[dict[str, str], bytes]:
    body, stamp = json.dumps(payload).encode(), str(int(now.timestamp()))
    digest = hmac.digest(_SECRET, f"{number}.{stamp}.".encode() + body, "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {
        "Content-Type": kind,
        "webhook-id": number,
        "webhook-timestamp": stamp,
        "webhook-signature": signature,
    }, body


def _single(number: str, now: dt.datetime) -> tuple[dict[str, str], bytes]:
    return _standard("application/cloudevents+json", _event(number, now), number, now)


def _batch(number: str, now: dt.datetime) -> tuple[dict[str, str], bytes]:
    events = [_event(f"{number}{place}", now) for place in range(_BATCH)]
    return _standard("application/cloudevents-batch+json", events, number, now)


_KINDS: Final = {
    "Zendesk, signed": Kind("/in/zendesk", _zendesk),
    "Zammad, signed, remembered": Kind("/in/zammad", _zammad),
    "CloudEvent, signed": Kind("/in/cloudevents", _single),
    f"batch of {_BATCH} CloudEvents, signed": Kind("/in/cloudevents", _batch, _BATCH),
}


def _requests(kind: Kind, numbers: Iterable[int]) -> list[bytes]:
    """Return whole requests, signed now."""
    now, found = dt.datetime.now(dt.UTC), []
    for number in numbers:
        headers, body = kind.request(str(number), now)
        lines = {"Host": "127.0.0.1", "Content-Type": "application/json", **headers, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        found.append(f"POST {kind.path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    return found


class _Senders:
    """Connections that stay, each with one request at a time; collects the seconds that each request took."""

    def __init__(self, requests: list[bytes], rate: float | None) -> None:
        self._requests, self._rate = requests, rate
        self._next = 0
        self.idle: deque[_Sender] = deque()
        self.took: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> float:
        """Send them all, and return the seconds from the first one's time to the last answer."""
        self._begun = time.perf_counter()
        while self._next < len(self._requests) and not self.done.done():
            self.release()
            await asyncio.sleep(_TICK_SECONDS)
        async with asyncio.timeout(_REQUEST_SECONDS):
            await self.done
        return time.perf_counter() - self._begun

    def release(self) -> None:
        """Give what is due to connections that wait."""
        now = time.perf_counter()
        due = len(self._requests) if self._rate is None else (now - self._begun) * self._rate
        while self.idle and self._next < min(due, len(self._requests)):
            at = now if self._rate is None else self._begun + self._next / self._rate
            self.idle.popleft().send(self._requests[self._next], at)
            self._next += 1

    def answered(self, sender: "_Sender", answer: bytes, seconds: float) -> None:
        """Take an answer; anything but 200 ends it all."""
        self.idle.append(sender)
        self.took.append(seconds)
        if not answer.startswith(b"HTTP/1.1 200 ") and not self.done.done():
            self.done.set_exception(RuntimeError(answer.decode(errors="replace")))
        if len(self.took) == len(self._requests) and not self.done.done():
            self.done.set_result(None)
        self.release()


class _Sender(asyncio.Protocol):
    def __init__(self) -> None:
        self._answer = b""
        self._begun = 0.0
        self.senders: _Senders | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send(self, request: bytes, at: float) -> None:
        self._begun = at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if blank and len(body) >= length and self.senders is not None:
            answer, self._answer = self._answer, b""
            self.senders.answered(self, answer, time.perf_counter() - self._begun)

    def close(self) -> None:
        self._transport.close()


async def _drive(port: int, requests: list[bytes], connections: int, rate: float | None) -> tuple[float, list[float]]:
    """Send requests over connections that are open before the clock starts; return the seconds, of all and of each."""
    loop = asyncio.get_running_loop()
    opened = [(await loop.create_connection(_Sender, "127.0.0.1", port))[1] for _ in range(connections)]
    senders = _Senders(requests, rate)
    for sender in opened:
        sender.senders = senders
    senders.idle.extend(opened)
    gc.freeze()
    try:
        seconds = await senders.run()
    finally:
        gc.unfreeze()
        for sender in opened:
            sender.close()
    return seconds, senders.took


def make_topics(bootstrap: str) -> None:
    """Make the topics of all events."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, _PARTITIONS, 1) for topic in TOPICS])
    admin.close()


def stored(bootstrap: str) -> int:
    """Return how many records the topics have; each has as many partitions as `make_topics` gives it."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    places = [TopicPartition(topic, number) for topic in TOPICS for number in range(_PARTITIONS)]
    found = sum(consumer.end_offsets(places).values())
    consumer.close()
    return int(found)


def main(webhooks: int, connections: int, rate: float, runs: int) -> None:
    """Send each kind flat out `runs` times, and once at `rate` a second; print medians."""
    numbers = iter(range(10**8, 10**9))

    def some(kind: Kind, count: int) -> list[bytes]:
        return _requests(kind, [next(numbers) for _ in range(count)])

    pin(BROKER_CORE)
    with tempfile.TemporaryDirectory(prefix="bench-") as name, Kafka(Path(name)) as kafka:
        make_topics(kafka.bootstrap)
        folder, port = Path(name), free_port()
        (folder / "secret").write_bytes(_SECRET)
        (folder / "streamer.toml").write_text(_CONFIG.format(bootstrap=kafka.bootstrap, port=port, folder=folder))
        command = [sys.executable, "-m", "streamer", "ingest", "--config", str(folder / "streamer.toml")]
        command += ["--state", str(folder / "state.sqlite")]
        with started(command, folder / "ingest.log", core=WORKER_CORE) as process:
            wait_until(lambda: answers_ok(f"127.0.0.1:{port}", "/live"), _READY_SECONDS)
            say(f"ingest: {webhooks} webhooks of each kind, {connections} connections that stay")
            for title, kind in _KINDS.items():
                before = stored(kafka.bootstrap)
                asyncio.run(_drive(port, some(kind, _WARM), connections, None))
                rates, cpu = [], []
                for _ in range(runs):
                    requests, used = some(kind, webhooks), cpu_seconds(process.pid)
                    seconds, _ = asyncio.run(_drive(port, requests, connections, None))
                    rates.append(webhooks / seconds)
                    cpu.append((cpu_seconds(process.pid) - used) / webhooks * 1e6)
                show(f"{title} ({len(requests[0])} bytes)", rates, "webhooks/s")
                show("    CPU", cpu, f"us a webhook, load {os.getloadavg()[0]:.1f}")
                _, took = asyncio.run(_drive(port, some(kind, webhooks), connections, rate))
                p50, p99 = np.percentile(took, (50, 99)) * 1e3
                say(f"    at {rate:.0f}/s: p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {max(took) * 1e3:.1f} ms")
                expected = before + kind.events * (_WARM + (runs + 1) * webhooks)
                wait_until(lambda expected=expected: stored(kafka.bootstrap) == expected, 10)  # type: ignore[misc]
