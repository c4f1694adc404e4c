"""The OpenAPI 3.1 description of the ingress, made from its configured routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamer import __version__
from streamer.events import TYPES
from streamer.ingest.adapters import ADAPTERS
from streamer.ingest.signatures import SIGNED_BY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamer.ingest.route import Route

#: events of one request: 1,000 are taken in 50 ms, in which nobody else is answered; what has more to say sends a file
BATCH_MAX: Final = 1_000

_TOKENS: Final = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "token": {"type": "apiKey", "in": "query", "name": "token", "description": "For senders that cannot set a header."},
}
_PROBLEMS: Final = {
    "401": "The signature is missing or wrong, or the delivery is too old.",
    "413": f"The body is too large, before or after decompression, or has over {BATCH_MAX} events.",
    "415": "The body has an encoding that is not understood.",
    "422": "No event can be made of the body.",
    "429": "Too many events are not acknowledged yet; try again after Retry-After.",
    "503": "Kafka has not acknowledged, or (without a body) there are too many connections; try again after Retry-After.",
}
_RETRY: Final = {"Retry-After": {"required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}}
_ENCODING: Final = {
    "name": "content-encoding",
    "in": "header",
    "description": "How the body is compressed; the signature is over the bytes as they come.",
    "schema": {"enum": ["gzip", "deflate", "identity", ""]},
}
_ANYTHING: Final[dict[str, Any]] = {"schema": {"description": "What the vendor sends."}}
_FORM: Final = {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}
_KINDS: Final[dict[str, dict[str, Any]]] = {
    "cloudevents": {
        "application/cloudevents+json": {"schema": {"$ref": "#/components/schemas/CloudEvent"}},
        "application/cloudevents-batch+json": {
            "schema": {
                "type": "array",
                "description": f"At most {BATCH_MAX} events.",
                "items": {"$ref": "#/components/schemas/CloudEvent"},
            }
        },
        "application/json": {
            "schema": {"type": "object", "description": "An event's data; its attributes are ce-... headers."}
        },
    },
    "twilio": {"application/x-www-form-urlencoded": _FORM, "application/json": _ANYTHING},
}
_SCHEMAS: Final = {
    "Problem": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
    "Taken": {"type": "object", "required": ["events"], "properties": {"events": {"type": "integer", "minimum": 0}}},
    "Live": {"type": "object", "required": ["live"], "properties": {"live": {"const": True}}},
    "Ready": {
        "type": "object",
        "required": ["ready"],
        "properties": {"ready": {"type": "boolean"}, "reason": {"type": "string"}},
    },
    "CloudEvent": {
        "type": "object",
        "description": "An event of the contract; the schema of each type is in schemas/v1.",
        "required": ["specversion", "id", "source", "type", "time", "subject", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1},
            "source": {"type": "string", "minLength": 1},
            "type": {"enum": sorted(TYPES)},
            "time": {"type": "string", "format": "date-time"},
            "subject": {"type": "string", "minLength": 1},
            "data": {"type": "object"},
        },
    },
}


def describe(routes: Mapping[str, Route]) -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, Any] = {f"/in/{name}": _path(name, route) for name, route in routes.items()}
    paths["/"] = {"get": _read("page", "The sources and the last delivery of each.", {"text/html": {}})}
    paths["/live"] = {"get": _read("live", "Whether the process turns.", _content("Live"))}
    paths["/ready"] = {"get": _read("ready", "A delivery would be taken.", _content("Ready"))}
    unready = {"description": "Kafka does not answer, and no spool has room.", "content": _content("Ready")}
    paths["/ready"]["get"]["responses"]["503"] = unready | {"headers": _RETRY}
    paths["/metrics"] = {"get": _read("metrics", "The ingress' own numbers, for Prometheus.", {"text/plain": {}})}
    paths["/openapi.json"] = {"get": _read("openapi", "This document.", {"application/json": {}})}
    headers = {
        name: _TOKENS.get(name, {"type": "apiKey", "in": "header", "name": name})
        for route in routes.values()
        for way in SIGNED_BY[route.scheme]
        for name in way
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "streamer ingest", "version": __version__},
        "paths": paths,
        "components": {"schemas": _SCHEMAS, "securitySchemes": headers},
    }


def _path(name: str, route: Route) -> dict[str, Any]:
    answer = {"200": {"description": "Kafka has the events, if any.", "content": _content("Taken")}}
    if ADAPTERS[route.adapter].empty_answer:
        answer["204"] = {"description": "Kafka has the events, if any."}
    for code, text in _PROBLEMS.items():
        answer[code] = {"description": text, "content": _content("Problem")}
        if code in ("429", "503"):
            answer[code]["headers"] = _RETRY
    post = {
        "operationId": f"deliver-{name}",
        "summary": f"A delivery for the adapter {route.adapter}, signed by the scheme {route.scheme}.",
        "parameters": [_ENCODING],
        "security": [{key: [] for key in way} for way in SIGNED_BY[route.scheme]],
        "requestBody": {"required": True, "content": _KINDS.get(route.adapter, {"application/json": _ANYTHING})},
        "responses": answer,
    }
    if not route.secrets:
        post["description"] = "No secret is configured: every delivery is refused with 401."
    path = {"post": post, "head": _probe(name)}
    if route.adapter == "cloudevents":
        path["options"] = _handshake(name)
    return path


def _probe(name: str) -> dict[str, Any]:
    return {
        "operationId": f"probe-{name}",
        "summary": "Whether the address exists: some senders ask before they subscribe it.",
        "responses": {"200": {"description": "It does."}},
    }


def _handshake(name: str) -> dict[str, Any]:
    origin = {
        "name": "WebHook-Request-Origin",
        "in": "header",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
    }
    shown = ("WebHook-Allowed-Origin", "WebHook-Allowed-Rate", "Allow")
    headers = {header: {"required": True, "schema": {"type": "string"}} for header in shown}
    return {
        "operationId": f"ask-{name}",
        "summary": "Whether a sender may deliver here (CloudEvents' HTTP 1.1 Web Hooks).",
        "parameters": [origin],
        "responses": {
            "200": {"description": "It may.", "headers": headers},
            "400": {"description": "The origin is missing.", "content": _content("Problem")},
        },
    }


def _content(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _read(name: str, text: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"operationId": name, "responses": {"200": {"description": text, "content": content}}}
