"""What all adapters share: the delivery they read, the state they are handed, and how they name things without names.

An adapter is `adapt(delivery, source, state) -> list of CloudEvents` and nothing else: no clock, no network, no file.
What it may not pass on is decided here and nowhere else: ids of customers and agents leave as keyed hashes, other ids
only if their shape is that of a machine's id, and a label (queue, team, brand, ...) only if the adapter knows it as a
fixed word of the source or the operator has listed it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol, get_args

from streamer.errors import StreamerError
from streamer.events.codec import millis
from streamer.events.surveys import SurveyKind
from streamer.producers.identity import MAYBE_PERSONAL, Identity

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Event = dict[str, Any]

#: what a survey may measure
KINDS: Final = frozenset(get_args(SurveyKind))
#: the scale of the question whether one would recommend
NPS: Final = (0, 10)
# Machines' ids: a UUID, a Twilio SID, a short number. Of 9 digits at most: a phone number with its area is longer.
_MACHINE_ID: Final = re.compile(r"[0-9]{1,9}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Z]{2}[0-9a-f]{32}")
_NO_DIGIT: Final = re.compile(r"\D")
_HASH_DIGITS: Final = 32  # 128 bits: no two of 10^15 ids meet
_LABEL_DIGITS: Final = 8  # labels are few
_HASHES_KEPT: Final = 10_000  # labels remembered: a queue's name comes a thousand times
_SCORE_MAX: Final = 1_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MS_FROM: Final = 1e11  # a number above is in ms: as seconds it would lie in the year 5138
_MS_MAX: Final = 253_402_214_400_000  # the end of the year 9999


class RefusedError(StreamerError, ValueError):
    """A payload from which no event can be made; the message names the field, never its value. The sender gets 422."""

    exit_code = 65


class UnknownTypeError(StreamerError, LookupError):
    """A kind of delivery that the adapter does not know: counted and answered 2xx, for sources add kinds at any time."""


class State(Protocol):
    """What the ingress remembers for an adapter: bounded, so what was put may be gone. Values are JSON values."""

    def get(self, key: str) -> Any:
        """Return what was put last, else None."""

    def put(self, key: str, value: Any) -> None:
        """Remember a value, once the events of this delivery are acknowledged."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook call or one line. `payload` is decoded JSON or a form; header names are in lower case."""

    payload: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    received_ms: int = 0
    digest: str = ""
    """A hash of the body: what identifies a delivery that has no id of its own."""


class Source:
    """A configured source: how its ids and labels may be shown. `key` is the key of the hashes, the SDK's too.

    `names` are the labels that may pass and what they are called; with `pass_names` every label passes that does not
    look like an e-mail address or a phone number. `ids_of` is the source whose customers and tickets are meant. With
    `plain` the ids of people are hashed as they come, as the SDK does it; otherwise as NAME:ID, because number 17 of
    two systems are two people.
    """

    def __init__(
        self,
        name: str,
        key: bytes,
        *,
        names: Mapping[str, str] | None = None,
        pass_names: bool = False,
        ids_of: str | None = None,
        plain: bool = False,
    ) -> None:
        self.name = name
        self.ids_of = ids_of or name
        self._names = names or {}
        self._pass_names = pass_names
        # Keyed BLAKE2b (RFC 7693) takes a third of an HMAC; only people's ids must be the same as the SDK's. It takes 64
        # bytes of key at most. A copy of one that has the key already takes two thirds of a new one.
        self._keyed = hashlib.blake2b(key=hashlib.sha256(key).digest(), digest_size=_HASH_DIGITS // 2)
        self._digests = self._keyed.copy()
        self._digests.update(b"digest:")
        self._identity = Identity(key)
        self._plain = plain
        self._digest = lru_cache(_HASHES_KEPT)(self._hash)

    def customer(self, raw: object) -> str | None:
        """Return the opaque id of a customer by its id at the source, None for none."""
        text = word(raw)
        return self._identity.customer(self._own(text, self.ids_of)) if text else None

    def agent(self, raw: object) -> str | None:
        """Return the opaque id of an agent."""
        text = word(raw)
        return self._identity.agent(self._own(text, self.name)) if text else None

    def caller(self, raw: object) -> str | None:
        """Return the opaque id of a customer known by phone number, the same for every source: that of `+491510...`."""
        text = word(raw) or ""
        digits = text.removeprefix("+")
        if not digits.isdecimal():
            digits = _NO_DIGIT.sub("", text)
        # "anonymous", "0" and extensions are no customers; 6 digits are the shortest subscriber numbers.
        return self._identity.customer(f"+{digits.lstrip('0')}") if len(digits) >= 6 else None  # noqa: PLR2004

    def address(self, raw: object) -> str | None:
        """Return the opaque id of a customer known by e-mail address, in lower case: the same for every source."""
        text = (word(raw) or "").lower()
        return self._identity.customer(text) if text else None

    def subject(self, raw: object, of: str | None = None) -> str | None:
        """Return the id of a ticket, contact or invitation, unique over all sources."""
        text = word(raw)
        return None if not text else f"{of or self.name}:{self._opaque(text)}"

    def about(self, raw: object) -> str | None:
        """Return the id of the ticket or contact that a survey is about, of the source that `ids_of` names."""
        return self.subject(raw, self.ids_of)

    def label(self, raw: object, known: Collection[str] = ()) -> str | None:
        """Return what a queue, team, brand, ... is called: never more than the operator allowed; None for none."""
        text = word(raw)
        if not text:
            return None
        if text in self._names:
            return self._names[text]
        lower = text.lower()
        if lower in known:
            return lower
        if self._pass_names and not MAYBE_PERSONAL.search(text):
            return text
        return f"~{self._digest(f'label:{text}')[:_LABEL_DIGITS]}"

    def listed(self, raw: object) -> str | None:
        """Return what the operator calls this value, None if it is not listed."""
        return self._names.get(word(raw) or "")

    def digest(self, text: str) -> str:
        """Return a keyed hash of what identifies a change and may not be kept as it is."""
        hashed = self._digests.copy()
        hashed.update(text.encode("utf-8", "surrogatepass"))
        return hashed.hexdigest()

    def event(
        self, type_: str, unique: object, time_ms: int, subject: str | None, /, **data: Any
    ) -> Event:  # the data's names are events.md's
        """Return one CloudEvent. `unique` is what identifies the change: the same again gives the same id.

        Data that are None are left out. Raises `RefusedError` without a subject.
        """
        if subject is None:
            raise RefusedError("has no id of the ticket, contact, survey or agent it is about")
        return {
            "specversion": "1.0",
            "id": self._hash(f"id:{type_}:{unique}"),
            "source": f"ingest/{self.name}",
            "type": f"support.{type_}",
            "time": iso(time_ms),
            "subject": subject,
            "data": {name: value for name, value in data.items() if value is not None},
        }

    def _own(self, text: str, space: str) -> str:
        return text if self._plain else f"{space}:{text}"

    def _hash(self, text: str) -> str:
        hashed = self._keyed.copy()
        hashed.update(text.encode("utf-8", "surrogatepass"))
        return hashed.hexdigest()

    def _opaque(self, text: str) -> str:
        return text if _MACHINE_ID.fullmatch(text) else self._hash(f"subject:{text}")


def same_customer(state: State, subject: str | None, found: str | None) -> str | None:
    """Return the customer that a contact had at its first delivery: all its events carry the same, or none does."""
    kept = state.get(f"customer:{subject}")
    if kept is None:
        state.put(f"customer:{subject}", found or "")
        return found
    return kept if isinstance(kept, str) and kept else None


def ticket_customer(state: State, subject: str | None, found: str | None, path: str) -> str:
    """Return a ticket's customer, where need be as an earlier delivery named it. Raises `RefusedError` without one."""
    kept = state.get(f"customer:{subject}")
    if kept is None and found:
        state.put(f"customer:{subject}", found)
    return required(kept if isinstance(kept, str) else found, path)


def answered(
    source: Source,
    unique: object,
    time_ms: int,
    subject: str | None,
    /,
    *,
    customer: tuple[str | None, str],
    rated: tuple[object, str],
    scale: tuple[int, int] | None = None,
    **data: Any,
) -> Event:
    """Return `survey.answered`; `customer` and `rated` are (value, path).

    Without a scale the configuration has it under the survey's name. Raises `RefusedError` without a customer, and for
    what is no score.
    """
    low, high = scale or (None, None)
    value = score(*rated)
    fields = {"customer": required(*customer), **data, "score": value, "scale_min": low, "scale_max": high}
    return source.event("survey.answered", unique, time_ms, subject, **fields)


def required(value: str | None, path: str) -> str:
    """Return the value. Raises `RefusedError` that names the field if there is none."""
    if not value:
        raise RefusedError(f"{path} is missing")
    return value


def word(value: object) -> str | None:
    """Return a string or a number as text without blanks around it, None for anything else: sources write both."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def number(value: object, path: str) -> float:
    """Return a number that may be written as a string. Raises `RefusedError`."""
    try:
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            result = float(value)
            if abs(result) < float("inf"):
                return result
    except (ValueError, OverflowError):
        pass
    raise RefusedError(f"{path} is not a number")


def score(value: object, path: str) -> float:
    """Return a survey's score. Raises `RefusedError`, also for what no scale reaches and may be somebody's number."""
    result = number(value, path)
    if abs(result) > _SCORE_MAX:
        raise RefusedError(f"{path} is no score")
    return result


def is_number(text: str) -> bool:
    """Tell whether a text is a plain decimal number: a score that came as a word."""
    return text.isascii() and text.removeprefix("-").replace(".", "", 1).isdigit()


def at(value: object, *path: str | int) -> Any:
    """Return what lies at a path of names and indexes, None where there is nothing."""
    for part in path:
        if isinstance(part, int):
            if not isinstance(value, list) or not -len(value) <= part < len(value):
                return None
            value = value[part]
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return None
    return value


def table(value: object, path: str = "the payload") -> dict[str, Any]:
    """Return an object as it is. Raises `RefusedError` if it is none."""
    if not isinstance(value, dict):
        raise RefusedError(f"{path} is not an object")
    return value


def flag(value: object) -> bool | None:
    """Return a boolean that may be written as 0, 1 or a word, None for anything else."""
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
        (word(value) or "").lower()
    )


def instant(value: object, path: str) -> int:
    """Return ms since the epoch of seconds, ms, ISO 8601 or `2020-03-03 13:05:57 UTC`. Raises `RefusedError`."""
    if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
        text = value.strip().removesuffix(" UTC")
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            raise RefusedError(f"{path} is not a time") from None
        result = millis(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))
    else:
        seconds = number(value, path)
        result = int(seconds) if seconds >= _MS_FROM else round(seconds * 1000)
    if not 0 <= result < _MS_MAX:
        raise RefusedError(f"{path} is not a time of this era")
    return result


def first_instant(*candidates: tuple[object, str]) -> int:
    """Return the first of the (value, path) that has a value, as ms. Raises `RefusedError` if none has."""
    for value, path in candidates:
        if value not in (None, ""):
            return instant(value, path)
    raise RefusedError(f"{candidates[-1][1]} is missing")


@lru_cache(1_024)
def iso(time_ms: int) -> str:
    """Return ms since the epoch as RFC 3339."""
    minute, rest = divmod(time_ms, 60_000)
    return f"{_minute(minute)}:{rest // 1000:02}.{rest % 1000:03}Z"


@lru_cache(1_024)
def _minute(minute: int) -> str:
    moment = _EPOCH + dt.timedelta(minutes=minute)
    return moment.isoformat(timespec="minutes").removesuffix("+00:00")
