"""The CloudEvents envelope, the fields every event's data may have, and the order of types at one instant."""

import datetime as dt
from typing import Annotated, ClassVar, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

# Types stamped with the same instant are read in this order (metrics.md, Order): sources stamp cause and effect alike.
# A name without an entity stands for every entity that has no line of its own.
ORDER: Final = (
    "created",
    "survey.offered",
    "sent",
    "opened",
    "joined",
    "chat.message",
    "left_queue",
    "transferred",
    "queued",
    "offered",
    "not_answered",
    "assigned",
    "categorized",
    "suggested",
    "answered",
    "stepped",
    "ticket.message",
    "held",
    "resumed",
    "status_changed",
    "merged",
    "deleted",
    "purchased",
    "abandoned",
    "declined",
    "expired",
    "churned",
    "ended",
    "wrapped_up",
    "posted",
    "heartbeat",
    "erased",
)

# The longest waits and rings that are believed: 115 days, far past every window. In ms, int64 sums hold 10^8 of them.
SECONDS_MAX: Final = 1e7
# The largest amount of money in one event, in units of its currency: a million euros' worth of the smallest currencies
# in use. In millionths it is 10^15, so an int64 sum holds 9,223 events at the very limit and 10^10 of 900 units each.
AMOUNT_MAX: Final = 1e9
# Scores and the ends of their scales. They are only ever used as a share of the scale's length.
SCORE_MAX: Final = 1e6
# More people than there are; millionths of it fit int64 900 times over, plain sums 10^8 times.
REACH_MAX: Final = 1e10

RFC3339: Final = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)"
    r"(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])$"
)

Instant = Annotated[
    dt.datetime,
    Meta(
        tz=True,
        description="RFC 3339 with an offset. Milliseconds are kept; 23:59:60 UTC is read as 23:59:59.999.",
        extra_json_schema={"pattern": RFC3339},
    ),
]
CustomerId = Annotated[
    str,
    Meta(min_length=1, description="The customer's opaque id (a keyed hash): no name, e-mail address or phone number."),
]
Score = Annotated[float, Meta(ge=-SCORE_MAX, le=SCORE_MAX)]
Seconds = Annotated[float, Meta(ge=0, le=SECONDS_MAX)]
Amount = Annotated[float, Meta(ge=0, le=AMOUNT_MAX)]
Sentiment = Annotated[float, Meta(ge=-1, le=1)]


def rank_of(entity: str, what: str) -> int:
    """Return the place of `support.<entity>.<what>` among types of one instant; KeyError when it has none."""
    name = f"{entity}.{what}"
    return _RANKS[name] if name in _RANKS else _RANKS[what]


_RANKS: Final = {name: place for place, name in enumerate(ORDER)}


class Labels(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The common fields without the customer; a later event changes only those it has, so absent is not empty."""

    channel: (
        Annotated[str, Meta(description="How the customer came; at first email, chat or phone by the entity.")]
        | UnsetType
    ) = UNSET
    queue: Annotated[str, Meta(description="The queue that the work is in.")] | UnsetType = UNSET
    team: Annotated[str, Meta(description="The team that has the work or acts.")] | UnsetType = UNSET
    priority: Annotated[str, Meta(description="The priority's name.")] | UnsetType = UNSET
    brand: Annotated[str, Meta(description="The brand that the customer turned to.")] | UnsetType = UNSET
    product: Annotated[str, Meta(description="The product that it is about.")] | UnsetType = UNSET
    language: Annotated[str, Meta(description="The language, such as en or pt-BR.")] | UnsetType = UNSET
    tier: Annotated[str, Meta(description="The customer's service tier.")] | UnsetType = UNSET
    topic: Annotated[str, Meta(description="What the problem is.")] | UnsetType = UNSET
    agent: (
        Annotated[str, Meta(description="The opaque id of the agent who acts, or to whom work is given.")] | UnsetType
    ) = UNSET


class CustomerData(Labels, frozen=True, kw_only=True):
    """The common fields with the customer, who is also the record's key."""

    customer: CustomerId


class Envelope(Struct, tag_field="type", frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The CloudEvents 1.0 attributes of every event; `type` is the class's tag, `data` each class's own.

    `entity`, `what` and `rank` belong to the class: `support.<entity>.<what>`, and its place at one instant.
    """

    entity: ClassVar[str]
    what: ClassVar[str]
    rank: ClassVar[int]

    specversion: Annotated[Literal["1.0"], Meta(description="The version of CloudEvents.")]
    id: Annotated[
        str, Meta(min_length=1, max_length=128, description="Unique within the source: together the duplicate key.")
    ]
    source: Annotated[str, Meta(min_length=1, max_length=256, description="The system that reports the event.")]
    time: Instant
    subject: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=128,
            description="The opaque id of the ticket, contact, survey invitation, cart, agent or customer.",
        ),
    ]
    recordedtime: (
        Annotated[
            dt.datetime,
            Meta(
                tz=True,
                description="When the event became known, RFC 3339 with an offset. Stamped by loaders of history; "
                "it then counts as the arrival.",
                extra_json_schema={"pattern": RFC3339},
            ),
        ]
        | UnsetType
    ) = UNSET
