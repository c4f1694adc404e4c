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
_PORTS: Final = {"https": 443, "http": 80}
_TWILIO_METHODS: Final = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}


#: by scheme: the ways to sign, each of them the headers that it needs together; `bearer` and `token`: as in the description
SIGNED_BY: Final[dict[str, list[tuple[str, ...]]]] = {
    "zendesk": [("x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp")],
    "hub-sha1": [("x-hub-signature",)],
    "twilio": [("x-twilio-signature",)],
    "typeform": [("typeform-signature",)],
    "helpscout": [("x-helpscout-signature",)],
    "survicate": [("hmac",)],
    "rocketchat": [("x-rocketchat-livechat-token",)],
    "delighted": [("x-delighted-webhook-signature",)],
    "chatwoot": [("x-chatwoot-signature", "x-chatwoot-timestamp"), ("bearer",), ("token",)],
    "surveymonkey": [("sm-signature",), ("bearer",), ("token",)],
    "standard": [("webhook-id", "webhook-timestamp", "webhook-signature")],
    "token": [("bearer",), ("token",)],
}


class ForgedError(StreamerError, PermissionError):
    """A delivery that is unsigned, signed with another secret, changed on its way, or too old. The sender gets 401."""


class ReplayedError(ForgedError):
    """A delivery that is well signed, too long ago."""


def unsigned(scheme: str, headers: Mapping[str, str], path: str) -> bool:
    """Tell whether a delivery does not even claim to be signed. Header names are in lower case."""
    given = {**headers, "bearer": headers.get("authorization"), "token": "token=" in path.partition("?")[2]}
    return not any(all(given.get(name) for name in way) for way in SIGNED_BY[scheme])


def verify(
    scheme: str,
    secrets: Sequence[bytes],
    headers: Mapping[str, str],
    body: bytes,
    *,
    now_ms: int,
    window_ms: int,
    path: str = "",
    public_url: str | None = None,
) -> None:
    """Return if one of the secrets signed the body, and a signed time is within the window of now.

    Header names are in lower case; `path` is the request's, with its query; `public_url` is what the sender's address
    has in front of it, where the request does not tell. Raises `ForgedError`, also where there are no secrets, and of
    it `ReplayedError` for what was signed outside the window; the reason is never more than the sender may know.
    """
    given, expected, signed_at = _SCHEMES[scheme](Signed(headers, body, path, public_url))
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
        raise ReplayedError("the delivery is too old")


class Signed(NamedTuple):
    """What a scheme may sign."""

    headers: Mapping[str, str]
    body: bytes
    path: str
    public_url: str | None


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
    """Base64 of HMAC(secret, public address + parameters); JSON bodies by their hash in the address.

    The parameters are sorted by name, and of each name the distinct values are sorted. SHA-1 unless the delivery says
    that it was signed with a shared key by SHA-256.
    """
    hashes = _query(signed, "bodySHA256")
    if hashes:
        if not hmac.compare_digest(_bytes(hashes[0].lower()), hashlib.sha256(signed.body).hexdigest().encode()):
            raise ForgedError("the signature is missing or wrong")
        parameters = b""
    else:
        try:
            parameters = b"".join(name + value for name, value in sorted(set(form(signed.body))))
        except RefusedError:  # nobody who could sign sends so many
            raise ForgedError("the signature is missing or wrong") from None
    method = _twilio_method(signed.headers.get("x-twilio-webhooks-signature-settings", ""))
    urls = [_bytes(url + signed.path) for url in _twilio_urls(signed)]

    def expected(secret: bytes) -> list[bytes]:
        return [base64.b64encode(hmac.digest(secret, url + parameters, method)) for url in urls]

    return _given(signed.headers.get("x-twilio-signature", "")), expected, None


def _twilio_method(settings: str) -> str:
    """Return the hash that `key=...,algorithm=HMAC_SHA256` names."""
    pairs = (part.partition("=") for part in settings.split(","))
    named = (value.strip().upper() for key, _, value in pairs if key.strip() == "algorithm")
    name = next(filter(None, named), "HMAC_SHA1")
    if name not in _TWILIO_METHODS:
        raise ForgedError("the signature is missing or wrong")
    return _TWILIO_METHODS[name]


def _twilio_urls(signed: Signed) -> list[str]:
    """Return what may stand before the path in the address that Twilio called: as told, without and with the port."""
    if signed.public_url:
        scheme, _, rest = signed.public_url.rstrip("/").partition("://")
        host, slash, prefix = rest.partition("/")
        ports, prefix = {scheme: _PORTS[scheme]}, slash + prefix
    else:  # a proxy may have taken the TLS off
        host = signed.headers.get("x-forwarded-host") or signed.headers.get("host", "")
        ports, prefix = _PORTS, ""
    bare = host.rpartition(":")[0] or host
    return [
        f"{scheme}://{one}{prefix}"
        for scheme, port in ports.items()
        for one in dict.fromkeys((host, bare, f"{bare}:{port}"))
    ]


def _delighted(signed: Signed) -> _Parts:
    """`sha256=` and the hexadecimal HMAC-SHA256(API key, body)."""

    def expected(secret: bytes) -> list[bytes]:
        return [b"sha256=" + hmac.digest(secret, signed.body, "sha256").hex().encode()]

    return _given(signed.headers.get("x-delighted-webhook-signature", "").lower()), expected, None


def _chatwoot(signed: Signed) -> _Parts:
    """`sha256=` and the hexadecimal HMAC-SHA256(secret, timestamp.body), the timestamp in seconds."""
    stamp = signed.headers.get("x-chatwoot-timestamp", "")

    def expected(secret: bytes) -> list[bytes]:
        return [b"sha256=" + hmac.digest(secret, _bytes(f"{stamp}.") + signed.body, "sha256").hex().encode()]

    return _given(signed.headers.get("x-chatwoot-signature", "").lower()), expected, _unix_ms(stamp)


def _surveymonkey(signed: Signed) -> _Parts:
    """Base64 of HMAC-SHA1(API key & secret, body)."""

    def expected(secret: bytes) -> list[bytes]:
        return [base64.b64encode(hmac.digest(secret, signed.body, "sha1"))]

    return _given(signed.headers.get("sm-signature", "")), expected, None


def _standard(signed: Signed) -> _Parts:
    """Standard Webhooks: `v1,` and base64 of HMAC-SHA256(secret, id.timestamp.body), several with blanks between."""
    unique, stamp = signed.headers.get("webhook-id", ""), signed.headers.get("webhook-timestamp", "")

    def expected(secret: bytes) -> list[bytes]:
        message = _bytes(f"{unique}.{stamp}.") + signed.body
        return [b"v1," + base64.b64encode(hmac.digest(_standard_key(secret), message, "sha256"))]

    given = [one for part in signed.headers.get("webhook-signature", "").split() for one in _given(part)]
    return given, expected, _unix_ms(stamp)


def _token(signed: Signed) -> _Parts:
    """`Authorization: Bearer SECRET`, or `?token=SECRET` for senders that cannot set a header.

    It protects no content: only over TLS.
    """
    kind, _, token = signed.headers.get("authorization", "").partition(" ")
    given = _given(token.strip()) if kind.lower() == "bearer" else []
    return [*given, *(one for text in _query(signed, "token") for one in _given(text))], lambda secret: [secret], None


def _or_token(scheme: Callable[[Signed], _Parts]) -> Callable[[Signed], _Parts]:
    """Return a scheme that takes a token too, where one is given: a replayed signature cannot pass for one."""

    def parts(signed: Signed) -> _Parts:
        by_token = _token(signed)
        return by_token if by_token[0] else scheme(signed)

    return parts


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


def _unix_ms(stamp: str) -> int:
    return int(stamp) * 1000 if stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 else 0  # noqa: PLR2004


_SCHEMES: Final = {
    "zendesk": _zendesk,
    "hub-sha1": _hub_sha1,
    "twilio": _twilio,
    "typeform": _typeform,
    "helpscout": _helpscout,
    "survicate": _survicate,
    "rocketchat": _rocketchat,
    "delighted": _delighted,
    "chatwoot": _or_token(_chatwoot),  # older ones do not sign
    "surveymonkey": _or_token(_surveymonkey),  # for whoever fetches the responses
    "standard": _standard,
    "token": _token,
}
