"""What an event must be to be accepted, and the code of everything that is not (events.md, Bad input)."""

import json
import traceback

import pytest

from streamer.events import DEAD_LETTERS, TOPICS, TYPES, Code, Decoder, InvalidEvent, Scale
from tests.events.records import CANARY, NOW_MS, answer, decode, record, value, verdict


def test_a_ticket_message_is_accepted_with_its_time_and_arrival():
    event, time_ms, arrival_ms = decode(value())
    assert (type(event), time_ms, arrival_ms) == (TYPES["support.ticket.message"], 1_773_480_413_589, NOW_MS)
    assert (event.data.author, event.data.public, event.data.automated) == ("agent", True, False)


def test_the_recorded_time_counts_as_arrival():
    assert decode(value(recordedtime="2026-03-14T10:30:00.5+01:00"))[2] == 1_773_480_600_500


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "time", "subject", "data"])
def test_a_missing_attribute_is_named(name):
    assert verdict(value(drop=(name,))) == (Code.MISSING_ATTRIBUTE, f"$.{name}")


@pytest.mark.parametrize(
    ("topic", "name", "field"),
    [
        ("support.tickets", "ticket.message", "author"),
        ("support.tickets", "ticket.status_changed", "status"),
        ("support.tickets", "ticket.categorized", "topic"),
        ("support.chats", "chat.message", "author"),
        ("support.chats", "chat.left_queue", "reason"),
        ("support.calls", "call.left_queue", "reason"),
        ("support.surveys", "survey.offered", "shown"),
        ("support.surveys", "survey.answered", "score"),
        ("support.customers", "customer.purchased", "amount"),
        ("support.customers", "cart.stepped", "step"),
        ("support.customers", "mention.posted", "sentiment"),
        ("support.agents", "agent.status_changed", "status"),
    ],
)
def test_a_missing_required_field_of_data_is_named(topic, name, field):
    event = record(type=f"support.{name}") | {"data": {"customer": "c1"}}
    assert verdict(json.dumps(event).encode(), topic) == (Code.MISSING_ATTRIBUTE, f"$.data.{field}")


def test_a_purchase_needs_its_currency():
    event = record({"amount": 1}, type="support.customer.purchased")
    assert verdict(json.dumps(event).encode(), "support.customers") == (Code.MISSING_ATTRIBUTE, "$.data.currency")


@pytest.mark.parametrize("name", sorted(name for name, cls in TYPES.items() if cls.entity not in {"call", "agent"}))
def test_every_entity_but_calls_and_agents_needs_a_customer(name):
    # The first field that is missing is named; all others are given here.
    data = {
        "author": "agent", "status": "open", "topic": "x", "reason": "timeout", "shown": True, "score": 1,
        "amount": 1, "currency": "EUR", "step": "items", "sentiment": 0,
    }  # fmt: skip
    data["reason"] = {"ticket": "spam", "cart": "price"}.get(TYPES[name].entity, "timeout")
    topic = next(topic for topic, entities in TOPICS.items() if TYPES[name].entity in entities)
    raw_value = json.dumps(record(type=name) | {"data": data}).encode()
    assert verdict(raw_value, topic) == (Code.MISSING_ATTRIBUTE, "$.data.customer")


@pytest.mark.parametrize(
    ("raw_value", "path"),
    [
        (value(specversion="0.3"), "$.specversion"),
        (value(specversion=1.0), "$.specversion"),
        (value(id=""), "$.id"),
        (value(id=7), "$.id"),
        (value(id="x" * 129), "$.id"),
        (value(source=""), "$.source"),
        (value(source="x" * 257), "$.source"),
        (value(subject=""), "$.subject"),
        (value(subject="é" * 129), "$.subject"),
        (value(subject=None), "$.subject"),
        (value(type=None), "$.type"),
        (value(type=["support.ticket.message"]), "$.type"),
        (value().replace(b'{"customer": "c1", "author": "agent"}', b"null"), "$.data"),
        (value().replace(b'{"customer": "c1", "author": "agent"}', b"[]"), "$.data"),
        (value({"customer": ""}), "$.data.customer"),
        (value({"customer": None}), "$.data.customer"),
        (value({"author": "robot"}), "$.data.author"),
        (value({"author": None}), "$.data.author"),
        (value({"public": 1}), "$.data.public"),
        (value({"queue": None}), "$.data.queue"),
        (value({"queue": 5}), "$.data.queue"),
        (value(time="2026-03-14T09:26:53"), "$.time"),
        (value(time="yesterday"), "$.time"),
        (value(time=1_773_480_413), "$.time"),
        (value(time="2026-02-30T09:26:53Z"), "$.time"),
        (value(time="2026-03-14T09:26:61Z"), "$.time"),
        (value(time="2026-03-14T09:26:60Z"), "$.time"),
        (value(time="2026-03-13T23:59:60+01:00"), "$.time"),
        (value(time="0001-01-01T00:00:00+05:00"), "$.time"),
        (value(time="0001-01-01T00:00:00Z", recordedtime="0001-01-01T00:00:00Z"), "$.time"),
        (value(time="1970-04-26T17:46:39Z", recordedtime="1970-04-26T17:46:39Z"), "$.time"),
        (value(recordedtime=None), "$.recordedtime"),
        (value(recordedtime="9999-12-31T23:59:59-05:00"), "$.recordedtime"),
    ],
)
def test_a_value_of_a_wrong_type_is_named_by_its_path(raw_value, path):
    assert verdict(raw_value) == (Code.WRONG_TYPE, path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("call.answered", {"waited_seconds": -1}),
        ("call.answered", {"waited_seconds": 1e8}),
        ("call.answered", {"waited_seconds": "20"}),
        ("call.not_answered", {"ring_seconds": -0.5}),
        ("customer.purchased", {"amount": -1, "currency": "EUR"}),
        ("customer.purchased", {"amount": 10**30, "currency": "EUR"}),
        ("customer.purchased", {"amount": "1", "currency": "EUR"}),
        ("customer.purchased", {"amount": True, "currency": "EUR"}),
        ("cart.opened", {"shipping_cost": -1}),
        ("mention.posted", {"sentiment": 1.5}),
        ("mention.posted", {"sentiment": 0, "reach": -1}),
        ("survey.answered", {"score": 10**400}),
        ("survey.answered", {"score": 1, "comment_sentiment": -1.01}),
        ("survey.answered", {"score": 1, "comment_topics": "x"}),
        ("survey.answered", {"score": 1, "comment_topics": [1]}),
        ("survey.answered", {"score": 1, "ratings": {"tone": "5"}}),
        ("survey.answered", {"score": 1, "started_at": "2026-03-14T09:26:53"}),
        ("survey.answered", {"score": 1, "started_at": "0001-01-01T00:00:00+05:00"}),
        ("survey.answered", {"score": 1, "kind": "other"}),
        ("agent.status_changed", {"status": "available", "queues": "billing"}),
    ],
)
def test_a_value_out_of_its_bounds_is_a_wrong_type(name, data):
    topic = next(topic for topic, entities in TOPICS.items() if name.split(".")[0] in entities)
    assert verdict(value(data, type=f"support.{name}"), topic)[0] is Code.WRONG_TYPE


@pytest.mark.parametrize("name", ["support.ticket.reopened", "support.ticket", "ticket.message", "", CANARY])
def test_an_unknown_type_is_not_ignored(name):
    assert verdict(value(type=name)) == (Code.UNKNOWN_TYPE, "$.type")


@pytest.mark.parametrize("topic", [*sorted(TOPICS.keys() - {"support.tickets"}), DEAD_LETTERS, "other"])
def test_a_type_of_another_topic_is_refused(topic):
    assert verdict(value(), topic) == (Code.WRONG_TOPIC, "$.type")
    assert verdict(value({"author": 1}), topic) == (Code.WRONG_TOPIC, "$.type")


@pytest.mark.parametrize("key", [None, b"", b"c2", b"t1", b"C1", b"c1 ", b"\xff"])
def test_any_key_but_the_customer_is_a_wrong_key(key):
    assert verdict(value(), key=key) == (Code.WRONG_KEY, "key")


def test_the_key_of_an_agent_and_of_a_call_without_customer_is_the_subject():
    heartbeat = record(type="support.agent.heartbeat") | {"data": {"agent": "a2", "customer": "c1"}}
    decode(json.dumps(heartbeat).encode(), "support.agents", b"t1")
    call = record(type="support.call.queued") | {"data": {}}
    decode(json.dumps(call).encode(), "support.calls", b"t1")
    assert verdict(json.dumps(call).encode(), "support.calls", b"") == (Code.WRONG_KEY, "key")
    decode(value({"customer": "zoë"}), key="zoë".encode())


def test_five_minutes_ahead_of_the_arrival_is_accepted_and_a_millisecond_more_is_not():
    time_ms = 1_773_480_413_589
    decode(value(), appended_ms=time_ms - 300_000)
    assert verdict(value(), appended_ms=time_ms - 300_001) == (Code.FUTURE_TIME, "$.time")
    early = "2026-03-14T09:21:53.588Z"
    assert verdict(value(recordedtime=early)) == (Code.FUTURE_TIME, "$.time")
    decode(value(recordedtime=early, time="2026-03-14T09:26:53.588Z"), appended_ms=0)


def test_an_answer_without_any_scale_has_no_scale():
    for data in ({}, {"scale_min": 1}, {"scale_max": 5}, {"survey": "other"}, {"survey": "other", "scale_max": 5}):
        assert verdict(answer(score=1, **data), "support.surveys") == (Code.NO_SCALE, "$.data.score")
    decode(answer(score=10, survey="post-chat"), "support.surveys")
    decode(answer(score=10, survey="post-chat", scale_max=5), "support.surveys")


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"score": 0.99, "scale_min": 1, "scale_max": 5}, "$.data.score"),
        ({"score": 6, "scale_min": 1, "scale_max": 5, "survey": "post-chat"}, "$.data.score"),
        ({"score": 11, "survey": "post-chat"}, "$.data.score"),
        ({"score": 5, "survey": "inverted", "ratings": {"tone": 1, CANARY: 6}}, "$.data.ratings"),
    ],
)
def test_a_score_or_rating_off_its_scale_is_refused(data, path):
    assert verdict(answer(**data), "support.surveys") == (Code.SCORE_OUT_OF_SCALE, path)


def test_a_scale_that_is_empty_or_upside_down_or_narrower_than_a_millionth_is_a_wrong_type():
    for ends in ((5, 1), (3, 3), (3, 3 + 1e-7)):
        raw_value = answer(score=3, scale_min=ends[0], scale_max=ends[1])
        assert verdict(raw_value, "support.surveys") == (Code.WRONG_TYPE, "$.data.scale_min")


def test_a_leap_second_is_read_as_the_last_millisecond_before_midnight():
    assert decode(value(time="2016-12-31T23:59:60Z"))[1] == 1_483_228_799_999
    assert decode(value(time="2017-01-01t05:29:60.250+05:30"))[1] == 1_483_228_799_999
    event = decode(answer(score=1, survey="post-chat", started_at="2016-12-31T23:59:60Z"), "support.surveys")[0]
    assert event.data.started_at.microsecond == 999_000


def test_the_source_is_told_as_far_as_it_can_be_read():
    def source(raw_value, **arguments):
        with pytest.raises(InvalidEvent) as caught:
            decode(raw_value, **arguments)
        return caught.value.source

    assert source(value(drop=("id",))) == "crm"
    assert source(value(), key=b"") == "crm"
    assert source(value(type="x", source=5)) == ""
    assert source(value(type="x", source="x" * 257)) == ""
    assert source(b"{") == ""


@pytest.mark.parametrize(
    "raw_value",
    [
        value(type=CANARY),
        value(time=CANARY),
        value(subject={CANARY: CANARY}),
        value({"author": CANARY}),
        value({"author": f"x - at `$.{CANARY}"}),
        value({"author": "x' - at `$.x`"}),
        value({"queue": [CANARY]}),
        value({CANARY: 1, "author": 5}),
        value()[:-1] + b', "x": "' + CANARY.encode(),
        value({"customer": CANARY}),
    ],
)
def test_no_value_of_the_payload_is_in_the_error_or_its_traceback(raw_value):
    with pytest.raises(InvalidEvent) as caught:
        decode(raw_value)
    told = "".join(traceback.format_exception(caught.value, chain=True)) + repr(caught.value)
    assert CANARY not in told
    assert "$.x" not in caught.value.detail


def test_what_is_met_first_in_the_list_of_codes_is_given():
    late_and_wrong = value({"customer": "c2"}, time="2030-01-01T00:00:00Z")
    assert verdict(late_and_wrong)[0] is Code.WRONG_KEY
    unscaled = answer(score=1).replace(b"2026", b"2030")
    assert verdict(unscaled, "support.surveys", b"x")[0] is Code.NO_SCALE


def test_every_code_is_documented_in_the_source():
    documented = {code.value for code in Code}
    assert documented == {
        *("too_deep", "too_large", "not_json", "unknown_type", "wrong_topic", "missing_attribute", "wrong_type"),
        *("no_scale", "score_out_of_scale", "wrong_key", "future_time"),
    }


def test_a_decoder_with_another_tolerance_for_clocks():
    with pytest.raises(InvalidEvent, match="future_time"):
        Decoder({"x": Scale(0, 1)}, future_ms=0).decode("support.tickets", b"c1", value(), 1_773_480_413_588)
