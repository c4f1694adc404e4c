"""The AsyncAPI 3.0 document of the topics, made from the classes: what an integrator's tools read.

Payloads are references to the JSON Schemas beside it, which `streamer.events.schemas` writes together with it.
"""

from collections.abc import Mapping
from typing import Any, Final

from streamer.events.codec import FUTURE_MS, LEVELS_MAX, VALUE_BYTES_MAX
from streamer.events.errors import Code
from streamer.events.registry import DEAD_LETTERS, TOPICS, TYPES

_KAFKA_BINDINGS: Final = "0.5.0"
_KEY: Final = (
    "UTF-8. data.customer where the event has one, otherwise subject; events of agents: subject, the agent's id. All "
    "events of one ticket, contact or survey carry the same customer, or none of them does."
)
_ABOUT: Final = f"""
Each record of a `support.*` topic is one [CloudEvents 1.0](https://cloudevents.io) event in structured JSON.

**Key.** {_KEY} All topics have the same number of partitions, so that one customer's events meet in one partition.

**Identity.** `source` and `id` together are unique; the same again is counted once. Send again with the same `id` after
a doubtful failure.

**People.** `customer`, `agent` and `subject` are opaque ids: no e-mail address, phone number or name. Free text stays
at home; a comment travels as `has_comment`, `comment_topics` and `comment_sentiment`.

**Time.** `time` is when it happened at the source, to the millisecond; it may be {FUTURE_MS // 60_000} minutes ahead of
the broker's time at most. Loaders of history add `recordedtime`, when the event became known.

**Limits.** {VALUE_BYTES_MAX // 1024} KiB a record, {LEVELS_MAX} levels of nesting. What is refused goes to
`{DEAD_LETTERS}`, byte for byte, with the reason in its headers, and holds up nothing.

**Versions.** Within one major version only optional fields and event types are added. Readers take fields that they do
not know; workers are upgraded before producers of new types.
""".strip()
_DEAD_LETTER_HEADERS: Final = {
    "streamer_error_code": {"type": "string", "enum": [code.value for code in Code], "description": "Why."},
    "streamer_error_stage": {"type": "string", "description": "Where in the processor."},
    "streamer_error_topic": {"type": "string", "description": "The topic that the record came by."},
    "streamer_error_partition": {"type": "string", "pattern": "^[0-9]+$", "description": "Its partition there."},
    "streamer_error_offset": {"type": "string", "pattern": "^[0-9]+$", "description": "Its offset there."},
}


def document(version: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document. `version` is the contract's, such as v1, `examples` has an event of each type."""
    names = {
        topic: sorted(name for name, cls in TYPES.items() if cls.entity in entities)
        for topic, entities in TOPICS.items()
    }
    channels = {topic: _channel(topic, names[topic], f"Events: {', '.join(sorted(TOPICS[topic]))}.") for topic in names}
    channels[DEAD_LETTERS] = _channel(DEAD_LETTERS, ["dead-letter"], "Records that could not be accepted, unchanged.")
    messages = {name: _message(name, f"{version}/{name}.json", examples[name]) for name in sorted(TYPES)}
    return {
        "asyncapi": "3.0.0",
        "id": f"urn:streamer:events:{version}",
        "info": {
            "title": "Events of a support operation",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "tags": [{"name": entity} for entity in sorted(frozenset().union(*TOPICS.values()))],
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {"kafka": _SERVER},
        "channels": channels,
        "operations": {
            **{
                f"process-{topic.removeprefix('support.')}": _operation("receive", topic, "Count the events.")
                for topic in names
            },
            "refuse": _operation("send", DEAD_LETTERS, "Keep what could not be accepted, and say why."),
        },
        "components": {"messages": {**messages, "dead-letter": _DEAD_LETTER}, "messageTraits": {"event": _EVENT}},
    }


_SERVER: Final = {
    "host": "{bootstrap}",
    "protocol": "kafka",
    "description": "The operator's brokers; TLS and SASL as they ask for it.",
    "variables": {"bootstrap": {"default": "localhost:9092", "description": "host:port of a broker."}},
}
_EVENT: Final = {
    "contentType": "application/cloudevents+json",
    "headers": {
        "type": "object",
        "description": "None is needed and none is read; a dead letter keeps them.",
        "additionalProperties": True,
    },
    "bindings": {
        "kafka": {
            "key": {"type": "string", "minLength": 1, "description": _KEY},
            "bindingVersion": _KAFKA_BINDINGS,
        }
    },
}
_DEAD_LETTER: Final = {
    "name": "dead-letter",
    "title": "A record that could not be accepted",
    "summary": "Key, value and headers as they came, and headers that say why; `streamer dead-letters` sends it again.",
    "contentType": "application/octet-stream",
    "headers": {"type": "object", "required": sorted(_DEAD_LETTER_HEADERS), "properties": _DEAD_LETTER_HEADERS},
}


def _channel(topic: str, messages: list[str], text: str) -> dict[str, Any]:
    return {
        "address": topic,
        "description": text,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "servers": [{"$ref": "#/servers/kafka"}],
        "bindings": {"kafka": {"topic": topic, "bindingVersion": _KAFKA_BINDINGS}},
    }


def _message(name: str, schema: str, example: Any) -> dict[str, Any]:
    entity = TYPES[name].entity
    return {
        "name": name,
        "title": name,
        "summary": TYPES[name].__doc__,
        "tags": [{"name": entity}],
        "traits": [{"$ref": "#/components/messageTraits/event"}],
        "payload": {"$ref": schema},
        "examples": [{"payload": example}],
    }


def _operation(action: str, topic: str, text: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{topic}"}, "summary": text}
