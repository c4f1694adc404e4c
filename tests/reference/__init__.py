"""An independent brute-force reference of the metrics, written from metrics.md, events.md and design.md alone.

It shares no code and no architecture with the program: for one instant it takes the events that count, walks every
entity once with plain loops, and writes down what stands at that instant. READINGS.md logs every choice.
"""

from __future__ import annotations

from typing import Any

from .agents import put_agent
from .book import Book
from .comparison import compared
from .config import Config
from .contact_rows import put_contact
from .customers import put_carts, put_customer
from .expose import Exposition
from .order import Timeline, accepted, timelines
from .surveys import invitations, last_class, put_coverage, put_surveys
from .ticket_rows import put_ticket
from .tickets import Life as TicketLife
from .together import lives, put_callbacks, put_together

__all__ = ["evaluate"]


def evaluate(
    events: list[dict[str, Any]], at: int, config: dict[str, Any], *, final: bool = False
) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every series of the exposition at `at` (a whole second, ms since the epoch) from `events` in arrival order."""
    settings = Config(config)
    book = Book()
    customers, agents = timelines(accepted(events, at, settings, final=final), at)
    for timeline in customers:
        _timeline(timeline, settings, book)
    for members in agents:
        put_agent(members, settings, at, book)
    exposition = Exposition(book, at, settings)
    return exposition.run() | compared(exposition, customers)


def _timeline(timeline: Timeline, config: Config, book: Book) -> None:
    events, horizon, erased = timeline.events, timeline.horizon, timeline.erased
    everyone = lives(events, config, horizon)
    for contact in everyone:
        life = contact.life
        kind = "tickets" if isinstance(life, TicketLife) else "queue"
        for event in life.events:
            values = life.dims.at_idx(event.idx + 1) or {}
            book.seen(kind, tuple(values.get(name, "") for name in config.names), event.time)
        if isinstance(life, TicketLife):
            put_ticket(life, config, book, erased=erased)
        else:
            put_contact(life, config, book, erased=erased)
    put_together(everyone, timeline.customer, config, horizon, book)
    if not erased:
        put_callbacks(everyone, horizon, book)
    surveys = invitations(events)
    put_surveys(surveys, everyone, config, horizon, book, erased=erased)
    if timeline.customer:
        put_coverage(surveys, everyone, config, horizon, book)
    at_risk = last_class(surveys, everyone, config)
    put_customer(events, everyone, at_risk, config, horizon, book, erased=erased)
    put_carts(events, config, horizon, book)
