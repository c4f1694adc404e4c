"""The shop around the centre: carts that are bought or left, and customers who leave."""

from typing import Final

from streamer.producers.simulator.centre import HOUR_MS, MINUTE_MS
from streamer.producers.simulator.engine import Steps
from streamer.producers.simulator.world import Customer, World

_STEP_MS: Final = 90_000
_STEPS: Final = ("items", "shipping", "payment", "review")
# Chance to go on to the next step: shipping costs turn away most. The product is 0.37, near the 63 % of the articles.
_GOES_ON: Final = (0.85, 0.66, 0.78, 0.85)
_REASONS: Final = ("shipping_cost", "shipping_cost", "payment_method", "price", "other")
_TELLS_WHY: Final = 0.4
_PAYMENTS: Final = ("card", "card", "invoice", "wallet")
_ERASES: Final = 0.1
_JOINS_AFTER_MS: Final = 30 * MINUTE_MS
_ERASED_AFTER_MS: Final = HOUR_MS


def cart(world: World, customer: Customer) -> Steps[None]:
    """Fill a cart and go through the checkout, to its end or not."""
    subject = world.new_id("cart")
    shipping = round(world.rng.uniform(0, 15), 2)

    def tell(what: str, data: dict[str, object]) -> None:
        world.tell("cart", what, subject, data | {"customer": customer.id})

    customer.busy += 1
    tell("opened", {"channel": "web"})
    for step, goes_on in zip(_STEPS, _GOES_ON, strict=True):
        yield world.around(_STEP_MS)
        data: dict[str, object] = {"step": step}
        if step == "shipping":
            data["shipping_cost"] = shipping
        if step == "payment":
            data["payment_method"] = world.rng.choice(_PAYMENTS)
        tell("stepped", data)
        if not world.chance(goes_on):
            if world.chance(_TELLS_WHY):
                yield world.around(_STEP_MS)
                tell("abandoned", {"reason": world.rng.choice(_REASONS)})
            customer.busy -= 1
            return
    yield world.around(_STEP_MS)
    tell("purchased", {"shipping_cost": shipping})
    purchase(world, customer)
    customer.busy -= 1


def purchase(world: World, customer: Customer) -> None:
    """Tell that a customer has bought something."""
    data: dict[str, object] = {
        "customer": customer.id,
        "amount": round(world.rng.lognormvariate(3.7, 0.8), 2),
        "currency": "EUR" if customer.place % 5 else "USD",
        "product": customer.profile()["product"],
    }
    world.tell("customer", "purchased", customer.id, data)


def mention(world: World, customer: Customer, mood: float) -> None:
    """Tell the public how it was."""
    sentiment = round(min(1.0, max(-1.0, world.rng.gauss(2 * mood - 1, 0.3))), 2)
    data: dict[str, object] = {
        "customer": customer.id,
        "channel": "social",
        "platform": world.rng.choice(("forum", "reviews", "microblog")),
        "sentiment": sentiment,
        "reach": int(world.rng.lognormvariate(4, 1.2)),
    }
    world.tell("mention", "posted", world.new_id("mention"), data)


def leave(world: World, customer: Customer) -> Steps[None]:
    """Churn; somebody else joins some time later, and a few of those who left have their data erased."""
    customer.gone = True
    world.tell("customer", "churned", customer.id, {"customer": customer.id, "reason": "service"})
    yield world.around(_JOINS_AFTER_MS)
    if world.customer_at(customer.place) is customer:
        world.replace(customer)
    if world.chance(_ERASES):
        yield world.around(_ERASED_AFTER_MS)
        world.tell("customer", "erased", customer.id, {"customer": customer.id})
