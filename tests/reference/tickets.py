"""The life of one ticket, event by event, up to a horizon (metrics.md "Tickets")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .book import Dims, Group

if TYPE_CHECKING:
    from .config import Config
    from .order import Event

OPEN = ("new", "open", "pending", "on_hold")


@dataclass
class Solve:
    """One transition to solved (or to closed from an open state), and what was so far."""

    event: Event
    group: Group
    stub: bool
    first: bool
    replies: int
    suggestions: int
    waited: dict[str, int]
    reopen: Event | None = None


@dataclass
class Target:
    """One running SLA target: first_response or response."""

    kind: str
    start: int
    done: Event | None = None  # the work was done here
    done_group: Group = ()
    stopped: Event | None = None  # solved, merged or deleted without it


@dataclass
class Reply:
    responder: str
    event: Event
    group: Group
    since: int


@dataclass
class Life:
    """All of a ticket that the rows ask for."""

    id: str
    events: list[Event]
    dims: Dims
    horizon: int
    stub: bool = True
    created: Event | None = None
    created_group: Group = ()
    status: str = "open"  # a stub ticket is open until a status says otherwise
    gone: str = ""  # merged or deleted
    gone_event: Event | None = None
    gone_group: Group = ()
    topic: str = ""
    agent: str = ""
    nobody_since: int = 0
    clock: int | None = None
    first_reply: Event | None = None
    first_reply_group: Group = ()
    last_reply: Event | None = None
    human_replies: list[Event] = field(default_factory=list)
    first_customer_message: int | None = None
    suggestions: int = 0
    replies: list[Reply] = field(default_factory=list)
    wait: dict[str, int | None] = field(default_factory=lambda: {"human": None, "any": None})
    pending_wait: dict[str, int | None] = field(default_factory=lambda: {"human": None, "any": None})
    solves: list[Solve] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    state_since: int = 0
    waited: dict[str, int] = field(default_factory=dict)
    base: Event | None = None
    base_group: Group = ()
    base_kept: bool = True
    assigned_seen: bool = False

    @property
    def finished(self) -> bool:
        """Finished = solved, closed, merged or deleted."""
        return bool(self.gone) or self.status not in OPEN

    @property
    def net(self) -> Solve | None:
        """The solve that stands: the last one, if the ticket was not reopened after it."""
        return self.solves[-1] if self.solves and self.solves[-1].reopen is None else None

    def target(self, kind: str) -> Target | None:
        """The target of a kind that still runs."""
        running = [t for t in self.targets if t.kind == kind and t.done is None and t.stopped is None]
        return running[-1] if running else None


def live(events: list[Event], config: Config, horizon: int) -> Life:
    """The ticket as known from those of its events whose time is at or before the horizon."""
    life = Life(events[0].subject, events, Dims(config.names, channel="email"), horizon)
    life.nobody_since = events[0].time
    for event in events:
        # After merged and deleted, later events of the ticket are as if they had not come.
        if event.time > horizon or life.gone:
            break
        queue, topic = life.dims.now.get("queue", ""), life.topic
        _fields(life, event, first=event is events[0])
        life.dims.mark(event.idx, event.time)
        queue_now = life.dims.now.get("queue", "")
        if "queue" not in config.names:
            queue, queue_now = _queue_at(events, event.idx), _queue_at(events, event.idx + 1)
        if life.base is not None and (queue_now != queue or (topic and life.topic != topic)):
            life.base_kept = False  # the queue changed, or the topic once set changed, after the base event
        _act(life, event)
    return life


def _queue_at(events: list[Event], idx: int) -> str:
    stated = [str(e.data["queue"]) for e in events if e.idx < idx and "queue" in e.data]
    return stated[-1] if stated else ""


def _fields(life: Life, event: Event, *, first: bool) -> None:
    # `agent` of created and assigned is the assignee; of other events the one who acts, and changes nothing.
    assignee = event.what in {"created", "assigned"}
    life.dims.apply(event.data, agent=assignee)
    if "topic" in event.data:
        life.topic = str(event.data["topic"])
    if assignee and "agent" in event.data:
        agent = str(event.data["agent"])
        if life.agent and not agent:
            life.nobody_since = event.time  # an empty agent unassigns
        life.agent = agent
    if event.what == "created" and first:
        life.status = "new"


def _act(life: Life, event: Event) -> None:
    what = event.what
    if what == "created" and life.created is None:
        _created(life, event)
    elif what == "message":
        _message(life, event)
    elif what == "assigned":
        if not life.assigned_seen:
            life.assigned_seen = True
            _base(life, event)
    elif what == "suggested":
        life.suggestions += 1
    elif what == "status_changed":
        _status(life, event)
    elif what in {"merged", "deleted"}:
        _spend(life, event.time)
        life.gone, life.gone_event, life.gone_group = what, event, life.dims.group()
        for target in life.targets:
            if target.done is None and target.stopped is None:
                target.stopped = event  # both close open work and running targets


def _created(life: Life, event: Event) -> None:
    """Also a `created` that comes later than other events: it makes the ticket no stub any more."""
    life.created, life.created_group, life.stub = event, life.dims.group(), False
    life.state_since = event.time
    if event.data.get("created_by", "customer") in {"customer", "system"}:
        _start_clock(life, event.time)
        _asked(life, event.time)  # it also counts as an unanswered customer message
    elif life.first_customer_message is not None:
        _start_clock(life, life.first_customer_message)


def _start_clock(life: Life, at: int) -> None:
    if life.clock is None and not life.stub:
        life.clock = at
        if not life.finished:
            life.targets.append(Target("first_response", at))


def _start_wait(life: Life, at: int) -> None:
    for responder in ("human", "any"):
        if life.wait[responder] is None:
            life.wait[responder] = at
            if responder == "human":
                life.targets.append(Target("response", at))


def _asked(life: Life, at: int) -> None:
    if not life.finished:
        _start_wait(life, at)
        return
    # on a solved ticket it starts a wait only when the ticket is reopened, from the message
    for responder in ("human", "any"):
        if life.pending_wait[responder] is None:
            life.pending_wait[responder] = at


def is_human_reply(event: Event) -> bool:
    """A message with author agent, public, not automated."""
    data = event.data
    return data.get("author") == "agent" and data.get("public", True) and not data.get("automated", False)


def is_any_reply(event: Event) -> bool:
    """Any: also bot, or automated by anybody but the customer; public."""
    data = event.data
    if not data.get("public", True):
        return False
    return (
        is_human_reply(event)
        or data["author"] == "bot"
        or (data.get("automated", False) and data["author"] != "customer")
    )


def is_customer_message(event: Event) -> bool:
    """A customer message with automated = true starts nothing."""
    return event.data.get("author") == "customer" and not event.data.get("automated", False)


def _message(life: Life, event: Event) -> None:
    if is_customer_message(event):
        if life.first_customer_message is None:
            life.first_customer_message = event.time
        if life.created is not None:
            _start_clock(life, event.time)  # created_by agent: at the first customer message
        _asked(life, event.time)
        return
    group = life.dims.group()
    if is_human_reply(event):
        life.human_replies.append(event)
        life.last_reply = event
        _answer(life, event, "human", group)
        # "first human reply" is the first one after the first clock started; it does not look at solves
        if life.clock is not None and life.first_reply is None:
            life.first_reply, life.first_reply_group = event, group
            _base(life, event)
            target = life.target("first_response")
            if target is not None:
                target.done, target.done_group = event, group
    if is_any_reply(event):
        _answer(life, event, "any", group)


def _answer(life: Life, event: Event, responder: str, group: Group) -> None:
    since = life.wait[responder]
    life.wait[responder] = life.pending_wait[responder] = None
    if since is None:
        return
    life.replies.append(Reply(responder, event, group, since))
    if responder == "human":
        target = life.target("response")
        if target is not None:
            target.done, target.done_group = event, group


def _base(life: Life, event: Event) -> None:
    """Base event: the earlier of the first `assigned` and the first human reply; a stub has none of a first kind."""
    if life.base is None and not life.stub and (event.what != "assigned" or life.assigned_seen):
        life.base, life.base_group = event, life.dims.group()


def _spend(life: Life, until: int) -> None:
    """Add the time in the present state since the last change; only from `created` on, and while open."""
    if life.created is not None and life.status in OPEN:
        life.waited[life.status] = life.waited.get(life.status, 0) + until - life.state_since
    life.state_since = until


def _status(life: Life, event: Event) -> None:
    old, new = life.status, event.data["status"]
    _spend(life, event.time)
    if old in OPEN and new not in OPEN:
        # `closed` without `solved` counts as solved; solved to closed is nothing
        life.solves.append(
            Solve(
                event, life.dims.group(), life.stub, not life.solves, len(life.human_replies), life.suggestions,
                dict(life.waited),
            )
        )  # fmt: skip
        # a solve ends the customer's wait without a sample; a target still running stops
        life.wait = {"human": None, "any": None}
        for target in life.targets:
            if target.done is None and target.stopped is None:
                target.stopped = event
    life.status = new
    if old not in OPEN and new in OPEN:
        # Reopen: any change from solved or closed to new, open, pending or on_hold
        if life.solves:
            life.solves[-1].reopen = event
        if not life.agent:
            life.nobody_since = event.time
        for responder in ("human", "any"):
            since = life.pending_wait[responder]
            if since is not None and life.wait[responder] is None:
                life.wait[responder] = since
                if responder == "human":
                    life.targets.append(Target("response", since))
        life.pending_wait = {"human": None, "any": None}
