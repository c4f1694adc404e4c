"""Rows become events as the mapping says, and a row that cannot is refused by its number."""

import pytest

from streamer.errors import DataError, SettingsError
from streamer.producers.mapping import load_mapping, read_rows

MAPPING = """
source = "test"
subject = "{id}"
zone = "Europe/Berlin"
[times]
at = { text = "{date} {clock}", format = "%Y-%m-%d %H:%M" }
later = { text = "{date} {until}", format = "%Y-%m-%d %H:%M", near = "at" }
after = { after = "later", seconds = "{s}" }
[data]
customer = { value = "{who}", omit = ["", "0"] }
[[events]]
type = "support.call.queued"
time = "at"
[[events]]
type = "support.call.answered"
time = "later"
when = { result = ["yes", "late"], s = { not = "0" } }
data = { waited_seconds = { value = "{s}", number = true }, queue = { value = "{q}", map = { a = "sales" } } }
[[events]]
type = "support.call.ended"
time = "after"
when = { result = { not = ["no", "never"] } }
data = { by = "agent" }
"""
HEADER = "id,date,clock,until,s,who,result,q\n"


@pytest.fixture
def rows(tmp_path):
    def read(text, mapping=MAPPING, header=HEADER):
        (tmp_path / "m.toml").write_text(mapping)
        (tmp_path / "f.csv").write_bytes((header + text).encode() if isinstance(text, str) else header.encode() + text)
        return list(read_rows(str(tmp_path / "f.csv"), load_mapping(tmp_path / "m.toml")))

    return read


def test_a_row_gives_the_events_whose_conditions_hold(rows):
    first, second = rows("1,2026-01-01,10:00,10:05,7.5,c1,yes,a\n2,2026-01-01,11:00,11:05,0,0,no,b\n")

    assert first.number == 2
    assert first.events == [
        {
            "specversion": "1.0",
            "id": "1:call.queued:2026-01-01T10:00:00+01:00",
            "source": "test",
            "type": "support.call.queued",
            "time": "2026-01-01T10:00:00+01:00",
            "subject": "1",
            "data": {"customer": "c1"},
        },
        {
            "specversion": "1.0",
            "id": "1:call.answered:2026-01-01T10:05:00+01:00",
            "source": "test",
            "type": "support.call.answered",
            "time": "2026-01-01T10:05:00+01:00",
            "subject": "1",
            "data": {"customer": "c1", "waited_seconds": 7.5, "queue": "sales"},
        },
        {
            "specversion": "1.0",
            "id": "1:call.ended:2026-01-01T10:05:07.500000+01:00",
            "source": "test",
            "type": "support.call.ended",
            "time": "2026-01-01T10:05:07.500000+01:00",
            "subject": "1",
            "data": {"customer": "c1", "by": "agent"},
        },
    ]
    assert [(event["id"], event["data"]) for event in second.events] == [
        ("2:call.queued:2026-01-01T11:00:00+01:00", {})
    ]


SAME = "1,2026-01-01,10:00,10:05,0,c,no,a\n"


def test_events_of_one_subject_type_and_time_are_numbered(rows):
    first, other, second, third = rows(SAME + SAME.replace("1,", "2,", 1) + SAME + SAME)

    assert [line.events[0]["id"].partition("+01:00")[2] for line in (first, other, second, third)] == [
        "",
        "",
        ":2",
        ":3",
    ]
    assert first.events[0]["id"] != other.events[0]["id"]


def test_an_id_of_the_source_makes_a_repeat_of_a_row_and_keeps_apart_what_it_gives(rows):
    mapping = 'id = "{s}-{q}"\n' + MAPPING.replace("support.call.ended", "support.call.queued").replace(
        "by =", "team ="
    )
    yes = "1,2026-01-01,10:00,10:05,17,c,yes,a\n"

    first, repeat, other = rows(yes + yes + yes.replace("17", "18"), mapping)

    assert [event["id"] for event in first.events] == ["17-a:call.queued", "17-a:call.answered", "17-a:call.queued:2"]
    assert repeat.events == first.events
    assert other.events[0]["id"] == "18-a:call.queued"


def test_a_row_without_the_id_of_the_source_is_refused_and_a_file_without_its_column_too(rows):
    (line,) = rows("1,2026-01-01,10:00,10:05,0,c,no,\n", f'id = "{{q}}"\n{MAPPING}')

    assert (line.events, line.refusal) == ([], "id is empty")
    with pytest.raises(DataError, match=r"has no column message$"):
        rows(SAME, f'id = "{{message}}"\n{MAPPING}')


def test_an_id_that_would_be_too_long_is_a_hash(rows):
    subject = "s" * 128
    first, second = rows(SAME.replace("1,", f"{subject},", 1) * 2)

    assert len(first.events[0]["id"]) == len(second.events[0]["id"]) == 64
    assert first.events[0]["id"] != second.events[0]["id"]


@pytest.mark.parametrize(
    ("clock", "until", "time"),
    [
        ("23:59", "00:01", "2026-01-02T00:01:00+01:00"),
        ("00:01", "23:59", "2025-12-31T23:59:00+01:00"),
        ("10:01", "10:00", "2026-01-01T10:00:00+01:00"),
        ("06:00", "17:59", "2026-01-01T17:59:00+01:00"),
    ],
)
def test_a_clock_belongs_to_the_day_that_brings_it_closest(clock, until, time, rows):
    (line,) = rows(f"1,2026-01-01,{clock},{until},1,c,yes,a\n")

    assert line.events[1]["time"] == time


def test_seconds_are_counted_over_a_change_of_the_clock(rows):
    (line,) = rows("1,2026-03-29,01:50,01:59,120,c,yes,a\n")

    assert line.events[2]["time"] == "2026-03-29T03:01:00+02:00"


@pytest.mark.parametrize(
    ("row", "refusal"),
    [
        ("1,2026-01-01,10:00", "has 3 cells, not 8"),
        ("1,1.1.2026,10:00,10:05,7,c,yes,a", "at is not a time"),
        ("1,2026-01-01,10:00,10:05,x,c,yes,a", "waited_seconds is not a number"),
        ("1,2026-01-01,10:00,10:05,inf,c,yes,a", "cannot convert float infinity to integer"),
        ("1,2026-01-01,10:00,10:05,1e30,c,yes,a", None),
        (b"1,2026-01-01,10:00,10:05,7,\xff,yes,a", "is not utf-8"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused_and_the_next_one_taken(row, refusal, rows):
    good = "2,2026-01-01,10:00,10:05,7,c,yes,a"
    text = row + b"\n" + good.encode() if isinstance(row, bytes) else f"{row}\n\n{good}\n"

    bad, line = rows(text)

    assert bad.events == []
    assert bad.refusal == refusal or (refusal is None and bad.refusal)
    assert (line.refusal, len(line.events)) == ("", 3)


def test_a_file_without_a_column_of_the_mapping_is_another_kind_of_file(rows):
    with pytest.raises(DataError, match=r"f\.csv: has no column result, s$"):
        rows("1,2\n", header="id,date,clock,until,who,q\n")


def test_other_delimiters_encodings_and_no_header(rows):
    mapping = 'delimiter = ";"\nencoding = "latin-1"\nquote = ""\n' + MAPPING.replace(
        "[times]", f"columns = {HEADER.strip().split(',')}\n[times]"
    )

    (line,) = rows('"1;2026-01-01;10:00;10:05;7;Jos\xe9;no;a'.encode("latin-1"), mapping, header="")

    assert line.events[0]["subject"] == '"1'
    assert line.events[0]["data"] == {"customer": "José"}


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        (("call.queued", "call.qeued"), "m.toml:12 events[0].type: not an event type: 'support.call.qeued' (did you"),
        (("call.queued", "call.qeued"), "(did you mean 'support.call.queued'?); schemas/v1 has a file for each"),
        (('"{id}"', '"T{id"'), "m.toml:3 subject: 'T{id' has a brace that belongs to no {column}"),
        (('source = "test"', 'source = "test"\nid = "id}"'), "m.toml:3 id: 'id}' has a brace"),
        (('"{date} {clock}"', '"{date} {}"'), "m.toml:6 times.at.text: '{date} {}' has a brace"),
        (('seconds = "{s}"', 'seconds = "{{s}}"'), "m.toml:8 times.after.seconds: '{{s}}' has a brace"),
        (("[data]", '[data]\nchannel = "e{"'), "m.toml:10 data.channel: 'e{' has a brace"),
        (('"{who}"', '"{}"'), "m.toml:10 data.customer: '{}' has a brace"),
        (('"{q}"', '"{q"'), "m.toml:18 events[1].data.queue: '{q' has a brace"),
        (
            ("[data]", '[data]\nquue = "x"'),
            "m.toml:10 data.quue: is not a field of any type in [[events]] (did you mean",
        ),
        (("[data]", "[data]\nscore = 1"), "m.toml:10 data.score: is not a field of any type in [[events]]"),
        (
            ("by =", "bye ="),
            "m.toml:23 events[2].data.bye: is not a field of support.call.ended (did you mean 'by'?)",
        ),
        (
            ("by =", "waited_seconds = 1, by ="),
            "m.toml:23 events[2].data.waited_seconds: is not a field of support.call.ended",
        ),
        (("%H:%M", "%Q"), "m.toml:6 times.at.format: strptime cannot read '%Y-%m-%d %Q': 'Q' is a bad directive"),
        (("%H:%M", "%H:%Y"), "m.toml:6 times.at.format: strptime cannot read '%Y-%m-%d %H:%Y': redefinition"),
        (("%H:%M", "%H%"), "m.toml:6 times.at.format: strptime cannot read '%Y-%m-%d %H%': stray %"),
        (('time = "after"', 'time = "aftr"'), "m.toml:21 events[2].time: there is no 'aftr' in [times]"),
        (('near = "at"', 'near = "after"'), "m.toml:7 times.later.near: 'after' is not a time above this one"),
        (('after = "later", ', ""), "m.toml:8 times.after: needs either text, or after and seconds"),
        (("omit", "omti"), "m.toml:10 data.customer.omti: is not a setting (did you mean 'omit'?)"),
        (("Europe/Berlin", "Berlin"), "m.toml:4 zone: not a time zone: 'Berlin'"),
        (('source = "test"', 'encoding = "utf-9"'), "m.toml:2 encoding: not an encoding: 'utf-9'"),
    ],
)
def test_a_mistake_in_a_mapping_has_its_line(change, mistake, rows):
    with pytest.raises(SettingsError) as caught:
        rows("", MAPPING.replace(*change))

    assert mistake in str(caught.value)


def test_a_common_field_may_be_one_of_some_of_the_types(rows):
    mapping = MAPPING.replace("[data]", "[data]\nwaited_seconds = 3").replace("waited_seconds = {", "team = {")

    (line,) = rows("1,2026-01-01,10:00,10:05,7,c,yes,a\n", mapping)

    assert len(line.events) == 3


def test_a_mapping_gives_events(rows):
    with pytest.raises(SettingsError) as caught:
        rows("", f"events = []{MAPPING.partition('[[events]]')[0]}")

    assert str(caught.value) == "m.toml:1 events: needs at least one event"


def test_a_field_of_the_only_type_is_named_with_it(rows):
    mapping = 'source = "t"\nsubject = "{id}"\ntimes.at.text = "{at}"\ndata.quue = "x"\n'
    mapping += '[[events]]\ntype = "support.ticket.created"\ntime = "at"\n'

    with pytest.raises(SettingsError) as caught:
        rows("", mapping)

    assert str(caught.value) == ("m.toml:4 data.quue: is not a field of support.ticket.created (did you mean 'queue'?)")


@pytest.mark.parametrize(
    "form",
    ["%a %d %b %Y %I:%M %p", "%A, %B %d %y %H.%M.%S,%f %z", "%G-W%V-%u", "%Y %j %Z", "%c", "%x %X", "%Y %U %w %%"],
)
def test_what_strptime_can_read_is_a_format(form, rows):
    assert rows("", MAPPING.replace("%Y-%m-%d %H:%M", form)) == []
