"""What was the case in the contact that an answer is about: the drivers of metrics.md, driver_lift, as facts."""

from streamer.facts import Fact, cell
from streamer.metrics.catalogue.comparison import ALL_ANSWERS, DRIVER, OPEN_DRIVERS
from streamer.timelines.context import Context
from streamer.timelines.relations import DAY, contacts_of
from streamer.timelines.state import Contact, State, Ticket

_REPEAT = 7 * DAY
_MANY_REPLIES = 2


def driver_facts(state: State, ctx: Context, work: Ticket | Contact, group: int, t: int, *, low: bool) -> list[Fact]:
    """Return a fact for each driver of the contact `work` as it is at `t`, and one for the answer; 1 where it is low."""
    rows = [ALL_ANSWERS]
    rows += [DRIVER[name] for name, present in _fixed(state, ctx, work, t).items() if present]
    channel = ctx.groups.tuples[work.group][ctx.names.index("channel")] if "channel" in ctx.names else ""
    topic = work.topic if isinstance(work, Ticket) else ""
    rows += [
        ctx.open_rows.row(OPEN_DRIVERS, f"{what}:{value}")
        for what, value in (("channel", channel), ("topic", topic))
        if value
    ]
    return [(cell(row, group), t, int(low), 1) for row in rows]


def _fixed(state: State, ctx: Context, work: Ticket | Contact, t: int) -> dict[str, bool]:
    shared = {
        "reopened": work.reopened,
        "repeat_contact": _repeats(state, work),
        "abandoned_first": _abandoned(state, work, t),
    }
    if isinstance(work, Contact):
        return shared | {"waited_over_target": _long_wait(work, ctx, t), "transferred": work.leg_transferred}
    return shared | {
        "waited_over_target": _slow_response(work, ctx, t),
        "replies_over_2": work.replies > _MANY_REPLIES,
        "breached": _breached(work, ctx, t),
    }


def _slow_response(ticket: Ticket, ctx: Context, t: int) -> bool:
    """Whether the first reply took, or takes, longer than its target; a solve ends the wait."""
    until = ticket.first_reply or ticket.end or t
    return 0 < ticket.clock < until - ctx.tickets.first_response_target


def _long_wait(contact: Contact, ctx: Context, t: int) -> bool:
    """Whether the first answer took, or takes, longer than the service target of the contact's latest queue."""
    if not contact.wait_known:
        return False
    until = contact.first_answered or min(contact.end or t, t)
    rules = ctx.queue(contact.leg_queue)
    target = rules.chat_service_target if contact.chat else rules.service_target
    return until - contact.first_queued > target


def _breached(ticket: Ticket, ctx: Context, t: int) -> bool:
    late_reply = 0 < ticket.response_due < t
    late_end = 0 < ticket.created < (ticket.end or t) - ctx.tickets.resolution_target
    return late_reply or late_end or _slow_response(ticket, ctx, t)


def _repeats(state: State, work: Ticket | Contact) -> bool:
    """Whether another contact of the customer started at most 7 d before this one."""
    if not state.customer or not work.start:
        return False
    place = (work.start, work.order)
    return any(
        work.start - other.start <= _REPEAT and (other.start, other.order) < place for other in contacts_of(state)
    )


def _abandoned(state: State, work: Ticket | Contact, t: int) -> bool:
    """Whether the customer abandoned, in this contact or from 24 h before it on, until it was first answered or ended."""
    begin = work.start or work.first_event
    until = (work.first_reply if isinstance(work, Ticket) else work.first_answered) or work.end or t
    return any(begin - DAY <= at <= min(until, t) for other in state.contacts.values() for at, _, _ in other.attempts)
