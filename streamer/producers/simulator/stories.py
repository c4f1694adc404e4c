"""What leads to what: arrivals, contacts, and what a contact leaves behind (surveys, repeats, call-backs, churn)."""

from typing import Final

from streamer.producers.simulator import contacts, shop, surveys, tickets
from streamer.producers.simulator.centre import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Queue, SurveyForm
from streamer.producers.simulator.engine import Steps
from streamer.producers.simulator.pool import Agent, Pool
from streamer.producers.simulator.world import CALL, CHAT, TICKET, Customer, World

# Rates and staffing are constant between the multiples of this, and the edges of incidents: the arrivals are then an
# exact Poisson process without rejected draws.
SLICE_MS: Final = 5 * MINUTE_MS
_REPEAT_MS: Final = 50 * MINUTE_MS
_REPEATS_MAX: Final = 3
_CALL_BACK_MS: Final = 10 * MINUTE_MS
_FOLLOW_UP_MS: Final = 40 * MINUTE_MS
_FOLLOWED_UP: Final = 0.6
_SURVEY_DELAY_MS: Final = 20 * SECOND_MS
_BUYS_AFTER_CONTACT: Final = 0.04
_PATIENT_MS: Final = 4 * MINUTE_MS  # a wait that costs all the goodwill it can
_SLOW_REPLY_MS: Final = 4 * HOUR_MS
_QUIET_HOURS_POWER: Final = 0.8


def arrivals(world: World, entity: str, per_hour: float, queue: Queue | None) -> Steps[None]:
    """Let contacts of a queue (or carts, intercepts and relationship surveys of none) arrive for ever."""
    centre, engine = world.centre, world.engine
    while True:
        now = engine.now
        rate = per_hour * centre.shape.at(now - now % SLICE_MS)
        incident = centre.incident_at(queue.name, now) if queue else None
        if incident:
            rate *= incident.factor
        edge = min([now - now % SLICE_MS + SLICE_MS, *centre.edges_after(now)])
        wait = int(world.rng.expovariate(1.0) * HOUR_MS / rate + 0.5) if rate > 0 else edge - now
        if now + wait >= edge:
            yield edge - now  # the exponential distribution has no memory: draw again at the new rate
            continue
        yield wait
        arrive(world, entity, queue, world.someone())


def arrive(world: World, entity: str, queue: Queue | None, customer: Customer | None, tries: int = 0) -> None:
    """Begin whatever it is that arrives."""
    start = world.engine.start
    if queue is None:
        if customer is None:
            return
        if entity == "cart":
            start(shop.cart(world, customer))
        else:
            _form_story(world, entity, customer)
    elif entity == TICKET:
        if customer is not None:
            start(ticket_story(world, queue, customer, tries))
    else:
        start(live_story(world, contacts.inbound(world, entity, queue, customer), tries))


def _form_story(world: World, entity: str, customer: Customer) -> None:
    """Begin a survey that no contact leads to: a web intercept, or a relationship survey."""
    kind = "relationship" if entity == "relationship" else "intercept"
    for form in world.centre.forms:
        if kind == "relationship" and form.kind == kind:
            world.engine.start(survey_story(world, form, customer, world.rng.betavariate(4, 2), "", {}))
        elif kind == "intercept" and form.name == kind:
            world.engine.start(surveys.intercept(world, form, customer))


def live_story(world: World, contact: contacts.Contact, tries: int) -> Steps[None]:
    """Run a call or chat and what follows from it."""
    customer = contact.customer
    if customer is not None:
        customer.busy += 1
    yield from contacts.live(contact)
    if customer is None:
        return
    if contact.direction != "inbound":
        _settle(world, customer, 1.0)
        return
    if contact.left == "callback":
        world.engine.start(call_back(world, contact.queue, customer, "callback", _CALL_BACK_MS))
    mood = 0.95 - 0.45 * min(1.0, contact.waited_ms / _PATIENT_MS) - 0.15 * (contact.legs - 1)
    mood -= 0.0 if contact.solved else 0.4
    labels: dict[str, object] = {"queue": contact.queue.name, "team": contact.queue.team}
    if contact.answered:
        labels["channel"] = "phone" if contact.entity == CALL else "chat"
        _ask(world, contact.entity, customer, mood, contact.id, labels)
    _after(world, contact.queue, customer, mood, solved=contact.solved or contact.left == "callback", tries=tries)


def ticket_story(world: World, queue: Queue, customer: Customer, tries: int) -> Steps[None]:
    """Run a ticket, its reopenings and what follows from it."""
    customer.busy += 1
    ticket = tickets.written(world, queue, customer)
    yield from tickets.open_ticket(ticket)
    asked = False
    while not ticket.gone:
        if not asked:
            asked = True
            _ask(world, TICKET, customer, _ticket_mood(ticket), ticket.id, {"channel": ticket.channel})
        yield from tickets.reopen(ticket)
    if ticket.gone == "closed":
        _after(world, queue, customer, _ticket_mood(ticket), solved=ticket.solved, tries=tries)
    else:
        _settle(world, customer, 1.0)


def _ticket_mood(ticket: tickets.Ticket) -> float:
    waited = _SLOW_REPLY_MS if ticket.replied_ms is None else ticket.replied_ms - ticket.created_ms
    mood = 0.95 - 0.4 * min(1.0, waited / _SLOW_REPLY_MS) - 0.06 * max(0, ticket.replies - 1)
    return mood - 0.12 * (ticket.bounces + ticket.reopened) - (0.0 if ticket.solved else 0.3)


def _ask(world: World, entity: str, customer: Customer, mood: float, about: str, labels: dict[str, object]) -> None:
    """Send a survey after some contacts."""
    if not world.chance(world.centre.survey_share):
        return
    forms = [form for form in world.centre.forms if entity in form.about]
    if forms:
        story = survey_story(world, world.rng.choice(forms), customer, mood, about, labels)
        world.engine.start(story, world.around(_SURVEY_DELAY_MS))


def survey_story(
    world: World, form: SurveyForm, customer: Customer, mood: float, about: str, labels: dict[str, object]
) -> Steps[None]:
    """Run a survey; most detractors are called afterwards."""
    if customer.gone:
        return
    customer.busy += 1
    detractor = yield from surveys.invite(world, form, customer, mood, about, labels)
    if detractor and world.chance(_FOLLOWED_UP):
        world.engine.start(call_back(world, world.rng.choice(world.centre.queues), customer, "outbound", _FOLLOW_UP_MS))
    _settle(world, customer, mood)


def call_back(world: World, queue: Queue, customer: Customer, direction: str, mean_ms: int) -> Steps[None]:
    """Call a customer: because they asked for it, or because they were displeased."""
    customer.busy += 1
    yield world.around(mean_ms)
    contact = contacts.Contact(
        world=world,
        entity=CALL,
        queue=queue,
        customer=customer,
        topic="call-back",
        direction=direction,
        id=world.new_id(CALL),
    )
    yield from live_story(world, contact, 0)
    _settle(world, customer, 1.0)


def _after(world: World, queue: Queue, customer: Customer, mood: float, *, solved: bool, tries: int) -> None:
    """Let the customer talk about it, buy, come again or go, after a contact of theirs."""
    if world.chance(world.centre.mentions):
        shop.mention(world, customer, mood)
    if solved and world.centre.carts_per_hour and world.chance(_BUYS_AFTER_CONTACT):
        shop.purchase(world, customer)
    if not solved and tries < _REPEATS_MAX and world.chance(world.centre.repeat):
        world.engine.start(_again(world, queue, customer, tries + 1))
    else:
        _settle(world, customer, mood)


def _again(world: World, queue: Queue, customer: Customer, tries: int) -> Steps[None]:
    """Come again with an unsolved problem, through whatever door is there."""
    yield world.around(_REPEAT_MS)
    rates = {CALL: queue.calls_per_hour, CHAT: queue.chats_per_hour, TICKET: queue.tickets_per_hour}
    doors = [door for door, rate in rates.items() if rate]
    customer.busy -= 1
    if doors:
        arrive(world, world.rng.choice(doors), queue, customer, tries)


def _settle(world: World, customer: Customer, mood: float) -> None:
    """Count a thing of the customer as over; with nothing else under way a displeased one may leave for good."""
    customer.busy -= 1
    if not customer.busy and not customer.gone and world.chance(world.centre.churn * (1 - mood) ** 2):
        world.engine.start(shop.leave(world, customer))


# ---- agents ----


def heartbeats(world: World, agent: Agent) -> Steps[None]:
    """Tell now and then that an agent on duty is still there, and ask about once a day how they find their work."""
    every_ms = world.centre.heartbeat_ms
    pulses = [form for form in world.centre.forms if form.kind == "esat"]
    yield world.rng.randrange(every_ms)
    while True:
        if agent.status not in {"", "offline"}:
            world.tell("agent", "heartbeat", agent.id, {"agent": agent.id})
            if pulses and world.chance(every_ms / DAY_MS):
                world.engine.start(surveys.pulse(world, pulses[0], agent))
        yield every_ms


def shifts(world: World, queue: Queue, pool: Pool, agents: int) -> Steps[None]:
    """Have as many agents on duty as the shape of the day asks for; quiet hours need more than their share."""
    shape = world.centre.shape
    while True:
        now = world.engine.now
        from_hour, to_hour = queue.open_hours
        if from_hour <= now % DAY_MS // HOUR_MS < to_hour:
            share = (shape.at(now) / shape.peak) ** _QUIET_HOURS_POWER
            pool.staff(max(1, round(agents * share)) if agents else 0)
        else:
            pool.staff(0)
        yield SLICE_MS - now % SLICE_MS
