"""A record of a ticket message as it should be, to be changed, and what the decoder says of it."""

import json

import pytest

from streamer.events import Decoder, InvalidEvent
from tests.strategies.events import SCALES

NOW_MS = 1_773_480_500_000  # 2026-03-14T09:28:20Z
DECODER = Decoder(SCALES)
CANARY = "jane.doe@example.org"


def record(data=None, drop=(), **attributes):
    """A ticket message as a dict, with attributes changed, and fields of data changed or (at top level) dropped."""
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "crm",
        "type": "support.ticket.message",
        "time": "2026-03-14T09:26:53.589Z",
        "subject": "t1",
        "data": {"customer": "c1", "author": "agent"} | (data or {}),
    } | attributes
    return {key: value for key, value in event.items() if key not in drop}


def value(*arguments, **attributes):
    return json.dumps(record(*arguments, **attributes)).encode()


def answer(**data):
    return value(data | {"kind": "csat"}, type="support.survey.answered", subject="s1")


def decode(raw, topic="support.tickets", key=b"c1", appended_ms=NOW_MS):
    return DECODER.decode(topic, key, raw, appended_ms)


def verdict(raw, topic="support.tickets", key=b"c1", appended_ms=NOW_MS):
    with pytest.raises(InvalidEvent) as caught:
        decode(raw, topic, key, appended_ms)
    return caught.value.code, caught.value.detail


def raw(text):
    """The message with some text in place of its subject's value, which need not be JSON."""
    return value(subject="@").replace(b'"@"', text.encode() if isinstance(text, str) else text)


def extra(text):
    """The message with an extra field that has the given text as its value."""
    return value()[:-1] + b', "extra": ' + (text.encode() if isinstance(text, str) else text) + b"}"
