"""The signatures of sources that sign in their own ways, on messages made here from the vendors' descriptions."""

import base64
import hashlib
import hmac
from urllib.parse import urlencode

import pytest

from streamer.ingest.adapters.base import RefusedError, Source
from streamer.ingest.server import Route
from streamer.ingest.signatures import ForgedError, verify
from tests.ingest.test_ingress import Kept, post, running, settings_of

SECRET = b"12345"
BODY = b'{"a":1}'
FORM = urlencode({"EventType": "task-queue.entered", "TaskSid": "WT1", "Empty": ""}).encode()


def b64(method, message, secret=SECRET):
    return base64.b64encode(hmac.digest(secret, message, method)).decode()


def twilio(url, fields="EmptyEventTypetask-queue.enteredTaskSidWT1", secret=SECRET):
    return {"x-twilio-signature": b64("sha1", (url + fields).encode(), secret), "host": "in.example.com"}


JSON_PATH = f"/in/t?bodySHA256={hashlib.sha256(BODY).hexdigest()}"
GOOD = [
    ("typeform", {"typeform-signature": "sha256=" + b64("sha256", BODY)}, BODY, ""),
    ("helpscout", {"x-helpscout-signature": b64("sha1", BODY)}, BODY, ""),
    ("survicate", {"hmac": hmac.new(SECRET, BODY, hashlib.sha256).hexdigest()}, BODY, ""),
    ("rocketchat", {"x-rocketchat-livechat-token": "12345"}, BODY, ""),
    ("token", {"authorization": "Bearer 12345"}, BODY, ""),
    ("token", {}, BODY, "/in/c?token=12345"),
    ("twilio", twilio("https://in.example.com/in/t"), FORM, "/in/t"),
    ("twilio", twilio("https://in.example.com:443/in/t"), FORM, "/in/t"),
    ("twilio", {**twilio("https://pub.example/in/t"), "x-forwarded-host": "pub.example"}, FORM, "/in/t"),
    ("twilio", twilio(f"https://in.example.com{JSON_PATH}", ""), BODY, JSON_PATH),
]


@pytest.mark.parametrize(("scheme", "headers", "body", "path"), GOOD)
def test_what_is_signed_gets_in_and_what_was_changed_does_not(scheme, headers, body, path):
    def check(headers, body, path, secrets=(b"other", SECRET)):
        verify(scheme, secrets, headers, body, now_ms=0, window_ms=1, path=path)

    check(headers, body, path)
    wrong = [({}, body, path.partition("token")[0])]
    wrong += [(headers, body + b"1", path)] if scheme not in ("token", "rocketchat") else []
    wrong += [(headers, body, path + "&x=1" if "?" in path else path + "?x=1")] if scheme == "twilio" else []
    for forged in wrong:
        with pytest.raises(ForgedError):
            check(*forged)
    for secrets in ((), (b"other",)):
        with pytest.raises(ForgedError):
            check(headers, body, path, secrets)


def test_a_form_of_too_many_fields_is_refused():
    with pytest.raises(RefusedError):
        verify("twilio", [SECRET], {}, b"a=1&" * 2_000, now_ms=0, window_ms=1)


async def test_a_signed_form_gets_in_and_is_answered_204(tmp_path):
    fields = {
        "EventType": "reservation.accepted",
        "TaskSid": "WT" + "0" * 32,
        "WorkerSid": "WK" + "0" * 32,
        "Timestamp": "1795500000",
        "TaskAttributes": '{"from":"+4915112345678"}',
    }
    async with running(settings_of(tmp_path), Kept()) as client:
        client.ingress.routes["t"] = Route(Source("t", b"k" * 32), "twilio", "twilio", [SECRET])
        text = "".join(name + value for name, value in sorted(fields.items()))
        url = f"http://127.0.0.1:{client.port}/in/t"
        headers = {"X-Twilio-Signature": b64("sha1", (url + text).encode())}
        async with client.post("/in/t", data=fields, headers=headers) as answer:
            assert (answer.status, await answer.read()) == (204, b"")
        assert [event["type"] for event in client.kept.events] == ["support.call.answered"]

        status, _ = await post(client, "/in/t", urlencode({**fields, "WorkerSid": "x"}).encode(), headers)
        assert status == 401
