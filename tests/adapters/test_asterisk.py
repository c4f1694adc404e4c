"""Asterisk's queue_log: every event of its documentation, the legs, waits and outcomes that come of them, and no name."""

import json
import random

import msgspec
import pytest

from streamer.events import Decoder
from streamer.ingest.adapters.base import Source
from streamer.ingest.asterisk import QueueLog
from streamer.ingest.asterisk_memory import Memory
from streamer.producers.identity import Identity
from streamer.producers.kafka import address
from streamer.replay import exposition, read_all
from streamer.settings import Settings

KEY = b"k" * 32
T = 1_795_500_000
NOW = T * 1000 + 86_400_000
CALLER = "+4915112345678"
CANARIES = ("jane.canary@example.com", "+49 151 2345678901", "4915123456789", "Jane Canary")

# What each event of the documentation gives, for a call that is in the queue.
EVENTS = {
    "ABANDON|1|1|25": ["call.abandoned"],
    "ADDMEMBER|": ["agent.status_changed"],
    "AGENTDUMP|": ["call.not_answered"],
    "AGENTLOGIN|PJSIP/101-0001": ["agent.status_changed"],
    "AGENTCALLBACKLOGIN|101@agents": ["agent.status_changed"],
    "AGENTLOGOFF|PJSIP/101-0001|3600": ["agent.status_changed"],
    "AGENTCALLBACKLOGOFF|101@agents|3600|Autologoff": ["agent.status_changed"],
    "ATTENDEDTRANSFER|BRIDGE|b-1|20|60|1": ["call.transferred", "agent.status_changed"],
    "BLINDTRANSFER|200|internal|20|60|1": ["call.transferred", "agent.status_changed"],
    "TRANSFER|200|internal|20|60|1": ["call.transferred", "agent.status_changed"],
    "COMPLETEAGENT|20|60|1": ["call.ended", "agent.status_changed"],
    "COMPLETECALLER|20|60|1": ["call.ended", "agent.status_changed"],
    "CONFIGRELOAD|": [],
    "CONNECT|20|1795500001.2|5": ["call.offered", "call.answered", "agent.status_changed"],
    "DID|4930123456": [],
    f"ENTERQUEUE||{CALLER}|1": ["call.queued"],
    "EXITEMPTY|1|1|20": ["call.left_queue"],
    "EXITWITHKEY|1|1|1|20": ["call.left_queue"],
    "EXITWITHTIMEOUT|1|1|20": ["call.left_queue"],
    "PAUSE|lunch": ["agent.status_changed"],
    "PAUSEALL|lunch": ["agent.status_changed"],
    "UNPAUSE|": ["agent.status_changed"],
    "UNPAUSEALL|": ["agent.status_changed"],
    "PENALTY|5": [],
    "QUEUESTART|": ["call.ended"],
    "REMOVEMEMBER|": ["agent.status_changed"],
    "RINGNOANSWER|15000": ["call.offered", "call.not_answered"],
    "RINGCANCELED|15000": ["call.offered"],
    "SYSCOMPAT|": [],
}


def log(memory=None):
    return QueueLog(Source("pbx", KEY, names={"billing": "billing", "tech": "tech", "200": "tech"}), memory)


def line(second, event, call="1", queue="billing", agent="PJSIP/101"):
    return f"{T + second}|{T}.{call}|{queue}|{agent}|{event}"


def short(events):
    return [event["type"].removeprefix("support.") for event in events]


def of(queue_log, *lines):
    return [event for one in lines for event in queue_log.line(one)]


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_of_the_documentation_gives_what_the_processor_takes(event):
    queue_log = log()
    of(queue_log, line(0, f"ENTERQUEUE||{CALLER}|1", agent="NONE"))

    events = queue_log.line(line(30, event))

    assert short(events) == EVENTS[event]
    assert (queue_log.refused, queue_log.unknown) == (0, 0)
    for one in events:
        topic, key = address(one)
        Decoder({}).decode(topic, key.encode(), msgspec.json.encode(one), NOW)


def test_a_call_has_one_customer_known_by_number_as_the_sdk_hashes_it():
    events = of(
        log(), line(0, f"ENTERQUEUE||{CALLER}|1"), line(20, "CONNECT|20|x|5"), line(80, "COMPLETEAGENT|20|60|1")
    )

    calls = [event for event in events if event["type"].startswith("support.call.")]
    assert {event["data"]["customer"] for event in calls} == {Identity(KEY).customer(CALLER)}
    assert len({event["subject"] for event in calls}) == 1


def test_what_rang_began_to_ring_so_long_before():
    _, offered, missed, again, answered, _ = of(
        log(), line(0, "ENTERQUEUE||anonymous|1"), line(20, "RINGNOANSWER|15500"), line(40, "CONNECT|40|x|5")
    )

    assert [event["time"][17:] for event in (offered, missed, again, answered)] == [
        "04.500Z", "20.000Z", "35.000Z", "40.000Z",
    ]  # fmt: skip
    assert missed["data"]["ring_seconds"] == 15.5
    assert answered["data"]["waited_seconds"] == 40
    assert "customer" not in answered["data"]


@pytest.mark.parametrize("wait", ["1795500000", "-1", "x", "", "9" * 400])
def test_a_hold_time_that_is_none_is_left_out(wait):
    answered = log().line(line(40, f"CONNECT|{wait}|x|{wait}"))[1]

    assert "waited_seconds" not in answered["data"]


@pytest.mark.parametrize("unique", ["NONE", "REALTIME", ""])
def test_a_line_of_no_call_gives_no_call(unique):
    queue_log = log()

    assert queue_log.line(f"{T}|{unique}|billing|PJSIP/101|CONNECT|1|x|1") == []
    assert queue_log.refused == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "||||",
        "1|2|3|4",
        "-1|1.1|q|a|ABANDON",
        "9" * 400 + "|1.1|q|a|ABANDON",
        "9" * 5_000 + "|1.1|q|a|ABANDON",
    ],
)
def test_what_is_no_line_is_counted(text):
    queue_log = log()

    assert queue_log.line(text) == []
    assert queue_log.refused == 1


def test_an_event_of_no_documentation_is_counted_and_no_event():
    queue_log = log()

    assert queue_log.line(line(0, "JOINEMPTY|")) == []
    assert queue_log.unknown == 1


def test_an_agents_status_follows_all_its_queues():
    def status(event, queue):
        [changed] = queue_log.line(line(0, event, call="9", queue=queue))
        return changed["data"]["status"], changed["data"].get("queues")

    queue_log = log()
    assert status("ADDMEMBER|", "billing") == ("available", ["billing"])
    assert status("ADDMEMBER|", "tech") == ("available", ["billing", "tech"])
    assert status("PAUSE|lunch", "billing") == ("available", ["billing", "tech"])
    assert status("PAUSE|lunch", "tech") == ("away", ["billing", "tech"])
    assert status("UNPAUSEALL|", "NONE") == ("available", ["billing", "tech"])
    assert status("REMOVEMEMBER|", "billing") == ("available", ["tech"])
    assert status("REMOVEMEMBER|", "tech") == ("offline", None)


def test_two_lines_alike_in_one_second_are_two_events_and_the_same_after_a_restart():
    lines = [line(0, f"ENTERQUEUE||{CALLER}|1"), line(1, "RINGNOANSWER|0"), line(1, "RINGNOANSWER|0")]
    whole = of(log(), *lines)

    first = log()
    events = of(first, *lines[:2])
    kept = msgspec.json.decode(msgspec.json.encode(first.memory), type=Memory)
    events += of(log(memory=kept), lines[2])

    assert events == whole
    assert len({event["id"] for event in whole}) == len(whole)


def numbers(tmp_path, lines, seconds):
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in of(log(), *lines)))
    settings, refused = Settings(), []
    text = exposition(settings, read_all(settings, [str(file)], refused), (T + seconds) * 1000)
    assert refused == []
    found = {}
    for one in text.splitlines():
        if 'by="all",channel=""' in one and ('window="1h"' in one or "window" not in one):
            name, value = one.rsplit(" ", 1)
            for empty in ('by="all",channel=""', 'queue=""', 'team=""', 'window="1h"'):
                name = name.replace(f",{empty}", "").replace(f"{empty},", "").replace(empty, "")
            found[name.removesuffix("{}")] = float(value)
    return found


def test_the_legs_the_waits_and_the_outcomes(tmp_path):
    """Six calls: answered, abandoned, gone by time-out, sent on to another queue, sent out, and cut by a restart."""
    enter, connect = "ENTERQUEUE||{}|1", "CONNECT|{}|x|5"
    lines = [
        line(0, enter.format("+4915100000001"), "1"),
        line(0, enter.format("+4915100000002"), "2"),
        line(0, enter.format("+4915100000003"), "3"),
        line(0, enter.format("+4915100000004"), "4"),
        line(0, enter.format("+4915100000005"), "5"),
        line(10, connect.format(10), "1"),
        line(12, "RINGNOANSWER|6000", "4", agent="PJSIP/102"),
        line(30, connect.format(30), "4"),
        line(30, connect.format(30), "5", agent="PJSIP/102"),
        line(40, "ABANDON|1|2|40", "2"),
        line(60, "EXITWITHTIMEOUT|1|3|60", "3"),
        line(70, "COMPLETECALLER|10|60|1", "1"),
        line(90, "BLINDTRANSFER|300|internal|30|60|4", "4"),
        line(90, enter.format("+4915100000004"), "4", queue="tech"),
        line(90, "BLINDTRANSFER|0301234567|external|30|60|5", "5", agent="PJSIP/102"),
        line(100, connect.format(10), "4", queue="tech", agent="PJSIP/103"),
        line(130, "COMPLETEAGENT|10|30|1", "4", queue="tech", agent="PJSIP/103"),
        line(140, enter.format("+4915100000006"), "6"),
        line(200, "QUEUESTART|", "6"),
    ]
    shown = numbers(tmp_path, lines, 1_000)

    legs = {name: shown[f'support_queue_legs{{outcome="{name}"}}'] for name in ("answered", "abandoned", "flowed_out")}
    # Answered: 1, 4 twice, 5. Abandoned: 2, and 6 at the restart. Flowed out: 3, and 5, which waits nowhere any more.
    assert legs == {"answered": 4, "abandoned": 2, "flowed_out": 2}
    assert shown["support_answer_wait_mean_seconds"] == (10 + 30 + 30 + 10) / 4
    assert shown["support_abandon_wait_mean_seconds"] == (40 + 60) / 2
    assert shown['support_handle_mean_seconds{part="talk"}'] == (60 + 60 + 30 + 60) / 4
    assert shown["support_queue_waiting"] == 0


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("event", EVENTS)
def test_a_canary_in_any_field_comes_out_nowhere(event, canary):
    whole = line(30, event).split("|")
    for place in range(len(whole)):
        queue_log = log()
        tried = [*whole[:place], canary, *whole[place + 1 :]]
        events = of(queue_log, line(0, f"ENTERQUEUE||{CALLER}|1"), "|".join(tried), line(90, "QUEUESTART|"))
        assert canary.lower() not in (json.dumps(events) + str(msgspec.json.encode(queue_log.memory))).lower()


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("streamer.ingest.asterisk_memory.CALLS_MAX", 10)
    monkeypatch.setattr("streamer.ingest.asterisk_agents.AGENTS_MAX", 10)
    queue_log = log()
    for number in range(50):
        of(queue_log, line(0, f"ENTERQUEUE||{CALLER}|1", number), line(0, "PAUSE|", agent=f"PJSIP/{number}"))

    assert (len(queue_log.memory.calls), len(queue_log.memory.agents)) == (10, 10)


def test_any_text_is_a_line_or_is_counted():
    dice = random.Random(7)
    queue_log = log()
    for _ in range(3_000):
        fields = line(dice.randrange(100), dice.choice(list(EVENTS)), dice.randrange(5)).split("|")
        fields[dice.randrange(len(fields))] = dice.choice(["", "NONE", "\0", "\ud800", "|", "9" * 30, "é" * 500])
        for event in queue_log.line("|".join(fields)):
            assert event["subject"]
