"""Tickets: one step function, from an event of a ticket to signed facts. Rules and names: metrics.md, Tickets."""

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from streamer.events import (
    Event,
    TicketAssigned,
    TicketCreated,
    TicketDeleted,
    TicketMerged,
    TicketMessage,
    TicketStatusChanged,
    TicketSuggested,
)
from streamer.facts import GROUP_UNIT, cell, retracted
from streamer.metrics.catalogue import row
from streamer.metrics.catalogue.tickets import BY_TOPIC
from streamer.timelines.business import opening_time
from streamer.timelines.context import Context
from streamer.timelines.drivers import first_channel
from streamer.timelines.relations import DAY, answered_elsewhere, follow_up, relate, relate_end, remove
from streamer.timelines.state import (
    DELETED,
    MERGED,
    NEW,
    ON_HOLD,
    OPEN,
    SOLVED,
    STATUS,
    State,
    Ticket,
)
from streamer.timelines.targets import (
    SLA_FIRST,
    SLA_RESOLUTION,
    SLA_RESPONSE,
    drop,
    move_targets,
    owe_reply,
    start_clock,
)

_CREATED = row("tickets_created")
_FIRST_RESPONSE = row("first_response")
_FIRST_RESPONSE_BUSINESS = row("first_response_business")
_RESPONSE_HUMAN = row("response", responder="human")
_RESPONSE_ANY = row("response", responder="any")
_IDENTIFIED = row("identified_first_ratio")
#: what a solve states, as cells of group 0: all of it at once, and a group is one addition
_RESOLUTION_FIRST = cell(row("resolution", kind="first"), 0)
_RESOLUTION_FULL = cell(row("resolution", kind="full"), 0)
_REQUESTER_WAIT = cell(row("requester_wait"), 0)
_AGENT_WORK = cell(row("agent_work"), 0)
_ON_HOLD = cell(row("ticket_on_hold"), 0)
_SOLVED_EVENTS = cell(row("tickets_solved", unit="events"), 0)
_SOLVED_TICKETS = cell(row("tickets_solved", unit="tickets"), 0)
_REOPENED = cell(row("reopen_ratio"), 0)
_REPLIES = cell(row("replies_per_resolution"), 0)
_ONE_TOUCH = cell(row("one_touch_ratio"), 0)
_SOLUTIONS = cell(row("solutions_offered"), 0)

_UNDECIDED, _IDENTIFIED_SO_FAR, _DECIDED = range(3)


def step(state: State, ctx: Context, event: Event, t: int) -> int:
    """Apply one ticket event at time `t`; append its facts to `ctx.facts`, return its group (-1: as if it had not come)."""
    ticket = state.tickets.get(event.subject)
    created = type(event) is TicketCreated
    if ticket is None:
        if not created:
            ctx.note("unknown")
        ticket = state.tickets[event.subject] = Ticket(
            group=ctx.first_group("ticket"),
            order=state.events,
            first_event=t,
            stub=not created,
            abandoned_first=state.last_abandon >= t - DAY,
            channel=first_channel(ctx, "ticket"),
            status=NEW if created else OPEN,
            nobody_since=t,
            status_since=t,
        )
    elif ticket.status >= MERGED:
        return ticket.group  # as if it had not come
    ticket.last_event = t
    data = event.data
    old_group, old_queue, old_topic = ticket.group, ticket.queue, ticket.topic
    group = ctx.regroup_ticket(old_group, data, assigns=created or type(event) is TicketAssigned)
    if data.queue is not UNSET:
        ticket.queue = data.queue
    if data.topic is not UNSET:
        ticket.topic = data.topic
    if data.channel is not UNSET and "channel" not in ctx.names:
        ticket.channel = data.channel
    if group != old_group:
        ticket.group = group
        move_targets(ticket, ctx, t, group)
    if ticket.identified == _IDENTIFIED_SO_FAR and (
        ticket.queue != old_queue or (old_topic and ticket.topic != old_topic)
    ):
        _misidentified(ticket, ctx)
    if ticket.topic != old_topic and ticket.topic_fact is not None:
        _put_topic(ticket, ctx)
    _STEPS.get(type(event), _nothing)(state, ticket, ctx, event, t)
    return ticket.group


def _nothing(state: State, ticket: Ticket, ctx: Context, event: Event, t: int) -> None:
    """A categorisation says no more than its topic, which every event may carry."""


def _created(state: State, ticket: Ticket, ctx: Context, event: TicketCreated, t: int) -> None:
    if event.data.agent is not UNSET:
        _assign(ticket, event.data.agent, t)
    if ticket.created:  # a second created of one ticket: it is there already
        return
    emit = ctx.facts.append
    ticket.stub, ticket.order = False, state.events
    ticket.created = ticket.start = ticket.status_since = t
    ticket.start_group = ticket.group
    ticket.work_ms = ticket.hold_ms = 0
    fact = ticket.created_fact = (cell(_CREATED, ticket.group), t, 1, 1)
    emit(fact)
    _put_topic(ticket, ctx)
    ticket.resolution_due = due = t + ctx.tickets.resolution_target
    ticket.due_group = ticket.group
    if ticket.status < SOLVED:
        miss = ticket.resolution_miss = (cell(SLA_RESOLUTION, ticket.group, time_made=True), due, 0, 1)
        emit(miss)
    if event.data.created_by != "agent":
        start_clock(ticket, ctx, t, ticket.group)
        _customer_waits(ticket, ctx, t)
    elif ticket.said:
        due = ticket.said + ctx.tickets.first_response_target
        start_clock(ticket, ctx, ticket.said, ticket.said_group if due <= t else ticket.group)
    relate(state, ctx, t, ticket)


def _put_topic(ticket: Ticket, ctx: Context) -> None:
    """State the ticket's topic at its creation, in the group that it had then."""
    drop(ctx, ticket.topic_fact)
    fact = ticket.topic_fact = (
        cell(ctx.open_rows.row(BY_TOPIC, ticket.topic), ticket.start_group),
        ticket.created,
        1,
        1,
    )
    ctx.facts.append(fact)


def _customer_waits(ticket: Ticket, ctx: Context, t: int) -> None:
    """The customer has said something: whoever has not answered yet owes a reply from the first message on."""
    if ticket.status >= SOLVED:
        if not ticket.pending:
            ticket.pending, ticket.pending_group = t, ticket.group
        ticket.pending_anyone = ticket.pending_anyone or t
        return
    ticket.anyone = ticket.anyone or t
    if not ticket.human:
        owe_reply(ticket, ctx, t, ticket.group)


def _message(state: State, ticket: Ticket, ctx: Context, event: TicketMessage, t: int) -> None:
    data = event.data
    author = data.author
    if author == "customer":
        if not data.automated:
            if not ticket.created:
                if not ticket.said:
                    ticket.said, ticket.said_group = t, ticket.group
            elif not ticket.clock:
                start_clock(ticket, ctx, t, ticket.group)
            _customer_waits(ticket, ctx, t)
        return
    if not data.public:
        return
    if author == "agent" and not data.automated:
        _human_reply(state, ticket, ctx, t)
    elif author != "bot" and not data.automated:
        return
    ticket.pending_anyone = 0
    if ticket.anyone:
        ctx.facts.append((cell(_RESPONSE_ANY, ticket.group), t, t - ticket.anyone, 1))
        ticket.anyone = 0


def _human_reply(state: State, ticket: Ticket, ctx: Context, t: int) -> None:
    emit = ctx.facts.append
    group = ticket.group
    ticket.replies += 1
    ticket.last_reply = t
    ticket.pending = 0
    if ticket.clock and not ticket.first_reply:
        ticket.first_reply = t
        emit((cell(_FIRST_RESPONSE, group), t, t - ticket.clock, 1))
        calendar = ctx.settings.calendars[ctx.queue(ticket.queue).calendar]
        emit((cell(_FIRST_RESPONSE_BUSINESS, group), t, opening_time(calendar, ticket.clock, t), 1))
        due = ticket.first_response_due
        if due and t <= due:
            drop(ctx, ticket.first_response_miss)
            emit((cell(SLA_FIRST, group), t, 1, 1))
        elif due:
            ticket.breached = True
        ticket.first_response_due, ticket.first_response_miss = 0, None
        if ticket.identified == _UNDECIDED:
            _identify(ticket, ctx, t)
    if ticket.human:
        emit((cell(_RESPONSE_HUMAN, group), t, t - ticket.human, 1))
        if t <= ticket.response_due:
            drop(ctx, ticket.response_miss)
            emit((cell(SLA_RESPONSE, group), t, 1, 1))
        else:
            ticket.breached = True
        ticket.human = ticket.response_due = 0
        ticket.response_miss = None
    follow_up(state, ctx, t)
    answered_elsewhere(state, ctx, t)


def _identify(ticket: Ticket, ctx: Context, t: int) -> None:
    """The base event has come: what is now known of the problem should stay."""
    if ticket.stub:
        return
    ticket.identified = _IDENTIFIED_SO_FAR
    fact = ticket.identified_fact = (cell(_IDENTIFIED, ticket.group), t, 1, 1)
    ctx.facts.append(fact)


def _misidentified(ticket: Ticket, ctx: Context) -> None:
    fact = ticket.identified_fact
    if fact is not None:
        ctx.facts += (retracted(fact), (fact[0], fact[1], 0, 1))
    ticket.identified, ticket.identified_fact = _DECIDED, None


def _assigned(_state: State, ticket: Ticket, ctx: Context, event: TicketAssigned, t: int) -> None:
    if event.data.agent is not UNSET:
        _assign(ticket, event.data.agent, t)
    if ticket.identified == _UNDECIDED and not ticket.assigned:
        _identify(ticket, ctx, t)
    ticket.assigned = True


def _assign(ticket: Ticket, agent: str, t: int) -> None:
    if ticket.agent and not agent:
        ticket.nobody_since = t
    ticket.agent = agent


def _suggested(_state: State, ticket: Ticket, _ctx: Context, _event: TicketSuggested, _t: int) -> None:
    ticket.suggested += 1


def _status_changed(state: State, ticket: Ticket, ctx: Context, event: TicketStatusChanged, t: int) -> None:
    new, old = STATUS[event.data.status], ticket.status
    if new == old:
        return
    if old < SOLVED:
        _account(ticket, t)
    ticket.status, ticket.status_since = new, t
    if new >= SOLVED > old:
        _solve(state, ticket, ctx, t)
    elif old >= SOLVED > new:
        _reopen(state, ticket, ctx, t)


def _account(ticket: Ticket, t: int) -> None:
    """Add the time in the state that ends now."""
    spent = t - ticket.status_since
    if ticket.status in (NEW, OPEN):
        ticket.work_ms += spent
    elif ticket.status == ON_HOLD:
        ticket.hold_ms += spent


def _solve(state: State, ticket: Ticket, ctx: Context, t: int) -> None:
    group, emit = ticket.group, ctx.facts.append
    place = group * GROUP_UNIT
    emit((_SOLVED_EVENTS + place, t, 1, 1))
    reopened = ticket.reopen_fact = (_REOPENED + place, t, 0, 1)
    emit(reopened)
    facts = [(_SOLVED_TICKETS + place, t, 1, 1)]
    if not ticket.stub:
        taken = t - ticket.created
        if not ticket.solves:
            emit((_RESOLUTION_FIRST + place, t, taken, 1))
        facts += (
            (_RESOLUTION_FULL + place, t, taken, 1),
            (_REQUESTER_WAIT + place, t, ticket.work_ms + ticket.hold_ms, 1),
            (_AGENT_WORK + place, t, ticket.work_ms, 1),
            (_ON_HOLD + place, t, ticket.hold_ms, 1),
            (_REPLIES + place, t, ticket.replies, 1),
            (_ONE_TOUCH + place, t, int(ticket.replies <= 1), 1),
            (_SOLUTIONS + place, t, ticket.suggested, 1),
        )
    ticket.solve_facts = tuple(facts)
    ctx.facts += facts
    ticket.solves += 1
    if ticket.resolution_due:
        if t <= ticket.resolution_due:
            drop(ctx, ticket.resolution_miss)
            met = ticket.resolution_met = (cell(SLA_RESOLUTION, group), t, 1, 1)
            emit(met)
        else:
            ticket.resolution_due = 0
            ticket.breached = True
        ticket.resolution_miss = None
    _stop_waiting(ticket, ctx, t)
    ticket.end, ticket.end_group, ticket.end_order = t, group, state.events
    ticket.answered = not ticket.stub
    relate_end(state, ctx, ticket, t)


def _stop_waiting(ticket: Ticket, ctx: Context, t: int) -> None:
    """The work is over: the wait gives no sample, running targets stop, a breach that has been stays a miss."""
    ticket.breached |= 0 < ticket.first_response_due < t or 0 < ticket.response_due < t
    if t <= ticket.first_response_due:
        drop(ctx, ticket.first_response_miss)
    if t <= ticket.response_due:
        drop(ctx, ticket.response_miss)
    ticket.first_response_due = ticket.response_due = ticket.human = ticket.anyone = 0
    ticket.pending = ticket.pending_anyone = 0
    ticket.first_response_miss = ticket.response_miss = None


def _reopen(state: State, ticket: Ticket, ctx: Context, t: int) -> None:
    fact = ticket.reopen_fact
    if fact is not None and t - fact[1] <= ctx.tickets.reopen_window:
        ctx.facts += (retracted(fact), (fact[0], fact[1], 1, 1))
    ticket.reopen_fact = None
    ctx.facts += [retracted(f) for f in ticket.solve_facts]
    ticket.solve_facts = ()
    due = ticket.resolution_due
    if due and t <= due:
        drop(ctx, ticket.resolution_met)
        miss = ticket.resolution_miss = (cell(SLA_RESOLUTION, ticket.due_group, time_made=True), due, 0, 1)
        ctx.facts.append(miss)
    else:
        ticket.resolution_due = 0
    ticket.resolution_met = None
    ticket.end, ticket.answered, ticket.reopened = 0, False, True
    if not ticket.agent:
        ticket.nobody_since = t
    ticket.anyone, ticket.pending_anyone = ticket.pending_anyone, 0
    if ticket.pending:
        said, ticket.pending = ticket.pending, 0
        due = said + ctx.tickets.response_target
        owe_reply(ticket, ctx, said, ticket.pending_group if due <= t else ticket.group)
    relate_end(state, ctx, ticket, t)


def _merged(state: State, ticket: Ticket, ctx: Context, _event: TicketMerged, t: int) -> None:
    _finish(ticket, ctx, t)
    ended = ticket.status >= SOLVED
    ticket.status = MERGED
    if not ended:
        ticket.end, ticket.end_group, ticket.end_order = t, ticket.group, state.events
    relate_end(state, ctx, ticket, t)


def _deleted(state: State, ticket: Ticket, ctx: Context, _event: TicketDeleted, t: int) -> None:
    _finish(ticket, ctx, t)
    ticket.status = DELETED
    remove(ticket, ctx, t)
    relate(state, ctx, t)


def _finish(ticket: Ticket, ctx: Context, t: int) -> None:
    """Take back what a ticket counts for as one, and close its open work; work done stays."""
    _stop_waiting(ticket, ctx, t)
    if t <= ticket.resolution_due:
        drop(ctx, ticket.resolution_miss)
    elif ticket.resolution_miss is not None:
        ticket.breached = True
    ticket.resolution_miss, ticket.resolution_due = None, 0
    drop(ctx, ticket.created_fact)
    drop(ctx, ticket.topic_fact)
    ticket.created_fact = ticket.topic_fact = None


_STEPS: dict[type, Callable[[State, Ticket, Context, Any, int], None]] = {
    TicketCreated: _created,
    TicketMessage: _message,
    TicketAssigned: _assigned,
    TicketSuggested: _suggested,
    TicketStatusChanged: _status_changed,
    TicketMerged: _merged,
    TicketDeleted: _deleted,
}
