"""Made by `python -m streamer.producers.emitter_methods`: the emitter's methods for tickets. Do not edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Literal, Unpack

    from streamer.producers.emitter_compose import Common, TopicCommon


class TicketMethods:
    """The methods for tickets."""

    def _event(self, name: str, subject: str, common: Any, /, **fields: Any) -> None:
        raise NotImplementedError

    def ticket_created(
        self,
        ticket: str,
        *,
        customer: str,
        created_by: Literal["agent", "customer", "system"] | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A ticket was opened.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `created_by`: Who opened the ticket.
        """
        self._event("support.ticket.created", ticket, common, customer=customer, created_by=created_by)

    def ticket_message(
        self,
        ticket: str,
        *,
        customer: str,
        author: Literal["agent", "bot", "customer", "system"],
        public: bool | None = None,
        automated: bool | None = None,
        **common: Unpack[Common],
    ) -> None:
        """Somebody wrote in a ticket.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `author`: Who wrote the message.
        `public`: Whether the customer sees it; false for an internal note.
        `automated`: Whether a rule sent it, in whoever's name.
        """
        self._event(
            "support.ticket.message",
            ticket,
            common,
            customer=customer,
            author=author,
            public=public,
            automated=automated,
        )

    def ticket_assigned(self, ticket: str, *, customer: str, **common: Unpack[Common]) -> None:
        """A ticket was given to an agent, team or queue; an empty agent takes it from everybody.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        """
        self._event("support.ticket.assigned", ticket, common, customer=customer)

    def ticket_status_changed(
        self,
        ticket: str,
        *,
        customer: str,
        status: Literal["closed", "new", "on_hold", "open", "pending", "solved"],
        **common: Unpack[Common],
    ) -> None:
        """A ticket's status changed.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `status`: The status that the ticket now has.
        """
        self._event("support.ticket.status_changed", ticket, common, customer=customer, status=status)

    def ticket_categorized(self, ticket: str, *, customer: str, topic: str, **common: Unpack[TopicCommon]) -> None:
        """A ticket's topic was found, or corrected.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `topic`: What the problem is.
        """
        self._event("support.ticket.categorized", ticket, common, customer=customer, topic=topic)

    def ticket_suggested(
        self,
        ticket: str,
        *,
        customer: str,
        kind: Literal["article", "bot", "macro"] | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A solution was offered.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `kind`: What offered the solution.
        """
        self._event("support.ticket.suggested", ticket, common, customer=customer, kind=kind)

    def ticket_merged(self, ticket: str, *, customer: str, into: str | None = None, **common: Unpack[Common]) -> None:
        """A ticket was merged into another one.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `into`: The id of the ticket that survives.
        """
        self._event("support.ticket.merged", ticket, common, customer=customer, into=into)

    def ticket_deleted(
        self,
        ticket: str,
        *,
        customer: str,
        reason: Literal["mistake", "other", "spam"] | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A ticket was deleted.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `reason`: Why it was deleted.
        """
        self._event("support.ticket.deleted", ticket, common, customer=customer, reason=reason)
