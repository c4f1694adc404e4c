"""Targets of a ticket (metrics.md, sla_met_ratio): misses are put ahead of time, at the due time, and taken back."""

from streamer.facts import Fact, cell, moved, retracted
from streamer.metrics.catalogue import row
from streamer.timelines.context import Context
from streamer.timelines.relations import move_relations
from streamer.timelines.state import SOLVED, Ticket

SLA_FIRST = row("sla_met_ratio", target="first_response")
SLA_RESPONSE = row("sla_met_ratio", target="response")
SLA_RESOLUTION = row("sla_met_ratio", target="resolution")


def move_targets(ticket: Ticket, ctx: Context, t: int, group: int) -> None:
    """Move the time-made facts that lie after `t` to the ticket's new group."""
    ticket.first_response_miss = _moved(ctx, ticket.first_response_miss, t, group)
    ticket.response_miss = _moved(ctx, ticket.response_miss, t, group)
    ticket.resolution_miss = _moved(ctx, ticket.resolution_miss, t, group)
    if t < ticket.resolution_due:
        ticket.due_group = group
    if t < ticket.said + ctx.tickets.first_response_target:
        ticket.said_group = group
    if t < ticket.pending + ctx.tickets.response_target:
        ticket.pending_group = group
    move_relations(ticket, ctx, t)


def _moved(ctx: Context, fact: Fact | None, t: int, group: int) -> Fact | None:
    if fact is None or fact[1] <= t:
        return fact
    new = moved(fact, group)
    ctx.facts += (retracted(fact), new)
    return new


def drop(ctx: Context, fact: Fact | None) -> None:
    """Take a fact back, if there is one."""
    if fact is not None:
        ctx.facts.append(retracted(fact))


def start_clock(ticket: Ticket, ctx: Context, t: int, group: int) -> None:
    """Start the first clock at `t`, and its target in `group`; a clock that starts on a solved ticket has none."""
    ticket.clock = t
    if ticket.status >= SOLVED:
        return
    ticket.first_response_due = due = t + ctx.tickets.first_response_target
    miss = ticket.first_response_miss = (cell(SLA_FIRST, group, time_made=True), due, 0, 1)
    ctx.facts.append(miss)


def owe_reply(ticket: Ticket, ctx: Context, since: int, group: int) -> None:
    """A human owes a reply since then: start the response target in `group`."""
    ticket.human = since
    ticket.response_due = due = since + ctx.tickets.response_target
    miss = ticket.response_miss = (cell(SLA_RESPONSE, group, time_made=True), due, 0, 1)
    ctx.facts.append(miss)
