"""The section that says what the HTTP ingress takes in: `[ingest]` and `[ingest.sources.NAME]`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (pydantic resolves it)
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from streamer.settings._processes import Port  # noqa: TC001 (pydantic resolves it)
from streamer.settings._section import Key, Section
from streamer.settings._types import PositiveDuration, Whole, parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterable

Adapter = Literal[
    "zendesk",
    "intercom",
    "freshdesk",
    "chatwoot",
    "zammad",
    "twilio",
    "amazon-connect",
    "genesys",
    "typeform",
    "delighted",
    "helpscout",
    "rocketchat",
    "surveymonkey",
    "survicate",
    "cloudevents",
]
Scheme = Literal[
    "zendesk",
    "hub-sha1",
    "twilio",
    "typeform",
    "helpscout",
    "survicate",
    "rocketchat",
    "delighted",
    "chatwoot",
    "surveymonkey",
    "standard",
    "token",
]
SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


class IngestSourceSettings(Section):
    """`[ingest.sources.NAME]`: one sender, at /in/NAME. Two secrets may be active, for rotation; none refuses all."""

    adapter: Adapter
    scheme: Scheme | None = None  # how deliveries are signed; default: the adapter's
    secret_files: Annotated[tuple[Path, ...], Field(max_length=2)] = ()
    # What the sender's address has before /in/NAME, where a proxy does not pass the host on or takes a path off.
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$")] | None = None
    names: dict[str, str] = Field(default={})  # labels of the source that may pass, and what they are called here
    pass_names: bool = False  # every label passes that looks like no e-mail address and no phone number
    ids_of: str | None = None  # the source whose customers and tickets a survey tool's ids are


class IngestSettings(Section):
    """`[ingest]`: the HTTP ingress."""

    host: str = "127.0.0.1"
    port: Port = 8088
    key_file: Path | None = None  # the key of the hashes of ids; needed as soon as there is a source
    request_timeout: PositiveDuration = parse_duration("10s")
    connections: Annotated[Whole, Field(ge=1, le=10_000)] = 200
    body_bytes: Annotated[Whole, Field(ge=1_024, le=16_777_216)] = 1_048_576  # before and after decompression
    replay_window: PositiveDuration = parse_duration("5m")  # how far a signed time may be from now
    unacknowledged: Annotated[Whole, Field(ge=1)] = 10_000  # events on their way to Kafka; more is 429
    sources: dict[SourceName, IngestSourceSettings] = Field(default={})

    @classmethod
    def between(cls, data: dict[str, Any]) -> Iterable[tuple[Key, str]]:
        """Find that the key of the hashes is missing."""
        if data.get("sources") and data.get("key_file") is None:
            yield ("key_file",), "is needed with [ingest.sources]: ids leave as keyed hashes"

    def files(self) -> list[tuple[str, Path]]:
        """Return the key of the setting and the path of each file with a secret."""
        found = [("ingest.key_file", self.key_file)] if self.key_file else []
        for name, source in self.sources.items():
            found += [(f"ingest.sources.{name}.secret_files[{n}]", file) for n, file in enumerate(source.secret_files)]
        return found
