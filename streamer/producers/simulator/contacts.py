"""Calls and chats: one life in one place, from the first leg's `queued` to what its end leaves behind."""

from dataclasses import dataclass
from typing import Final

from streamer.producers.simulator.centre import MINUTE_MS, SECOND_MS, Queue
from streamer.producers.simulator.engine import Steps
from streamer.producers.simulator.pool import Agent, Pool
from streamer.producers.simulator.world import CALL, CHAT, Customer, World

# Pauses that a person or a switch makes. None is 0 where an order at one instant would read differently.
_ANNOUNCEMENT_MS: Final = 1500
_RETRY_MS: Final = 250
_RING_OUT_MS: Final = 15 * SECOND_MS
_GREETING_MS: Final = 6 * SECOND_MS
_LINE_MS: Final = 25 * SECOND_MS
_BOT_LINE_MS: Final = 8 * SECOND_MS
_VOICEMAIL_MS: Final = 30 * SECOND_MS
_HOLD_MS: Final = 50 * SECOND_MS
_HOLD_PATIENCE_MS: Final = 6 * MINUTE_MS
_BOT_SOLVES: Final = 0.3
_LEGS_MAX: Final = 4  # a contact is not sent round for ever
_WITHHELD: Final = 0.05  # calls without a number


@dataclass(slots=True, kw_only=True)
class Contact:
    """A call or a chat (`entity`), and what has happened to it so far."""

    world: World
    entity: str
    queue: Queue
    customer: Customer | None
    topic: str
    direction: str = "inbound"
    id: str = ""
    waited_ms: int = 0
    legs: int = 0
    answered: bool = False
    solved: bool = False
    left: str = ""
    """Why it left the queue, or how its waiting ended."""

    def tell(self, what: str, data: dict[str, object]) -> None:
        """Emit an event of this contact."""
        if self.customer is not None:
            data["customer"] = self.customer.id
        self.world.tell(self.entity, what, self.id, data)

    @property
    def pool(self) -> Pool:
        """Return the agents of the queue that it is in."""
        return self.world.live[self.queue]


def inbound(world: World, entity: str, queue: Queue, customer: Customer | None) -> Contact:
    """Return a contact that a customer begins now; some callers withhold their number."""
    if entity == CALL and world.centre.repeat and world.chance(_WITHHELD):
        customer = None
    topic = world.topic(queue)
    return Contact(world=world, entity=entity, queue=queue, customer=customer, topic=topic, id=world.new_id(entity))


def live(contact: Contact) -> Steps[None]:
    """Run a contact to its end."""
    world = contact.world
    if contact.entity == CHAT and contact.direction == "inbound" and world.chance(contact.queue.bot):
        handed_over = yield from _bot(contact)
        if not handed_over:
            return
    announced = True
    while True:
        agent = yield from _leg(contact, announced=announced)
        if agent is None:
            if contact.left != "overflow":
                return
            contact.queue = world.other_queue(contact.queue)
            announced = True
            continue
        to_queue, announced = yield from _talk(contact, agent)
        if to_queue is None:
            return
        contact.queue = to_queue


def _bot(contact: Contact) -> Steps[bool]:
    """Talk to the bot; True when it hands over to people."""
    world = contact.world
    contact.tell("message", {**_opening(contact), "author": "customer", "queue": contact.queue.name})
    yield world.around(SECOND_MS)
    contact.tell("message", {"author": "bot", "automated": True})
    yield world.around(_BOT_LINE_MS)
    if world.chance(_BOT_SOLVES):
        contact.solved = True
        contact.tell("ended", {"by": "customer"})
        return False
    return True


def _opening(contact: Contact) -> dict[str, object]:
    data: dict[str, object] = contact.customer.profile() if contact.customer else {}
    return data | {"topic": contact.topic}


def _leg(contact: Contact, *, announced: bool) -> Steps[Agent | None]:
    """Wait in the contact's queue; the agent who answered, or None when the leg ended otherwise (`left` says how)."""
    world, queue, pool = contact.world, contact.queue, contact.pool
    start_ms = world.engine.now
    contact.legs += 1
    contact.left = ""
    if announced:
        data = _opening(contact) if contact.legs == 1 else {}
        data |= {"queue": queue.name, "team": queue.team}
        if contact.direction != "inbound":
            data["direction"] = contact.direction
        contact.tell("queued", data)
    if contact.direction == "inbound":
        patience = world.around(queue.patience_ms if contact.entity == CALL else queue.chat_patience_ms)
        reason = yield from _turned_away(contact)
        if reason:
            return None
    else:
        patience = None
    deadline = None if patience is None else start_ms + min(patience, queue.max_wait_ms or patience)
    agent = pool.take()
    while True:
        if agent is None:
            limit = None if deadline is None else max(0, deadline - world.engine.now)
            agent = yield from pool.wait(limit, first=contact.left == "not_answered")
        if agent is None:
            contact.waited_ms += world.engine.now - start_ms
            yield from _give_up(contact, timed_out=patience is not None and patience > (queue.max_wait_ms or patience))
            return None
        taken = yield from _ring(contact, agent, deadline)
        if taken:
            contact.waited_ms += world.engine.now - start_ms
            contact.answered = True
            contact.left = "answered"
            return agent
        if contact.left == "abandoned":
            contact.waited_ms += world.engine.now - start_ms
            return None
        agent = None


def _turned_away(contact: Contact) -> Steps[str]:
    """Return why the queue does not take a contact at all; empty if it does."""
    queue, pool = contact.queue, contact.pool
    reason = ""
    if not pool.on_duty:
        reason = "empty"
    elif queue.overflow_at is not None and pool.waiting >= queue.overflow_at and contact.legs < _LEGS_MAX:
        reason = "overflow"
    if reason:
        yield _ANNOUNCEMENT_MS
        contact.left = reason
        contact.tell("left_queue", {"reason": reason})
        if reason == "empty":
            contact.tell("ended", {"by": "system"})
    return reason


def _give_up(contact: Contact, *, timed_out: bool) -> Steps[None]:
    """End a wait that lasted too long: for the customer, who then hangs up or takes a way out, or for the queue."""
    world = contact.world
    reason = "timeout" if timed_out else ""
    if not reason and contact.queue.exits:
        dice = world.rng.random()
        for name, share in contact.queue.exits:
            dice -= share
            if dice < 0:
                reason = name
                break
    contact.left = reason or "abandoned"
    if not reason:
        contact.tell("abandoned", {})
        return
    contact.tell("left_queue", {"reason": reason})
    if reason == "voicemail":
        yield world.around(_VOICEMAIL_MS)
    if reason != "callback":
        yield 1
        contact.tell("ended", {"by": "system" if timed_out else "customer"})


def _ring(contact: Contact, agent: Agent, deadline: int | None) -> Steps[bool]:
    """Ring at an agent; True if they answered. The customer may leave meanwhile, the agent may not take it."""
    world, queue, pool = contact.world, contact.queue, contact.pool
    if not queue.ring_ms:
        return True
    contact.tell("offered", {"agent": agent.id})
    missed = world.chance(queue.miss)
    ring = _RING_OUT_MS if missed else world.around(queue.ring_ms)
    if deadline is not None and world.engine.now + ring > deadline:
        yield max(1, deadline - world.engine.now)
        contact.left = "abandoned"
        contact.tell("abandoned", {})
        pool.free(agent)
        return False
    yield ring
    if not missed:
        return True
    contact.left = "not_answered"
    contact.tell("not_answered", {"agent": agent.id, "ring_seconds": ring / SECOND_MS})
    world.status(agent, "away")
    world.engine.start(world.rest(pool, agent), world.around(3 * MINUTE_MS))
    yield _RETRY_MS
    return False


def _talk(contact: Contact, agent: Agent) -> Steps[tuple[Queue | None, bool]]:
    """Handle an answered leg; where it is transferred to, if it is, and whether its new leg is announced."""
    world, queue, pool = contact.world, contact.queue, contact.pool
    contact.tell("answered", {"agent": agent.id, "queue": queue.name, "team": queue.team})
    world.status(agent, "on_contact")
    handle = world.around((queue.talk_ms if contact.entity == CALL else queue.chat_ms) * world.slowness(queue))
    hung_up = False
    if world.chance(queue.hold):
        first = handle // 2 + 1
        yield first
        handle -= first
        hung_up = yield from _hold(contact)
    if not hung_up:
        if contact.entity == CHAT:
            yield from _converse(contact, agent, handle)
        else:
            yield max(1, handle)
    to_queue = None
    announced = True
    if not hung_up and contact.legs < _LEGS_MAX and world.chance(queue.transfer):
        to_queue = world.other_queue(queue)
        announced = world.chance(0.5)
        kind = "blind" if announced else "consult"
        contact.tell("transferred", {"to_queue": to_queue.name, "kind": kind, "agent": agent.id})
    else:
        contact.solved = not hung_up and world.chance(queue.solved)
        by = "customer" if hung_up or world.chance(0.7) else "agent"
        contact.tell("ended", {"by": by})
    world.engine.start(_wrap_up(contact, pool, agent, queue.wrap_up_ms))
    return to_queue, announced


def _hold(contact: Contact) -> Steps[bool]:
    """Put the customer on hold; True if they hang up before the agent is back."""
    world = contact.world
    contact.tell("held", {})
    hold, patience = world.around(_HOLD_MS), world.around(_HOLD_PATIENCE_MS)
    yield min(hold, patience)
    if patience < hold:
        return True
    contact.tell("resumed", {})
    return False


def _converse(contact: Contact, agent: Agent, left_ms: int) -> Steps[None]:
    """Exchange chat messages for a time, the agent's greeting first."""
    world = contact.world
    agents_turn, pause = True, world.around(_GREETING_MS)
    while pause < left_ms:
        yield pause
        left_ms -= pause
        contact.tell("message", {"author": "agent", "agent": agent.id} if agents_turn else {"author": "customer"})
        agents_turn, pause = not agents_turn, world.around(_LINE_MS)
    yield max(1, left_ms)


def _wrap_up(contact: Contact, pool: Pool, agent: Agent, mean_ms: int) -> Steps[None]:
    """Finish the agent's part of a contact."""
    world = contact.world
    if mean_ms:
        world.status(agent, "wrap_up")
        yield world.around(mean_ms)
        contact.tell("wrapped_up", {"agent": agent.id})
    yield from world.rest(pool, agent)
