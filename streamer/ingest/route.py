"""One configured source of the ingress: who may deliver there, and what has become of its deliveries."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters import ADAPTERS
from streamer.ingest.adapters.base import Source
from streamer.settings._processes import read_secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamer.settings import Settings

#: what may become of a delivery: what it means for metrics and page
OUTCOMES: Final = (
    "accepted",  # its events are in Kafka or in the spool
    "repeated",  # so they are again: all of them were delivered before
    "without_event",  # it says nothing that the contract has an event for
    "unknown_type",  # of a kind that the adapter does not know
    "unsigned",  # it has no signature, or only a part of one
    "forged",  # signed with another secret, or changed on its way
    "replayed",  # signed well, too long ago
    "too_large",  # the body, or a batch
    "unknown_encoding",
    "invalid",  # no event can be made of it
    "full",  # too many events are on their way, or the spool is full
    "unavailable",  # neither Kafka nor the disk has acknowledged in time
    "failed",  # a defect
)
#: of a source, so that what comes again is told from what is new: senders repeat within hours. 200 bytes each.
_RECENT_MAX: Final = 5_000


@dataclass
class Route:
    """A source with what became of its deliveries since the start."""

    source: Source
    adapter: str
    scheme: str
    secrets: list[bytes]
    public_url: str | None = None
    outcomes: Counter[str] = field(default_factory=Counter)
    events: int = 0
    last: tuple[int, str] | None = None
    """When the last delivery was over, in ms since the epoch, and what became of it; also before the start."""
    _recent: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def delivered(self, events: Sequence[Mapping[str, Any]]) -> str:
        """Count events that are safe now; return the delivery's outcome."""
        recent, before = self._recent, len(self._recent)
        recent.update((event["id"], None) for event in events)
        self.events += len(events)
        if len(recent) == before:
            return "repeated" if events else "without_event"
        while len(recent) > _RECENT_MAX:
            recent.popitem(last=False)
        return "accepted"


def configured(settings: Settings) -> dict[str, Route]:
    """Return the sources with their secrets. Raises `SettingsError` for a file that cannot be read."""
    limits = settings.ingest
    key = read_secret(limits.key_file, "ingest.key_file")
    # Ids that the operator's own systems give are hashed as they come, like the SDK's.
    own = {name for name, one in limits.sources.items() if one.adapter == "cloudevents"} | {""}
    routes = {}
    for name, one in limits.sources.items():
        secrets = [read_secret(file, f"ingest.sources.{name}.secret_files") for file in one.secret_files]
        source = Source(
            name,
            key.get_secret_value().encode() if key else b"",
            names=one.names,
            pass_names=one.pass_names,
            ids_of=one.ids_of,
            plain=(name if one.ids_of is None else one.ids_of) in own,
        )
        known = [secret.get_secret_value().encode() for secret in secrets if secret]
        scheme = one.scheme or ADAPTERS[one.adapter].scheme
        routes[name] = Route(source, one.adapter, scheme, known, one.public_url)
    return routes
