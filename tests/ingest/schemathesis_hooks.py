"""Hooks that sign schemathesis' deliveries for the source in the path, and tell it what vendors send.

So that it sees what lies behind the signature, and behind the adapters.
"""

import json
import time
from pathlib import Path

import requests
import schemathesis

from tests.ingest.process import SOURCES
from tests.ingest.signing import signed

FIXTURES = Path(__file__).parents[1] / "adapters" / "fixtures"


class Signer(requests.auth.AuthBase):
    """Signs a request as its bytes go out."""

    def __init__(self, scheme):
        self._scheme = scheme

    def __call__(self, request):
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        request.headers.update(signed(self._scheme, request.url, body, time.time()))
        return request


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Leave out who may deliver: every delivery is signed below. Take in the adapters' fixtures as examples."""
    for path, methods in raw_schema["paths"].items():
        post = methods.get("post", {})
        post.pop("security", None)
        if source := SOURCES.get(path.removeprefix("/in/")):
            kind = next(iter(post["requestBody"]["content"].values()))
            kind["examples"] = {str(number): {"value": value} for number, value in enumerate(examples(source[0]))}


def examples(adapter):
    """Return payloads that need nothing else to be understood: no state, and no header."""
    cases = map(json.loads, (FIXTURES / f"{adapter}.jsonl").read_text().splitlines())
    return [case["payload"] for case in cases if not case.get("before") and not case.get("headers")]


@schemathesis.hook
def before_call(context, case, kwargs):
    source = SOURCES.get(case.path.removeprefix("/in/"))
    if case.method == "POST" and source:
        kwargs["auth"] = Signer(source[1])
