"""Who means ill: every scheme's deliveries unsigned, forged, tampered with and replayed, and what is hardly HTTP."""

import asyncio
import gzip
import json
import urllib.error
import urllib.request
import zlib
from collections import Counter
from pathlib import Path
from typing import get_args
from urllib.parse import urlencode

import pytest

from streamer.ingest.adapters.base import Source
from streamer.ingest.route import Route
from streamer.ingest.signatures import SIGNED_BY
from streamer.settings._ingest import Scheme
from tests.emitter.kit import make_topics
from tests.ingest.process import Ingest
from tests.ingest.signing import SECRET, SIGNATURES, signed
from tests.ingest.test_ingress import NOW, STAMP, Kept, post, running, settings_of

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "s",
    "type": "support.agent.heartbeat",
    "time": STAMP,
    "subject": "a",
}
BODY = json.dumps(EVENT | {"data": {}}).encode()
SIGNS_NO_BODY, SIGNS_TIME = {"token", "rocketchat"}, {"zendesk", "chatwoot", "standard"}
each_scheme = pytest.mark.parametrize("scheme", sorted(SIGNATURES))


@pytest.fixture
async def client(tmp_path):
    async with running(settings_of(tmp_path), Kept()) as client:
        for scheme in SIGNATURES:
            client.ingress.routes[scheme] = Route(Source(scheme, b"k" * 32), "cloudevents", scheme, [SECRET])
        yield client


def headers_of(client, scheme, body=BODY, *, seconds=0, secret=SECRET):
    url = f"http://127.0.0.1:{client.port}/in/{scheme}"
    return STRUCTURED | signed(scheme, url, body, NOW / 1000 + seconds, secret)


def test_every_scheme_is_signed_here_and_described():
    assert set(SIGNATURES) == set(get_args(Scheme)) == set(SIGNED_BY)


@each_scheme
async def test_unsigned_forged_tampered_and_late_deliveries_are_401_counted_and_no_event(client, scheme):
    good = headers_of(client, scheme)
    unsigned = [(BODY, STRUCTURED), (BODY, STRUCTURED | dict.fromkeys(good.keys() - STRUCTURED.keys(), ""))]
    forged = [(BODY, headers_of(client, scheme, secret=b"another"))]
    forged += [] if scheme in SIGNS_NO_BODY else [(BODY[:-1] + b" }", good), (b"", good), (gzip.compress(BODY), good)]
    late = [headers_of(client, scheme, seconds=seconds) for seconds in (-301, 301) if scheme in SIGNS_TIME]
    for stale in late[:1]:
        forged.append((BODY, {name: value if "imestamp" in name else stale[name] for name, value in good.items()}))
    for body, headers in [*unsigned, *forged, *((BODY, headers) for headers in late)]:
        assert (await post(client, f"/in/{scheme}", body, headers))[0] == 401

    counted = {"unsigned": len(unsigned), "forged": len(forged), "replayed": len(late)}
    assert client.ingress.routes[scheme].outcomes == Counter(counted)
    assert client.kept.events == []
    assert (await post(client, f"/in/{scheme}", BODY, good))[0] == 200


@each_scheme
async def test_a_delivery_replayed_at_once_is_the_same_event(client, scheme):
    """Most schemes sign no time, and senders repeat in good faith: the processor counts the same id once."""
    for _ in range(3):
        assert (await post(client, f"/in/{scheme}", BODY, headers_of(client, scheme)))[0] == 200

    first, *repeated = client.kept.events
    assert repeated == [first, first]
    assert client.ingress.routes[scheme].outcomes == {"accepted": 1, "repeated": 2}


async def test_a_form_with_umlauts_is_verified_and_read(client):
    fields = {"EventType": "reservation.accepted", "TaskSid": "WT" + "0" * 32, "Timestamp": "1795500000"}
    fields |= {
        "WorkerSid": "WK" + "0" * 32,
        "WorkerName": "Jürgen Müßig",
        "TaskAttributes": '{"from":"+4915112345678"}',
    }
    body = urlencode(fields).encode()
    client.ingress.routes["twilio"] = Route(Source("twilio", b"k" * 32), "twilio", "twilio", [SECRET])
    headers = headers_of(client, "twilio", body) | {"Content-Type": "application/x-www-form-urlencoded"}

    async with client.post("/in/twilio", data=body, headers=headers) as answer:
        assert answer.status == 204
    assert [event["type"] for event in client.kept.events] == ["support.call.answered"]


async def spoken(port, text):
    """Return the status of the answer to bytes that are sent as they are."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


@pytest.mark.parametrize(
    ("scheme", "query", "header"),
    [
        ("zendesk", b"", b"X-Zendesk-Webhook-Signature-Timestamp: \xff"),
        ("zendesk", b"", b"X-Zendesk-Webhook-Signature: \xff"),
        ("standard", b"", b"webhook-id: \xff"),
        ("standard", b"", b"webhook-timestamp: \xff"),
        ("standard", b"", "webhook-timestamp: ²٣".encode()),
        ("hub-sha1", b"", b"X-Hub-Signature: \xff"),
        ("token", b"", b"Authorization: Bearer \xff"),
        ("token", b"?token=%ff", b"X: y"),
        ("token", b"?" + b"&" * 1_001, b"X: y"),
        ("twilio", b"?" + b"&" * 1_001, b"X: y"),
        ("twilio", b"?bodySHA256=%ff", b"X-Forwarded-Host: \xff"),
    ],
)
async def test_no_bytes_in_a_header_or_query_are_an_accident(client, scheme, query, header):
    head = b"POST /in/%b%b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n%b\r\n\r\n{}"

    assert await spoken(client.port, head % (scheme.encode(), query, header)) == 401
    assert client.ingress.routes[scheme].outcomes in ({"forged": 1}, {"unsigned": 1})


@pytest.mark.parametrize(
    "line", [b"GET /?token=secret-canary\xff HTTP/1.1", b"secret-canary", b"GET / HTTP/1.1\r\nsecret-canary"]
)
async def test_of_what_is_no_http_nothing_is_logged(client, caplog, line):
    assert await spoken(client.port, line + b"\r\n\r\n") == 400
    assert "secret-canary" not in caplog.text


async def trickle(writer):
    """Send a byte now and then for a minute, or until the connection is cut."""
    for _ in range(3_000):
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.02)


async def test_a_sender_that_trickles_is_cut_and_others_get_in(tmp_path):
    settings = settings_of(tmp_path, request_timeout="500ms")
    async with running(settings, Kept()) as client:
        _, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"POST /in/zendesk HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        with pytest.raises(ConnectionError):
            await trickle(writer)
        writer.close()

        client.ingress.routes["token"] = Route(Source("token", b"k" * 32), "cloudevents", "token", [SECRET])
        assert (await post(client, "/in/token", BODY, headers_of(client, "token")))[0] == 200


def peak_bytes(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its peak of memory from /proc")
def test_a_bomb_is_413_and_takes_no_memory(services, kafka):
    make_topics(kafka.bootstrap)
    ingest = services.start(Ingest, kafka.bootstrap)

    def bomb(kind):
        """A thousand times the same MiB: a flushed block stands for itself."""
        machine = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16 if kind == "gzip" else zlib.MAX_WBITS)
        first, block = (machine.compress(bytes(2**20)) + machine.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
        return first + block * 999

    def send(body, kind):
        headers = {"Authorization": f"Bearer {SECRET.decode()}", "Content-Encoding": kind}
        request = urllib.request.Request(f"http://{ingest.address}/in/chatwoot", body, headers)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=30)
        return caught.value.code

    assert send(gzip.compress(bytes(2**21)), "gzip") == 413
    before = peak_bytes(ingest.pid)
    for kind in ("gzip", "deflate"):
        body = bomb(kind)
        assert len(body) <= 2**20
        assert [send(body, kind) for _ in range(5)] == [413] * 5
    assert peak_bytes(ingest.pid) < before + 16 * 2**20
    assert ingest.ready()
