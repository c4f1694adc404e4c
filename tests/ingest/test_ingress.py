"""The ingress over real sockets: who gets in, what is too much, what it tells of itself, and that 2xx means Kafka has it."""

import asyncio
import base64
import contextlib
import gzip
import hashlib
import hmac
import json
import subprocess

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from prometheus_client.parser import text_string_to_metric_families

from streamer.errors import DependencyError
from streamer.ingest.command import serving
from streamer.ingest.deliver import FullError, KafkaDeliver
from streamer.ingest.openapi import BATCH_MAX
from streamer.ingest.route import OUTCOMES
from streamer.ingest.server import Ingress
from streamer.ingest.state import OWN, StateStore
from streamer.settings import Settings
from tests.services.kafka import Kafka

NOW = 1_795_500_000_000  # 2026-11-24T06:00:00Z
STAMP = "2026-11-24T06:00:00Z"
SECRETS = (b"old-secret", b"new-secret")
TICKET = {
    "type": "zen:event-type:ticket.created",
    "id": "2b24ef10",
    "time": STAMP,
    "detail": {"id": "35436", "requester_id": "20978392"},
}


class Kept:
    """Keeps what is delivered, or fails as it is told."""

    def __init__(self):
        self.events, self.error = [], None

    async def deliver(self, events):
        if self.error:
            raise self.error
        self.events += events

    async def unready(self):
        return self.error and str(self.error)

    def spooled(self):
        return None


def settings_of(folder, **ingest):
    files = []
    for number, secret in enumerate(SECRETS):
        files.append(str(folder / f"secret{number}"))
        (folder / f"secret{number}").write_bytes(secret + b"\n")
    (folder / "key").write_text("k" * 32)
    sources = {
        "zendesk": {"adapter": "zendesk", "secret_files": files},
        "shop": {"adapter": "cloudevents", "secret_files": files[:1]},
        "intercom": {"adapter": "intercom", "secret_files": files},
        "standard": {"adapter": "cloudevents", "scheme": "standard", "secret_files": files},
        "unset": {"adapter": "zendesk"},
    }
    return Settings.model_validate(
        {"ingest": {"port": 0, "key_file": str(folder / "key"), "sources": sources, **ingest}}
    )


@contextlib.asynccontextmanager
async def running(settings, deliver, state=None):
    ingress = Ingress(settings, deliver, lambda: NOW, state)
    async with serving(ingress) as (port, guard), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        client.kept, client.port, client.guard, client.ingress = deliver, port, guard, ingress
        yield client


@pytest.fixture
async def client(tmp_path):
    async with running(settings_of(tmp_path), Kept()) as client:
        yield client


def zendesk(body, secret=SECRETS[0], stamp=STAMP):
    signature = base64.b64encode(hmac.digest(secret, stamp.encode() + body, "sha256")).decode()
    return {"X-Zendesk-Webhook-Signature": signature, "X-Zendesk-Webhook-Signature-Timestamp": stamp}


async def post(client, path, body, headers):
    async with client.post(path, data=body, headers=headers) as answer:
        return answer.status, await answer.json()


BODY = json.dumps(TICKET).encode()


@pytest.mark.parametrize("secret", SECRETS)
async def test_a_signed_delivery_gets_in_with_either_secret(client, secret):
    assert await post(client, "/in/zendesk", BODY, zendesk(BODY, secret)) == (200, {"events": 1})
    assert [event["type"] for event in client.kept.events] == ["support.ticket.created"]


async def test_a_delivery_that_comes_again_gives_the_same_events(client):
    for _ in range(2):
        await post(client, "/in/zendesk", BODY, zendesk(BODY))

    assert client.kept.events[0] == client.kept.events[1]


@pytest.mark.parametrize(
    ("path", "headers", "outcome"),
    [
        ("/in/zendesk", {}, "unsigned"),
        ("/in/zendesk", zendesk(BODY, b"another"), "forged"),
        ("/in/zendesk", zendesk(BODY + b" "), "forged"),
        ("/in/zendesk", zendesk(BODY, stamp="2026-11-24T05:54:59Z"), "replayed"),
        ("/in/zendesk", zendesk(BODY, stamp="2026-11-24T06:05:01Z"), "replayed"),
        ("/in/zendesk", zendesk(BODY, stamp="today"), "replayed"),
        ("/in/zendesk", {**zendesk(BODY), "X-Zendesk-Webhook-Signature-Timestamp": "2026-11-24T06:00:01Z"}, "forged"),
        ("/in/unset", zendesk(BODY), "forged"),
        ("/in/unset", zendesk(BODY, b""), "forged"),
        ("/in/intercom", {"X-Hub-Signature": "sha1="}, "forged"),
        ("/in/shop", {}, "unsigned"),
        ("/in/shop?token=", {}, "forged"),
        ("/in/shop", {"Authorization": "Bearer "}, "forged"),
        ("/in/shop", {"Authorization": "Basic old-secret"}, "forged"),
        ("/in/standard", {"webhook-id": "1", "webhook-timestamp": "x", "webhook-signature": "v1,"}, "forged"),
        ("/in/standard", {"webhook-id": "1", "webhook-signature": "v1,"}, "unsigned"),
    ],
)
async def test_unsigned_forged_tampered_and_old_deliveries_are_401_and_no_event(client, path, headers, outcome):
    status, _ = await post(client, path, BODY, headers)

    assert (status, client.kept.events) == (401, [])
    assert client.ingress.routes[path[4:].partition("?")[0]].outcomes == {outcome: 1}


async def test_intercoms_signature(client):
    item = {"id": "1", "contacts": {"contacts": [{"id": "c"}]}}
    notification = {"id": "n", "topic": "conversation.user.created", "created_at": NOW // 1000, "data": {"item": item}}
    body = json.dumps(notification).encode()
    signature = "sha1=" + hmac.new(SECRETS[1], body, hashlib.sha1).hexdigest()

    assert (await post(client, "/in/intercom", body, {"X-Hub-Signature": signature}))[0] == 200


async def test_standard_webhooks_allow_several_signatures(client):
    event = {"specversion": "1.0", "id": "1", "source": "s", "type": "support.agent.heartbeat", "time": STAMP}
    body = json.dumps({**event, "subject": "a", "data": {}}).encode()
    message = f"msg_1.{NOW // 1000}.".encode() + body
    good = base64.b64encode(hmac.digest(SECRETS[0], message, "sha256")).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(NOW // 1000), "webhook-signature": f"v1,x v1,{good}"}

    structured = {**headers, "Content-Type": "application/cloudevents+json"}
    assert (await post(client, "/in/standard", body, structured))[0] == 200
    assert (await post(client, "/in/standard", body, {**structured, "webhook-id": "msg_2"}))[0] == 401


async def test_cloudevents_senders_may_ask_first(client):
    async with client.options("/in/shop", headers={"WebHook-Request-Origin": "shop.example"}) as answer:
        assert answer.status == 200
        assert answer.headers["WebHook-Allowed-Origin"] == "shop.example"
    async with client.options("/in/zendesk", headers={"WebHook-Request-Origin": "shop.example"}) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("body", "encoding", "expected"),
    [
        (b" " * 1_048_577, None, 413),
        (gzip.compress(b" " * 100_000_000), "gzip", 413),
        (gzip.compress(BODY), "gzip", 200),
        (gzip.compress(BODY)[:-9], "gzip", 422),
        (b"no gzip", "gzip", 422),
        (BODY, "br", 415),
        (b"[" * 200_000, None, 422),
        (b"\xff", None, 422),
        (b"", None, 422),
        (b"{}", None, 422),
        (BODY.replace(b"ticket.created", b"ticket.invented"), None, 200),
    ],
    ids=lambda value: value if isinstance(value, str) else None if isinstance(value, bytes) else str(value),
)
async def test_what_a_body_may_be(client, body, encoding, expected):
    headers = zendesk(body) | ({"Content-Encoding": encoding} if encoding else {})

    assert (await post(client, "/in/zendesk", body, headers))[0] == expected


async def test_an_oversize_body_without_a_length_is_refused_too(client):
    async def chunks():
        for _ in range(200):
            yield b" " * 10_000

    async with client.post("/in/zendesk", data=chunks()) as answer:
        assert answer.status == 413


@pytest.mark.parametrize(("error", "status"), [(FullError("full"), 429), (DependencyError("kafka", "away"), 503)])
async def test_what_is_not_acknowledged_is_not_2xx_and_may_come_again(client, error, status):
    client.kept.error = error

    async with client.post("/in/zendesk", data=BODY, headers=zendesk(BODY)) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (status, "1")


async def test_the_page_shows_what_is_configured_and_what_came_last_but_no_secret(client):
    await post(client, "/in/zendesk", BODY, zendesk(BODY))

    async with client.get("/") as answer:
        page = await answer.text()
    assert "<td>/in/zendesk<td>zendesk<td>zendesk<td>2<td>1<td>1 accepted<td>2026-11-24T06:00:00.000Z accepted" in page
    assert "<td>/in/unset<td>zendesk<td>zendesk<td>none<td>0<td><td>never" in page
    assert "secret0" not in page
    assert "old-secret" not in page


async def test_the_page_still_shows_the_last_delivery_after_a_restart(tmp_path):
    settings, file = settings_of(tmp_path), tmp_path / "state"
    for expected in ("<td>never", "<td>2026-11-24T06:00:00.000Z unsigned"):
        state = StateStore(file)
        async with running(settings, Kept(), state) as client:
            async with client.get("/") as answer:
                row = (await answer.text()).partition("<td>/in/zendesk")[2].partition("<tr>")[0]
            await post(client, "/in/zendesk", BODY, zendesk(BODY))
            await post(client, "/in/zendesk", BODY, {})
        state.close()
        assert expected in row


async def test_the_last_delivery_outlives_a_kill(tmp_path):
    state = StateStore(tmp_path / "state")
    async with running(settings_of(tmp_path), Kept(), state) as client:
        await post(client, "/in/zendesk", BODY, {})
        async with asyncio.timeout(20):
            while StateStore(tmp_path / "state").get(OWN, "zendesk") != [NOW, "unsigned"]:  # noqa: ASYNC110 (another's file)
                await asyncio.sleep(0.05)


async def test_head_says_whether_an_address_is_there(client):
    for name, status in (("zendesk", 200), ("shop", 200), ("nowhere", 404)):
        async with client.head(f"/in/{name}") as answer:
            assert (answer.status, await answer.read()) == (status, b"")
    assert client.ingress.routes["zendesk"].outcomes == {}


def batch(number):
    event = {"specversion": "1.0", "source": "s", "type": "support.agent.heartbeat", "time": STAMP, "subject": "a"}
    return json.dumps([{**event, "id": str(one), "data": {}} for one in range(number)]).encode()


async def test_a_batch_has_a_limit(client):
    headers = {"Authorization": "Bearer old-secret", "Content-Type": "application/cloudevents-batch+json"}
    taken = await post(client, "/in/shop", batch(BATCH_MAX), headers)
    refused, problem = await post(client, "/in/shop", batch(BATCH_MAX + 1), headers)

    assert taken == (200, {"events": BATCH_MAX})
    assert (refused, problem) == (413, {"error": f"a batch of over {BATCH_MAX} events"})
    assert len(client.kept.events) == BATCH_MAX


async def test_a_repetition_is_told_from_what_is_new_as_far_as_it_is_remembered(client, monkeypatch):
    monkeypatch.setattr("streamer.ingest.route._RECENT_MAX", 2)
    for number in (1, 1, 2, 3, 1):
        body = BODY.replace(b"2b24ef10", b"%d" % number)
        await post(client, "/in/zendesk", body, zendesk(body))

    assert client.ingress.routes["zendesk"].outcomes == {"accepted": 4, "repeated": 1}
    assert client.ingress.routes["zendesk"].events == 5


async def scraped(client):
    async with client.get("/metrics") as answer:
        assert (answer.status, answer.content_type) == (200, "text/plain")
        return await answer.text()


def value(text, name, **labels):
    """Return the value of a sample, None where there is none."""
    found = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    return found[0] if found else None


async def test_metrics_say_what_became_of_deliveries(client):
    before = await scraped(client)
    invented = BODY.replace(b"ticket.created", b"ticket.invented")
    tried = [(BODY, {}), (BODY, zendesk(BODY, b"another")), (BODY, zendesk(BODY, stamp="2026-11-24T05:54:59Z"))]
    tried += [(BODY, zendesk(BODY))] * 3 + [(invented, zendesk(invented)), (b"{}", zendesk(b"{}"))]
    tried += [(b" " * 2_000_000, {}), (BODY, zendesk(BODY) | {"Content-Encoding": "br"})]
    for body, headers in tried:
        await post(client, "/in/zendesk", body, headers)
    for error in (FullError("full"), DependencyError("kafka", "away")):
        client.kept.error = error
        await post(client, "/in/zendesk", BODY, zendesk(BODY))
    await post(client, "/in/nowhere", BODY, {})
    after = await scraped(client)

    expected = dict.fromkeys(set(OUTCOMES) - {"without_event", "failed"}, 1) | {"repeated": 2}
    for outcome in OUTCOMES:
        labels = {"source": "ingest/zendesk", "outcome": outcome}
        assert value(before, "support_ingest_deliveries_total", **labels) == 0
        assert value(after, "support_ingest_deliveries_total", **labels) == expected.get(outcome, 0), outcome
    assert value(after, "support_ingest_deliveries_total", source="", outcome="unknown_source") == 1
    assert value(after, "support_ingest_events_total", source="ingest/zendesk") == 3
    for text, last in ((before, None), (after, NOW / 1000)):
        assert value(text, "support_ingest_last_delivery_timestamp_seconds", source="ingest/zendesk") == last
    assert "ingest/nowhere" not in after
    assert value(after, "support_ingest_spooled_events") is None
    assert value(after, "support_ingest_connections") == 1


async def test_metrics_pass_promtool(client, promtool):
    await post(client, "/in/zendesk", BODY, zendesk(BODY))
    text = await scraped(client)
    checked = await asyncio.to_thread(
        subprocess.run, [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


async def test_ready_is_what_a_delivery_would_meet_and_live_is_not(client):
    for error, status, body in ((None, 200, {"ready": True}), (DependencyError("kafka", "away"), 503, None)):
        client.kept.error = error
        async with client.get("/ready") as answer:
            assert answer.status == status
            assert await answer.json() == (body or {"ready": False, "reason": "kafka: away"})
        async with client.get("/live") as answer:
            assert answer.status == 200


async def test_the_description_names_every_source_and_every_answer(client):
    async with client.get("/openapi.json") as answer:
        document = await answer.json()

    assert {path for path in document["paths"] if path.startswith("/in/")} == {
        f"/in/{n}" for n in client.ingress.routes
    }
    described = document["paths"]["/in/zendesk"]["post"]["responses"]
    for body, headers in ((BODY, zendesk(BODY)), (BODY, {}), (b"{}", zendesk(b"{}")), (b" " * 2_000_000, {})):
        async with client.post("/in/zendesk", data=body, headers=headers) as answer:
            assert str(answer.status) in described


async def test_an_unknown_topic_does_not_hold_up_the_others(services, tmp_path):
    broker = services.start(Kafka)  # it has no topics
    settings = settings_of(tmp_path, request_timeout="3s")
    settings = settings.model_copy(update={"kafka": settings.kafka.model_copy(update={"bootstrap": broker.bootstrap})})
    deliver = KafkaDeliver(settings)
    try:
        async with running(settings, deliver) as client:
            waiting = asyncio.create_task(post(client, "/in/zendesk", BODY, zendesk(BODY)))
            await asyncio.sleep(0.1)
            async with client.get("/live") as answer:
                assert answer.status == 200
            assert not waiting.done()
            assert (await waiting)[0] == 503
    finally:
        await asyncio.to_thread(deliver.close)


async def readiness(client):
    async with client.get("/ready") as answer:
        return answer.status


async def test_what_is_answered_2xx_is_in_kafka_and_a_dead_broker_is_503(services, tmp_path):
    broker = services.start(Kafka)  # its own: the topic's name is given, and it is killed
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("support.tickets", 3, 1)])
    await admin.close()
    settings = settings_of(tmp_path, request_timeout="10s")
    settings = settings.model_copy(update={"kafka": settings.kafka.model_copy(update={"bootstrap": broker.bootstrap})})
    deliver = KafkaDeliver(settings)
    try:
        async with running(settings, deliver) as client:
            answers = []
            for number in range(50):
                body = json.dumps({**TICKET, "id": str(number)}).encode()
                answers.append(post(client, "/in/zendesk", body, zendesk(body)))
            assert [status for status, _ in await asyncio.gather(*answers)] == [200] * 50
            async with AIOKafkaConsumer(
                "support.tickets", bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest"
            ) as consumer:
                records = []
                while len(records) < 50:
                    batches = await consumer.getmany(timeout_ms=10_000)
                    assert batches
                    records += [record for batch in batches.values() for record in batch]
            assert len({json.loads(record.value)["id"] for record in records}) == 50
            assert all(record.key.decode() == json.loads(record.value)["data"]["customer"] for record in records)
            assert await readiness(client) == 200
            broker.kill9()
            assert (await post(client, "/in/zendesk", BODY, zendesk(BODY)))[0] == 503
            assert await readiness(client) == 503
            await asyncio.to_thread(broker.start)
            async with asyncio.timeout(120):
                while await readiness(client) != 200:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
    finally:
        deliver.close()
