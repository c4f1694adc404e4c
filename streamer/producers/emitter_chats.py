"""Made by `python -m streamer.producers.emitter_methods`: the emitter's methods for chats. Do not edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Literal, Unpack

    from streamer.producers.emitter_compose import Common


class ChatMethods:
    """The methods for chats."""

    def _event(self, name: str, subject: str, common: Any, /, **fields: Any) -> None:
        raise NotImplementedError

    def chat_queued(
        self,
        chat: str,
        *,
        customer: str,
        direction: Literal["callback", "inbound", "outbound"] | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A leg of a chat starts waiting in `queue`.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `direction`: Inbound at first; stays as it is until an event states another one.
        """
        self._event("support.chat.queued", chat, common, customer=customer, direction=direction)

    def chat_offered(self, chat: str, *, customer: str, **common: Unpack[Common]) -> None:
        """A waiting chat rings at `agent`.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        """
        self._event("support.chat.offered", chat, common, customer=customer)

    def chat_not_answered(
        self, chat: str, *, customer: str, ring_seconds: float | None = None, **common: Unpack[Common]
    ) -> None:
        """The `agent` did not take the chat that rang.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `ring_seconds`: How long it rang, in seconds.
        """
        self._event("support.chat.not_answered", chat, common, customer=customer, ring_seconds=ring_seconds)

    def chat_answered(
        self, chat: str, *, customer: str, waited_seconds: float | None = None, **common: Unpack[Common]
    ) -> None:
        """The `agent` took the chat.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `waited_seconds`: The wait in seconds, where the source only knows that: with no queued event, the leg was
            queued that long before.
        """
        self._event("support.chat.answered", chat, common, customer=customer, waited_seconds=waited_seconds)

    def chat_message(
        self,
        chat: str,
        *,
        customer: str,
        author: Literal["agent", "bot", "customer", "system"],
        automated: bool | None = None,
        **common: Unpack[Common],
    ) -> None:
        """Somebody wrote in a chat.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `author`: Who wrote the message.
        `automated`: Whether a rule sent it, in whoever's name.
        """
        self._event("support.chat.message", chat, common, customer=customer, author=author, automated=automated)

    def chat_held(self, chat: str, *, customer: str, **common: Unpack[Common]) -> None:
        """The customer was put on hold.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        """
        self._event("support.chat.held", chat, common, customer=customer)

    def chat_resumed(self, chat: str, *, customer: str, **common: Unpack[Common]) -> None:
        """The customer was taken off hold.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        """
        self._event("support.chat.resumed", chat, common, customer=customer)

    def chat_transferred(
        self,
        chat: str,
        *,
        customer: str,
        to_queue: str | None = None,
        kind: Literal["blind", "consult"] | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A chat goes to another queue, where the next leg starts with its own `queued`, or else here.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `to_queue`: The queue that the contact goes to.
        `kind`: Blind: without, consult: after speaking to the next agent.
        """
        self._event("support.chat.transferred", chat, common, customer=customer, to_queue=to_queue, kind=kind)

    def chat_abandoned(self, chat: str, *, customer: str, **common: Unpack[Common]) -> None:
        """The customer left while waiting, also while it rang.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        """
        self._event("support.chat.abandoned", chat, common, customer=customer)

    def chat_left_queue(
        self,
        chat: str,
        *,
        customer: str,
        reason: Literal["callback", "empty", "key", "overflow", "timeout", "voicemail"],
        **common: Unpack[Common],
    ) -> None:
        """A chat left its queue unanswered, and not by the customer's hanging up.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `reason`: Why it left: callback if the customer is to be called back.
        """
        self._event("support.chat.left_queue", chat, common, customer=customer, reason=reason)

    def chat_ended(
        self,
        chat: str,
        *,
        customer: str,
        by: Literal["agent", "customer", "system"] | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A chat ended; a leg still unanswered was abandoned.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `by`: Who ended it.
        """
        self._event("support.chat.ended", chat, common, customer=customer, by=by)

    def chat_wrapped_up(self, chat: str, *, customer: str, **common: Unpack[Common]) -> None:
        """The work after the contact is done.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        """
        self._event("support.chat.wrapped_up", chat, common, customer=customer)
