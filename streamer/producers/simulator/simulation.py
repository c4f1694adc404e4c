"""The simulation as an iterator of events."""

import math
from collections.abc import Iterator

from streamer.producers.simulator import stories
from streamer.producers.simulator.centre import Centre
from streamer.producers.simulator.world import CALL, CHAT, TICKET, World


def simulate(
    centre: Centre, *, start_ms: int, duration_ms: int | None = None, seed: int = 0
) -> Iterator[dict[str, object]]:
    """Yield a centre's events, in order of time, as CloudEvents (structured, plain dicts without `recordedtime`).

    The same arguments give the same events. They lie in `start_ms` (milliseconds since the epoch) up to, not with,
    `start_ms + duration_ms`; without a duration they never end, in bounded memory. Only the joining of an established
    population (`Centre.established_ms`) lies before the start.
    """
    world = World(centre, start_ms, seed)
    told = world.told
    yield from _established(world, start_ms)
    _open(world)
    end_ms = math.inf if duration_ms is None else start_ms + duration_ms
    while world.engine.step(end_ms):
        if told:
            yield from told
            told.clear()


def _established(world: World, start_ms: int) -> Iterator[dict[str, object]]:
    """Yield the joining of the population, spread evenly over the time before the start."""
    centre = world.centre
    if not centre.established_ms:
        return
    for place in range(centre.customers):
        customer = world.customer_at(place)
        world.engine.now = start_ms - centre.established_ms + place * centre.established_ms // centre.customers
        world.tell("customer", "joined", customer.id, {"customer": customer.id, "reason": "established"})
        yield from world.told
        world.told.clear()
    world.engine.now = start_ms


def _open(world: World) -> None:
    """Begin everything that goes on for ever: shifts first, so that the first contact finds somebody."""
    centre, start = world.centre, world.engine.start
    for queue in centre.queues:
        start(stories.shifts(world, queue, world.live[queue], queue.agents))
        start(stories.shifts(world, queue, world.desk[queue], queue.desk_agents))
    if centre.agent_events and centre.heartbeat_ms:
        for agent in world.agents:
            start(stories.heartbeats(world, agent))
    for queue in centre.queues:
        for entity, rate in (
            (CALL, queue.calls_per_hour),
            (CHAT, queue.chats_per_hour),
            (TICKET, queue.tickets_per_hour),
        ):
            if rate:
                start(stories.arrivals(world, entity, rate, queue))
    for entity, rate in (
        ("cart", centre.carts_per_hour),
        ("intercept", centre.intercepts_per_hour),
        ("relationship", centre.relationship_per_hour),
    ):
        if rate:
            start(stories.arrivals(world, entity, rate, None))
