"""Every event type in one union, and the topic that each one travels in."""

from typing import Final, get_args

from streamer.events.agents import (
    AgentHeartbeat,
    AgentStatusChanged,
)
from streamer.events.contacts import (
    CallAbandoned,
    CallAnswered,
    CallEnded,
    CallHeld,
    CallLeftQueue,
    CallNotAnswered,
    CallOffered,
    CallQueued,
    CallResumed,
    CallTransferred,
    CallWrappedUp,
    ChatAbandoned,
    ChatAnswered,
    ChatEnded,
    ChatHeld,
    ChatLeftQueue,
    ChatMessage,
    ChatNotAnswered,
    ChatOffered,
    ChatQueued,
    ChatResumed,
    ChatTransferred,
    ChatWrappedUp,
)
from streamer.events.customers import (
    CartAbandoned,
    CartOpened,
    CartPurchased,
    CartStepped,
    CustomerChurned,
    CustomerErased,
    CustomerJoined,
    CustomerPurchased,
    MentionPosted,
)
from streamer.events.surveys import (
    SurveyAnswered,
    SurveyDeclined,
    SurveyExpired,
    SurveyOffered,
    SurveySent,
)
from streamer.events.tickets import (
    TicketAssigned,
    TicketCategorized,
    TicketCreated,
    TicketDeleted,
    TicketMerged,
    TicketMessage,
    TicketStatusChanged,
    TicketSuggested,
)

Event = (
    TicketCreated
    | TicketMessage
    | TicketAssigned
    | TicketStatusChanged
    | TicketCategorized
    | TicketSuggested
    | TicketMerged
    | TicketDeleted
    | ChatQueued
    | ChatOffered
    | ChatNotAnswered
    | ChatAnswered
    | ChatMessage
    | ChatHeld
    | ChatResumed
    | ChatTransferred
    | ChatAbandoned
    | ChatLeftQueue
    | ChatEnded
    | ChatWrappedUp
    | CallQueued
    | CallOffered
    | CallNotAnswered
    | CallAnswered
    | CallHeld
    | CallResumed
    | CallTransferred
    | CallAbandoned
    | CallLeftQueue
    | CallEnded
    | CallWrappedUp
    | SurveyOffered
    | SurveySent
    | SurveyAnswered
    | SurveyDeclined
    | SurveyExpired
    | CustomerJoined
    | CustomerChurned
    | CustomerPurchased
    | CustomerErased
    | CartOpened
    | CartStepped
    | CartPurchased
    | CartAbandoned
    | MentionPosted
    | AgentStatusChanged
    | AgentHeartbeat
)

# By the `type` attribute, in the order of the union.
TYPES: Final[dict[str, type[Event]]] = {f"support.{cls.entity}.{cls.what}": cls for cls in get_args(Event)}

TOPICS: Final[dict[str, frozenset[str]]] = {
    "support.tickets": frozenset({"ticket"}),
    "support.chats": frozenset({"chat"}),
    "support.calls": frozenset({"call"}),
    "support.surveys": frozenset({"survey"}),
    "support.customers": frozenset({"customer", "cart", "mention"}),
    "support.agents": frozenset({"agent"}),
}

DEAD_LETTERS: Final = "support.dead-letters"

_TOPIC_OF: Final = {entity: topic for topic, entities in TOPICS.items() for entity in entities}


def topic_of(event: Event) -> str:
    """Return the topic that the event travels in."""
    return _TOPIC_OF[event.entity]
