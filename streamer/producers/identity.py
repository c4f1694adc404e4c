"""Opaque ids: what a source calls a customer or an agent becomes a keyed hash before it leaves the producer."""

from __future__ import annotations

import hmac
from functools import lru_cache
from pathlib import Path
from typing import Final

from streamer.errors import Mistake, SettingsError

_KEY_BYTES_MIN: Final = 16  # 128 bits: a shorter key could be tried out against the known ids of a few customers
_HASH_HEX: Final = 32  # 128 bits of the digest: no two of 10^9 ids meet (birthday bound 10^-21)

_KNOWN_MAX: Final = 10_000  # 2 MB; a customer's events come together, and a look is a tenth of a hash


class Identity:
    """Hashes ids with one secret key: HMAC-SHA256 (RFC 2104), its first 128 bits in hexadecimal.

    All producers of one installation need the same key: a customer must be the same in tickets, calls and purchases.
    A customer and an agent with the same id get different hashes.
    """

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")
        self._hash = lru_cache(_KNOWN_MAX)(self._digest)

    @classmethod
    def from_file(cls, path: Path | str) -> Identity:
        """Read the key, at least 16 bytes without the last newline. Raises `SettingsError`, which names the file."""
        try:
            key = Path(path).read_bytes().rstrip(b"\r\n")
        except OSError as error:
            reason = f"cannot be read: {error.strerror}; `openssl rand -hex 32` makes a key"
            raise SettingsError([Mistake(str(path), "key_file", reason)]) from None
        if len(key) < _KEY_BYTES_MIN:
            raise SettingsError([Mistake(str(path), "key_file", f"is shorter than {_KEY_BYTES_MIN} bytes")])
        return cls(key)

    def customer(self, name: str) -> str:
        """Return the opaque id of a customer, 32 hexadecimal digits."""
        return self._hash("customer", name)

    def agent(self, name: str) -> str:
        """Return the opaque id of an agent, 32 hexadecimal digits."""
        return self._hash("agent", name)

    def _digest(self, kind: str, name: str) -> str:
        # surrogatepass: an id that is no text is for the validation to refuse, not for the hash to stumble on
        message = f"{kind}\0{name}".encode(errors="surrogatepass")
        hashed = self._keyed.copy()  # it has the key already: half of the cost of `hmac.digest`
        hashed.update(message)
        return hashed.hexdigest()[:_HASH_HEX]
