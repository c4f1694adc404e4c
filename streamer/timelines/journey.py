"""A customer's journey: contacts, answers and purchases in order, the largest drop, and what lay between its two scores.

A pure function of the timeline's state, so it shows what the state still knows: finished contacts for 90 days, surveys
and the last purchases. Scores are compared within one kind of survey only: none of them says what another one means.
"""

from collections.abc import Iterator
from typing import NamedTuple

from streamer.facts import GROUP_UNIT, Fact
from streamer.metrics.catalogue import row
from streamer.metrics.catalogue.customers import CLASSES
from streamer.metrics.catalogue.surveys import NPS_CLASSES
from streamer.timelines.context import Context
from streamer.timelines.state import CLOSED, DELETED, MERGED, SOLVED, STATUS, Contact, State, Survey, Ticket

Detail = str | int | bool | list[str]

_STATUS = {number: name for name, number in STATUS.items()} | {MERGED: "merged", DELETED: "deleted"}
_CLASS = {row("nps_share", **{"class": c}): c for c in NPS_CLASSES}
_CLASS |= {row("satisfaction_class", **{"class": c}): c for c in CLASSES}


class Moment(NamedTuple):
    """One thing that happened: from `at` (ms) to `until` (ms; 0: it has no end, or none yet).

    `what` is ticket, chat, call, survey or purchase; `place` are the dimensions' values; `score` is an answer's place on
    its scale in millionths, -1 where there is none; `about` is the contact that a survey asks about.
    """

    at: int
    what: str
    id: str = ""
    until: int = 0
    place: dict[str, str] = {}  # noqa: RUF012 (never changed)
    score: int = -1
    about: str = ""
    details: dict[str, Detail] = {}  # noqa: RUF012 (never changed)


class Drop(NamedTuple):
    """The largest fall between two answers in a row of one kind, and the moments between them."""

    kind: str
    before: Moment
    after: Moment
    between: list[Moment]


class Journey(NamedTuple):
    """All moments in order of their beginnings, the largest drop if any score fell, and what holds now."""

    moments: list[Moment]
    drop: Drop | None
    churned: bool
    at_risk: bool


def journey(state: State, ctx: Context) -> Journey | None:
    """Return the journey that a customer's state tells of; None where it tells of nothing (unknown, or erased)."""
    moments = sorted(_moments(state, ctx, _latest(state)), key=lambda moment: (moment.at, moment.what, moment.id))
    if not moments:
        return None
    return Journey(moments, _largest_drop(moments), state.churned, state.at_risk)


def _latest(state: State) -> int:
    """Return the time of the latest event that the state knows."""
    times = list(state.purchases)
    for items in (state.tickets, state.contacts, state.surveys):
        times += [item.last_event for item in items.values()]
    return max(times, default=0)


def _moments(state: State, ctx: Context, latest: int) -> Iterator[Moment]:
    for id_, ticket in state.tickets.items():
        yield _ticket(id_, ticket, ctx)
    for id_, contact in state.contacts.items():
        yield _contact(id_, contact, ctx, latest)
    for id_, survey in state.surveys.items():
        if survey.answered or survey.sent:
            yield _survey(id_, survey, ctx)
    for at in state.purchases:
        yield Moment(at, "purchase")


def _place(ctx: Context, group: int) -> dict[str, str]:
    values = ctx.groups.tuples[group]
    return {name: value for name, value in zip(ctx.names, values, strict=True) if value}


def _ticket(id_: str, ticket: Ticket, ctx: Context) -> Moment:
    details: dict[str, Detail] = {"status": _STATUS[ticket.status], "replies": ticket.replies}
    if ticket.topic:
        details["topic"] = ticket.topic
    if ticket.first_reply:
        details["first_response_ms"] = ticket.first_reply - ticket.clock
    missed = [name for name, late in _targets(ticket, ctx) if late]
    if missed:
        details["missed"] = missed
    if ticket.reopened:
        details["reopened"] = True
    until = ticket.end if ticket.status in (SOLVED, CLOSED, MERGED) else 0
    if ticket.status == DELETED:
        until = ticket.last_event
    return Moment(ticket.start or ticket.first_event, "ticket", id_, until, _place(ctx, ticket.group), details=details)


def _targets(ticket: Ticket, ctx: Context) -> Iterator[tuple[str, bool]]:
    """The targets that are known to be missed from what has ended: what is still open is in the board's open work."""
    rules = ctx.tickets
    yield "first_response", 0 < rules.first_response_target < ticket.first_reply - ticket.clock
    yield (
        "resolution",
        bool(ticket.created and ticket.answered) and ticket.end - ticket.created > rules.resolution_target,
    )


def _contact(id_: str, contact: Contact, ctx: Context, latest: int) -> Moment:
    details: dict[str, Detail] = {"answered": contact.first_answered > 0}
    if contact.first_answered and contact.first_queued:
        details["waited_ms"] = contact.first_answered - contact.first_queued
    if contact.attempts:
        details["abandons"] = len(contact.attempts)
    for name, holds in (
        ("outbound", contact.outbound),
        ("reopened", contact.reopened),
        ("ended_on_hold", contact.held_off),
        ("callback_pending", bool(contact.callbacks)),
    ):
        if holds:
            details[name] = True
    at = contact.start or contact.first_event
    # the end of a leg that still waits is the time at which it would be lost: known once something later is
    until = 0 if contact.end_made and contact.end >= latest else contact.end
    what = "chat" if contact.chat else "call"
    return Moment(at, what, id_, until, _place(ctx, contact.group), details=details)


def _survey(id_: str, survey: Survey, ctx: Context) -> Moment:
    details: dict[str, Detail] = {"kind": survey.kind, "answered": survey.answered > 0}
    if survey.name:
        details["survey"] = survey.name
    if survey.sent and survey.answered:
        details["sent_ms_before"] = survey.answered - survey.sent
    classes = [_CLASS[number] for number in map(_row, survey.answer_facts) if number in _CLASS]
    if classes:
        details["class"] = classes[0]
    place = _place(ctx, survey.answer_group) if survey.answered else {}
    at = survey.answered or survey.sent
    return Moment(at, "survey", id_, place=place, score=survey.score, about=survey.about, details=details)


def _row(fact: Fact) -> int:
    return fact[0] % GROUP_UNIT >> 1


def _largest_drop(moments: list[Moment]) -> Drop | None:
    """Return the largest fall; of equal ones the latest."""
    last: dict[str, Moment] = {}
    largest: tuple[int, str, Moment, Moment] | None = None
    for moment in moments:
        if moment.score < 0:
            continue
        kind = str(moment.details["kind"])
        before = last.get(kind)
        last[kind] = moment
        if before is not None and moment.score < before.score:
            fall = before.score - moment.score
            if largest is None or fall >= largest[0]:
                largest = (fall, kind, before, moment)
    if largest is None:
        return None
    _, kind, before, after = largest
    return Drop(kind, before, after, [m for m in moments if _between(m, before, after)])


def _between(moment: Moment, before: Moment, after: Moment) -> bool:
    """Tell whether a moment began or went on after the one answer and up to the other, or is what the other is about."""
    if moment is before or moment is after:
        return False
    if moment.what in ("survey", "purchase"):
        return before.at < moment.at <= after.at
    going_on = moment.at <= after.at and (moment.until == 0 or moment.until > before.at)
    return going_on or moment.id == after.about
