"""The state that all processes share: the clock, the dice, the population, the agents, and what they tell."""

from datetime import UTC, datetime
from random import Random
from typing import Final

from streamer.producers.simulator.centre import SECOND_MS, Centre, Queue, zipf
from streamer.producers.simulator.engine import Engine, Steps
from streamer.producers.simulator.pool import Agent, Pool

CALL: Final = "call"
CHAT: Final = "chat"
TICKET: Final = "ticket"
SOURCES: Final = {
    CALL: "sim/phone",
    CHAT: "sim/chat",
    TICKET: "sim/helpdesk",
    "survey": "sim/survey",
    "cart": "sim/shop",
    "customer": "sim/shop",
    "mention": "sim/social",
    "agent": "sim/desk",
}
BREAK_MS: Final = 6 * 60 * SECOND_MS
# In an incident everybody asks about the same trouble, and it takes longer.
INCIDENT_TOPIC_SHARE: Final = 0.85
INCIDENT_HANDLE_FACTOR: Final = 1.4
_TIERS: Final = ("basic", "basic", "basic", "plus", "plus", "premium")
_LANGUAGES: Final = ("en", "en", "de", "nl", "fi", "hu", "en")
_BRANDS: Final = ("north", "north", "south")
_PRODUCTS: Final = ("router", "phone", "tablet", "plan", "tv-box")


class Customer:
    """One customer of the population; a place is taken again, under a new id, when its customer has left."""

    __slots__ = ("busy", "gone", "id", "place", "surveyed_ms", "ticket", "visits")

    def __init__(self, place: int, visits: int) -> None:
        self.id = f"c{place:06d}" if not visits else f"c{place:06d}-{visits}"
        self.place = place
        self.visits = visits
        self.busy = 0  # contacts, carts and surveys that are not over
        self.gone = False
        self.ticket = ""  # an open ticket's id
        self.surveyed_ms = 0

    def profile(self) -> dict[str, object]:
        """Return the common fields that belong to the customer."""
        place = self.place
        return {
            "customer": self.id,
            "brand": _BRANDS[place % len(_BRANDS)],
            "product": _PRODUCTS[place % len(_PRODUCTS)],
            "language": _LANGUAGES[place % len(_LANGUAGES)],
            "tier": _TIERS[place % len(_TIERS)],
        }


class World:
    """What one simulation knows. Events appear in `told`, in order of time."""

    def __init__(self, centre: Centre, start_ms: int, seed: int) -> None:
        self.centre = centre
        self.engine = Engine(start_ms)
        self.rng = Random(seed)  # noqa: S311  dice of a simulation, which must fall the same way for the same seed
        self.told: list[dict[str, object]] = []
        # Part of every id, so that another run's tickets and events are other ones, and the same run's are the same.
        self.run = f"{start_ms // SECOND_MS:x}.{seed:x}"
        self._events = 0
        self._subjects = 0
        self._second = -1
        self._prefix = ""
        self._customers: dict[int, Customer] = {}
        self._topic_weights = {queue: zipf(len(queue.topics)) for queue in centre.queues}
        self.agents: list[Agent] = []
        self.live: dict[Queue, Pool] = {}
        self.desk: dict[Queue, Pool] = {}
        for queue in centre.queues:
            for pools, count in ((self.live, queue.agents), (self.desk, queue.desk_agents)):
                agents = [Agent(len(self.agents) + place, queue.name, queue.team) for place in range(count)]
                self.agents += agents
                pools[queue] = Pool(self.engine, agents, self.status)

    # ---- telling ----

    def tell(self, entity: str, what: str, subject: str, data: dict[str, object]) -> None:
        """Emit one event of now."""
        self._events += 1
        second, ms = divmod(self.engine.now, SECOND_MS)
        if second != self._second:
            self._second = second
            self._prefix = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        self.told.append(
            {
                "specversion": "1.0",
                # Zero-padded: events of one instant and type are read in the order of their ids.
                "id": f"{self.run}-{self._events:012d}",
                "source": SOURCES[entity],
                "type": f"support.{entity}.{what}",
                "subject": subject,
                "time": f"{self._prefix}.{ms:03d}Z",
                "data": data,
            }
        )

    def status(self, agent: Agent, status: str) -> None:
        """Tell an agent's new status, if it is one."""
        if agent.status == status:
            return
        agent.status = status
        if self.centre.agent_events:
            data: dict[str, object] = {"agent": agent.id, "status": status, "queues": [agent.queue], "team": agent.team}
            self.tell("agent", "status_changed", agent.id, data)

    def new_id(self, kind: str) -> str:
        """Return a new id of a ticket, contact, survey or cart."""
        self._subjects += 1
        return f"{kind}-{self.run}-{self._subjects}"

    # ---- dice ----

    def around(self, mean_ms: float) -> int:
        """Return an exponentially distributed time in ms, at least 1."""
        return int(self.rng.expovariate(1.0) * mean_ms) + 1

    def chance(self, share: float) -> bool:
        """Return True in that share of cases; no dice are used for a share of 0."""
        return share > 0 and self.rng.random() < share

    def topic(self, queue: Queue) -> str:
        """Return what a contact of now is about: skewed, and in an incident mostly its trouble."""
        if self.centre.incident_at(queue.name, self.engine.now) and self.chance(INCIDENT_TOPIC_SHARE):
            return queue.incident_topic
        return self.rng.choices(queue.topics, cum_weights=self._topic_weights[queue])[0]

    def slowness(self, queue: Queue) -> float:
        """Return by how much handling takes longer now."""
        return INCIDENT_HANDLE_FACTOR if self.centre.incident_at(queue.name, self.engine.now) else 1.0

    def other_queue(self, queue: Queue) -> Queue:
        """Return another queue of the centre, the same if it has only one."""
        queues = self.centre.queues
        if len(queues) == 1:
            return queue
        return queues[(queues.index(queue) + self.rng.randrange(1, len(queues))) % len(queues)]

    # ---- customers ----

    def customer_at(self, place: int) -> Customer:
        """Return the customer at a place of the population; they come into being when first needed."""
        customer = self._customers.get(place)
        if customer is None:
            customer = self._customers[place] = Customer(place, 0)
        return customer

    def someone(self) -> Customer | None:
        """Return any customer; one who has left is replaced by a new one who joins now. None without a population."""
        if not self.centre.customers:
            return None
        customer = self.customer_at(self.rng.randrange(self.centre.customers))
        return self.replace(customer) if customer.gone else customer

    def replace(self, customer: Customer) -> Customer:
        """Let somebody new join in the place of a customer who has left."""
        new = self._customers[customer.place] = Customer(customer.place, customer.visits + 1)
        self.tell("customer", "joined", new.id, {"customer": new.id, "reason": "new"})
        return new

    # ---- agents ----

    def rest(self, pool: Pool, agent: Agent) -> Steps[None]:
        """Let an agent go on: now and then after a break."""
        if self.chance(self.centre.breaks):
            self.status(agent, "away")
            yield self.around(BREAK_MS)
        pool.free(agent)
