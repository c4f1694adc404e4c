"""Every released version of the contract lives with today's: old producers with new readers, and the other way round."""

import copy
import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer import __version__
from streamer.events import TOPICS, TYPES, Decoder, encode
from streamer.events.schemas import schema_of
from tests.events.compatibility import differences, instances
from tests.events.test_schemas import EXAMPLES, FOLDER, NAMES, NOW_MS, topic_of_name
from tests.strategies.events import SCALES, events

pytestmark = pytest.mark.slow

RELEASES = sorted(path.name for path in (FOLDER / "released").iterdir())


def read(release, folder):
    """Return the files of a released folder by the event types that they are named after."""
    found = (FOLDER / "released" / release / folder).glob("support.*.json")
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in found}


OLD = {release: read(release, "v1") for release in RELEASES}
OLD_EXAMPLES = {release: read(release, "examples") for release in RELEASES}
READERS = {
    (release, name): jsonschema.Draft202012Validator(old) for release in OLD for name, old in OLD[release].items()
}
each_schema = pytest.mark.parametrize(("release", "name"), sorted(READERS))
few = settings(max_examples=5)


def in_bounds(event):
    """Put what lies between fields, and is no schema's, right: the score on its scale, the time before the arrival."""
    event = copy.deepcopy(event)
    event.pop("recordedtime", None)
    if event["type"] == "support.survey.answered":
        event["data"] |= {"scale_min": -1e6, "scale_max": 1e6}
    return event


def decoded(event):
    name = event["type"]
    data = event["data"]
    key = event["subject"] if TYPES[name].entity == "agent" else data.get("customer", event["subject"])
    return Decoder(SCALES).decode(topic_of_name(name), key.encode(), json.dumps(event).encode(), NOW_MS)[0]


def test_a_version_goes_out_with_its_schemas():
    assert __version__ in RELEASES
    for release in RELEASES:
        assert OLD[release].keys() == OLD_EXAMPLES[release].keys() != set()


@each_schema
def test_nothing_of_a_released_schema_changed_its_meaning(release, name):
    assert name in TYPES
    assert differences(OLD[release][name], schema_of(name)) == []


@pytest.mark.parametrize("release", RELEASES)
def test_no_type_moved_to_another_topic_or_key(release):
    old, new = (
        json.loads((folder / "v1" / "index.json").read_text(encoding="utf-8"))["types"]
        for folder in (FOLDER / "released" / release, FOLDER)
    )
    assert {name: (one["topic"], one["key"]) for name, one in old.items()} == {
        name: (new[name]["topic"], new[name]["key"]) for name in old
    }


@each_schema
def test_an_old_producer_s_example_is_read_today(release, name):
    example = OLD_EXAMPLES[release][name]
    READERS[release, name].validate(example)
    written = json.loads(encode(decoded(example)))["data"]
    fields = body(OLD[release][name], ("data",))["properties"]
    assert example["data"].keys() - written.keys() <= {field for field in fields if "default" in fields[field]}


@each_schema
@few
@given(data=st.data())
def test_what_an_old_schema_allows_is_read_today(release, name, data):
    event = in_bounds(data.draw(instances(OLD[release][name])))
    READERS[release, name].validate(event)
    decoded(event)


@each_schema
@few
@given(data=st.data())
def test_an_old_reader_takes_every_field_of_today(release, name, data):
    event = in_bounds(data.draw(instances(schema_of(name), full=True)))
    READERS[release, name].validate(event)
    READERS[release, name].validate(json.loads(encode(decoded(event))))


@given(events())
def test_an_old_reader_takes_what_is_written_today(event):
    name = f"support.{event.entity}.{event.what}"
    for release in RELEASES:
        if name in OLD[release]:
            READERS[release, name].validate(json.loads(encode(event)))


@pytest.mark.parametrize("name", NAMES)
def test_the_comparison_finds_every_change_that_breaks_somebody(name):
    schema = schema_of(name)
    for change, path, expected in breaking(schema):
        changed = copy.deepcopy(schema)
        change(body(changed, path))
        assert differences(schema, changed) == [expected]
        assert differences(changed, schema) != [] or expected.endswith("removed")


@pytest.mark.parametrize("name", NAMES)
def test_the_comparison_lets_additions_and_words_pass(name):
    schema = schema_of(name)
    for path in ((), ("data",)):
        changed = copy.deepcopy(schema)
        target = body(changed, path)
        target["properties"]["mood"] = {"type": "string", "description": "New."}
        target["description"] = "In other words."
        target["required"] = target.get("required", [])[::-1]
        assert differences(schema, changed) == []
        target["required"] = [*target["required"], "mood"]
        assert differences(schema, changed) == [f"{where(path)} required"]


def test_the_topics_are_those_of_the_types():
    assert {topic_of_name(name) for name in EXAMPLES} == set(TOPICS)


def where(path):
    return ".".join(("$", *path))


def body(schema, path):
    """Return the object at a path of field names, or for a path to a field, that field's schema."""
    at = schema
    for name in path:
        at = at["properties"][name]
        if "$ref" in at:
            at = schema["$defs"][at["$ref"].removeprefix("#/$defs/")]
    return at


def breaking(schema):
    """Give each change that somebody would notice: how, at which path, and what is to be said of it."""
    for path in ((), ("data",)):
        holder = body(schema, path)
        required = holder.get("required", [])
        for name, field in holder["properties"].items():
            at = where((*path, name))
            if name in required:
                yield lambda one, name=name: one["required"].remove(name), path, f"{where(path)} required"
            else:
                yield lambda one, name=name: one["properties"].pop(name), path, f"{at} removed"
                yield lambda one, name=name: one["required"].append(name), path, f"{where(path)} required"
            yield from ((change, (*path, name), f"{at}{what}") for change, what in narrower(field))


def narrower(field):
    """Give the changes of one field's schema, with what is to be said of it behind its path."""
    if "$ref" in field:
        return
    if "enum" in field:
        yield lambda one: one["enum"].pop(), " enum"
        yield lambda one: one["enum"].append("further"), " enum"
    if "type" in field:
        yield lambda one: one.update(type="integer"), " type"
    for word in field.keys() & {"minimum", "maximum", "minLength", "maxLength"}:
        yield lambda one, word=word: one.update({word: one[word] + 1}), f" {word}"
        yield lambda one, word=word: one.pop(word), f" {word}"
    for word, value in (("default", "other"), ("format", "email"), ("pattern", "^a"), ("const", 1)):
        yield lambda one, word=word, value=value: one.update({word: value}), f" {word}"
    if "items" in field:
        yield lambda one: one["items"].update(type="boolean"), ".items type"
    if isinstance(field.get("additionalProperties"), dict):
        yield lambda one: one["additionalProperties"].update(maximum=0), ".additionalProperties maximum"
