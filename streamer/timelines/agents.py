"""Agents: what they do now, and how much of their time is work. Rules: metrics.md, Agents."""

from msgspec import UNSET

from streamer.events import AgentStatusChanged, Event
from streamer.facts import GROUP_UNIT, cell
from streamer.metrics.catalogue import row
from streamer.timelines.context import Context
from streamer.timelines.state import Agent, State

#: an agent that sends heartbeats and has sent nothing for so long is `unknown`; an interval counts at most as much
SILENCE = 5 * 60_000
#: an agent without an event for so long is left out
KEPT = 24 * 3_600_000
#: occupancy is split over the finest slices, so that every window can add it up
SLICE = 60_000

#: cells of group 0
_WORKED = cell(row("agent_time", state="worked"), 0)
_PRESENT = cell(row("agent_time", state="present"), 0)
WORKING = ("on_contact", "wrap_up")
PRESENT = (*WORKING, "available")


def step(state: State, ctx: Context, event: Event, t: int) -> int:
    """Apply one event of an agent at time `t`; the time since the event before it is put into `ctx.facts`."""
    agent = state.agent
    if agent is None:
        agent = state.agent = Agent(group=0, since=t)
    else:
        _occupancy(ctx, agent, t)
    agent.group = ctx.regroup(agent.group, event.data)
    agent.last_event = t
    if isinstance(event, AgentStatusChanged):
        status = event.data.status
        if status != agent.status:
            agent.status, agent.since = status, t
        queues = event.data.queues
        if queues is not UNSET and queues != agent.queues:
            agent.queues = sorted(set(queues))
    else:
        agent.heartbeats = True
    return agent.group


def _occupancy(ctx: Context, agent: Agent, until: int) -> None:
    """State the milliseconds of presence and of work from the agent's last event on, split over the finest slices."""
    if agent.status not in PRESENT:
        return
    start = agent.last_event
    end = min(until, start + (SILENCE if agent.heartbeats else KEPT))
    works, place = agent.status in WORKING, agent.group * GROUP_UNIT
    while start < end:
        stop = min(end, (start // SLICE + 1) * SLICE)
        ctx.facts.append((_PRESENT + place, start, stop - start, 1))
        if works:
            ctx.facts.append((_WORKED + place, start, stop - start, 1))
        start = stop
