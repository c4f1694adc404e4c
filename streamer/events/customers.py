"""Customers, their carts and their public mentions: `support.customer.*`, `support.cart.*`, `support.mention.*`.

The subject is the customer's id, the cart's or the mention's.
"""

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from streamer.events.envelope import REACH_MAX, Amount, CustomerData, Envelope, Sentiment, rank_of

Step = Literal["items", "shipping", "payment", "review"]
AbandonReason = Literal["shipping_cost", "payment_method", "price", "other"]


class CustomerReasonData(CustomerData, frozen=True, kw_only=True):
    """Why the customer came or went."""

    reason: Annotated[str, Meta(description="Why, as a short fixed word.")] | UnsetType = UNSET


class CustomerPurchasedData(CustomerData, frozen=True, kw_only=True):
    """What was paid."""

    amount: Annotated[Amount, Meta(description="The amount, in units of the currency.")]
    currency: Annotated[str, Meta(description="The currency, such as EUR (ISO 4217).")]


class CartData(CustomerData, frozen=True, kw_only=True):
    """How far the cart has come."""

    step: Annotated[Step, Meta(description="The step of the checkout that was reached.")] | UnsetType = UNSET
    payment_method: Annotated[str, Meta(description="How the customer would pay.")] | UnsetType = UNSET
    shipping_cost: (
        Annotated[Amount, Meta(description="What shipping would cost, in units of the shop's currency.")] | UnsetType
    ) = UNSET


class CartSteppedData(CartData, frozen=True, kw_only=True):
    """The same, where the step must be said."""

    step: Annotated[Step, Meta(description="The step of the checkout that was reached.")]


class CartAbandonedData(CustomerData, frozen=True, kw_only=True):
    """Why the cart was left."""

    reason: Annotated[AbandonReason, Meta(description="Why, when the shop itself knows.")] | UnsetType = UNSET


class MentionPostedData(CustomerData, frozen=True, kw_only=True):
    """Where the customer spoke in public, how kindly and to how many; never the text."""

    platform: Annotated[str, Meta(description="Where it was posted.")] | UnsetType = UNSET
    sentiment: Annotated[Sentiment, Meta(description="The mention's mood, from -1 (bad) to 1 (good).")]
    reach: Annotated[float, Meta(ge=0, le=REACH_MAX, description="How many people could see it.")] | UnsetType = UNSET


class _Customer(Envelope, frozen=True, kw_only=True):
    entity: ClassVar[str] = "customer"


class _Cart(Envelope, frozen=True, kw_only=True):
    entity: ClassVar[str] = "cart"


class _Mention(Envelope, frozen=True, kw_only=True):
    entity: ClassVar[str] = "mention"


class CustomerJoined(_Customer, tag="support.customer.joined", frozen=True, kw_only=True):
    """A customer was won."""

    what: ClassVar[str] = "joined"
    rank: ClassVar[int] = rank_of("customer", "joined")
    data: CustomerReasonData


class CustomerChurned(_Customer, tag="support.customer.churned", frozen=True, kw_only=True):
    """A customer was lost."""

    what: ClassVar[str] = "churned"
    rank: ClassVar[int] = rank_of("customer", "churned")
    data: CustomerReasonData


class CustomerPurchased(_Customer, tag="support.customer.purchased", frozen=True, kw_only=True):
    """A customer paid for something."""

    what: ClassVar[str] = "purchased"
    rank: ClassVar[int] = rank_of("customer", "purchased")
    data: CustomerPurchasedData


class CustomerErased(_Customer, tag="support.customer.erased", frozen=True, kw_only=True):
    """A customer's right to erasure: the timeline, journey and changelog entries go."""

    what: ClassVar[str] = "erased"
    rank: ClassVar[int] = rank_of("customer", "erased")
    data: CustomerData


class CartOpened(_Cart, tag="support.cart.opened", frozen=True, kw_only=True):
    """A cart was opened."""

    what: ClassVar[str] = "opened"
    rank: ClassVar[int] = rank_of("cart", "opened")
    data: CartData


class CartStepped(_Cart, tag="support.cart.stepped", frozen=True, kw_only=True):
    """A cart reached a step of the checkout."""

    what: ClassVar[str] = "stepped"
    rank: ClassVar[int] = rank_of("cart", "stepped")
    data: CartSteppedData


class CartPurchased(_Cart, tag="support.cart.purchased", frozen=True, kw_only=True):
    """A cart was paid for."""

    what: ClassVar[str] = "purchased"
    rank: ClassVar[int] = rank_of("cart", "purchased")
    data: CartData


class CartAbandoned(_Cart, tag="support.cart.abandoned", frozen=True, kw_only=True):
    """A cart was left, as the shop says; an idle one is found without it."""

    what: ClassVar[str] = "abandoned"
    rank: ClassVar[int] = rank_of("cart", "abandoned")
    data: CartAbandonedData


class MentionPosted(_Mention, tag="support.mention.posted", frozen=True, kw_only=True):
    """A customer was heard in public."""

    what: ClassVar[str] = "posted"
    rank: ClassVar[int] = rank_of("mention", "posted")
    data: MentionPostedData
