"""The comparison rows (metrics.md "Trust in the numbers, and comparison"): targets, baselines, scores, spikes, drivers,
shifts of satisfaction. READINGS.md logs every choice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .agents import put_agent
from .book import Book
from .comparison_baseline import put_baselines
from .comparison_drivers import put_drivers
from .comparison_shift import put_shifts
from .config import Config
from .contact_rows import put_contact
from .customers import put_carts, put_customer
from .expose import Exposition
from .order import Timeline, accepted, timelines
from .surveys import invitations, put_surveys
from .ticket_rows import put_ticket
from .tickets import Life as TicketLife
from .together import lives

if TYPE_CHECKING:
    from .expose import Key

__all__ = ["compared", "comparison"]

TARGETS = {"csat_ratio": 0.8, "cart_abandonment_ratio": 0.63}


def comparison(
    events: list[dict[str, Any]], at: int, config: dict[str, Any], *, final: bool = False
) -> dict[Key, float]:
    """The comparison series at `at` (a whole second, ms since the epoch) from `events` in arrival order."""
    settings = Config(config)
    book = Book()
    customers, agents = timelines(accepted(events, at, settings, final=final), at)
    for timeline in customers:
        _fill(timeline, settings, book)
    for members in agents:
        put_agent(members, settings, at, book)
    return compared(Exposition(book, at, settings), customers)


def _fill(timeline: Timeline, config: Config, book: Book) -> None:
    """What the nine metrics, the drivers and the limits of the dimensions are made from."""
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
    put_surveys(invitations(events), everyone, config, horizon, book, erased=erased)
    put_customer(events, everyone, None, config, horizon, book, erased=erased)
    put_carts(events, config, horizon, book)


def compared(exposition: Exposition, customers: list[Timeline]) -> dict[Key, float]:
    """The same from a book that is filled already; `exposition` keeps its own series."""
    result = Exposition(exposition.book, exposition.at, exposition.config)
    for metric, target in {**TARGETS, **exposition.config.toml.get("targets", {})}.items():
        result.series["support_metric_target", (("metric", metric),)] = float(target)
    put_baselines(result)
    put_drivers(result, customers)
    put_shifts(result)
    shown = exposition.config.show_metrics
    kept = None if shown is None else {"metric_target", *shown}
    return {
        key: value for key, value in result.series.items() if kept is None or key[0].removeprefix("support_") in kept
    }
