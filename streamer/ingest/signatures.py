"""Who sent a delivery: each scheme verifies the raw body, in constant time, against one or two secrets. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Final, TypeAlias

from streamer.errors import StreamerError
from streamer.ingest.adapters.base import RefusedError, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SIGNATURES_MAX: Final = 10  # Standard Webhooks allows several; each costs an HMAC


class ForgedError(StreamerError, PermissionError):
    """A delivery that is unsigned, signed with another secret, changed on its way, or too old. The sender gets 401."""


def verify(
    scheme: str, secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, *, now_ms: int, window_ms: int
) -> None:
    """Return if one of the secrets signed the body, and a signed time is within the window of now.

    Header names are in lower case. Raises `ForgedError`, also where there are no secrets; the reason is never more
    than the sender may know.
    """
    given, expected, signed_at = _SCHEMES[scheme](headers, body)
    # Every pair is compared, whatever the first ones came to: the time says nothing about which secret is near.
    matches = [hmac.compare_digest(one, expected(secret)) for secret in secrets for one in given[:_SIGNATURES_MAX]]
    if not any(matches):
        raise ForgedError("the signature is missing or wrong")
    if signed_at is not None and abs(now_ms - signed_at) > window_ms:
        raise ForgedError("the delivery is too old")


_Parts: TypeAlias = "tuple[list[bytes], Callable[[bytes], bytes], int | None]"


def _zendesk(headers: Mapping[str, str], body: bytes) -> _Parts:
    """Base64 of HMAC-SHA256(secret, timestamp + body)."""
    stamp = headers.get("x-zendesk-webhook-signature-timestamp", "")

    def expected(secret: bytes) -> bytes:
        return base64.b64encode(hmac.digest(secret, stamp.encode() + body, "sha256"))

    return _given(headers.get("x-zendesk-webhook-signature", "")), expected, _iso_ms(stamp)


def _hub_sha1(headers: Mapping[str, str], body: bytes) -> _Parts:
    """`sha1=` and the hexadecimal HMAC-SHA1(secret, body): Intercom, Zammad."""

    def expected(secret: bytes) -> bytes:
        return b"sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest().encode()

    return _given(headers.get("x-hub-signature", "").lower()), expected, None


def _standard(headers: Mapping[str, str], body: bytes) -> _Parts:
    """Standard Webhooks: `v1,` and base64 of HMAC-SHA256(secret, id.timestamp.body), several with blanks between."""
    unique, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")

    def expected(secret: bytes) -> bytes:
        message = f"{unique}.{stamp}.".encode() + body
        return b"v1," + base64.b64encode(hmac.digest(_standard_key(secret), message, "sha256"))

    signed_at = int(stamp) * 1000 if stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 else 0  # noqa: PLR2004
    return [one for part in headers.get("webhook-signature", "").split() for one in _given(part)], expected, signed_at


def _token(headers: Mapping[str, str], _body: bytes) -> _Parts:
    """`Authorization: Bearer SECRET`, for senders that cannot sign; it protects no content: only over TLS."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return _given(token.strip()) if kind.lower() == "bearer" else [], lambda secret: secret, None


def _given(text: str) -> list[bytes]:
    return [text.encode("utf-8", "surrogateescape")] if text else []


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


_SCHEMES: Final = {"zendesk": _zendesk, "hub-sha1": _hub_sha1, "standard": _standard, "token": _token}
