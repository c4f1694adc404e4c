"""Signs a delivery as each scheme wants it, from the vendors' descriptions."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import parse_qsl

SECRET = b"a-secret-of-the-tests"


def _mac(method, message, secret):
    return base64.b64encode(hmac.digest(secret, message, method)).decode()


def _zendesk(url, body, now, secret):
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = _mac("sha256", stamp.encode() + body, secret)
    return {"X-Zendesk-Webhook-Signature": signature, "X-Zendesk-Webhook-Signature-Timestamp": stamp}


def _hub(url, body, now, secret):
    return {"X-Hub-Signature": "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest()}


def _twilio(url, body, now, secret):
    fields = parse_qsl(body.decode("utf-8", "surrogateescape"), True, errors="surrogateescape")
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return {"X-Twilio-Signature": _mac("sha1", text.encode("utf-8", "surrogateescape"), secret)}


def _chatwoot(url, body, now, secret):
    signature = hmac.new(secret, f"{int(now)}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Chatwoot-Timestamp": str(int(now)), "X-Chatwoot-Signature": f"sha256={signature}"}


def _delighted(url, body, now, secret):
    return {"X-Delighted-Webhook-Signature": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()}


def _standard(url, body, now, secret):
    head = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now))}
    return {**head, "webhook-signature": "v1," + _mac("sha256", f"msg_1.{int(now)}.".encode() + body, secret)}


SIGNATURES = {
    "zendesk": _zendesk,
    "hub-sha1": _hub,
    "twilio": _twilio,
    "typeform": lambda url, body, now, secret: {"Typeform-Signature": "sha256=" + _mac("sha256", body, secret)},
    "helpscout": lambda url, body, now, secret: {"X-HelpScout-Signature": _mac("sha1", body, secret)},
    "survicate": lambda url, body, now, secret: {"Hmac": hmac.new(secret, body, hashlib.sha256).hexdigest()},
    "rocketchat": lambda url, body, now, secret: {"X-RocketChat-Livechat-Token": secret.decode()},
    "delighted": _delighted,
    "chatwoot": _chatwoot,
    "surveymonkey": lambda url, body, now, secret: {"Sm-Signature": _mac("sha1", body, secret)},
    "standard": _standard,
    "token": lambda url, body, now, secret: {"Authorization": f"Bearer {secret.decode()}"},
}


def signed(scheme, url, body, now, secret=SECRET):
    """Return the headers that sign a delivery to the full address at `now`, in seconds since the epoch."""
    return SIGNATURES[scheme](url, body, now, secret)
