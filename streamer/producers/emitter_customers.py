"""Made by `python -m streamer.producers.emitter_methods`: the emitter's methods for customers, carts, mentions. Do not edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Literal, Unpack

    from streamer.producers.emitter_compose import Common


class CustomerMethods:
    """The methods for customers, carts, mentions."""

    def _event(self, name: str, subject: str, common: Any, /, **fields: Any) -> None:
        raise NotImplementedError

    def customer_joined(self, customer: str, *, reason: str | None = None, **common: Unpack[Common]) -> None:
        """A customer was won.

        `reason`: Why, as a short fixed word.
        """
        self._event("support.customer.joined", customer, common, reason=reason)

    def customer_churned(self, customer: str, *, reason: str | None = None, **common: Unpack[Common]) -> None:
        """A customer was lost.

        `reason`: Why, as a short fixed word.
        """
        self._event("support.customer.churned", customer, common, reason=reason)

    def customer_purchased(self, customer: str, *, amount: float, currency: str, **common: Unpack[Common]) -> None:
        """A customer paid for something.

        `amount`: The amount, in units of the currency.
        `currency`: The currency, such as EUR (ISO 4217).
        """
        self._event("support.customer.purchased", customer, common, amount=amount, currency=currency)

    def customer_erased(self, customer: str, **common: Unpack[Common]) -> None:
        """A customer's right to erasure: the timeline, journey and changelog entries go."""
        self._event("support.customer.erased", customer, common)

    def cart_opened(
        self,
        cart: str,
        *,
        customer: str,
        step: Literal["items", "payment", "review", "shipping"] | None = None,
        payment_method: str | None = None,
        shipping_cost: float | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A cart was opened.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `step`: The step of the checkout that was reached.
        `payment_method`: How the customer would pay.
        `shipping_cost`: What shipping would cost, in units of the shop's currency.
        """
        self._event(
            "support.cart.opened",
            cart,
            common,
            customer=customer,
            step=step,
            payment_method=payment_method,
            shipping_cost=shipping_cost,
        )

    def cart_stepped(
        self,
        cart: str,
        *,
        customer: str,
        step: Literal["items", "payment", "review", "shipping"],
        payment_method: str | None = None,
        shipping_cost: float | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A cart reached a step of the checkout.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `step`: The step of the checkout that was reached.
        `payment_method`: How the customer would pay.
        `shipping_cost`: What shipping would cost, in units of the shop's currency.
        """
        self._event(
            "support.cart.stepped",
            cart,
            common,
            customer=customer,
            step=step,
            payment_method=payment_method,
            shipping_cost=shipping_cost,
        )

    def cart_purchased(
        self,
        cart: str,
        *,
        customer: str,
        step: Literal["items", "payment", "review", "shipping"] | None = None,
        payment_method: str | None = None,
        shipping_cost: float | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A cart was paid for.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `step`: The step of the checkout that was reached.
        `payment_method`: How the customer would pay.
        `shipping_cost`: What shipping would cost, in units of the shop's currency.
        """
        self._event(
            "support.cart.purchased",
            cart,
            common,
            customer=customer,
            step=step,
            payment_method=payment_method,
            shipping_cost=shipping_cost,
        )

    def cart_abandoned(
        self,
        cart: str,
        *,
        customer: str,
        reason: Literal["other", "payment_method", "price", "shipping_cost"] | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A cart was left, as the shop says; an idle one is found without it.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `reason`: Why, when the shop itself knows.
        """
        self._event("support.cart.abandoned", cart, common, customer=customer, reason=reason)

    def mention_posted(
        self,
        mention: str,
        *,
        customer: str,
        sentiment: float,
        platform: str | None = None,
        reach: float | None = None,
        **common: Unpack[Common],
    ) -> None:
        """A customer was heard in public.

        `customer`: The customer's id at the source; it is hashed before it is sent.
        `sentiment`: The mention's mood, from -1 (bad) to 1 (good).
        `platform`: Where it was posted.
        `reach`: How many people could see it.
        """
        self._event(
            "support.mention.posted",
            mention,
            common,
            customer=customer,
            sentiment=sentiment,
            platform=platform,
            reach=reach,
        )
