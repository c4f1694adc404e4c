"""The adapters by the name that `[ingest.sources.NAME] adapter` gives, with the scheme that each source signs with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from streamer.ingest.adapters import cloudevents, intercom, zendesk

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamer.ingest.adapters.base import Delivery, Event, Source, State


class Adapter(NamedTuple):
    """How a source's deliveries become events, and how they are signed unless the configuration says otherwise."""

    adapt: Callable[[Delivery, Source, State], list[Event]]
    scheme: str


ADAPTERS: Final = {
    "zendesk": Adapter(zendesk.adapt, "zendesk"),
    "intercom": Adapter(intercom.adapt, "hub-sha1"),
    "cloudevents": Adapter(cloudevents.adapt, "token"),
}
