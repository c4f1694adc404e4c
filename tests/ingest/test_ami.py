"""Asterisk's manager interface: bytes to messages, and what these come to as events."""

import json
import random

import msgspec
import pytest

from streamer.events import Decoder
from streamer.ingest.adapters.base import Source
from streamer.ingest.ami import Parser, action
from streamer.ingest.ami_command import AmiPosition
from streamer.ingest.ami_events import AmiEvents
from streamer.ingest.asterisk import QueueLog
from streamer.producers.identity import Identity
from streamer.producers.kafka import address
from streamer.replay import accept, exposition
from streamer.settings import Settings
from tests.ingest.ami_kit import (
    CALLER,
    LISTED,
    T,
    abandon,
    answered,
    channel,
    complete,
    connect,
    entry,
    join,
    leave,
    member,
    of_agent,
    picked,
    said,
)

pytestmark = pytest.mark.slow

KEY = b"k" * 32
NOW = T * 1000
NAMES = {"billing": "billing", "tech": "tech", "200": "tech"}


def source(name="pbx"):
    return Source(name, KEY, names=NAMES)


class Listening:
    """The events of what is said, second by second."""

    def __init__(self, memory=None):
        self.ami = AmiEvents(source(), memory)
        self.parser = Parser()
        self.events = []

    def hear(self, second, *texts):
        for text in texts:
            for message in self.parser.feed(text.encode()):
                self.events += self.ami.message(message, (T + second) * 1000)
        return self

    def wait(self, second):
        self.events += self.ami.tick((T + second) * 1000)
        return self

    def short(self):
        return [
            (event["type"].removeprefix("support."), event["data"].get("reason") or event["data"].get("status"))
            if event["type"].endswith(("left_queue", "status_changed"))
            else event["type"].removeprefix("support.")
            for event in self.events
        ]

    def calls(self):
        return [one for one in self.short() if one[0] != "agent.status_changed"]


# -- bytes to messages


def test_messages_come_whole_however_the_bytes_are_cut():
    text = b"Asterisk Call Manager/9.0.0\r\n" + "".join([join(1), connect(1), complete(1)]).encode()
    whole = Parser().feed(text)
    assert [one["event"] for one in whole] == ["QueueCallerJoin", "AgentConnect", "AgentComplete"]
    assert whole[0]["uniqueid"] == f"{T}.1"
    for size in (1, 2, 7, 100):
        parser = Parser()
        cut = [one for start in range(0, len(text), size) for one in parser.feed(text[start : start + size])]
        assert cut == whole
        assert parser.refused == 0


@pytest.mark.parametrize(
    "garbage",
    [
        b"Event: Odd\r\nValue: " + b"x" * 9_000 + b"\r\n\r\n",
        b"Event: Odd\r\nValue: " + b"x" * 500_000 + b"\r\nMore: 1\r\n\r\n",
        b"Event: Odd\r\n" + b"A: 1\r\n" * 301 + b"\r\n",
        b"What: is this\r\n\r\n",
        b"\xff\xfe: \x00\r\n\r\n",
    ],
)
@pytest.mark.parametrize("size", [1_000, 10_000_000])
def test_what_is_no_message_is_passed_over_and_counted(garbage, size):
    parser = Parser()
    text = join(1).encode() + garbage + join(2).encode()
    found, kept = [], 0
    for start in range(0, len(text), size):
        found += parser.feed(text[start : start + size])
        kept = max(kept, len(parser._rest))

    assert [one["uniqueid"] for one in found] == [f"{T}.1", f"{T}.2"]
    assert parser.refused == 1
    assert kept < 10_000


def test_random_bytes_are_never_an_accident():
    dice = random.Random(3)
    parser, listening = Parser(), Listening()
    text = "".join([join(1), *answered(1, 20), complete(1, 80)]).encode()
    for number in range(2_000):
        place = dice.randrange(len(text))
        tried = text[:place] + dice.randbytes(dice.randrange(4)) + text[place + dice.randrange(4) :]
        for message in parser.feed(tried):
            for event in listening.ami.message(message, NOW + number):
                assert event["subject"]


def test_a_value_cannot_begin_another_action():
    with pytest.raises(ValueError, match="Login"):
        action("Login", Username="x\r\nAction: Originate")


# -- messages to events


def test_an_answered_call():
    heard = Listening().hear(0, join(1, 0)).hear(25, *answered(1, 20), complete(1, 80.25, "agent"))

    assert heard.short() == [
        "call.queued",
        "call.offered",
        "call.answered",
        ("agent.status_changed", "on_contact"),
        "call.ended",
        ("agent.status_changed", "available"),
    ]
    calls = [event for event in heard.events if event["type"].startswith("support.call.")]
    assert {event["data"]["customer"] for event in calls} == {Identity(KEY).customer(CALLER)}
    assert [event["time"][17:] for event in calls] == ["00.000Z", "15.000Z", "20.000Z", "20.250Z"]
    assert calls[2]["data"]["waited_seconds"] == 20
    assert calls[3]["data"]["by"] == "agent"
    for event in heard.events:
        topic, key = address(event)
        Decoder({}).decode(topic, key.encode(), msgspec.json.encode(event), NOW + 86_400_000)


# QueueCallerAbandon is said of whoever leaves unanswered: only the hang-up makes it an abandonment.
def test_who_hangs_up_abandons_and_who_is_sent_on_does_not():
    request = said("HangupRequest", 40, **channel("", f"{T}.1"))
    gone = said("Hangup", 41, **channel("", f"{T}.1"), Cause=16, **{"Cause-txt": "Normal Clearing"})

    before = Listening().hear(0, join(1, 0)).hear(40, request, abandon(1, 40), leave(1, 40))
    after = Listening().hear(0, join(1, 0)).hear(40, abandon(1, 40), leave(1, 40)).hear(41, gone).wait(60)
    timed_out = Listening().hear(0, join(1, 0)).hear(40, abandon(1, 40), leave(1, 40)).wait(60).hear(90, gone)
    by_key = Listening().hear(0, join(1, 0)).hear(40, leave(1, 40)).wait(60)
    next_queue = Listening().hear(0, join(1, 0)).hear(40, abandon(1, 40), leave(1, 40), join(1, 40, queue="tech"))

    assert before.short() == after.short() == ["call.queued", "call.abandoned"]
    assert before.events[1]["time"] == after.events[1]["time"]
    assert timed_out.short() == ["call.queued", ("call.left_queue", "timeout")]
    assert by_key.short() == ["call.queued", ("call.left_queue", "key")]
    assert next_queue.short() == ["call.queued", ("call.left_queue", "timeout"), "call.queued"]
    assert next_queue.events[2]["data"]["queue"] == "tech"


# Between picking up and AgentConnect the agent may hear an announcement, and the caller may go.
def test_a_long_announcement_is_no_exit():
    heard = Listening().hear(0, join(1, 0)).hear(20, picked(1, 20), leave(1, 20)).wait(50).hear(50, connect(1, 50))
    assert [what for what in heard.calls() if what != "call.offered"] == ["call.queued", "call.answered"]

    gone = said("Hangup", 25, **channel("", f"{T}.1"))
    heard = Listening().hear(0, join(1, 0)).hear(20, picked(1, 20), leave(1, 20)).hear(25, gone)
    assert heard.short() == ["call.queued", "call.abandoned"]


def test_ringing_in_vain_and_again():
    called, rna = of_agent("AgentCalled", 1, 5), of_agent("AgentRingNoAnswer", 1, 20, RingTime=15_000)
    heard = Listening().hear(0, join(1, 0)).hear(20, called, rna, of_agent("AgentCalled", 1, 25))
    heard.hear(40, of_agent("AgentDump", 1, 28), *answered(1, 40))

    assert heard.calls() == [
        "call.queued", "call.offered", "call.not_answered", "call.offered", "call.not_answered", "call.offered",
        "call.answered",
    ]  # fmt: skip
    assert heard.events[2]["data"]["ring_seconds"] == 15
    assert len({event["id"] for event in heard.events}) == len(heard.events)


def test_hold_of_the_agents_channel_only():
    heard = Listening().hear(0, join(1, 0), *answered(1, 20))
    for second, unique in ((30, f"{T}.91"), (31, f"{T}.1"), (32, "1.77")):
        heard.hear(second, said("Hold", second, **channel("", unique), MusicClass="default"))
        heard.hear(second + 9, said("Unhold", second + 9, **channel("", unique)))
    heard.hear(60, complete(1, 60), said("Hold", 61, **channel("", f"{T}.91")))

    assert heard.calls()[3:] == ["call.held", "call.resumed", "call.ended"]


def test_transfers():
    blind = said("BlindTransfer", 60, Result="Success", **channel("Transferer", f"{T}.91"),
                 **channel("Transferee", f"{T}.1"), IsExternal="Yes", Context="x", Extension="200")  # fmt: skip
    attended = said("AttendedTransfer", 60, Result="Success", **channel("OrigTransferer", f"{T}.91"),
                    **channel("SecondTransferer", "1.5"), DestType="Bridge")  # fmt: skip

    def after(*texts):
        heard = Listening().hear(0, join(1, 0), *answered(1, 20)).hear(60, *texts, complete(1, 60, "transfer"))
        return [event["data"] for event in heard.events if event["type"].endswith("transferred")]

    assert [(one["kind"], one.get("to_queue")) for one in after(blind) + after(attended) + after()] == [
        ("blind", "tech"), ("consult", None), ("blind", None),
    ]  # fmt: skip


def test_an_agents_status_is_said_when_it_changes():
    heard = Listening().hear(0, member("QueueMember"), member("QueueMember", queue="tech"))
    heard.hear(1, member("QueueMemberStatus", 1), member("QueueMemberStatus", 1, status=6))
    heard.hear(2, member("QueueMemberPause", 2, paused=1), member("QueueMemberPause", 2, queue="tech", paused=1))
    heard.hear(3, member("QueueMemberPause", 3), member("QueueMemberStatus", 3, status=5))
    heard.hear(4, member("QueueMemberStatus", 4, status=1))
    # In a call: in use in both queues, InCall in the one whose call it is.
    heard.hear(5, join(1, 5), *answered(1, 10), member("QueueMemberStatus", 11, status=2, in_call=1))
    heard.hear(12, member("QueueMemberStatus", 12, queue="tech", status=2), complete(1, 60))
    heard.hear(61, said("QueueMemberRemoved", 61, Queue="billing", MemberName="PJSIP/101", Interface="PJSIP/101"))
    heard.hear(62, said("QueueMemberRemoved", 62, Queue="tech", MemberName="PJSIP/101", Interface="PJSIP/101"))

    found = [(e["data"]["status"], e["data"].get("queues")) for e in heard.events if "agent." in e["type"]]
    both = ["billing", "tech"]
    assert found == [
        ("available", ["billing"]), ("available", both), ("away", both), ("available", both), ("offline", both),
        ("available", both), ("on_contact", both), ("available", both), ("available", ["tech"]), ("offline", None),
    ]  # fmt: skip


def restarted(heard):
    """The same, after the position was kept and read by another process."""
    kept = msgspec.json.decode(msgspec.json.encode(AmiPosition(heard.ami.memory)), type=AmiPosition)
    again = Listening(kept.memory)
    again.ami.connected()
    return again


# A connection is lost, or we are killed: QueueStatus says who waits, who came meanwhile, and so who has left.
@pytest.mark.parametrize("again", [lambda heard: heard.ami.connected() or heard, restarted])
def test_after_a_gap_the_list_tells_who_waits(again):
    heard = Listening().hear(0, join(1, 0), join(2, 1), join(3, 2))
    before = len(heard.events)
    heard = again(heard)
    rest = heard.events if heard.events[:1] == [] else heard.events[before:]
    assert rest == []
    first = len(heard.events)
    heard.hear(100, entry(1, 100), entry(4, 30), LISTED).hear(110, *answered(2, 110)).wait(159)
    assert heard.calls()[first:] == ["call.queued", "call.offered", "call.answered"]
    assert heard.events[first]["time"] == "2026-11-24T06:01:10.000Z"
    heard.wait(161)

    assert heard.calls()[first + 3 :] == [("call.left_queue", "overflow")]
    assert heard.events[-1]["data"]["queue"] == "billing"
    assert heard.events[-1]["time"] == "2026-11-24T06:01:40.000Z"


# The queue_log of the same calls beside it: each event has the same id, so nothing counts twice.
def test_the_queue_log_says_the_same_with_the_same_ids():
    heard = Listening()
    heard.hear(0, join(1, 0.4), join(2, 0.6), join(3, 0.8))
    heard.hear(20, of_agent("AgentCalled", 1, 5.1), of_agent("AgentRingNoAnswer", 1, 15.3, RingTime=10_000))
    heard.hear(30, *answered(1, 30.2), said("HangupRequest", 40.1, **channel("", f"{T}.2")), abandon(2, 40.2))
    heard.hear(50, abandon(3, 50), leave(3, 50)).wait(55)
    transfer = said("BlindTransfer", 60, **channel("Transferee", f"{T}.1"), Extension="200", Result="Success")
    heard.hear(60, transfer, complete(1, 60.9, "transfer"), join(1, 61.5, queue="tech"))
    heard.hear(
        70, *answered(1, 70.2, queue="tech", agent="PJSIP/102"), complete(1, 90, queue="tech", agent="PJSIP/102")
    )

    log, lines = QueueLog(source()), []
    for line in (
        f"{T}|{T}.1|billing|NONE|ENTERQUEUE||{CALLER}|1",
        f"{T}|{T}.2|billing|NONE|ENTERQUEUE||{CALLER}|1",
        f"{T}|{T}.3|billing|NONE|ENTERQUEUE||{CALLER}|1",
        f"{T + 15}|{T}.1|billing|PJSIP/101|RINGNOANSWER|10000",
        f"{T + 30}|{T}.1|billing|PJSIP/101|CONNECT|30|{T}.91|5",
        f"{T + 40}|{T}.2|billing|NONE|ABANDON|1|1|40",
        f"{T + 50}|{T}.3|billing|NONE|EXITWITHTIMEOUT|1|1|50",
        f"{T + 60}|{T}.1|billing|PJSIP/101|BLINDTRANSFER|200|x|30|30|1",
        f"{T + 61}|{T}.1|tech|NONE|ENTERQUEUE||{CALLER}|1",
        f"{T + 70}|{T}.1|tech|PJSIP/102|CONNECT|9|{T}.91|5",
        f"{T + 90}|{T}.1|tech|PJSIP/102|COMPLETECALLER|9|20|1",
    ):
        lines += log.line(line)
    ids = {event["id"]: event["type"] for event in heard.events}

    assert {event["id"]: event["type"] for event in lines} == ids
    both = sorted(heard.events + lines, key=lambda event: event["time"])
    assert numbers(heard.events) == numbers(both)
    assert numbers(heard.events)['support_queue_legs{outcome="answered"}'] == 2


def numbers(events):
    """The counts of legs and rings an hour later."""
    decoder = Decoder({}, 300_000)
    found = [
        (arrival, event, time) for event, time, arrival in (accept(decoder, msgspec.json.encode(e)) for e in events)
    ]
    text = exposition(Settings(), found, NOW + 1_800_000)
    shown = {}
    for line in text.splitlines():
        wanted = line.startswith(("support_queue_legs{", "support_not_answered{", "support_contacts{"))
        if wanted and 'by="all",channel=""' in line and 'window="24h"' in line:
            name, value = line.rsplit(" ", 1)
            for label in ('by="all",channel=""', 'queue=""', 'team=""', 'window="24h"'):
                name = name.replace(f",{label}", "").replace(f"{label},", "")
            shown[name] = float(value)
    return shown


@pytest.mark.parametrize("canary", ["jane.canary@example.com", "+49 151 2345678901", "4915123456789", "Jane Canary"])
def test_a_canary_in_any_field_comes_out_nowhere(canary):
    said_ = [join(1, 0), *answered(1, 20), said("Hold", 30, **channel("", f"{T}.91")), complete(1, 60),
             member("QueueMemberPause", 70, paused=1), entry(2, 5), abandon(2, 80), leave(2, 80), LISTED]  # fmt: skip
    messages = [message for text in said_ for message in Parser().feed(text.encode())]
    for place, message in enumerate(messages):
        for name in set(message) - {"event"}:
            ami = AmiEvents(source())
            tried = [*messages[:place], {**message, name: canary}, *messages[place + 1 :]]
            events = [event for one in tried for event in ami.message(one, NOW)] + ami.tick(NOW + 200_000)
            out = json.dumps(events) + msgspec.json.encode(ami.memory).decode()
            assert canary.lower() not in out.lower()
