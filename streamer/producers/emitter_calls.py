"""Made by `python -m streamer.producers.emitter_methods`: the emitter's methods for calls. Do not edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Literal, Unpack

    from streamer.producers.emitter_compose import Common


class CallMethods:
    """The methods for calls."""

    def _event(self, name: str, subject: str, common: Any, /, **fields: Any) -> None:
        raise NotImplementedError

    def call_queued(
        self,
        call: str,
        *,
        customer: str | None = None,
        direction: Literal["callback", "inbound", "outbound"] | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A leg of a call starts waiting in `queue`.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `direction`: Inbound at first; stays as it is until an event states another one.
        """
        self._event("support.call.queued", call, common, customer=customer, direction=direction)

    def call_offered(self, call: str, *, customer: str | None = None, **common: Unpack[Common]) -> None:
        """A waiting call rings at `agent`.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        """
        self._event("support.call.offered", call, common, customer=customer)

    def call_not_answered(
        self, call: str, *, customer: str | None = None, ring_seconds: float | None = None, **common: Unpack[Common]
    ) -> None:
        """The `agent` did not take the call that rang.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `ring_seconds`: How long it rang, in seconds.
        """
        self._event("support.call.not_answered", call, common, customer=customer, ring_seconds=ring_seconds)

    def call_answered(
        self, call: str, *, customer: str | None = None, waited_seconds: float | None = None, **common: Unpack[Common]
    ) -> None:
        """The `agent` took the call.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `waited_seconds`: The wait in seconds, where the source only knows that: with no queued event, the leg was
            queued that long before.
        """
        self._event("support.call.answered", call, common, customer=customer, waited_seconds=waited_seconds)

    def call_held(self, call: str, *, customer: str | None = None, **common: Unpack[Common]) -> None:
        """The customer was put on hold.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        """
        self._event("support.call.held", call, common, customer=customer)

    def call_resumed(self, call: str, *, customer: str | None = None, **common: Unpack[Common]) -> None:
        """The customer was taken off hold.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        """
        self._event("support.call.resumed", call, common, customer=customer)

    def call_transferred(
        self,
        call: str,
        *,
        customer: str | None = None,
        to_queue: str | None = None,
        kind: Literal["blind", "consult"] | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A call goes to another queue, where the next leg starts with its own `queued`, or else here.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `to_queue`: The queue that the contact goes to.
        `kind`: Blind: without, consult: after speaking to the next agent.
        """
        self._event("support.call.transferred", call, common, customer=customer, to_queue=to_queue, kind=kind)

    def call_abandoned(self, call: str, *, customer: str | None = None, **common: Unpack[Common]) -> None:
        """The customer left while waiting, also while it rang.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        """
        self._event("support.call.abandoned", call, common, customer=customer)

    def call_left_queue(
        self,
        call: str,
        *,
        customer: str | None = None,
        reason: Literal["callback", "empty", "key", "overflow", "timeout", "voicemail"],
        **common: Unpack[Common],
    ) -> None:
        """A call left its queue unanswered, and not by the customer's hanging up.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `reason`: Why it left: callback if the customer is to be called back.
        """
        self._event("support.call.left_queue", call, common, customer=customer, reason=reason)

    def call_ended(
        self,
        call: str,
        *,
        customer: str | None = None,
        by: Literal["agent", "customer", "system"] | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A call ended; a leg still unanswered was abandoned.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `by`: Who ended it.
        """
        self._event("support.call.ended", call, common, customer=customer, by=by)

    def call_wrapped_up(self, call: str, *, customer: str | None = None, **common: Unpack[Common]) -> None:
        """The work after the contact is done.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        """
        self._event("support.call.wrapped_up", call, common, customer=customer)
