"""Who sent a delivery: each scheme verifies the raw body, in constant time, against one or two secrets. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias
from urllib.parse import parse_qs, unquote_to_bytes

from streamer.errors import StreamerError
from streamer.ingest.adapters.base import RefusedError, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SIGNATURES_MAX: Final = 10  # Standard Webhooks allows several; each costs an HMAC
_FIELDS_MAX: Final = 1_000  # of a form; the largest, Twilio's, have some 40
_WEB: Final = ("https", "http")


class ForgedError(StreamerError, PermissionError):
    """A delivery that is unsigned, signed with another secret, changed on its way, or too old. The sender gets 401."""


def verify(
    scheme: str,
    secrets: Sequence[bytes],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now_ms: int,
    window_ms: int,
    path: str = "",
) -> None:
    """Return if one of the secrets signed the body, and a signed time is within the window of now.

    Header names are in lower case; `path` is the request's, with its query. Raises `ForgedError`, also where there are
    no secrets; the reason is never more than the sender may know.
    """
    given, expected, signed_at = _SCHEMES[scheme](Signed(headers, body, path))
    # Every pair is compared, whatever the first ones came to: the time says nothing about which secret is near.
    matches = [
        hmac.compare_digest(one, right)
        for secret in secrets
        for right in expected(secret)
        for one in given[:_SIGNATURES_MAX]
    ]
    if not any(matches):
        raise ForgedError("the signature is missing or wrong")
    if signed_at is not None and abs(now_ms - signed_at) > window_ms:
        raise ForgedError("the delivery is too old")


class Signed(NamedTuple):
    """What a scheme may sign."""

    headers: Mapping[str, str]
    body: bytes
    path: str


# The signatures given, those that a secret would give, and the signed time in ms.
_Parts: TypeAlias = "tuple[list[bytes], Callable[[bytes], list[bytes]], int | None]"


def _zendesk(signed: Signed) -> _Parts:
    """Base64 of HMAC-SHA256(secret, timestamp + body)."""
    stamp = signed.headers.get("x-zendesk-webhook-signature-timestamp", "")

    def expected(secret: bytes) -> list[bytes]:
        return [base64.b64encode(hmac.digest(secret, _bytes(stamp) + signed.body, "sha256"))]

    return _given(signed.headers.get("x-zendesk-webhook-signature", "")), expected, _iso_ms(stamp)


def _hub_sha1(signed: Signed) -> _Parts:
    """`sha1=` and the hexadecimal HMAC-SHA1(secret, body): Intercom, Zammad."""

    def expected(secret: bytes) -> list[bytes]:
        return [b"sha1=" + hmac.digest(secret, signed.body, "sha1").hex().encode()]

    return _given(signed.headers.get("x-hub-signature", "").lower()), expected, None


def _typeform(signed: Signed) -> _Parts:
    """`sha256=` and base64 of HMAC-SHA256(secret, body)."""

    def expected(secret: bytes) -> list[bytes]:
        return [b"sha256=" + base64.b64encode(hmac.digest(secret, signed.body, "sha256"))]

    return _given(signed.headers.get("typeform-signature", "")), expected, None


def _helpscout(signed: Signed) -> _Parts:
    """Base64 of HMAC-SHA1(secret, body)."""

    def expected(secret: bytes) -> list[bytes]:
        return [base64.b64encode(hmac.digest(secret, signed.body, "sha1"))]

    return _given(signed.headers.get("x-helpscout-signature", "")), expected, None


def _survicate(signed: Signed) -> _Parts:
    """The hexadecimal HMAC-SHA256(secret, body)."""

    def expected(secret: bytes) -> list[bytes]:
        return [hmac.digest(secret, signed.body, "sha256").hex().encode()]

    return _given(signed.headers.get("hmac", "").lower()), expected, None


def _rocketchat(signed: Signed) -> _Parts:
    """The secret itself. It protects no content: only over TLS."""
    return _given(signed.headers.get("x-rocketchat-livechat-token", "")), lambda secret: [secret], None


def _twilio(signed: Signed) -> _Parts:
    """Base64 of HMAC-SHA1(auth token, public address + sorted parameters); JSON bodies by their hash in the address."""
    address, _, query = signed.path.partition("?")
    hashes = _query(signed, "bodySHA256")
    if hashes:
        if not hmac.compare_digest(_bytes(hashes[0].lower()), hashlib.sha256(signed.body).hexdigest().encode()):
            raise ForgedError("the signature is missing or wrong")
        parameters = b""
    else:
        parameters = b"".join(sorted(name + value for name, value in form(signed.body)))
    host = signed.headers.get("x-forwarded-host") or signed.headers.get("host", "")
    # A proxy may have taken the TLS off and added its port: the address that Twilio called is one of these.
    hosts = dict.fromkeys((host, host.rpartition(":")[0] or host, f"{host.partition(':')[0]}:443"))
    tail = address + (f"?{query}" if query else "")
    urls = [_bytes(f"{scheme}://{one}{tail}") for one in hosts for scheme in _WEB]

    def expected(secret: bytes) -> list[bytes]:
        return [base64.b64encode(hmac.digest(secret, url + parameters, "sha1")) for url in urls]

    return _given(signed.headers.get("x-twilio-signature", "")), expected, None


def _standard(signed: Signed) -> _Parts:
    """Standard Webhooks: `v1,` and base64 of HMAC-SHA256(secret, id.timestamp.body), several with blanks between."""
    unique, stamp = signed.headers.get("webhook-id", ""), signed.headers.get("webhook-timestamp", "")

    def expected(secret: bytes) -> list[bytes]:
        message = _bytes(f"{unique}.{stamp}.") + signed.body
        return [b"v1," + base64.b64encode(hmac.digest(_standard_key(secret), message, "sha256"))]

    signed_at = int(stamp) * 1000 if stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 else 0  # noqa: PLR2004
    given = [one for part in signed.headers.get("webhook-signature", "").split() for one in _given(part)]
    return given, expected, signed_at


def _token(signed: Signed) -> _Parts:
    """`Authorization: Bearer SECRET`, or `?token=SECRET` for senders that cannot set a header.

    It protects no content: only over TLS.
    """
    kind, _, token = signed.headers.get("authorization", "").partition(" ")
    given = _given(token.strip()) if kind.lower() == "bearer" else []
    return [*given, *(one for text in _query(signed, "token") for one in _given(text))], lambda secret: [secret], None


def form(body: bytes) -> list[tuple[bytes, bytes]]:
    """Return the fields of a form. Raises `RefusedError` where it has too many."""
    # Not parse_qsl: of bytes it takes ASCII only, also behind the %.
    fields = body.split(b"&", _FIELDS_MAX)
    if len(fields) > _FIELDS_MAX:
        raise RefusedError("the form has too many fields")
    pairs = (field.replace(b"+", b" ").partition(b"=") for field in fields if field)
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pairs]


def _query(signed: Signed, name: str) -> list[str]:
    """Return the values of a name in the query; `ForgedError` where it has more than a sender's."""
    try:
        return parse_qs(signed.path.partition("?")[2], max_num_fields=_FIELDS_MAX).get(name, [])
    except ValueError:
        raise ForgedError("the signature is missing or wrong") from None


def _bytes(text: str) -> bytes:
    """Return the bytes that came: aiohttp reads as surrogates what is not UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def _given(text: str) -> list[bytes]:
    return [_bytes(text)] if text else []


def _standard_key(secret: bytes) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(b"whsec_"), validate=True)
    except binascii.Error:
        return secret


def _iso_ms(stamp: str) -> int:
    try:
        return instant(stamp, "timestamp")
    except RefusedError:
        return 0


_SCHEMES: Final = {
    "zendesk": _zendesk,
    "hub-sha1": _hub_sha1,
    "twilio": _twilio,
    "typeform": _typeform,
    "helpscout": _helpscout,
    "survicate": _survicate,
    "rocketchat": _rocketchat,
    "standard": _standard,
    "token": _token,
}
