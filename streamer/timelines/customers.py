"""Customers, carts and mentions: step functions from their events to signed facts. Rules: metrics.md, Customers."""

from msgspec import UNSET

from streamer.events import (
    CartAbandoned,
    CartPurchased,
    CustomerChurned,
    CustomerErased,
    CustomerJoined,
    CustomerPurchased,
    Event,
    MentionPosted,
)
from streamer.events.scales import millionths
from streamer.facts import Fact, cell, retracted
from streamer.metrics.catalogue import row
from streamer.metrics.catalogue.customers import CARTS, REPEAT_SPEND, SPEND
from streamer.timelines.context import Context
from streamer.timelines.state import Cart, State

_JOINED = row("customers_joined")
_CHURNED = row("customers_churned")
_ACTIVE = row("customers_active")
_RISK = row("churn_risk_customers")
_REPEAT_PURCHASE = row("repeat_purchase_ratio")
_CART = row("cart_abandonment_ratio")
_MENTIONS = row("mentions")
_SENTIMENT = row("mention_sentiment_mean")
_PURCHASES_KEPT = 8


def step_customer(state: State, ctx: Context, event: Event, t: int) -> int:
    """Apply joined, purchased, churned or erased; each fact has the group that its own event carries."""
    if isinstance(event, CustomerErased):
        erase(state, ctx, t)
        return -1
    group = ctx.regroup(0, event.data)
    emit = ctx.facts.append
    if isinstance(event, CustomerJoined):
        if not state.joined:
            emit((cell(_JOINED, group), t, 1, 1))
            emit((cell(_ACTIVE, group), t, 1, 1))
            if state.at_risk and state.churned:
                emit((cell(_RISK, state.risk_group), t, 1, 1))
            state.joined, state.joined_group, state.churned, state.known = True, group, False, True
    elif isinstance(event, CustomerChurned):
        if state.joined or not state.known:
            home = state.joined_group if state.joined else group
            emit((cell(_CHURNED, home), t, 1, 1))
            if state.joined:
                emit((cell(_ACTIVE, home), t, -1, 1))
        if state.at_risk and not state.churned:
            emit((cell(_RISK, state.risk_group), t, -1, 1))
        state.joined, state.churned, state.known = False, True, True
    elif isinstance(event, CustomerPurchased):
        _purchased(state, ctx, event, group, t)
    return group


def _purchased(state: State, ctx: Context, event: CustomerPurchased, group: int, t: int) -> None:
    data, again = event.data, bool(state.purchases)
    amount = millionths(data.amount)
    ctx.facts.append((cell(_REPEAT_PURCHASE, group), t, int(again), 1))
    ctx.facts.append((cell(ctx.open_rows.row(SPEND, data.currency), group), t, amount, 1))
    if again:
        ctx.facts.append((cell(ctx.open_rows.row(REPEAT_SPEND, data.currency), group), t, amount, 1))
    state.purchases = [*state.purchases[1 - _PURCHASES_KEPT :], t]


def satisfaction(state: State, ctx: Context, group: int, t: int, *, at_risk: bool) -> None:
    """Note the customer's last satisfaction answer: who was at risk leaves the sum in the group that it entered in."""
    if state.at_risk and not state.churned:
        ctx.facts.append((cell(_RISK, state.risk_group), t, -1, 1))
    state.at_risk, state.risk_group = at_risk, group
    if at_risk and not state.churned:
        ctx.facts.append((cell(_RISK, group), t, 1, 1))


def step_cart(state: State, ctx: Context, event: Event, t: int) -> int:
    """Apply one cart event: it is abandoned when the shop says so, or `cart_idle` after its last event."""
    cart = state.carts.get(event.subject)
    if cart is None:
        if event.what != "opened":
            ctx.note("unknown")
        cart = state.carts[event.subject] = Cart(group=ctx.first_group("cart"))
    cart.last_event = t
    cart.group = ctx.regroup(cart.group, event.data)
    step = getattr(event.data, "step", UNSET)  # not abandoned's
    if step is not UNSET:
        cart.step = step
    if cart.done:
        return cart.group
    if isinstance(event, CartPurchased):
        ctx.facts += [retracted(fact) for fact in cart.facts]
        ctx.facts.append((cell(_CART, cart.group), t, 0, 1))
        cart.facts, cart.done = [], True
        return cart.group
    if cart.facts and (cart.facts[0][1] < t or not cart.facts[0][0] & 1):
        return cart.group  # abandoned already; only a purchase takes that back
    ctx.facts += [retracted(fact) for fact in cart.facts]
    reason, at, made = "", t + ctx.settings.customers.cart_idle, True
    if isinstance(event, CartAbandoned):
        at, made = t, False
        reason = "" if event.data.reason is UNSET else event.data.reason
    which = ctx.open_rows.row(CARTS, reason, "" if reason else cart.step)
    cart.facts = [
        (cell(_CART, cart.group, time_made=made), at, 1, 1),
        (cell(which, cart.group, time_made=made), at, 1, 1),
    ]
    ctx.facts += cart.facts
    return cart.group


def step_mention(_state: State, ctx: Context, event: MentionPosted, t: int) -> int:
    """Apply a public mention."""
    group = ctx.regroup(0, event.data)
    mood = millionths(event.data.sentiment)
    ctx.facts += ((cell(_MENTIONS, group), t, 1, 1), (cell(_SENTIMENT, group), t, mood, 1))
    return group


def erase(state: State, ctx: Context, t: int) -> None:
    """Forget a customer: facts made stay, those that lie ahead are taken back, and nothing else remains."""
    pending: list[Fact | None] = []
    for ticket in state.tickets.values():
        pending += (ticket.first_response_miss, ticket.response_miss, ticket.resolution_miss, *ticket.relations)
    for contact in state.contacts.values():
        pending += (contact.lost_fact, *contact.end_facts, *contact.relations)
    for survey in state.surveys.values():
        pending.append(survey.decision)
    for cart in state.carts.values():
        pending += cart.facts
    pending += state.episodes.values()
    if state.joined:
        ctx.facts.append((cell(_ACTIVE, state.joined_group), t, -1, 1))
    if state.at_risk and not state.churned:
        ctx.facts.append((cell(_RISK, state.risk_group), t, -1, 1))
    ctx.facts += [retracted(fact) for fact in pending if fact is not None and fact[0] & 1 and fact[1] > t]
    state.clear()
