"""The rows of the table "Chats and calls", from one contact's life (recovery, attempts in together.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .config import MINUTE

if TYPE_CHECKING:
    from .book import Book
    from .config import Config
    from .contacts import Leg, Life

WRAP_UP_WITHIN = 15 * MINUTE


def put_contact(life: Life, config: Config, book: Book, *, erased: bool) -> None:
    for leg in life.legs:
        if leg.measured:
            _outcome(life, leg, config, book, erased=erased)
        if leg.answered is not None and leg.end is not None:
            _handle(life, leg, book)
    for ring, group in life.rings:
        book.put("not_answered", group, ring.time)
    _contact_wait(life, book)
    _chat_replies(life, book)
    _at_end(life, book)
    _at_lost_ends(life, book)


def _outcome(life: Life, leg: Leg, config: Config, book: Book, *, erased: bool) -> None:
    rules = config.queue(leg.queue, life.kind)
    if leg.waiting:
        if not erased:
            # due = queued + T; what a stub's leg waited is unknown: no due
            book.open("queue_waiting", leg.group, leg.queued, None if leg.stub else leg.queued + rules.target)
        return
    at, group, timed = leg.outcome_time, leg.outcome_group, leg.outcome_timed
    outcome = leg.outcome
    waited = max(0, at - leg.queued)
    book.put("queue_legs", group, at, timed=timed, outcome=outcome)
    short = outcome == "abandoned_short"
    abandoned = short or outcome == "abandoned"
    book.put("abandon_ratio", group, at, int(abandoned), timed=timed, short="included")
    if not short:
        book.put("abandon_ratio", group, at, int(abandoned), timed=timed, short="excluded")
    if leg.stub:
        return  # a stub leg counts in outcomes, not in waits and service levels
    if abandoned:
        book.time("abandon_wait", group, at, waited)
    within = waited <= rules.target
    good = int(outcome == "answered" and within)
    removed = int((outcome in {"answered", "callback"} or abandoned) and within)
    for formula, value, counted in (
        ("offered", good, True),
        ("no_short", good, not short),
        ("answered", good, outcome == "answered"),
        ("removed", removed, True),
        ("live", good, True),  # the legs of queue_waiting_over_target join its denominator in expose.py
    ):
        if counted:
            book.put("service_level_ratio", group, at, value, timed=timed, formula=formula)
    if outcome == "answered":
        book.time("answer_wait", group, at, waited)


def _handle(life: Life, leg: Leg, book: Book) -> None:
    """Per answered leg that ended; at its end, moved in time to the wrapped_up that closes the after-contact work."""
    assert leg.answered is not None
    assert leg.end is not None
    end = leg.end
    at, wrap = end.time, 0
    for done in life.wrap_ups:
        agent = str(done.data.get("agent", ""))
        same = not agent or not leg.agent or agent == leg.agent  # of that agent (of any, if it names none)
        if same and done.idx > end.idx and done.time <= end.time + WRAP_UP_WITHIN:
            at, wrap = done.time, done.time - end.time
            break
    hold = max(0, leg.hold)
    talk = max(0, end.time - leg.answered.time - hold)
    for part, value in (("talk", talk), ("hold", hold), ("wrap_up", wrap), ("total", talk + hold + wrap)):
        book.time("handle", leg.end_group, at, value, part=part)
    if leg.measured:
        for kind in ("blind", "consult"):
            book.put("contacts_transferred_ratio", leg.end_group, end.time, int(leg.end_kind == kind), kind=kind)


def _contact_wait(life: Life, book: Book) -> None:
    """First answered - first queued of the contact, all queues until then."""
    if not life.answered_legs:
        return
    first, answered = life.legs[0], life.answered_legs[0]
    if first.measured and answered.measured and not first.stub and not answered.stub and not life.stub:
        book.time("contact_wait", answered.outcome_group, answered.outcome_time, answered.outcome_time - first.queued)


def _chat_replies(life: Life, book: Book) -> None:
    if life.kind != "chat":
        return
    if life.first_reply is not None and life.clock is not None:
        reply = life.first_reply
        book.time("chat_first_response", life.first_reply_group, reply.time, reply.time - life.clock)
    for answer in life.replies:
        group, at = answer.group, answer.event.time
        book.time("chat_response", group, at, at - answer.since, responder=answer.responder)


def _at_end(life: Life, book: Book) -> None:
    end = life.end
    if end is None:
        return
    at, event = end
    group, timed = life.end_group(), event is None
    answered = life.answered_legs
    if answered and not timed:
        # end - first answered; none where the end is time-made
        book.time(f"{life.kind}_duration", group, at, at - answered[0].outcome_time)
    if life.begun_out:
        return
    if life.kind == "chat" and not timed:
        if not answered:
            book.put("chats_missed", group, at)  # chats over and never answered
        if life.first_bot is not None:
            bot = life.first_bot.idx
            handed = any(leg.answered is not None and leg.answered.idx > bot for leg in answered)
            book.put("bot_handoff_ratio", group, at, int(handed))
    if life.ended is not None and any(leg.measured for leg in answered):
        held = life.ended_held and life.ended.data.get("by") == "customer"
        book.put("hold_abandon_ratio", group, at, int(held))


def _at_lost_ends(life: Life, book: Book) -> None:
    """Finality: a chat that was over by a lost leg was so then, whatever a later `queued` makes of it."""
    if life.kind != "chat" or life.begun_out:
        return
    for leg in life.legs:
        if leg.outcome != "lost":
            continue
        at = leg.outcome_time
        answered = [other for other in life.answered_legs if other.outcome_time <= at]
        if not answered:
            book.put("chats_missed", life.dims.before(at), at, timed=True)
        if life.first_bot is not None and life.first_bot.time <= at:
            bot = life.first_bot.idx
            handed = any(other.answered is not None and other.answered.idx > bot for other in answered)
            book.put("bot_handoff_ratio", life.dims.before(at), at, int(handed), timed=True)
