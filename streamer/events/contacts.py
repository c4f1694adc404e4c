"""Queue contacts: `support.chat.*` and `support.call.*`, one vocabulary. The subject is the chat's or call's id.

A call's customer may be unknown, a chat's may not: each shared data class has a twin for chats that requires it.
"""

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from streamer.events.envelope import CustomerData, CustomerId, Envelope, Labels, Seconds, rank_of
from streamer.events.tickets import Author

Direction = Literal["inbound", "outbound", "callback"]
LeaveReason = Literal["timeout", "key", "empty", "overflow", "voicemail", "callback"]


class CallerData(Labels, frozen=True, kw_only=True):
    """The common fields; a call need not know its customer, and is then a timeline of its own."""

    customer: CustomerId | UnsetType = UNSET


class QueuedData(CallerData, frozen=True, kw_only=True):
    """Which way the contact goes."""

    direction: (
        Annotated[Direction, Meta(description="Inbound at first; stays as it is until an event states another one.")]
        | UnsetType
    ) = UNSET


class NotAnsweredData(CallerData, frozen=True, kw_only=True):
    """How long it rang."""

    ring_seconds: Annotated[Seconds, Meta(description="How long it rang, in seconds.")] | UnsetType = UNSET


class AnsweredData(CallerData, frozen=True, kw_only=True):
    """How long the customer had waited."""

    waited_seconds: (
        Annotated[
            Seconds,
            Meta(
                description="The wait in seconds, where the source only knows that: with no queued event, the leg was "
                "queued that long before."
            ),
        ]
        | UnsetType
    ) = UNSET


class TransferredData(CallerData, frozen=True, kw_only=True):
    """Where the contact goes, and how."""

    to_queue: Annotated[str, Meta(description="The queue that the contact goes to.")] | UnsetType = UNSET
    kind: (
        Annotated[
            Literal["blind", "consult"], Meta(description="Blind: without, consult: after speaking to the next agent.")
        ]
        | UnsetType
    ) = UNSET


class LeftQueueData(CallerData, frozen=True, kw_only=True):
    """Why the queue lost the contact."""

    reason: Annotated[LeaveReason, Meta(description="Why it left: callback if the customer is to be called back.")]


class EndedData(CallerData, frozen=True, kw_only=True):
    """Who ended it."""

    by: Annotated[Literal["customer", "agent", "system"], Meta(description="Who ended it.")] | UnsetType = UNSET


class ChatMessageData(CustomerData, frozen=True, kw_only=True):
    """Who wrote; never the text."""

    author: Annotated[Author, Meta(description="Who wrote the message.")]
    automated: Annotated[bool, Meta(description="Whether a rule sent it, in whoever's name.")] = False


class ChatQueuedData(QueuedData, frozen=True, kw_only=True):
    """The same with its customer."""

    customer: CustomerId


class ChatNotAnsweredData(NotAnsweredData, frozen=True, kw_only=True):
    """The same with its customer."""

    customer: CustomerId


class ChatAnsweredData(AnsweredData, frozen=True, kw_only=True):
    """The same with its customer."""

    customer: CustomerId


class ChatTransferredData(TransferredData, frozen=True, kw_only=True):
    """The same with its customer."""

    customer: CustomerId


class ChatLeftQueueData(LeftQueueData, frozen=True, kw_only=True):
    """The same with its customer."""

    customer: CustomerId


class ChatEndedData(EndedData, frozen=True, kw_only=True):
    """The same with its customer."""

    customer: CustomerId


class _Chat(Envelope, frozen=True, kw_only=True):
    entity: ClassVar[str] = "chat"


class _Call(Envelope, frozen=True, kw_only=True):
    entity: ClassVar[str] = "call"


class ChatQueued(_Chat, tag="support.chat.queued", frozen=True, kw_only=True):
    """A leg of a chat starts waiting in `queue`."""

    what: ClassVar[str] = "queued"
    rank: ClassVar[int] = rank_of("chat", "queued")
    data: ChatQueuedData


class ChatOffered(_Chat, tag="support.chat.offered", frozen=True, kw_only=True):
    """A waiting chat rings at `agent`."""

    what: ClassVar[str] = "offered"
    rank: ClassVar[int] = rank_of("chat", "offered")
    data: CustomerData


class ChatNotAnswered(_Chat, tag="support.chat.not_answered", frozen=True, kw_only=True):
    """The `agent` did not take the chat that rang."""

    what: ClassVar[str] = "not_answered"
    rank: ClassVar[int] = rank_of("chat", "not_answered")
    data: ChatNotAnsweredData


class ChatAnswered(_Chat, tag="support.chat.answered", frozen=True, kw_only=True):
    """The `agent` took the chat."""

    what: ClassVar[str] = "answered"
    rank: ClassVar[int] = rank_of("chat", "answered")
    data: ChatAnsweredData


class ChatMessage(_Chat, tag="support.chat.message", frozen=True, kw_only=True):
    """Somebody wrote in a chat."""

    what: ClassVar[str] = "message"
    rank: ClassVar[int] = rank_of("chat", "message")
    data: ChatMessageData


class ChatHeld(_Chat, tag="support.chat.held", frozen=True, kw_only=True):
    """The customer was put on hold."""

    what: ClassVar[str] = "held"
    rank: ClassVar[int] = rank_of("chat", "held")
    data: CustomerData


class ChatResumed(_Chat, tag="support.chat.resumed", frozen=True, kw_only=True):
    """The customer was taken off hold."""

    what: ClassVar[str] = "resumed"
    rank: ClassVar[int] = rank_of("chat", "resumed")
    data: CustomerData


class ChatTransferred(_Chat, tag="support.chat.transferred", frozen=True, kw_only=True):
    """A chat goes to another queue, where the next leg starts with its own `queued`, or else here."""

    what: ClassVar[str] = "transferred"
    rank: ClassVar[int] = rank_of("chat", "transferred")
    data: ChatTransferredData


class ChatAbandoned(_Chat, tag="support.chat.abandoned", frozen=True, kw_only=True):
    """The customer left while waiting, also while it rang."""

    what: ClassVar[str] = "abandoned"
    rank: ClassVar[int] = rank_of("chat", "abandoned")
    data: CustomerData


class ChatLeftQueue(_Chat, tag="support.chat.left_queue", frozen=True, kw_only=True):
    """A chat left its queue unanswered, and not by the customer's hanging up."""

    what: ClassVar[str] = "left_queue"
    rank: ClassVar[int] = rank_of("chat", "left_queue")
    data: ChatLeftQueueData


class ChatEnded(_Chat, tag="support.chat.ended", frozen=True, kw_only=True):
    """A chat ended; a leg still unanswered was abandoned."""

    what: ClassVar[str] = "ended"
    rank: ClassVar[int] = rank_of("chat", "ended")
    data: ChatEndedData


class ChatWrappedUp(_Chat, tag="support.chat.wrapped_up", frozen=True, kw_only=True):
    """The work after the contact is done."""

    what: ClassVar[str] = "wrapped_up"
    rank: ClassVar[int] = rank_of("chat", "wrapped_up")
    data: CustomerData


class CallQueued(_Call, tag="support.call.queued", frozen=True, kw_only=True):
    """A leg of a call starts waiting in `queue`."""

    what: ClassVar[str] = "queued"
    rank: ClassVar[int] = rank_of("call", "queued")
    data: QueuedData


class CallOffered(_Call, tag="support.call.offered", frozen=True, kw_only=True):
    """A waiting call rings at `agent`."""

    what: ClassVar[str] = "offered"
    rank: ClassVar[int] = rank_of("call", "offered")
    data: CallerData


class CallNotAnswered(_Call, tag="support.call.not_answered", frozen=True, kw_only=True):
    """The `agent` did not take the call that rang."""

    what: ClassVar[str] = "not_answered"
    rank: ClassVar[int] = rank_of("call", "not_answered")
    data: NotAnsweredData


class CallAnswered(_Call, tag="support.call.answered", frozen=True, kw_only=True):
    """The `agent` took the call."""

    what: ClassVar[str] = "answered"
    rank: ClassVar[int] = rank_of("call", "answered")
    data: AnsweredData


class CallHeld(_Call, tag="support.call.held", frozen=True, kw_only=True):
    """The customer was put on hold."""

    what: ClassVar[str] = "held"
    rank: ClassVar[int] = rank_of("call", "held")
    data: CallerData


class CallResumed(_Call, tag="support.call.resumed", frozen=True, kw_only=True):
    """The customer was taken off hold."""

    what: ClassVar[str] = "resumed"
    rank: ClassVar[int] = rank_of("call", "resumed")
    data: CallerData


class CallTransferred(_Call, tag="support.call.transferred", frozen=True, kw_only=True):
    """A call goes to another queue, where the next leg starts with its own `queued`, or else here."""

    what: ClassVar[str] = "transferred"
    rank: ClassVar[int] = rank_of("call", "transferred")
    data: TransferredData


class CallAbandoned(_Call, tag="support.call.abandoned", frozen=True, kw_only=True):
    """The customer left while waiting, also while it rang."""

    what: ClassVar[str] = "abandoned"
    rank: ClassVar[int] = rank_of("call", "abandoned")
    data: CallerData


class CallLeftQueue(_Call, tag="support.call.left_queue", frozen=True, kw_only=True):
    """A call left its queue unanswered, and not by the customer's hanging up."""

    what: ClassVar[str] = "left_queue"
    rank: ClassVar[int] = rank_of("call", "left_queue")
    data: LeftQueueData


class CallEnded(_Call, tag="support.call.ended", frozen=True, kw_only=True):
    """A call ended; a leg still unanswered was abandoned."""

    what: ClassVar[str] = "ended"
    rank: ClassVar[int] = rank_of("call", "ended")
    data: EndedData


class CallWrappedUp(_Call, tag="support.call.wrapped_up", frozen=True, kw_only=True):
    """The work after the contact is done."""

    what: ClassVar[str] = "wrapped_up"
    rank: ClassVar[int] = rank_of("call", "wrapped_up")
    data: CallerData
