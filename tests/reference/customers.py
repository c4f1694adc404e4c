"""Customers, carts and mentions (metrics.md "Customers, contact by contact")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .book import Dims, Item
from .config import DAY
from .scales import micro

if TYPE_CHECKING:
    from .book import Book, Group
    from .config import Config
    from .order import Event
    from .together import Contact

DAYS = ("0-1", "1-7", "7-30", "30+")


def _own(data: dict[str, Any], config: Config) -> Group:
    """Customer and mention facts have what those events carry themselves."""
    return tuple(str(data.get(name, "")) for name in config.names)


def put_customer(
    events: list[Event],
    contacts: list[Contact],
    at_risk: tuple[str, Event, Group] | None,
    config: Config,
    horizon: int,
    book: Book,
    *,
    erased: bool,
) -> None:
    active: Group | None = None  # the group at `joined` while active
    churned = False
    purchases: list[Event] = []
    for event in events:
        if event.entity not in {"customer", "mention"}:
            continue
        group = _own(event.data, config)
        book.seen(event.entity, group, event.time)
        if event.what == "joined":
            if active is None:
                book.put("customers_joined", group, event.time)  # joined when not active
                active, churned = group, False
        elif event.what == "churned":
            # churned when active, or never joined; churn has the group at `joined`
            if active is not None or not churned:
                book.put("customers_churned", active if active is not None else group, event.time)
            active, churned = None, True
        elif event.what == "purchased":
            amount = micro(event.data["amount"])
            again = bool(purchases)
            book.put("repeat_purchase_ratio", group, event.time, int(again))
            currency = str(event.data["currency"])
            value = amount if again else 0
            book.put("repeat_spend_share_ratio", group, event.time, value, n=amount, currency=currency)
            purchases.append(event)
        elif event.what == "posted":
            book.put("mentions", group, event.time)
            book.put("mention_sentiment_mean", group, event.time, micro(event.data["sentiment"]))
    if not erased:
        if active is not None:
            book.totals.append(Item("customers_active", (), active, 0))
        if at_risk is not None and at_risk[0] == "at_risk" and not churned:
            book.totals.append(Item("churn_risk_customers", (), at_risk[2], 0))
    _after_purchase(contacts, purchases, horizon, book)


def _after_purchase(contacts: list[Contact], purchases: list[Event], horizon: int, book: Book) -> None:
    """Contacts by time since the customer's last purchase: [0,1) [1,7) [7,30) [30,...) days."""
    for contact in contacts:
        start = contact.start
        earlier = [p for p in purchases if start is not None and p.idx < start.idx]
        if start is None or not earlier or not contact.here(horizon):
            continue  # none before: not counted
        since = start.time - earlier[-1].time
        days = DAYS[sum(since >= limit * DAY for limit in (1, 7, 30))]
        book.put("contacts_after_purchase", contact.start_group, start.time, days=days)


def put_carts(events: list[Event], config: Config, horizon: int, book: Book) -> None:
    carts: dict[str, list[Event]] = {}
    for event in events:
        if event.entity == "cart":
            carts.setdefault(event.subject, []).append(event)
    for members in carts.values():
        _cart(members, config, horizon, book)


def _cart(events: list[Event], config: Config, horizon: int, book: Book) -> None:
    """Each once, at its own time: at cart.abandoned, or 1 h after the last event; a later purchase takes it back."""
    dims = Dims(config.names)
    groups = []
    for event in events:
        dims.apply(event.data)
        dims.mark(event.idx, event.time)
        groups.append(dims.group())
        book.seen("cart", dims.group(), event.time)
    bought = next((i for i, e in enumerate(events) if e.what == "purchased"), None)
    if bought is not None:
        book.put("cart_abandonment_ratio", groups[bought], events[bought].time, 0)
        return
    step = ""
    for place, event in enumerate(events):
        step = str(event.data.get("step", step))
        if event.what == "abandoned":
            reason = str(event.data.get("reason", ""))
            _abandoned(book, groups[place], event.time, reason, step, timed=False)
            return
        idle = event.time + config.cart_idle
        following = events[place + 1].time if place + 1 < len(events) else None
        if (following is None and idle <= horizon) or (following is not None and following > idle):
            _abandoned(book, dims.before(idle), idle, "", step, timed=True)
            return


def _abandoned(book: Book, group: Group, at: int, reason: str, step: str, *, timed: bool) -> None:
    book.put("cart_abandonment_ratio", group, at, 1, timed=timed)
    # by stated reason (step empty), else by the last step (reason empty)
    book.put("carts_abandoned", group, at, timed=timed, reason=reason, step="" if reason else step)
