"""The signatures of the sources: vectors that others have published where there are any, else the vendors' descriptions."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from streamer.ingest.adapters.base import RefusedError, Source
from streamer.ingest.server import Route
from streamer.ingest.signatures import ForgedError, form, verify
from streamer.settings._ingest import IngestSourceSettings
from tests.ingest.signing import SIGNATURES, signed
from tests.ingest.test_ingress import Kept, post, running, settings_of

SECRET = b"12345"
BODY = b'{"a":1}'
NOW = 1_795_500_000

# The secret of Zendesk's test deliveries and the time in its documentation; it publishes no signature: this one was
# made by others, with another library.
ZENDESK_SECRET = b"dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="
ZENDESK_BODY = b'{"event":"ticket.updated","id":123}'
ZENDESK = {
    "x-zendesk-webhook-signature": "S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM=",
    "x-zendesk-webhook-signature-timestamp": "2021-03-25T05:09:27Z",
}
ZENDESK_AT = int(datetime(2021, 3, 25, 5, 9, 27, tzinfo=UTC).timestamp())
# Of the reference libraries of Standard Webhooks.
STANDARD_SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_BODY = b'{"test": 2432232314}'
STANDARD_AT = 1_614_265_330
STANDARD = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(STANDARD_AT),
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
# Of the tests of Twilio's own library. Those marked "made" were computed by that library, 9.13.0, where its tests have
# none: names that begin alike, SHA-256.
TWILIO_PATH = "/myapp.php?foo=1&bar=2"
TWILIO_HASH = "&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
TWILIO_JSON = b'{"property": "value", "boolean": true}'
CALL = urlencode(
    {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
        "Caller": "+14158675309",
    }
).encode()
TWICE = b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234"
SHA256 = {"x-twilio-webhooks-signature-settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"}


def twilio(signature, body=CALL, path=TWILIO_PATH, **headers):
    return "twilio", SECRET, {"host": "mycompany.com", "x-twilio-signature": signature, **headers}, body, NOW, path


PUBLISHED = {
    "zendesk": ("zendesk", ZENDESK_SECRET, ZENDESK, ZENDESK_BODY, ZENDESK_AT, ""),
    "standard": ("standard", STANDARD_SECRET, STANDARD, STANDARD_BODY, STANDARD_AT, ""),
    "twilio": twilio("RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    "twilio, a value twice": twilio("IK+Dwps556ElfBT0I3Rgjkr1wJU=", TWICE),
    "twilio, the same value twice": twilio("IK+Dwps556ElfBT0I3Rgjkr1wJU=", TWICE + b"&Digits=1234"),
    "twilio, names that begin alike (made)": twilio("u2CDs9e2TSLPykL4krVUg/bwOtE=", b"TaskSid=WT1&Task=z"),
    "twilio, the port is told": twilio("RSOYDt4T1cUTdK1PDd93/VVr8B8=", host="mycompany.com:1234"),
    "twilio, port of https": twilio("kvajT1Ptam85bY51eRf/AJRuM3w="),
    "twilio, port of http": twilio("0ZXoZLH/DfblKGATFgpif+LLRf4="),
    "twilio, http with a port": twilio("Zmvh+3yNM1Phv2jhDCwEM3q5ebU=", host="mycompany.com:1234"),
    "twilio, another host": twilio("RSOYDt4T1cUTdK1PDd93/VVr8B8=", host="in", **{"x-forwarded-host": "mycompany.com"}),
    "twilio, JSON": twilio("a9nBmqA0ju/hNViExpshrM61xv4=", TWILIO_JSON, TWILIO_PATH + TWILIO_HASH),
    "twilio, SHA-256 (made)": twilio("033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s=", **SHA256),
}


def check(scheme, headers, body, path="", secrets=(SECRET,), at=NOW, **options):
    verify(scheme, secrets, headers, body, now_ms=at * 1000, window_ms=300_000, path=path, **options)


def refused(*given, **options):
    with pytest.raises(ForgedError):
        check(*given, **options)


@pytest.mark.parametrize(("scheme", "secret", "headers", "body", "at", "path"), PUBLISHED.values(), ids=PUBLISHED)
def test_what_others_have_signed_gets_in_and_what_was_changed_does_not(scheme, secret, headers, body, at, path):
    check(scheme, headers, body, path, (b"other", secret), at)
    refused(scheme, headers, body + b"1", path, (secret,), at)
    refused(scheme, headers, body, path, (b"other",), at)
    if scheme == "twilio":
        refused(scheme, headers, body, path + "&x=1", (secret,), at)
    else:
        for later in (at - 301, at + 301):
            refused(scheme, headers, body, path, (secret,), later)


@pytest.mark.parametrize("scheme", sorted(SIGNATURES))
def test_every_scheme_takes_what_is_signed_as_its_vendor_says_and_nothing_else(scheme):
    url = "https://in.example.com/in/x"
    headers = {name.lower(): value for name, value in signed(scheme, url, BODY, NOW, SECRET).items()}
    headers["host"] = "in.example.com"

    check(scheme, headers, BODY, "/in/x", (b"other", SECRET))
    refused(scheme, {"host": "in.example.com"}, BODY, "/in/x")
    for secrets in ((), (b"other",)):
        refused(scheme, headers, BODY, "/in/x", secrets)
    if scheme not in ("token", "rocketchat"):
        refused(scheme, headers, BODY + b"1", "/in/x")


def test_delighted_surveymonkey_and_chatwoot_sign_as_they_say():
    """By hand: nothing of these is published as a vector."""
    text = hmac.new(b"API_KEY", BODY, hashlib.sha256).hexdigest()
    check("delighted", {"x-delighted-webhook-signature": f"sha256={text}"}, BODY, secrets=(b"API_KEY",))
    notice = base64.b64encode(hmac.digest(b"key&secret", BODY, "sha1")).decode()
    check("surveymonkey", {"sm-apikey": "key", "sm-signature": notice}, BODY, secrets=(b"key&secret",))
    text = hmac.new(SECRET, f"{NOW}.".encode() + BODY, hashlib.sha256).hexdigest()
    chatwoot = {"x-chatwoot-timestamp": str(NOW), "x-chatwoot-signature": f"sha256={text}", "x-chatwoot-delivery": "1"}
    check("chatwoot", chatwoot, BODY)
    for later in (NOW - 301, NOW + 301):
        refused("chatwoot", chatwoot, BODY, at=later)
    refused("chatwoot", {**chatwoot, "x-chatwoot-timestamp": str(NOW + 1)}, BODY)


@pytest.mark.parametrize("scheme", ["token", "chatwoot", "surveymonkey"])
def test_a_token_gets_in_where_the_sender_cannot_sign(scheme):
    check(scheme, {}, BODY, "/in/c?token=12345")
    check(scheme, {"authorization": "Bearer 12345"}, BODY)
    refused(scheme, {}, BODY, "/in/c?token=1234")


def test_an_old_signature_is_no_token():
    headers = {name.lower(): value for name, value in signed("chatwoot", "", BODY, NOW, SECRET).items()}
    old = headers.pop("x-chatwoot-signature")

    refused("chatwoot", headers, BODY, f"/in/c?token={old}", at=NOW + 301)


def test_the_public_address_may_have_another_path_than_the_request():
    # mycompany.com/myapp.php is what Twilio called; the proxy took /myapp.php off.
    headers = {"host": "10.0.0.1:8088", "x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    right = "https://mycompany.com/myapp.php"
    for public_url in (right, right + "/", right.replace(".com", ".com:443")):
        check("twilio", headers, CALL, "?foo=1&bar=2", public_url=public_url)
    for public_url in (None, "https://mycompany.com", "http://mycompany.com/myapp.php", "https://other.com/myapp.php"):
        refused("twilio", headers, CALL, "?foo=1&bar=2", public_url=public_url)


@pytest.mark.parametrize(
    "public_url", ["mycompany.com", "ftp://mycompany.com", "https://", "https://x/?a=1", "https://x y"]
)
def test_a_public_address_is_a_web_address(public_url):
    assert IngestSourceSettings(adapter="twilio", public_url="https://x.example:8443/hooks").public_url
    with pytest.raises(ValidationError, match="public_url"):
        IngestSourceSettings(adapter="twilio", public_url=public_url)


def test_an_unsigned_form_of_too_many_fields_is_forged_whatever_is_in_it():
    many = b"a=1&" * 2_000
    refused("twilio", {}, many)
    with pytest.raises(RefusedError):
        form(many)


@pytest.mark.parametrize("settings", ["algorithm=HMAC_MD5", "key=k,algorithm=none"])
def test_an_algorithm_that_twilio_does_not_have_is_refused(settings):
    *given, _, path = twilio("RSOYDt4T1cUTdK1PDd93/VVr8B8=", **{"x-twilio-webhooks-signature-settings": settings})
    scheme, _, headers, body = given
    refused(scheme, headers, body, path)


@pytest.mark.parametrize("settings", ["", "key=k", "key=k,algorithm=", "algorithm=hmac_sha1"])
def test_an_algorithm_that_is_not_told_is_twilio_s_old_one(settings):
    headers = {"host": "mycompany.com", "x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}
    check("twilio", {**headers, "x-twilio-webhooks-signature-settings": settings}, CALL, TWILIO_PATH)


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
        url = f"http://127.0.0.1:{client.port}/in/t"
        headers = signed("twilio", url, urlencode(fields).encode(), NOW, SECRET)
        async with client.post("/in/t", data=fields, headers=headers) as answer:
            assert (answer.status, await answer.read()) == (204, b"")
        assert [event["type"] for event in client.kept.events] == ["support.call.answered"]

        status, _ = await post(client, "/in/t", urlencode({**fields, "WorkerSid": "x"}).encode(), headers)
        assert status == 401
        many = {"Content-Type": "application/x-www-form-urlencoded"}
        assert (await post(client, "/in/t", b"a=1&" * 2_000, many))[0] == 401
