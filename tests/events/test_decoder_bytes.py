"""What a value's bytes may be: JSON as RFC 8259 has it, its limits, and any damage to them (events.md, Bad input)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.events import TOPICS, Code, InvalidEvent, encode, partition_key
from streamer.events import codec as codec_module
from tests.events.records import DECODER, answer, decode, extra, raw, value, verdict
from tests.strategies.events import events


@pytest.mark.parametrize(
    ("raw_value", "expected"),
    [
        (None, Code.NOT_JSON),
        (b"", Code.NOT_JSON),
        (b"null", Code.NOT_JSON),
        (b"[]", Code.NOT_JSON),
        (b'"text"', Code.NOT_JSON),
        (b"12", Code.NOT_JSON),
        (b"\xff\xfe", Code.NOT_JSON),
        (value()[:-1], Code.NOT_JSON),
        (value() + b"x", Code.NOT_JSON),
        (b"\xef\xbb\xbf" + value(), Code.NOT_JSON),
        (raw(b'"\xc3"'), Code.NOT_JSON),
        (extra(b'"\xff"'), Code.NOT_JSON),
        (extra(b'{"\xff": 1}'), Code.NOT_JSON),
        (raw(b'"\xed\xa0\x80"'), Code.NOT_JSON),
        (raw(r'"\ud800"'), Code.NOT_JSON),
        (extra(r'"\ud800x"'), Code.NOT_JSON),
        (raw(r'"\udc00\ud800"'), Code.NOT_JSON),
        (raw("NaN"), Code.NOT_JSON),
        (extra("NaN"), Code.NOT_JSON),
        (extra("-Infinity"), Code.NOT_JSON),
        (extra("01"), Code.NOT_JSON),
        (extra("'x'"), Code.NOT_JSON),
        (extra('"\x01"'), Code.NOT_JSON),
    ],
)
def test_what_is_no_json_object_in_utf_8_is_not_json(raw_value, expected):
    assert verdict(raw_value) == (expected, "$")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"type": "x", "data": ['])
def test_nesting_of_any_depth_is_a_code_and_no_recursion_error(opening):
    assert verdict(opening * 200_000) == (Code.TOO_DEEP, "$")
    assert verdict(extra(opening * 40)) == (Code.TOO_DEEP, "$")


def test_the_thirty_third_level_is_too_deep():
    def nested(levels):
        return extra("[" * levels + "]" * levels)

    decode(nested(31))
    assert verdict(nested(32)) == (Code.TOO_DEEP, "$")
    decode(extra('{"a":' * 31 + "1" + "}" * 31))
    assert verdict(extra('{"a":' * 32 + "1" + "}" * 32)) == (Code.TOO_DEEP, "$")


def test_brackets_in_strings_or_side_by_side_are_no_depth():
    decode(extra(json.dumps('[{\\"' * 100 + '"[[')))
    decode(extra("[" + ",".join(["[{}]"] * 100) + "]"))


def test_a_scan_for_depth_takes_linear_time():
    assert verdict(b'{"a": "' + b'\\"[{' * 16_000)[0] is Code.NOT_JSON


def test_64_kib_is_accepted_and_a_byte_more_is_too_large():
    room = 65_536 - len(extra('""'))
    decode(extra(f'"{"x" * room}"'))
    assert verdict(extra(f'"{"x" * (room + 1)}"')) == (Code.TOO_LARGE, "$")


@pytest.mark.parametrize("number", ["1e400", "9" * 30, "9" * 400, "9" * 5_000, "-" + "9" * 5_000])
def test_numbers_without_limit_are_a_code_and_no_exception(number):
    wrong = answer(score=0, scale_min=0, scale_max=1).replace(b'"score": 0', b'"score": ' + number.encode())
    assert verdict(wrong, "support.surveys")[0] is Code.WRONG_TYPE
    decode(extra(number))


@pytest.mark.parametrize("zero", ["-0", "-0.0", "0e5", "0E-0"])
def test_every_zero_is_a_number(zero):
    raw_value = answer(score=7, scale_min=0, scale_max=1).replace(b'"score": 7', b'"score": ' + zero.encode())
    assert decode(raw_value, "support.surveys")[0].data.score == 0


def test_of_a_repeated_key_the_last_one_wins():
    head = value()[:-1]
    assert decode(head + b', "id": "2"}')[0].id == "2"
    assert decode(head + b', "data": {"customer": "c2", "author": "bot"}}', key=b"c2")[0].data.author == "bot"
    assert decode(b'{"id": 5, ' + head[1:] + b"}")[0].id == "1"
    assert decode(b'{"type": "support.ticket.created", ' + head[1:] + b"}")[0].what == "message"
    assert decode(head + b', "type": "support.ticket.created"}')[0].what == "created"
    assert decode(b'{"data": {"customer": []}, "type": 5, ' + head[1:] + b"}")[0].what == "message"
    assert verdict(head + b', "time": "never"}') == (Code.WRONG_TYPE, "$.time")
    assert verdict(head + b', "type": "other"}') == (Code.UNKNOWN_TYPE, "$.type")


def test_unknown_extra_fields_and_whitespace_are_accepted():
    extras = {"datacontenttype": "application/json", "traceparent": {"a": [1, None, {"b": []}]}, "x": None}
    raw_value = value({"colour": [{"a": 1}], "scale_min": "no field of a message"}, **extras)
    assert decode(b" \r\n\t" + raw_value + b"\n")[0] == decode(value())[0]


def _as_json_reads_it(raw_value):
    def refuse(_):
        raise ValueError

    # As text: Python refuses integers of more than 4,300 digits, which JSON allows.
    return json.loads(raw_value.decode(), parse_constant=refuse, parse_int=str)


def _levels(plain):
    if isinstance(plain, dict | list):
        return 1 + max(map(_levels, plain.values() if isinstance(plain, dict) else plain), default=0)
    return 0


def outcome(topic, key, raw_value):
    """What was accepted, or None for what has a code; any other exception is the test's."""
    try:
        return DECODER.decode(topic, key, raw_value, 2**42)
    except InvalidEvent:
        return None


_mutations = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.integers(0, 3),
        st.sampled_from(
            [
                *(
                    b"",
                    b"null",
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b'"',
                    b",",
                    b":",
                    b"\\",
                    b"\xff",
                    b"\xc3\xa9",
                    b"\x00",
                    b"1e999",
                ),
                *(
                    b"-0",
                    b"NaN",
                    b"0",
                    b"9" * 25,
                    b"\\ud800",
                    b"\\u0000",
                    b"60",
                    b"[" * 40,
                    b'{"a":' * 33,
                    b"true",
                    b'""',
                ),
            ]
        ),
    ),
    max_size=4,
)


@given(events(), _mutations, st.sampled_from([*TOPICS, None]))
def test_any_damage_to_an_event_gives_an_event_or_a_code(event, mutations, topic):
    raw_value = encode(event)
    for place, cut, inserted in mutations:
        at = place % (len(raw_value) + 1)
        raw_value = raw_value[:at] + inserted + raw_value[at + cut :]
    topic = topic or next(t for t, entities in TOPICS.items() if event.entity in entities)
    key = partition_key(event).encode()
    accepted = outcome(topic, key, raw_value)
    if accepted:
        plain = _as_json_reads_it(raw_value)
        assert (accepted[0].id, accepted[0].subject) == (plain["id"], plain["subject"])
        assert partition_key(accepted[0]).encode() == key
        assert _levels(plain) <= 32


@given(st.binary(max_size=200), st.none() | st.binary(max_size=8))
def test_any_bytes_give_a_code(raw_value, key):
    assert verdict(raw_value, key=key)[0] in Code


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just("2016-12-31T23:59:60Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(events(), st.data())
def test_a_value_of_any_kind_in_any_field_gives_an_event_or_a_code(event, data):
    plain = json.loads(encode(event))
    holder = data.draw(st.sampled_from([plain, plain["data"]]))
    if holder:
        holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(_anything)
    topic = next(t for t, entities in TOPICS.items() if event.entity in entities)
    raw_value = json.dumps(plain).encode()
    accepted = outcome(topic, partition_key(event).encode(), raw_value)
    assert accepted is None or accepted == outcome(topic, partition_key(accepted[0]).encode(), encode(accepted[0]))


@given(events())
def test_the_second_reading_of_a_sound_event_is_the_first(event):
    """Only what msgspec refused is read again; the two readings must not differ in what they accept."""
    topic = next(t for t, entities in TOPICS.items() if event.entity in entities)
    raw_value = encode(event)
    first = DECODER.decode(topic, partition_key(event).encode(), raw_value, 2**42)
    assert codec_module._read_again(topic, raw_value) == first[0] == event
