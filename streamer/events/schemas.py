"""The contract's files, made from the classes: `python -m streamer.events.schemas [--check]`.

The JSON Schemas (2020-12) of the event types say of one event what the classes say. What lies between fields, or
between the record and the event, is left to the decoder: the key, the topic, the time ahead of the arrival, and the
score outside its scale. The AsyncAPI document says what lies around them; its examples are the files in `examples`.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from streamer.events import asyncapi
from streamer.events.registry import TOPICS, TYPES

VERSION: Final = "v1"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
INDEX: Final = "index.json"
ASYNCAPI: Final = "asyncapi.json"


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of an event type; KeyError when there is no such type."""
    schema = msgspec.json.schema(TYPES[name])
    definitions = schema["$defs"]
    event = definitions.pop(TYPES[name].__name__)
    return {
        "$schema": DIALECT,
        "$id": f"urn:streamer:events:{VERSION}:{name}",
        **event,
        "title": name,
        "$defs": dict(sorted(definitions.items())),
    }


def files(examples: Mapping[str, Any]) -> dict[str, str]:
    """Return the text of every file by its path in the folder; the same classes and examples give the same bytes."""
    topic_of = {entity: topic for topic, entities in TOPICS.items() for entity in entities}
    index = {
        name: {
            "schema": f"{name}.json",
            "topic": topic_of[cls.entity],
            "key": "subject" if cls.entity == "agent" else "data.customer, else subject",
            "description": cls.__doc__,
        }
        for name, cls in sorted(TYPES.items())
    }
    texts = {f"{VERSION}/{name}.json": _text(schema_of(name)) for name in sorted(TYPES)}
    texts[f"{VERSION}/{INDEX}"] = _text({"version": VERSION, "types": index})
    texts[ASYNCAPI] = _text(asyncapi.document(VERSION, examples))
    return texts


def drift(directory: Path) -> list[str]:
    """Return the paths in the folder that are missing, differ from the classes or have no class.

    Raises FileNotFoundError where a type has no example.
    """
    return _drift(directory, _wanted(directory))


def write(directory: Path) -> list[str]:
    """Bring the folder up to date and return the paths in it that changed; FileNotFoundError as for `drift`."""
    wanted = _wanted(directory)
    changed = _drift(directory, wanted)
    (directory / VERSION).mkdir(exist_ok=True)
    for name in changed:
        path = directory / name
        if name in wanted:
            path.write_text(wanted[name], encoding="utf-8")
        else:
            path.unlink()
    return changed


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with --check only compare; return 1 if they differed from the classes then."""
    parser = argparse.ArgumentParser(prog="python -m streamer.events.schemas", description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=Path("schemas"))
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of date")
    options = parser.parse_args(arguments)
    names = drift(options.directory) if options.check else write(options.directory)
    state = "out of date" if options.check else "written"
    (sys.stderr if options.check else sys.stdout).write(
        "".join(f"{options.directory / name}: {state}\n" for name in names)
    )
    return int(options.check and bool(names))


def _wanted(directory: Path) -> dict[str, str]:
    folder = directory / "examples"
    return files({name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in TYPES})


def _drift(directory: Path, wanted: Mapping[str, str]) -> list[str]:
    paths = [*directory.glob(f"{VERSION}/*.json"), *directory.glob(ASYNCAPI)]
    present = {path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def _text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
