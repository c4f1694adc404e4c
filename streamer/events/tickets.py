"""Tickets: `support.ticket.*`. The subject is the ticket's id."""

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from streamer.events.envelope import CustomerData, Envelope, rank_of

Author = Literal["customer", "agent", "bot", "system"]
Status = Literal["new", "open", "pending", "on_hold", "solved", "closed"]


class TicketCreatedData(CustomerData, frozen=True, kw_only=True):
    """What a new ticket says."""

    created_by: Annotated[Literal["customer", "agent", "system"], Meta(description="Who opened the ticket.")] = (
        "customer"
    )


class TicketMessageData(CustomerData, frozen=True, kw_only=True):
    """Who wrote, and who could read it; never the text."""

    author: Annotated[Author, Meta(description="Who wrote the message.")]
    public: Annotated[bool, Meta(description="Whether the customer sees it; false for an internal note.")] = True
    automated: Annotated[bool, Meta(description="Whether a rule sent it, in whoever's name.")] = False


class TicketStatusChangedData(CustomerData, frozen=True, kw_only=True):
    """The new status."""

    status: Annotated[Status, Meta(description="The status that the ticket now has.")]


class TicketCategorizedData(CustomerData, frozen=True, kw_only=True):
    """The topic, which a categorisation must have."""

    topic: Annotated[str, Meta(description="What the problem is.")]


class TicketSuggestedData(CustomerData, frozen=True, kw_only=True):
    """What was offered as a solution."""

    kind: Annotated[Literal["article", "macro", "bot"], Meta(description="What offered the solution.")] | UnsetType = (
        UNSET
    )


class TicketMergedData(CustomerData, frozen=True, kw_only=True):
    """Where the ticket went."""

    into: Annotated[str, Meta(description="The id of the ticket that survives.")] | UnsetType = UNSET


class TicketDeletedData(CustomerData, frozen=True, kw_only=True):
    """Why the ticket went."""

    reason: Annotated[Literal["spam", "mistake", "other"], Meta(description="Why it was deleted.")] | UnsetType = UNSET


class _Ticket(Envelope, frozen=True, kw_only=True):
    entity: ClassVar[str] = "ticket"


class TicketCreated(_Ticket, tag="support.ticket.created", frozen=True, kw_only=True):
    """A ticket was opened."""

    what: ClassVar[str] = "created"
    rank: ClassVar[int] = rank_of("ticket", "created")
    data: TicketCreatedData


class TicketMessage(_Ticket, tag="support.ticket.message", frozen=True, kw_only=True):
    """Somebody wrote in a ticket."""

    what: ClassVar[str] = "message"
    rank: ClassVar[int] = rank_of("ticket", "message")
    data: TicketMessageData


class TicketAssigned(_Ticket, tag="support.ticket.assigned", frozen=True, kw_only=True):
    """A ticket was given to an agent, team or queue; an empty agent takes it from everybody."""

    what: ClassVar[str] = "assigned"
    rank: ClassVar[int] = rank_of("ticket", "assigned")
    data: CustomerData


class TicketStatusChanged(
    _Ticket, tag="support.ticket.status_changed", frozen=True, gc=False, kw_only=True, omit_defaults=True
):
    """A ticket's status changed."""

    what: ClassVar[str] = "status_changed"
    rank: ClassVar[int] = rank_of("ticket", "status_changed")
    data: TicketStatusChangedData


class TicketCategorized(
    _Ticket, tag="support.ticket.categorized", frozen=True, gc=False, kw_only=True, omit_defaults=True
):
    """A ticket's topic was found, or corrected."""

    what: ClassVar[str] = "categorized"
    rank: ClassVar[int] = rank_of("ticket", "categorized")
    data: TicketCategorizedData


class TicketSuggested(_Ticket, tag="support.ticket.suggested", frozen=True, kw_only=True):
    """A solution was offered."""

    what: ClassVar[str] = "suggested"
    rank: ClassVar[int] = rank_of("ticket", "suggested")
    data: TicketSuggestedData


class TicketMerged(_Ticket, tag="support.ticket.merged", frozen=True, kw_only=True):
    """A ticket was merged into another one."""

    what: ClassVar[str] = "merged"
    rank: ClassVar[int] = rank_of("ticket", "merged")
    data: TicketMergedData


class TicketDeleted(_Ticket, tag="support.ticket.deleted", frozen=True, kw_only=True):
    """A ticket was deleted."""

    what: ClassVar[str] = "deleted"
    rank: ClassVar[int] = rank_of("ticket", "deleted")
    data: TicketDeletedData
