"""Tickets: written, taken up at a desk, sent on from the wrong queue, answered, solved, reopened, closed."""

from dataclasses import dataclass
from typing import Final

from streamer.producers.simulator.centre import HOUR_MS, MINUTE_MS, SECOND_MS, Queue
from streamer.producers.simulator.engine import Steps
from streamer.producers.simulator.pool import Agent
from streamer.producers.simulator.world import TICKET, Customer, World

# A desk that cannot keep up would collect tickets without end: one that nobody took for so long is closed unanswered.
_DESK_WAIT_MAX_MS: Final = 48 * HOUR_MS
_ROUNDS_MAX: Final = 12
_AUTO_REPLY_MS: Final = 2 * SECOND_MS
_ANSWER_MS: Final = 25 * MINUTE_MS  # a customer's, to a question
_REOPEN_MS: Final = 70 * MINUTE_MS
_REOPEN_AFTER_MS: Final = 4 * HOUR_MS  # solved tickets close after that
_ON_HOLD_MS: Final = 40 * MINUTE_MS
_CHANNELS: Final = ("email", "email", "email", "web", "web", "social")
_PRIORITIES: Final = ("normal", "normal", "normal", "low", "high", "urgent")
_SUGGESTIONS: Final = ("article", "article", "macro", "bot")
_SHARE_BY_AGENT: Final = 0.04
_SHARE_BY_SYSTEM: Final = 0.03
_SHARE_SPAM: Final = 0.02
_SHARE_MISROUTED: Final = 0.1
_SHARE_RENAMED: Final = 0.08
_SHARE_MERGED: Final = 0.5  # of those whose customer has another open ticket


@dataclass(slots=True, kw_only=True)
class Ticket:
    """A ticket, and what has happened to it so far."""

    world: World
    queue: Queue
    customer: Customer
    topic: str
    id: str = ""
    created_by: str = "customer"
    channel: str = "email"
    created_ms: int = 0
    replied_ms: int | None = None
    replies: int = 0
    bounces: int = 0
    reopened: int = 0
    gone: str = ""
    """`merged`, `deleted` or `closed`: no more work."""
    solved: bool = False
    """Whether the customer's problem is."""
    status: str = "new"

    def tell(self, what: str, data: dict[str, object]) -> None:
        """Emit an event of this ticket."""
        data["customer"] = self.customer.id
        self.world.tell(TICKET, what, self.id, data)

    def become(self, status: str, data: dict[str, object] | None = None) -> None:
        """Change the status, if it is another."""
        if self.status != status:
            self.status = status
            self.tell("status_changed", (data or {}) | {"status": status})


def written(world: World, queue: Queue, customer: Customer) -> Ticket:
    """Return a ticket that begins now."""
    ticket = Ticket(world=world, queue=queue, customer=customer, topic=world.topic(queue), id=world.new_id(TICKET))
    dice = world.rng.random()
    if dice < _SHARE_BY_AGENT:
        ticket.created_by = "agent"
    elif dice < _SHARE_BY_AGENT + _SHARE_BY_SYSTEM:
        ticket.created_by = "system"
    return ticket


def open_ticket(ticket: Ticket) -> Steps[None]:
    """Run a ticket until it is first solved, or gone."""
    world, customer = ticket.world, ticket.customer
    ticket.created_ms = world.engine.now
    routed = world.other_queue(ticket.queue) if world.chance(_SHARE_MISROUTED) else ticket.queue
    ticket.channel = world.rng.choice(_CHANNELS)
    data = customer.profile() | {
        "channel": ticket.channel,
        "queue": routed.name,
        "team": routed.team,
        "priority": world.rng.choice(_PRIORITIES),
    }
    if ticket.created_by != "customer":
        data["created_by"] = ticket.created_by
    ticket.tell("created", data)
    if ticket.created_by == "customer":
        yield _AUTO_REPLY_MS
        ticket.tell("message", {"author": "system", "automated": True})
    agent = yield from _desk(ticket, routed)
    if agent is None:
        return
    if world.chance(_SHARE_SPAM):
        ticket.gone = "deleted"
        ticket.tell("deleted", {"reason": world.rng.choice(("spam", "spam", "mistake", "other"))})
    elif customer.ticket and world.chance(_SHARE_MERGED):
        ticket.gone = "merged"
        ticket.tell("merged", {"into": customer.ticket})
    if ticket.gone:
        world.desk[routed].free(agent)
        return
    customer.ticket = customer.ticket or ticket.id
    ticket.tell("assigned", {"agent": agent.id, "team": routed.team})
    ticket.tell(
        "categorized", {"topic": world.rng.choice(routed.topics) if routed is not ticket.queue else ticket.topic}
    )
    if routed is not ticket.queue:
        agent = yield from _bounce(ticket, routed, agent)
        if agent is None:
            return
    yield from _work(ticket, agent)


def reopen(ticket: Ticket) -> Steps[None]:
    """After a solve: reopen it if the problem is still there, and close it otherwise."""
    world = ticket.world
    delay = world.around(_REOPEN_MS)
    if ticket.solved or delay >= _REOPEN_AFTER_MS or world.chance(0.4):
        yield _REOPEN_AFTER_MS
        ticket.gone = "closed"
        ticket.become("closed")
        return
    yield delay
    ticket.reopened += 1
    ticket.tell("message", {"author": "customer"})
    ticket.become("open")
    agent = yield from _desk(ticket, ticket.queue)
    if agent is not None:
        yield from _work(ticket, agent)


def _desk(ticket: Ticket, queue: Queue) -> Steps[Agent | None]:
    """Wait until somebody at the desk takes it up; None when that took so long that it was closed."""
    pool = ticket.world.desk[queue]
    agent = pool.take()
    if agent is None:
        agent = yield from pool.wait(_DESK_WAIT_MAX_MS)
    if agent is None:
        ticket.gone = "closed"
        ticket.become("closed")
        _forget(ticket)
        return None
    ticket.world.status(agent, "on_contact")
    return agent


def _bounce(ticket: Ticket, wrong: Queue, agent: Agent) -> Steps[Agent | None]:
    """Find out that it is another queue's, hand it over, and wait there."""
    world, right = ticket.world, ticket.queue
    yield world.around(wrong.work_ms / 3)
    ticket.bounces += 1
    ticket.tell("assigned", {"agent": "", "team": right.team, "queue": right.name})
    world.engine.start(world.rest(world.desk[wrong], agent))
    found = yield from _desk(ticket, right)
    if found is not None:
        ticket.tell("assigned", {"agent": found.id, "team": right.team})
        ticket.tell("categorized", {"topic": ticket.topic})
    return found


def _work(ticket: Ticket, agent: Agent) -> Steps[None]:
    """Write replies until one solves it, or the agent thinks so; the customer answers the others."""
    world, queue = ticket.world, ticket.queue
    pool = world.desk[queue]
    for _ in range(_ROUNDS_MAX):
        ticket.become("open")
        yield world.around(queue.work_ms * world.slowness(queue))
        if world.chance(0.3):
            ticket.tell("suggested", {"kind": world.rng.choice(_SUGGESTIONS), "agent": agent.id})
        if world.chance(0.1):
            ticket.tell("message", {"author": "agent", "agent": agent.id, "public": False})
        if world.chance(_SHARE_RENAMED) and len(queue.topics) > 1:
            ticket.topic = world.rng.choice(queue.topics)
            ticket.tell("categorized", {"topic": ticket.topic})
        ticket.tell("message", {"author": "agent", "agent": agent.id, "team": queue.team})
        ticket.replies += 1
        if ticket.replied_ms is None:
            ticket.replied_ms = world.engine.now
        world.engine.start(world.rest(pool, agent))
        ticket.solved = world.chance(queue.solved)
        if ticket.solved or world.chance(0.3):
            break
        if world.chance(0.15):
            ticket.become("on_hold")
            yield world.around(_ON_HOLD_MS)
        else:
            ticket.become("pending")
            yield world.around(_ANSWER_MS)
            ticket.tell("message", {"author": "customer"})
            ticket.become("open")
        found = yield from _desk(ticket, queue)
        if found is None:
            return
        agent = found
    yield SECOND_MS
    ticket.become("solved", {"agent": agent.id})
    _forget(ticket)


def _forget(ticket: Ticket) -> None:
    """Let later tickets of the customer no longer be merged into this one."""
    if ticket.customer.ticket == ticket.id:
        ticket.customer.ticket = ""
