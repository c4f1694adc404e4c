"""What a simulated support centre is made of: plain frozen values, all durations in integer milliseconds."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

SECOND_MS: Final = 1000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
# 1970-01-01 was a Thursday; weeks of a shape begin on Monday.
_DAYS_FROM_MONDAY: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How busy the centre is, relative to its nominal rates: by hour of the day and by day of the week (UTC)."""

    hours: tuple[float, ...] = (1.0,) * 24
    days: tuple[float, ...] = (1.0,) * 7

    def at(self, time_ms: int) -> float:
        """Return the factor at a time: the hours' values are reached at the full hour and joined by straight lines."""
        hour, rest_ms = divmod(time_ms % DAY_MS, HOUR_MS)
        here, after = self.hours[hour], self.hours[(hour + 1) % 24]
        day = (time_ms // DAY_MS + _DAYS_FROM_MONDAY) % 7
        return (here + (after - here) * rest_ms / HOUR_MS) * self.days[day]

    @property
    def peak(self) -> float:
        """Return the largest factor of the week."""
        return max(self.hours) * max(self.days)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # a key of dicts: hashed by identity, not by 25 fields
class Queue:
    """One queue of one team: what arrives (an hour, at shape 1), who works there, and how people behave.

    Calls and chats share `agents`, who take one contact at a time in order of arrival; `desk_agents` work on tickets.
    Times are means of exponential distributions. Several entries may carry the same name with other teams.
    """

    name: str
    team: str
    calls_per_hour: float = 0.0
    chats_per_hour: float = 0.0
    tickets_per_hour: float = 0.0
    agents: int = 0
    desk_agents: int = 0
    talk_ms: int = 4 * MINUTE_MS
    chat_ms: int = 5 * MINUTE_MS
    work_ms: int = 4 * MINUTE_MS
    """Time at the desk for one reply to a ticket."""
    wrap_up_ms: int = 0
    ring_ms: int = 0
    """0: an agent who is given a contact answers at once, and no `offered` is sent."""
    patience_ms: int = 3 * MINUTE_MS
    chat_patience_ms: int = 4 * MINUTE_MS
    max_wait_ms: int | None = None
    """When the queue itself gives up on those who still wait (`left_queue`, reason timeout)."""
    overflow_at: int | None = None
    """A contact that finds so many waiting goes to the next queue of the centre instead."""
    exits: tuple[tuple[str, float], ...] = ()
    """What those do whose patience ends, instead of hanging up: `left_queue` reasons and their shares."""
    open_hours: tuple[int, int] = (0, 24)
    miss: float = 0.0
    """Share of rings that the agent does not take."""
    hold: float = 0.0
    transfer: float = 0.0
    bot: float = 0.0
    """Share of chats that begin with the bot, which ends some of them itself."""
    solved: float = 1.0
    """Share of contacts and ticket replies that solve the problem."""
    topics: tuple[str, ...] = ("general",)
    """What people come for, the most frequent first: weights 1, 1/2, 1/3, ..."""
    incident_topic: str = "outage"


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyForm:
    """One questionnaire: its scale, and after which contacts it is sent (entities; none: not after contacts)."""

    name: str
    kind: str
    low: int
    high: int
    best: str = "high"
    about: tuple[str, ...] = ("call", "chat", "ticket")
    ratings: tuple[str, ...] = ()
    department: str = "support"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """From `start_ms` on, for `duration_ms`, `factor` times as many contacts reach one queue, most about one topic."""

    queue: str
    start_ms: int
    duration_ms: int
    factor: float

    @property
    def end_ms(self) -> int:
        """Return the first millisecond after the incident."""
        return self.start_ms + self.duration_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """A support centre with its customers, shop and surveys; rates are an hour at shape 1."""

    queues: tuple[Queue, ...]
    customers: int = 0
    """Size of the population; 0: nobody says who they are, and only calls can arrive."""
    shape: Shape = field(default_factory=Shape)
    forms: tuple[SurveyForm, ...] = ()
    survey_share: float = 0.0
    """Share of finished contacts after which a survey is sent."""
    survey_expiry_ms: int = 12 * HOUR_MS
    intercepts_per_hour: float = 0.0
    relationship_per_hour: float = 0.0
    carts_per_hour: float = 0.0
    mentions: float = 0.0
    """Share of finished contacts that are told about in public."""
    repeat: float = 0.0
    """Share of customers who come again when their problem was not solved."""
    churn: float = 0.0
    """Chance that a customer at their most dissatisfied leaves after a contact."""
    established_ms: int = 0
    """The population joined evenly over this time before the start (events older than the start); 0: not told."""
    agent_events: bool = True
    heartbeat_ms: int = 2 * MINUTE_MS
    breaks: float = 0.0
    """Chance of a break after a contact."""
    incidents: tuple[Incident, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot run; ValueError says what."""
        names = {queue.name for queue in self.queues}
        for incident in self.incidents:
            if incident.queue not in names:
                known = ", ".join(sorted(names))
                raise ValueError(f"incident in unknown queue {incident.queue!r}; the centre has {known}")
        needs_customers = any(queue.chats_per_hour or queue.tickets_per_hour for queue in self.queues)
        if not self.customers and (needs_customers or self.carts_per_hour or self.intercepts_per_hour):
            raise ValueError("chats, tickets, carts and surveys need customers")

    def incident_at(self, queue: str, time_ms: int) -> Incident | None:
        """Return the incident that a queue has at a time, the first one named if there are several."""
        for incident in self.incidents:
            if incident.queue == queue and incident.start_ms <= time_ms < incident.end_ms:
                return incident
        return None

    def edges_after(self, time_ms: int) -> Iterator[int]:
        """Yield the beginnings and ends of incidents that are still to come."""
        for incident in self.incidents:
            yield from (edge for edge in (incident.start_ms, incident.end_ms) if edge > time_ms)


def zipf(count: int) -> tuple[float, ...]:
    """Return cumulative weights 1, 1 + 1/2, ... of `count` choices, as random.choices takes them."""
    return tuple(accumulate(1 / place for place in range(1, count + 1)))
