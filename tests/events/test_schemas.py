"""The published JSON Schemas say what the classes say, for sound events and for wrong ones."""

import copy
import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given

from streamer.events import TYPES, Decoder, InvalidEvent, encode, partition_key, schemas, topic_of
from tests.strategies.events import SCALES, events

FOLDER = Path(__file__).parents[2] / "schemas"
DECODER = Decoder(SCALES)
NOW_MS = 2**42
NAMES = sorted(TYPES)
EXAMPLES = {name: json.loads((FOLDER / "examples" / f"{name}.json").read_text(encoding="utf-8")) for name in NAMES}
VALIDATORS = {
    name: jsonschema.Draft202012Validator(json.loads((FOLDER / "v1" / f"{name}.json").read_text(encoding="utf-8")))
    for name in NAMES
}
# What becomes wrong, at its path from the event; None as the new value takes the field away.
WRONGS = [
    *(((name,), None) for name in ("specversion", "id", "source", "type", "time", "subject", "data")),
    *(((name,), 5) for name in ("specversion", "id", "source", "type", "time", "subject", "data")),
    (("specversion",), "1.1"),
    (("id",), ""),
    (("id",), "x" * 129),
    (("source",), "x" * 257),
    (("subject",), "x" * 129),
    (("time",), "2026-03-14T09:26:53"),
    (("time",), "2026-13-14T09:26:53Z"),
    (("time",), "14 March"),
    (("recordedtime",), "2026-03-14"),
    (("data",), []),
    *((("data", name), 5) for name in ("channel", "queue", "team", "topic", "agent", "language")),
    (("data", "customer"), None),
    (("data", "customer"), ""),
    *((("data", name), None) for name in ("author", "status", "topic", "reason", "shown", "score", "amount", "step")),
    *((("data", name), None) for name in ("currency", "sentiment")),
    *((("data", name), "no such value") for name in ("author", "status", "kind", "direction", "by", "best", "step")),
    *((("data", name), "no such value") for name in ("created_by", "public", "shown", "resolved", "queues", "ratings")),
    (("data", "reason"), "no such value"),
    (("data", "amount"), -0.01),
    (("data", "sentiment"), 1.01),
    (("data", "comment_sentiment"), -2),
    (("data", "waited_seconds"), 1e8),
    (("data", "ring_seconds"), -1),
    (("data", "ratings"), {"tone": "good"}),
    (("data", "comment_topics"), [1]),
    (("data", "started_at"), "soon"),
]


def accepted(event):
    """Whether the decoder takes the event under the key that it asks for."""
    name = event.get("type")
    topic = topic_of_name(name) if name in TYPES else "support.tickets"
    data = event.get("data")
    customer = data.get("customer") if isinstance(data, dict) and ".agent." not in str(name) else None
    key = event.get("subject") if customer is None else customer
    try:
        DECODER.decode(topic, str(key).encode(), json.dumps(event).encode(), NOW_MS)
    except InvalidEvent:
        return False
    return True


def topic_of_name(name):
    return next(topic for topic, entities in schemas.TOPICS.items() if TYPES[name].entity in entities)


def test_the_committed_files_are_up_to_date():
    assert schemas.drift(FOLDER) == []


def test_check_fails_on_drift_and_writing_mends_it(tmp_path, capsys):
    shutil.copytree(FOLDER / "examples", tmp_path / "examples")
    folder = [str(tmp_path)]
    assert schemas.main([*folder, "--check"]) == 1
    assert schemas.main(folder) == 0
    assert schemas.main([*folder, "--check"]) == 0
    (tmp_path / "v1" / "support.old.json").write_text("{}", encoding="utf-8")
    (tmp_path / "v1" / "index.json").write_text("{}", encoding="utf-8")
    (tmp_path / "asyncapi.json").write_text("{}", encoding="utf-8")
    capsys.readouterr()
    assert schemas.main([*folder, "--check"]) == 1
    assert [line.split(": ")[1] for line in capsys.readouterr().err.splitlines()] == ["out of date"] * 3
    schemas.main(folder)
    assert schemas.drift(tmp_path) == []


def test_the_index_names_every_schema():
    index = json.loads((FOLDER / "v1" / "index.json").read_text(encoding="utf-8"))
    files = {path.name for path in (FOLDER / "v1").glob("*.json")} - {"index.json"}
    assert {entry["schema"] for entry in index["types"].values()} == files
    assert {name: entry["topic"] for name, entry in index["types"].items()} == {n: topic_of_name(n) for n in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_valid_and_describes_every_field(name):
    schema = VALIDATORS[name].schema
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"] == name
    bodies = [schema, *schema["$defs"].values()]
    nameless = {"type", "data"}
    for body in bodies:
        assert body["description"]
        assert [
            key for key, field in body["properties"].items() if not (key in nameless or "description" in field)
        ] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_example_is_accepted_by_its_schema_and_the_decoder(name):
    example = EXAMPLES[name]
    assert example["type"] == name
    VALIDATORS[name].validate(example)
    assert accepted(example)


@pytest.mark.parametrize("name", NAMES)
def test_schema_and_decoder_refuse_the_same_wrong_events(name):
    differing = []
    for path, new in WRONGS:
        event = copy.deepcopy(EXAMPLES[name])
        holder = event["data"] if len(path) > 1 else event
        holder.pop(path[-1], None)
        if new is not None:
            holder[path[-1]] = new
        if VALIDATORS[name].is_valid(event) != accepted(event):
            differing.append((path, new))
    assert differing == []


@given(events())
def test_what_the_schema_takes_is_what_the_classes_write(event):
    name = f"support.{event.entity}.{event.what}"
    VALIDATORS[name].validate(json.loads(encode(event)))
    assert DECODER.decode(topic_of(event), partition_key(event).encode(), encode(event), NOW_MS)[0] == event
