"""The rows of the table "Tickets", from one ticket's life (sla_* in sla.py, time_to_solution in together.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .opening import business_millis
from .sla import put_sla

if TYPE_CHECKING:
    from .book import Book
    from .config import Config
    from .tickets import Life, Solve


def put_ticket(life: Life, config: Config, book: Book, *, erased: bool) -> None:
    """Everything one ticket gives; an erased customer's open work is closed."""
    _created(life, book)
    _replies(life, config, book)
    _solves(life, config, book)
    put_sla(life, config, book, erased=erased)
    if life.base is not None:
        book.put("identified_first_ratio", life.base_group, life.base.time, int(life.base_kept))
    if not life.finished and not erased:
        _stocks(life, config, book)


def _created(life: Life, book: Book) -> None:
    # distinct tickets; deleted and merged: created and topic facts are taken back
    if life.created is None or life.gone:
        return
    book.put("tickets_created", life.created_group, life.created.time)
    # latest topic of the tickets created; a later categorisation moves it
    book.put("tickets_by_topic", life.created_group, life.created.time, topic=life.topic)


def _replies(life: Life, config: Config, book: Book) -> None:
    if life.first_reply is not None and life.clock is not None:
        reply, group = life.first_reply, life.first_reply_group
        book.time("first_response", group, reply.time, reply.time - life.clock)
        queue = _queue_of(life, reply.idx)
        calendar = config.calendars.get(config.queue(queue, "ticket").calendar, config.calendars["default"])
        inside = business_millis(life.clock, reply.time, calendar)
        book.time("first_response_business", group, reply.time, inside)
    for answer in life.replies:
        book.time(
            "response", answer.group, answer.event.time, answer.event.time - answer.since, responder=answer.responder
        )


def _queue_of(life: Life, idx: int) -> str:
    stated = [str(e.data["queue"]) for e in life.events if e.idx <= idx and "queue" in e.data]
    return stated[-1] if stated else ""


def _solves(life: Life, config: Config, book: Book) -> None:
    for solve in life.solves:
        at = solve.event.time
        book.put("tickets_solved", solve.group, at, unit="events")
        # solves followed by a reopen within 7 d (inclusive) / solves
        again = solve.reopen is not None and solve.reopen.time <= at + config.reopen_window
        book.put("reopen_ratio", solve.group, at, int(again))
        if solve.first and not solve.stub and life.created is not None:
            book.time("resolution", solve.group, at, at - life.created.time, kind="first")
    if life.net is not None:
        _net(life, life.net, book)


def _net(life: Life, solve: Solve, book: Book) -> None:
    at, group = solve.event.time, solve.group
    book.put("tickets_solved", group, at, unit="tickets")
    if solve.stub or life.created is None:
        return  # a stub gives nothing that is measured from the start or counts up to the solve
    book.time("resolution", group, at, at - life.created.time, kind="full")
    waited = solve.waited
    work = waited.get("new", 0) + waited.get("open", 0)
    # all three always put
    book.time("requester_wait", group, at, work + waited.get("on_hold", 0))
    book.time("agent_work", group, at, work)
    book.time("ticket_on_hold", group, at, waited.get("on_hold", 0))
    book.put("replies_per_resolution", group, at, solve.replies)
    book.put("one_touch_ratio", group, at, int(solve.replies <= 1))
    book.put("solutions_offered", group, at, solve.suggestions)


def _stocks(life: Life, config: Config, book: Book) -> None:
    """Open work as it is now, in the group as it is now."""
    group = life.dims.group()
    start = life.created.time if life.created else life.events[0].time
    book.open("tickets_backlog", group, start, state=life.status)
    if not life.agent:
        book.open("tickets_unassigned", group, life.nobody_since)
    unanswered = life.wait["human"]
    if unanswered is not None:
        book.open("tickets_unattended", group, unanswered)
    reviewed = life.last_reply or life.created
    if reviewed is not None and (reviewed.time + config.review_age) // 1000 * 1000 <= life.horizon:
        # past last human reply (else created) + review age; start: that due time, cut to the second
        book.open("tickets_stale", group, reviewed.time + config.review_age)
    if life.clock is not None and life.first_reply is None and not life.stub:
        due = life.clock + config.targets["first_response"]
        book.open("tickets_awaiting_first_response", group, life.clock, due)
