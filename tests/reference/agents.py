"""The rows of the table "Agents", one agent at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .book import Dims, Span
from .config import DAY, MINUTE

if TYPE_CHECKING:
    from .book import Book
    from .config import Config
    from .order import Event

SILENT = 5 * MINUTE
BUSY, COUNTED = {"on_contact", "wrap_up"}, {"on_contact", "wrap_up", "available"}


def put_agent(events: list[Event], config: Config, at: int, book: Book) -> None:
    dims = Dims(config.names)
    status, since, queues, beats = "", 0, [], False
    for place, event in enumerate(events):
        dims.apply(event.data)
        book.seen("agent", dims.group(), event.time)
        beats = beats or event.what == "heartbeat"
        if event.what == "status_changed":
            if event.data["status"] != status:
                status, since = event.data["status"], event.time
            queues = list(event.data.get("queues", queues))
        # Put when the next event comes; an interval counts at most 5 min (24 h for an agent without heartbeats);
        # the open piece is added at the evaluation.
        following = events[place + 1].time if place + 1 < len(events) else at
        end = min(following, event.time + (SILENT if beats else DAY))
        if status in COUNTED and end > event.time:
            book.spans.append(Span(dims.group(), event.time, end, status in BUSY))
    last = events[-1].time
    if at >= last + DAY:
        return  # an agent without an event for 24 h is left out
    if beats and status != "offline" and at >= (last + SILENT) // 1000 * 1000:
        # one that ever sent a heartbeat and has sent nothing for 5 min; offline stays offline
        status, since = "unknown", last + SILENT
    if not status:
        return
    book.open("agents", dims.group(), since, status=status)
    for queue in dict.fromkeys(queues):
        # the same, once for each of the agent's queues, shown by queue only
        by_queue = tuple(queue if name == "queue" else "" for name in config.names)
        book.open("queue_agents", by_queue, since, status=status)
