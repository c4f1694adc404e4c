"""What was the case in the contact that an answer is about: the drivers of metrics.md, driver_lift, as facts."""

from streamer.facts import Fact, cell
from streamer.metrics.catalogue.comparison import ALL_ANSWERS, DRIVER, OPEN_DRIVERS
from streamer.timelines.context import DEFAULT_CHANNEL, Context
from streamer.timelines.relations import DAY, contacts_of
from streamer.timelines.state import WAITING, Contact, State, Ticket

_REPEAT = 7 * DAY
_MANY_REPLIES = 2


def driver_facts(state: State, ctx: Context, work: Ticket | Contact, group: int, t: int, *, low: bool) -> list[Fact]:
    """Return a fact for each driver of the contact `work` as it is at `t`, and one for the answer; 1 where it is low."""
    rows = [ALL_ANSWERS]
    rows += [DRIVER[name] for name, present in _fixed(state, ctx, work, t).items() if present]
    dimension = "channel" in ctx.names
    channel = ctx.groups.tuples[work.group][ctx.names.index("channel")] if dimension else work.channel
    rows += [
        ctx.open_rows.row(OPEN_DRIVERS, f"{what}:{value}")
        for what, value in (("channel", channel), ("topic", work.topic))
        if value
    ]
    return [(cell(row, group), t, int(low), 1) for row in rows]


def _fixed(state: State, ctx: Context, work: Ticket | Contact, t: int) -> dict[str, bool]:
    shared = {
        "replies_over_2": work.replies > _MANY_REPLIES,
        "reopened": work.reopened,
        "repeat_contact": _repeats(state, work),
        "abandoned_first": work.abandoned_first,
    }
    if isinstance(work, Contact):
        waited = work.waited_over or (work.leg == WAITING and waits_long(work, ctx, t))
        return shared | {"waited_over_target": waited, "transferred": work.transferred}
    return shared | {"breached": _breached(work, t)}


def first_channel(ctx: Context, entity: str) -> str:
    """Return the channel that an entity has until it states one, to be kept where no group has it."""
    return "" if "channel" in ctx.names else DEFAULT_CHANNEL[entity]


def waits_long(contact: Contact, ctx: Context, t: int) -> bool:
    """Return whether the waiting leg has by `t`, or before it is lost, waited longer than its queue's service target."""
    if not contact.leg_queued or contact.leg_direction != "inbound":
        return False
    rules = ctx.queue(contact.leg_queue)
    target = rules.chat_service_target if contact.chat else rules.service_target
    return min(t, contact.leg_deadline) - contact.leg_queued > target


def _breached(ticket: Ticket, t: int) -> bool:
    """Whether a target was missed before `t`: at the very due time the work may still be done."""
    running = (ticket.first_response_due, ticket.response_due)
    late_end = ticket.resolution_miss is not None and ticket.resolution_due < t
    return ticket.breached or late_end or any(0 < due < t for due in running)


def _repeats(state: State, work: Ticket | Contact) -> bool:
    """Whether another contact of the customer started at most 7 d before this one."""
    start = work.created if isinstance(work, Ticket) else work.start  # a deleted ticket is no contact any more
    if not start or work.outbound:
        return False
    place = (start, work.order)
    return any(start - other.start <= _REPEAT and (other.start, other.order) < place for other in contacts_of(state))
