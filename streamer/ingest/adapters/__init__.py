"""The adapters by the name that `[ingest.sources.NAME] adapter` gives, with the scheme that each source signs with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from streamer.ingest.adapters import (
    amazon_connect,
    chatwoot,
    cloudevents,
    delighted,
    freshdesk,
    genesys,
    helpscout,
    intercom,
    rocketchat,
    surveymonkey,
    survicate,
    twilio,
    typeform,
    zammad,
    zendesk,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamer.ingest.adapters.base import Delivery, Event, Source, State


class Adapter(NamedTuple):
    """How a source's deliveries become events, and how they are signed unless the configuration says otherwise.

    An adapter that uses its state has `about`: payload -> the ticket or contact, of which one delivery is taken in at a
    time.
    """

    adapt: Callable[[Delivery, Source, State], list[Event]]
    scheme: str
    about: Callable[[Any], str | None] = lambda _: None
    empty_answer: bool = False  # Twilio wants 204


ADAPTERS: Final = {
    "zendesk": Adapter(zendesk.adapt, "zendesk", zendesk.about),
    "intercom": Adapter(intercom.adapt, "hub-sha1", intercom.about),
    "freshdesk": Adapter(freshdesk.adapt, "token", freshdesk.about),
    "chatwoot": Adapter(chatwoot.adapt, "chatwoot", chatwoot.about),
    "zammad": Adapter(zammad.adapt, "hub-sha1", zammad.about),
    "twilio": Adapter(twilio.adapt, "twilio", twilio.about, empty_answer=True),
    "amazon-connect": Adapter(amazon_connect.adapt, "token"),
    "genesys": Adapter(genesys.adapt, "token", genesys.about),
    "typeform": Adapter(typeform.adapt, "typeform"),
    "delighted": Adapter(delighted.adapt, "delighted"),
    "helpscout": Adapter(helpscout.adapt, "helpscout"),
    "rocketchat": Adapter(rocketchat.adapt, "rocketchat"),
    "surveymonkey": Adapter(surveymonkey.adapt, "surveymonkey"),
    "survicate": Adapter(survicate.adapt, "survicate"),
    "cloudevents": Adapter(cloudevents.adapt, "token"),
}
