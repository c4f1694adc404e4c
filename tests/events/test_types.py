"""The event types as a whole: their names, topics, order, keys and encodings."""

import datetime as dt

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import streamer.events
from streamer.events import (
    TOPICS,
    TYPES,
    Scale,
    SurveyAnswered,
    encode,
    millis,
    pack,
    partition_key,
    scale_of,
    timeline_key,
    topic_of,
    unpack_all,
)
from tests.strategies.events import SCALES, START_MS, build, events, histories, moment

# metrics.md, Order; "posted" is not in its list and stands where nothing else of a customer's is decided by it.
ORDER = """created, offered (survey), sent, opened, joined, message (chat), left_queue, transferred, queued,
offered (call), not_answered, assigned, categorized, suggested, answered, stepped, message (ticket), held, resumed,
status_changed, merged, deleted, purchased, abandoned, declined, expired, churned, ended, wrapped_up, posted, heartbeat,
erased""".replace("\n", " ").split(", ")


def test_there_is_a_class_for_every_type_of_the_contract():
    assert len(TYPES) == 47
    for name, cls in TYPES.items():
        words = f"{cls.entity}_{cls.what}".split("_")
        assert cls.__name__ == "".join(word.capitalize() for word in words)
        assert cls.__struct_config__.tag == name == f"support.{cls.entity}.{cls.what}"
        assert getattr(streamer.events, cls.__name__) is cls


def test_every_public_name_is_there():
    assert len(streamer.events.__all__) == len(set(streamer.events.__all__))
    assert all(hasattr(streamer.events, name) for name in streamer.events.__all__)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_events_are_frozen_compact_and_out_of_the_collectors_sight(name):
    for cls in (TYPES[name], next(f.type for f in msgspec.structs.fields(TYPES[name]) if f.name == "data")):
        config = cls.__struct_config__
        assert (config.frozen, config.omit_defaults, config.gc) == (True, True, False)


def test_types_of_one_instant_are_read_in_the_order_of_the_metrics():
    def place(cls):
        special = {"offered": "survey" if cls.entity == "survey" else "call", "message": cls.entity}
        return ORDER.index(f"{cls.what} ({special[cls.what]})" if cls.what in special else cls.what)

    assert {name: place(cls) for name, cls in TYPES.items()} == {name: cls.rank for name, cls in TYPES.items()}


def test_every_entity_travels_in_one_topic():
    entities = [entity for topic in TOPICS.values() for entity in topic]
    assert sorted(entities) == sorted({cls.entity for cls in TYPES.values()})
    call = build("support.call.queued", START_MS, "p1", {})
    assert topic_of(call) == "support.calls"
    assert topic_of(build("support.mention.posted", START_MS, "m1", {"customer": "c", "sentiment": 0})) == (
        "support.customers"
    )


@pytest.mark.parametrize(
    ("name", "data", "partition", "timeline"),
    [
        ("support.ticket.created", {"customer": "x"}, "x", "c:x"),
        ("support.call.queued", {"customer": "x"}, "x", "c:x"),
        ("support.call.queued", {}, "one", "s:one"),
        ("support.agent.heartbeat", {"agent": "x"}, "one", "a:one"),
        ("support.customer.erased", {"customer": "x"}, "x", "c:x"),
    ],
)
def test_keys(name, data, partition, timeline):
    event = build(name, START_MS, "one", data)
    assert (partition_key(event), timeline_key(event)) == (partition, timeline)


@given(events())
def test_an_event_survives_json(event):
    assert msgspec.json.decode(encode(event), type=type(event)) == event


@pytest.mark.slow
@given(st.lists(events(), max_size=4))
def test_events_survive_packing_but_for_what_is_finer_than_a_millisecond(found):
    packed = bytearray()
    for event in found:
        pack(event, millis(event.time), packed)
    for event, (time, unpacked) in zip(found, unpack_all(len(found), packed), strict=True):
        assert time == millis(event.time) == millis(unpacked.time)
        assert msgspec.structs.replace(unpacked, time=event.time, recordedtime=event.recordedtime) == event


@pytest.mark.slow
@given(histories(30))
def test_histories_have_unique_ids_and_constant_customers(history):
    assert len({(event.source, event.id) for event in history}) == len(history) <= 30
    owners = {(event.entity, event.subject, partition_key(event)) for event in history}
    assert len({owner[:2] for owner in owners}) == len(owners)


@given(st.datetimes(timezones=st.timezones() | st.just(dt.UTC)))
@example(dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC))
@example(dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC))
@example(dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5))))
def test_milliseconds_are_exact_and_rounded_towards_the_past(instant):
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert millis(instant) == (instant - epoch) // dt.timedelta(milliseconds=1)


@given(st.integers(-(2**40), 2**42))
def test_a_moment_is_its_milliseconds(ms):
    assert millis(moment(ms)) == ms


def answer(**data):
    event = build("support.survey.answered", START_MS, "s", {"customer": "c", "score": 3} | data)
    assert isinstance(event, SurveyAnswered)
    return event.data


def test_the_scale_comes_whole_from_the_answer_or_the_configuration():
    assert scale_of(answer(scale_min=0, scale_max=4), SCALES) == Scale(0, 4, "high", None)
    assert scale_of(answer(scale_min=0, scale_max=4, best="low", survey="inverted"), SCALES) == Scale(0, 4, "low", None)
    assert scale_of(answer(survey="inverted", best="high"), SCALES) == Scale(1, 5, "low", None)
    assert scale_of(answer(survey="post-chat", scale_max=4), SCALES) == Scale(1, 10, "high", 7)
    assert scale_of(answer(survey="other"), SCALES) is None
    assert scale_of(answer(), SCALES) is None


def test_the_threshold_is_the_configured_one_whoever_gave_the_scale():
    assert scale_of(answer(survey="post-chat", scale_min=1, scale_max=10), SCALES) == Scale(1, 10, "high", 7)
