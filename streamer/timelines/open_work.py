"""Open work: a pure function of a timeline's state, the items that are counted, aged and listed while they are open."""

from collections.abc import Iterator

from streamer.metrics.catalogue import row
from streamer.metrics.catalogue.agents import STATUSES
from streamer.metrics.catalogue.tickets import STATES
from streamer.timelines.agents import KEPT, PRESENT, SILENCE, WORKING
from streamer.timelines.contacts import CALLBACK_KEPT
from streamer.timelines.context import Context
from streamer.timelines.state import SOLVED, WAITING, Agent, Contact, State, Ticket

SECOND = 1_000
#: later than any instant that is asked for
FOREVER = 1 << 60

_BACKLOG = tuple(row("tickets_backlog", state=s) for s in STATES)
_UNASSIGNED = row("tickets_unassigned")
_UNATTENDED = row("tickets_unattended")
_STALE = row("tickets_stale")
_AWAITING = row("tickets_awaiting_first_response")
_SLA_FIRST = row("sla_open", target="first_response")
_SLA_RESPONSE = row("sla_open", target="response")
_SLA_RESOLUTION = row("sla_open", target="resolution")
_WAITING = row("queue_waiting")
_CALLBACK = row("callback_pending")
_FATIGUED = row("survey_fatigued_customers")
_DETRACTORS = row("detractors_awaiting_follow_up")
_AGENTS = {s: row("agents", status=s) for s in STATUSES}
_QUEUE_AGENTS = {s: row("queue_agents", status=s) for s in STATUSES}
_WORKED = row("agent_time_open", state="worked")
_PRESENT = row("agent_time_open", state="present")


#: A piece of open work: (row, group, start, due, until, entity). It is open at T when start <= T < until; `due` is 0 where
#: there is no due time; milliseconds. `entity` is the id of what is open (a ticket, a contact, ...), for the list behind a
#: number. A plain tuple: some are made anew for every timeline that a flush writes.
Item = tuple[int, int, int, int, int, str]


def _item(row_: int, group: int, start: int, entity: str, due: int = 0, until: int = FOREVER) -> Item:
    """Make an item: the start is cut to the second, the due time rounded up to the second."""
    return (row_, group, start // SECOND * SECOND, -(-due // SECOND) * SECOND, until, entity)


def open_work(state: State, ctx: Context) -> list[Item]:
    """Return all open work of a timeline."""
    if state.agent is not None:
        return _of_agent(state.agent, ctx)
    items: list[Item] = []
    for id_, ticket in state.tickets.items():
        if ticket.status < SOLVED:
            items += _of_ticket(id_, ticket, ctx)
    for id_, contact in state.contacts.items():
        if contact.leg == WAITING or contact.callbacks:
            items += _of_contact(id_, contact, ctx)
    for id_, survey in state.surveys.items():
        if survey.detractor and survey.follow_up is None:
            due = survey.answered + ctx.surveys.follow_up_target
            items.append(_item(_DETRACTORS, survey.answer_group, survey.answered, id_, due))
    if state.fatigued_until:
        items.append(_item(_FATIGUED, state.fatigued_group, state.fatigued_since, "", until=state.fatigued_until))
    return items


def _of_ticket(id_: str, ticket: Ticket, ctx: Context) -> Iterator[Item]:
    group = ticket.group
    yield _item(_BACKLOG[ticket.status], group, ticket.created or ticket.first_event, id_)
    if not ticket.agent:
        yield _item(_UNASSIGNED, group, ticket.nobody_since, id_)
    if ticket.human:
        yield _item(_UNATTENDED, group, ticket.human, id_)
    touched = ticket.last_reply or ticket.created
    if touched:
        yield _item(_STALE, group, touched + ctx.tickets.review_age, id_)
    if ticket.clock and not ticket.first_reply:
        yield _item(_AWAITING, group, ticket.clock, id_, ticket.clock + ctx.tickets.first_response_target)
    if ticket.first_response_due:
        yield _item(_SLA_FIRST, group, ticket.clock, id_, ticket.first_response_due)
    if ticket.response_due:
        yield _item(_SLA_RESPONSE, group, ticket.human, id_, ticket.response_due)
    if ticket.resolution_due:
        yield _item(_SLA_RESOLUTION, group, ticket.created, id_, ticket.resolution_due)


def _of_contact(id_: str, contact: Contact, ctx: Context) -> Iterator[Item]:
    if contact.leg == WAITING and contact.leg_direction == "inbound":
        rules = ctx.queue(contact.leg_queue)
        target = rules.chat_service_target if contact.chat else rules.service_target
        due = contact.leg_queued + target if contact.leg_queued else 0
        yield _item(_WAITING, contact.leg_group, contact.leg_since, id_, due, contact.leg_deadline)
    for since, group in contact.callbacks:
        yield _item(_CALLBACK, group, since, id_, until=since + CALLBACK_KEPT)


def _of_agent(agent: Agent, ctx: Context) -> list[Item]:
    """An agent's status now, `unknown` once it falls silent, and the working time that no event has ended yet."""
    last, status, group = agent.last_event, agent.status, agent.group
    queues = [ctx.with_queue(0, queue) for queue in agent.queues]
    silent = left_out = last + KEPT
    if agent.heartbeats and status != "offline":
        silent = (last + SILENCE) // SECOND * SECOND  # as starts are cut: one status at a time
    items = _status(status, group, queues, agent.since, silent) if status else []
    if silent < left_out:
        items += _status("unknown", group, queues, silent, left_out)
    until = last + (SILENCE if agent.heartbeats else KEPT)
    if status in PRESENT:
        items.append((_PRESENT, group, last, 0, until, ""))
    if status in WORKING:
        items.append((_WORKED, group, last, 0, until, ""))
    return items


def _status(status: str, group: int, queues: list[int], start: int, until: int) -> list[Item]:
    """Return the agent in this status, and in it for each queue; without `_item`: agents are most of what is written."""
    start = start // SECOND * SECOND
    row_ = _QUEUE_AGENTS[status]
    return [
        (_AGENTS[status], group, start, 0, until, ""),
        *[(row_, queue, start, 0, until, "") for queue in queues],
    ]
