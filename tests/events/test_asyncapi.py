"""The AsyncAPI document is valid, its references lead somewhere, and what it says is what the processor does."""

import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from streamer.events import DEAD_LETTERS, TOPICS, TYPES, Code
from streamer.events.schemas import ASYNCAPI
from streamer.partition import Partition
from streamer.settings import Settings
from tests.events.test_schemas import EXAMPLES, FOLDER, NAMES, topic_of_name

DATA = Path(__file__).parents[1] / "data"
BASE = (FOLDER / ASYNCAPI).as_uri()
DOCUMENT = json.loads((FOLDER / ASYNCAPI).read_text(encoding="utf-8"))


def retrieve(uri):
    text = Path(unquote(uri.removeprefix("file://"))).read_text(encoding="utf-8")
    return Resource.from_contents(json.loads(text), default_specification=DRAFT202012)


RESOLVER = Registry(retrieve=retrieve).resolver(BASE)


def references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
        value = value.values()
    for below in value if not isinstance(value, str | int | float | None) else ():
        yield from references(below)


def follow(reference):
    return RESOLVER.lookup(reference["$ref"]).contents


def test_it_is_valid_by_the_official_schema_and_would_not_be_with_a_mistake():
    official = json.loads(gzip.decompress((DATA / "asyncapi-3.0.0.schema.json.gz").read_bytes()))
    validator = jsonschema.Draft7Validator(official)
    assert [error.message for error in validator.iter_errors(DOCUMENT)] == []
    for wrong in ({"chanels": {}}, {"asyncapi": "2.6.0"}, {"operations": {"x": {"action": "publish"}}}):
        assert not validator.is_valid(DOCUMENT | wrong)


def test_every_reference_leads_somewhere():
    found = list(references(DOCUMENT))
    assert len(found) > len(NAMES)
    for reference in found:
        RESOLVER.lookup(reference)


def test_every_type_is_in_the_channel_of_its_topic_and_nowhere_else():
    channels = {topic: set(channel["messages"]) for topic, channel in DOCUMENT["channels"].items()}
    assert channels.pop(DEAD_LETTERS) == {"dead-letter"}
    assert channels == {topic: {name for name in NAMES if topic_of_name(name) == topic} for topic in TOPICS}
    for topic, channel in DOCUMENT["channels"].items():
        assert channel["address"] == topic
        assert all(follow(message)["name"] == name for name, message in channel["messages"].items())


def test_every_channel_has_its_operation():
    operations = DOCUMENT["operations"].values()
    by_topic = {follow(operation["channel"])["address"]: operation["action"] for operation in operations}
    assert by_topic == {**dict.fromkeys(TOPICS, "receive"), DEAD_LETTERS: "send"}
    assert len(by_topic) == len(operations)


@pytest.mark.parametrize("name", NAMES)
def test_the_payload_of_a_message_takes_its_example_and_no_other_type(name):
    message = DOCUMENT["components"]["messages"][name]
    registry = Registry(retrieve=retrieve)
    payload = {"$ref": BASE.rpartition("/")[0] + "/" + message["payload"]["$ref"]}
    validator = jsonschema.Draft202012Validator(payload, registry=registry)
    assert message["examples"] == [{"payload": EXAMPLES[name]}]
    validator.validate(EXAMPLES[name])
    other = NAMES[NAMES.index(name) - 1]
    assert not validator.is_valid(EXAMPLES[other])
    assert message["summary"] == TYPES[name].__doc__


def test_a_real_dead_letter_has_the_headers_of_the_document():
    partition = Partition(Settings(), 3)
    record = SimpleNamespace(key=b"k", value=b"{", timestamp=0, offset=7, headers=[("trace", b"1")])
    partition.apply("support.tickets", [record])
    [letter] = partition._dead
    headers = {name: value.decode() for name, value in letter.headers}
    described = DOCUMENT["components"]["messages"]["dead-letter"]["headers"]
    jsonschema.validate(headers, described)
    assert headers.keys() - {"trace"} == set(described["required"]) == set(described["properties"])
    assert set(described["properties"]["streamer_error_code"]["enum"]) == set(Code)
