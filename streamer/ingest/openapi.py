"""The OpenAPI 3.1 description of the ingress, made from its configured routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamer import __version__
from streamer.ingest.adapters import ADAPTERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamer.ingest.server import Route

_SIGNED_BY: Final = {
    "zendesk": ("x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp"),
    "hub-sha1": ("x-hub-signature",),
    "twilio": ("x-twilio-signature",),
    "typeform": ("typeform-signature",),
    "helpscout": ("x-helpscout-signature",),
    "standard": ("webhook-id", "webhook-timestamp", "webhook-signature"),
    "token": ("authorization",),
}
_PROBLEMS: Final = {
    "401": "The signature is missing or wrong, or the delivery is too old.",
    "413": "The body is too large, before or after decompression.",
    "415": "The body has an encoding that is not understood.",
    "422": "No event can be made of the body.",
    "429": "Too many events are not acknowledged yet; try again after Retry-After.",
    "503": "Kafka has not acknowledged; try again after Retry-After.",
}
_KINDS: Final = {
    "cloudevents": ("application/cloudevents+json", "application/cloudevents-batch+json", "application/json"),
    "twilio": ("application/x-www-form-urlencoded", "application/json"),
}


def describe(routes: Mapping[str, Route]) -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, Any] = {f"/in/{name}": _path(name, route) for name, route in routes.items()}
    paths["/"] = {"get": _read("page", "The sources and the last delivery of each.", "text/html")}
    paths["/live"] = {"get": _read("live", "Whether the process turns.", "application/json")}
    paths["/openapi.json"] = {"get": _read("openapi", "This document.", "application/json")}
    problem = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    taken = {"type": "object", "required": ["events"], "properties": {"events": {"type": "integer", "minimum": 0}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "streamer ingest", "version": __version__},
        "paths": paths,
        "components": {"schemas": {"Problem": problem, "Taken": taken}},
    }


def _path(name: str, route: Route) -> dict[str, Any]:
    kinds = _KINDS.get(route.adapter, ("application/json",))
    taken: dict[str, Any] = {"200": {"description": "Kafka has the events, if any.", "content": _content("Taken")}}
    if ADAPTERS[route.adapter].empty_answer:
        taken["204"] = {"description": "Kafka has the events."}
    problems = {code: {"description": text, "content": _content("Problem")} for code, text in _PROBLEMS.items()}
    headers = [
        {"name": header, "in": "header", "required": False, "schema": {"type": "string"}}
        for header in _SIGNED_BY[route.scheme]
    ]
    post = {
        "operationId": f"deliver-{name}",
        "summary": f"A delivery for the adapter {route.adapter}, signed by the scheme {route.scheme}.",
        "parameters": headers,
        "requestBody": {"required": True, "content": {kind: {"schema": {}} for kind in kinds}},
        "responses": {**taken, **problems},
    }
    return {"post": post}


def _content(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _read(name: str, text: str, kind: str) -> dict[str, Any]:
    return {"operationId": name, "responses": {"200": {"description": text, "content": {kind: {}}}}}
