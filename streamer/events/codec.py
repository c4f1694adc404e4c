"""Bytes to events and back: everything a record must be before it counts, and nothing more.

An accepted record costs one call into msgspec and a few comparisons. Only a record that msgspec refuses is looked at
again: to mend what JSON allows and msgspec does not (a repeated key, a leap second), or to say what is wrong with it.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, Union, get_type_hints

import msgspec
from msgspec import UNSET

from streamer.events.envelope import SECONDS_MAX
from streamer.events.errors import Code, InvalidEvent
from streamer.events.registry import TOPICS, TYPES, Event
from streamer.events.scales import ScaleLike, millionths, scale_of
from streamer.events.surveys import SurveyAnswered, SurveyAnsweredData

VALUE_BYTES_MAX: Final = 65_536
LEVELS_MAX: Final = 32
SOURCE_LENGTH_MAX: Final = 256
# Clocks of producers may be ahead of the broker's by this much (events.md, Bad input).
FUTURE_MS: Final = 300_000

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# An offset can carry an instant out of the years 1 to 9999, where there is no datetime in UTC to unpack it to. The last
# day is left out, so that an event 5 minutes after the last arrival still has one.
_FIRST_MS: Final = -62_135_596_800_000
_LAST_MS: Final = 253_402_214_400_000
_DAY_MS: Final = 86_400_000
# Slices are counted from the epoch, and what an event tells of may have begun so long before it. Earlier times are those of
# clocks that were never set.
_EARLIEST_MS: Final = int(SECONDS_MAX * 1000)

# An unterminated string runs to the end of the value. Possessive, so a scan is linear whatever the value is.
_STRINGS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)).difference(b"[]{}"))
_BRACE, _BRACKET = b"{["
_LEAP: Final = re.compile(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:)60(?:\.\d+)?(\D.*)", re.ASCII)
_PATH: Final = re.compile(r" - at `(?:key in )?(\$[\w.\[\]]*)`$")
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")

# One decoder a topic: a type of another topic is then an error like any other, and costs an accepted record nothing.
_DECODE: Final[dict[str, Callable[[bytes], Any]]] = {
    topic: msgspec.json.Decoder(Union[tuple(cls for cls in TYPES.values() if cls.entity in entities)]).decode  # noqa: UP007 - made at run time
    for topic, entities in TOPICS.items()
}
# Without the hook a number past the largest float is an error, also in a field that nobody reads.
_decode_plain: Final = msgspec.json.Decoder(float_hook=float).decode
_encode_json: Final = msgspec.json.Encoder().encode
_encode_into: Final = msgspec.msgpack.Encoder().encode_into
# An event in a table: entity, what, id, source, time in ms, subject, data. Without the names of the envelope's fields it
# takes a third less, and most of a table is events.
Packed = tuple[str, str, str, str, int, str, msgspec.Raw]
_decode_packed: Final = msgspec.msgpack.Decoder(list[Packed]).decode
_PACKED: Final = {
    (cls.entity, cls.what): (cls, msgspec.msgpack.Decoder(get_type_hints(cls)["data"]).decode) for cls in TYPES.values()
}
# MessagePack: an array with a length of 4 bytes.
_ARRAY32: Final = b"\xdd"


# An event with its own time and its arrival, both in ms since the epoch. A plain tuple: a named one costs 0.2 us more.
Accepted = tuple[Event, int, int]


class Decoder:
    """Decides what is accepted. `scales` are the configured survey scales by name."""

    def __init__(self, scales: Mapping[str, ScaleLike], future_ms: int = FUTURE_MS) -> None:
        self._scales = scales
        self._future_ms = future_ms

    def decode(self, topic: str, key: bytes | None, value: bytes | None, appended_ms: int) -> Accepted:
        """Return the record's event; InvalidEvent, and no other exception, says why it is none.

        `appended_ms` is the broker's time of the record, in ms since the epoch: its arrival unless it states one.
        """
        if not value:
            raise InvalidEvent(Code.NOT_JSON, "$")
        # Almost every event has two objects and no array: then the { before the last one is the first byte. Of the ways
        # to ask, this is the cheapest (0.2 us; to count takes 0.4, and `in` is slow unless it looks for a number).
        if (_BRACKET in value or _BRACE in value.rpartition(b"{")[0][1:]) and _too_deep(value):
            raise InvalidEvent(Code.TOO_DEEP, "$")
        if len(value) > VALUE_BYTES_MAX:
            raise InvalidEvent(Code.TOO_LARGE, "$")
        try:
            # msgspec does not look into the strings that it skips.
            if not value.isascii():
                value.decode()
            event: Event | None = _DECODE.get(topic, _refuse)(value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            event = None
        if event is None:
            # Not in the handler: msgspec's errors quote the payload, and one that is chained to ours would be logged.
            event = _read_again(topic, value)
        time_ms = millis(event.time)
        arrival_ms = appended_ms if event.recordedtime is UNSET else _recorded_ms(event.recordedtime, event.source)
        if time_ms < _EARLIEST_MS:
            raise InvalidEvent(Code.WRONG_TYPE, "$.time", event.source)
        if type(event) is SurveyAnswered:
            self._check_answer(event.data, event.source)
        customer = getattr(event.data, "customer", UNSET)
        if key != (event.subject if customer is UNSET else customer).encode():
            raise InvalidEvent(Code.WRONG_KEY, "key", event.source)
        if time_ms > arrival_ms + self._future_ms:
            raise InvalidEvent(Code.FUTURE_TIME, "$.time", event.source)
        return event, time_ms, arrival_ms

    def _check_answer(self, answer: SurveyAnsweredData, source: str) -> None:
        if answer.started_at is not UNSET and not _FIRST_MS <= millis(answer.started_at) <= _LAST_MS:
            raise InvalidEvent(Code.WRONG_TYPE, "$.data.started_at", source)
        scale = scale_of(answer, self._scales)
        if scale is None:
            raise InvalidEvent(Code.NO_SCALE, "$.data.score", source)
        if millionths(scale.min) >= millionths(scale.max):  # no place lies between such ends
            raise InvalidEvent(Code.WRONG_TYPE, "$.data.scale_min", source)
        if not scale.min <= answer.score <= scale.max:
            raise InvalidEvent(Code.SCORE_OUT_OF_SCALE, "$.data.score", source)
        if answer.ratings is not UNSET and not all(scale.min <= x <= scale.max for x in answer.ratings.values()):
            raise InvalidEvent(Code.SCORE_OUT_OF_SCALE, "$.data.ratings", source)


def millis(instant: dt.datetime) -> int:
    """Return an instant with an offset as ms since the epoch; what is finer is cut off, towards the past."""
    since = instant - _EPOCH
    return since.days * _DAY_MS + since.seconds * 1000 + since.microseconds // 1000


def _recorded_ms(recordedtime: dt.datetime, source: str) -> int:
    recorded_ms = millis(recordedtime)
    if not _FIRST_MS <= recorded_ms <= _LAST_MS:
        raise InvalidEvent(Code.WRONG_TYPE, "$.recordedtime", source)
    return recorded_ms


def encode(event: Event) -> bytes:
    """Return the event as a record's value: one line of JSON."""
    return _encode_json(event)


def pack(event: Event, time_ms: int, packed: bytearray) -> None:
    """Append what matters of an event at `time_ms` (ms since the epoch) in MessagePack, for the tables: see `Packed`."""
    _encode_into((event.entity, event.what, event.id, event.source, time_ms, event.subject, event.data), packed, -1)


def unpack_all(count: int, packed: bytes | bytearray) -> list[tuple[int, Event]]:
    """Return `count` events, with their times in ms, that were packed one behind the other."""
    found = []
    for entity, what, id_, source, time_ms, subject, data in _decode_packed(_ARRAY32 + count.to_bytes(4) + packed):
        cls, decode_data = _PACKED[entity, what]
        time = _EPOCH + dt.timedelta(milliseconds=time_ms)
        event = cls(specversion="1.0", id=id_, source=source, time=time, subject=subject, data=decode_data(data))
        found.append((time_ms, event))
    return found


def _too_deep(value: bytes) -> bool:
    if value.count(b"{") + value.count(b"[") <= LEVELS_MAX:
        return False
    level = 0
    for bracket in _STRINGS.sub(b"", value).translate(None, _NO_BRACKETS):
        level += 1 if bracket in b"[{" else -1
        if level > LEVELS_MAX:
            return True
    return False


def _refuse(_: bytes) -> NoReturn:
    """Stand in for the decoder of a topic that there is not."""
    raise msgspec.DecodeError


def _read_again(topic: str, value: bytes) -> Event:
    """Return the event of a value that msgspec refused, if JSON allows it after all; else say what is wrong with it."""
    plain, wrong = _plain(value)
    if wrong is not None:
        raise InvalidEvent(wrong, "$")
    if not isinstance(plain, dict):
        raise InvalidEvent(Code.NOT_JSON, "$")
    source = plain.get("source")
    if not isinstance(source, str) or len(source) > SOURCE_LENGTH_MAX:
        source = ""
    if "type" not in plain:
        raise InvalidEvent(Code.MISSING_ATTRIBUTE, "$.type", source)
    name = plain["type"]
    if not isinstance(name, str):
        raise InvalidEvent(Code.WRONG_TYPE, "$.type", source)
    if name not in TYPES:
        raise InvalidEvent(Code.UNKNOWN_TYPE, "$.type", source)
    if TYPES[name].entity not in TOPICS.get(topic, ()):
        raise InvalidEvent(Code.WRONG_TOPIC, "$.type", source)
    _mend_leap_seconds(plain)
    try:
        return msgspec.convert(plain, TYPES[name])
    except msgspec.ValidationError as error:
        complaint = str(error)
    # The path comes last and is made of our own names; what stands before it may quote the payload.
    at = _PATH.search(complaint)
    path = at[1] if at else "$"
    missing = _MISSING.match(complaint)
    if missing:
        raise InvalidEvent(Code.MISSING_ATTRIBUTE, f"{path}.{missing[1]}", source)
    raise InvalidEvent(Code.WRONG_TYPE, path, source)


def _plain(value: bytes) -> tuple[Any, Code | None]:
    """Return the value as dicts and lists, in which the last of repeated keys has won, or the code of what is wrong."""
    try:
        return _decode_plain(value), None
    except msgspec.ValidationError:
        return None, Code.WRONG_TYPE  # an integer of more digits than msgspec reads
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None, Code.NOT_JSON


def _mend_leap_seconds(plain: dict[str, Any]) -> None:
    """Set 23:59:60 UTC to 23:59:59.999, which msgspec and datetime can hold; leave any other second 60 to fail."""
    data = plain.get("data")
    for holder, name in ((plain, "time"), (plain, "recordedtime"), (data, "started_at")):
        if not isinstance(holder, dict):
            continue
        text = holder.get(name)
        leap = _LEAP.fullmatch(text) if isinstance(text, str) else None
        if not leap:
            continue
        mended = f"{leap[1]}59.999{leap[2]}"
        try:
            instant = msgspec.convert(mended, dt.datetime)
        except msgspec.ValidationError:
            continue
        if instant.tzinfo is not None and millis(instant) % _DAY_MS == _DAY_MS - 1:
            holder[name] = mended
