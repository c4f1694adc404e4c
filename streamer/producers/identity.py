"""Opaque ids: what a source calls a customer or an agent becomes a keyed hash before it leaves the producer.

What is not hashed (ids of tickets, labels) must be no e-mail address and no phone number; names cannot be told from labels.
"""

from __future__ import annotations

import hmac
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from streamer.errors import Mistake, SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_KEY_BYTES_MIN: Final = 16  # 128 bits: a shorter key could be tried out against the known ids of a few customers
_HASH_HEX: Final = 32  # 128 bits of the digest: no two of 10^9 ids meet (birthday bound 10^-21)

_KNOWN_MAX: Final = 10_000  # 2 MB; a customer's events come together, and a look is a tenth of a hash

_PEOPLE: Final = ("customer", "agent")

#: What might be an e-mail address or a phone number, any seven digits too: for labels that can be shown as a hash instead.
MAYBE_PERSONAL: Final = re.compile(r"@|(?:\d[\s().-]*){7}")
# What is one, for values that are refused: digits alone are an id (00123456789), and so are a UUID, a date, and Asterisk's
# 1767225600.123. Possessive and bounded, so that a scan is linear whatever the value is.
_EMAIL: Final = re.compile(r"[^\s@](?:@|%40)[^\s@]")
_PHONE_PLUS: Final = re.compile(r"\+[\s(]*+(?:\d[\s()./-]*+){7}")
_PHONE_GROUPS: Final = re.compile(r"[\d(](?<![\w./-].)[\d\s()./-]{9,40}+(?:(?<=\s)|(?![\w:-]))")
_PHONE_US: Final = re.compile(r"(?:1[.-])?\d{3}[.-]\d{3}[.-]\d{4}")
_PHONE_DIGITS: Final = range(9, 16)  # with the area; 15 at most by E.164. A date has 8
_LABELS_KNOWN: Final = 4_096  # labels are few and come again and again


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

    def event_id(self, name: str) -> str:
        """Return an event's id that may have been made of somebody's, 32 hexadecimal digits."""
        return self._digest("event", name)

    def hash_event(self, event: dict[str, Any]) -> None:
        """Hash the ids of people in an event as JSON has it; what is not of the right type is left to the validation.

        That is the customer and the agent, and the subject where it is one of them. An empty agent takes work away from
        everybody, and stays.
        """
        data, person = event.get("data"), person_of(event.get("type"))
        places = [(data, kind, kind) for kind in _PEOPLE] if isinstance(data, dict) else []
        if person:
            places.append((event, "subject", person))
        for holder, name, kind in places:
            if (value := holder.get(name)) and isinstance(value, str):
                holder[name] = self._hash(kind, value)

    def _digest(self, kind: str, name: str) -> str:
        # surrogatepass: an id that is no text is for the validation to refuse, not for the hash to stumble on
        message = f"{kind}\0{name}".encode(errors="surrogatepass")
        hashed = self._keyed.copy()  # it has the key already: half of the cost of `hmac.digest`
        hashed.update(message)
        return hashed.hexdigest()[:_HASH_HEX]


def person_of(type_: object) -> str:
    """Return whose id the subject of an event of this type is, `customer` or `agent`, or nothing where it is no person."""
    entity = type_.split(".")[1] if isinstance(type_, str) and type_.startswith("support.") else ""
    return entity if entity in _PEOPLE else ""


def looks_personal(text: str) -> bool:
    """Tell whether an e-mail address or a phone number stands in a text."""
    if ("@" in text or "%40" in text) and _EMAIL.search(text):
        return True
    if "+" in text and _PHONE_PLUS.search(text):
        return True
    return any(_is_phone(found.strip()) for found in _PHONE_GROUPS.findall(text))


_label_looks_personal: Final = lru_cache(_LABELS_KNOWN)(looks_personal)


def _is_phone(digits: str) -> bool:
    """Tell whether digits in groups are a phone number: behind a 0 or a bracket, with blanks, or as 555-123-4567."""
    if digits.isdecimal() or sum(map(str.isdecimal, digits)) not in _PHONE_DIGITS:
        return False
    return digits[0] in "0(" or " " in digits or _PHONE_US.fullmatch(digits) is not None


def personal_path(event: Mapping[str, Any], known: Collection[str]) -> str:
    """Return the JSON path of what looks like an e-mail address or a phone number in a valid event, else nothing.

    `known` are the fields of `data` that are sent.
    """
    for name in ("id", "source", "subject"):
        if looks_personal(event[name]):
            return f"$.{name}"
    for name, value in event["data"].items():
        if isinstance(value, str):
            found = _label_looks_personal(value)
        else:  # of an object the keys
            found = isinstance(value, (list, dict)) and any(isinstance(v, str) and looks_personal(v) for v in value)
        if found and name in known:
            return f"$.data.{name}"
    return ""
