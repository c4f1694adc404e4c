"""No personal value in any field of any source's payload gets past the ingress: a real process and a real Kafka.

Each fixture of each adapter is delivered again and again, signed, each time with a canary in another place: in the place of
each value (also of those in JSON inside a string), and as further fields of every object, by name and by value. Then it
is looked for in all that leaves the process: records, logs, the state file, answers and the page. The kind of canary
changes from delivery to delivery; test_adapters tries every kind in every place.
"""

import asyncio
import itertools
import json
import secrets
import time
from collections import Counter
from typing import NamedTuple
from urllib.parse import quote, urlencode

import aiohttp
import pytest
from kafka import KafkaConsumer, TopicPartition

from streamer.events import TOPICS
from streamer.ingest.adapters import ADAPTERS
from tests.adapters.test_adapters import CASES, leaves, put
from tests.emitter.kit import make_topics
from tests.ingest.process import Ingest
from tests.ingest.signing import signed

CONNECTIONS = 20
MARK = secrets.token_hex(4)
CANARIES = {
    "e-mail": f"jane.{MARK}@example.com",
    "phone": f"+49 151 {secrets.randbelow(10**10):010}",
    "name": f"Jane {MARK.title()}",
}
each_kind = pytest.mark.parametrize("kind", sorted(CANARIES))


class Found(NamedTuple):
    """What has left the ingress, in bytes by where it went, and how often each adapter gave each answer."""

    places: dict[str, bytes]
    statuses: Counter[tuple[str, int]]


def variants(payload, canaries):
    """Give the payload with the next canary in each place in turn, and with each kind added to every object."""
    for canary in CANARIES.values():
        yield added(payload, canary)
    for path in leaves(payload):
        yield put(payload, path, next(canaries))
        inner = within(payload, path)
        for deeper in leaves(inner) if isinstance(inner, dict) else ():
            yield put(payload, path, json.dumps(put(inner, deeper, next(canaries))))


def within(payload, path):
    """Return the JSON that the string at a path holds, None if it holds none."""
    for part in path:
        payload = payload[part]
    try:
        return json.loads(payload) if isinstance(payload, str) else None
    except ValueError:
        return None


def added(value, canary):
    if isinstance(value, dict):
        return {name: added(below, canary) for name, below in value.items()} | {canary: canary, "comment": canary}
    return [added(below, canary) for below in value] if isinstance(value, list) else value


def spellings(canary):
    """Return the ways in which somebody may write it: as it is, without blanks, in a URL, the digits alone, each name."""
    digits = "".join(filter(str.isdigit, canary)) if canary.startswith("+") else canary
    return {text.lower() for text in (canary, canary.replace(" ", ""), quote(canary), digits, canary.split()[-1])}


def body_of(adapter, payload):
    if adapter == "twilio" and isinstance(payload, dict):
        return urlencode(payload).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    return json.dumps(payload).encode(), {"Content-Type": "application/json"}


class Sender:
    """Delivers to the ingress and keeps what it answers."""

    def __init__(self, ingest, client):
        self._ingest, self._client = ingest, client
        self._free = asyncio.Semaphore(CONNECTIONS)
        self.answers, self.statuses = [], Counter()

    async def send(self, adapter, payload, headers):
        body, kind = body_of(adapter, payload)
        url = f"http://{self._ingest.address}/in/{adapter}"
        headers = kind | {name.title(): value for name, value in headers.items()}
        headers |= signed(ADAPTERS[adapter].scheme, url, body, time.time())
        async with self._free, self._client.post(url, data=body, headers=headers) as answer:
            self.answers.append(await answer.read())
            self.statuses[adapter, answer.status] += 1


async def deliver_all(ingest):
    kinds = itertools.cycle(CANARIES.values())
    async with aiohttp.ClientSession() as client:
        sender = Sender(ingest, client)
        for adapter, _, case in CASES:
            headers = case.get("headers") or {}
            for before in case.get("before", ()):
                await sender.send(adapter, before, headers)
            tried = [(payload, headers) for payload in variants(case["payload"], kinds)]
            tried += [(case["payload"], {**headers, one: next(kinds)}) for one in (*headers, "x-name")]
            await asyncio.gather(*(sender.send(adapter, payload, given) for payload, given in tried))
        async with client.get(f"http://{ingest.address}/") as answer:
            return sender.statuses, b"\n".join(sender.answers), await answer.read()


def records(bootstrap):
    """Return keys, values and headers of all that is in the topics."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000)
    places = [TopicPartition(topic, number) for topic in TOPICS for number in consumer.partitions_for_topic(topic)]
    consumer.assign(places)
    left = {place: end for place, end in consumer.end_offsets(places).items() if end}
    found = []
    for record in consumer if left else ():
        found += [record.key or b"", record.value or b"", repr(record.headers).encode()]
        place = TopicPartition(record.topic, record.partition)
        if record.offset + 1 >= left.get(place, 0):
            left.pop(place, None)
            if not left:
                break
    consumer.close()
    return b"\n".join(found)


@pytest.fixture(scope="module")
def found(services, kafka):
    make_topics(kafka.bootstrap)
    ingest = services.start(Ingest, kafka.bootstrap)
    statuses, answers, page = asyncio.run(deliver_all(ingest))
    ingest.stop()
    places = {
        "answers": answers,
        "page": page,
        "log": ingest.log_path.read_bytes(),
        "records": records(kafka.bootstrap),
    }
    places["state"] = b"".join(file.read_bytes() for file in ingest.folder.glob(f"{ingest.state.name}*"))
    return Found(places, statuses)


@pytest.mark.slow
@each_kind
@pytest.mark.parametrize("place", ["answers", "log", "page", "records", "state"])
def test_no_canary_leaves_the_ingress(found, place, kind):
    text = found.places[place].lower()
    assert [one for one in spellings(CANARIES[kind]) if one.encode() in text] == []


@pytest.mark.slow
def test_what_was_looked_at_is_what_became_of_the_deliveries(found):
    for adapter in {name for name, _, case in CASES if case["expect"]}:
        assert found.statuses[adapter, 200] + found.statuses[adapter, 204] > len(CANARIES)
        assert found.places["records"].count(f'"source":"ingest/{adapter}"'.encode()) > len(CANARIES)
    assert {status for _, status in found.statuses} <= {200, 204, 422}
    assert b"ticket:zammad:" in found.places["state"]
    assert b"serving" in found.places["log"]
