"""The life of one chat or call, event by event, up to a horizon (metrics.md "Chats and calls")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .book import Dims, Group
from .config import duration
from .tickets import Reply, is_any_reply, is_customer_message, is_human_reply

if TYPE_CHECKING:
    from .config import Config
    from .order import Event

_LEG_EVENTS = {"offered", "not_answered", "answered", "abandoned", "left_queue", "transferred"}


@dataclass
class Leg:
    """One stay in one queue. outcome "" = still waiting; end None = (answered and) still talking."""

    queue: str
    queued: int
    direction: str
    group: Group  # at the event that opened it
    stub: bool = False
    replaceable: bool = False  # opened by `transferred`, no ring yet
    outcome: str = ""
    outcome_time: int = 0
    outcome_group: Group = ()
    outcome_timed: bool = False
    outcome_event: Event | None = None
    answered: Event | None = None
    agent: str = ""
    held_since: int | None = None
    hold: int = 0
    end: Event | None = None
    end_kind: str = ""  # blind, consult, ended
    end_group: Group = ()

    @property
    def measured(self) -> bool:
        """Legs with direction outbound or callback are in no queue metric."""
        return self.direction == "inbound"

    @property
    def waiting(self) -> bool:
        return not self.outcome

    @property
    def talking(self) -> bool:
        return self.outcome == "answered" and self.end is None


@dataclass
class Life:
    """All of a chat or call that the rows ask for."""

    kind: str
    id: str
    events: list[Event]
    dims: Dims
    config: Config
    horizon: int
    stub: bool = False
    begun_out: bool = False
    direction: str = "inbound"
    legs: list[Leg] = field(default_factory=list)
    lost: bool = False
    ended: Event | None = None
    ended_held: bool = False
    reopens: list[Event] = field(default_factory=list)
    rings: list[tuple[Event, Group]] = field(default_factory=list)
    wrap_ups: list[Event] = field(default_factory=list)
    clock: int | None = None
    first_reply: Event | None = None
    first_reply_group: Group = ()
    wait: dict[str, int | None] = field(default_factory=lambda: {"human": None, "any": None})
    pending_wait: dict[str, int | None] = field(default_factory=lambda: {"human": None, "any": None})
    replies: list[Reply] = field(default_factory=list)
    human_replies: list[Event] = field(default_factory=list)
    first_bot: Event | None = None
    ignored: set[int] = field(default_factory=set)
    groups: dict[int, Group] = field(default_factory=dict)
    now_queue: str = ""  # the queue of the contact, also where `queue` is no dimension

    @property
    def leg(self) -> Leg | None:
        """The leg that waits or talks now."""
        last = self.legs[-1] if self.legs else None
        return last if last is not None and (last.waiting or last.talking) else None

    @property
    def answered_legs(self) -> list[Leg]:
        return [leg for leg in self.legs if leg.answered is not None]

    @property
    def end(self) -> tuple[int, Event | None] | None:
        """A contact ends at `ended`; without one when its last leg ends unanswered. No event: a time-made end."""
        if self.ended is not None:
            return self.ended.time, self.ended
        if not self.legs or self.leg is not None or self.legs[-1].answered is not None:
            return None  # open, or a chat without a leg, or answered and never `ended`
        return self.legs[-1].outcome_time, self.legs[-1].outcome_event

    def end_group(self) -> Group:
        end = self.end
        if end is None:
            return ()
        at, event = end
        return self.dims.before(at) if event is None else self.groups[event.idx]

    def max_wait(self, leg: Leg) -> int:
        return self.config.queue(leg.queue, self.kind).max_wait


def live(events: list[Event], config: Config, horizon: int) -> Life:
    first = events[0]
    channel = "chat" if first.entity == "chat" else "phone"
    life = Life(first.entity, first.subject, events, Dims(config.names, channel=channel), config, horizon)
    # A chat whose first event is a message is no stub; `answered` with waited_seconds and no `queued` is none either.
    opening = first.what in {"queued", "message"} or (
        first.what == "answered" and first.data.get("waited_seconds") is not None
    )
    life.stub = not opening
    life.begun_out = first.what == "queued" and first.data.get("direction", "inbound") != "inbound"
    for event in events:
        if event.time > horizon:
            break
        _lose(life, event.time - 1)  # at exactly that time an outcome still counts
        if life.lost and event.what != "queued":
            life.ignored.add(event.idx)  # what follows `lost` is ignored until the next `queued`
            life.groups[event.idx] = life.dims.group()
            continue
        _step(life, event)
        life.dims.mark(event.idx, event.time)
        life.groups[event.idx] = life.dims.group()
    _lose(life, horizon)
    return life


def _lose(life: Life, until: int) -> None:
    """A leg without an outcome for max_wait is lost; a stub leg max_wait after its first event."""
    leg = life.leg
    if leg is None or not leg.waiting or leg.queued + life.max_wait(leg) > until:
        return
    leg.outcome, leg.outcome_time, leg.outcome_timed = "lost", leg.queued + life.max_wait(leg), True
    leg.outcome_group = life.dims.before(leg.outcome_time, queue=leg.queue)
    life.lost = True


def _step(life: Life, event: Event) -> None:
    what, data = event.what, event.data
    queue_before = _queue(life)
    leg = life.leg
    # Outcomes and closings of open work: the group before the event's own fields; an outcome has its leg's queue.
    before = life.dims.group(queue=leg.queue) if leg is not None else life.dims.group()
    life.dims.apply(data)
    life.now_queue = str(data["queue"]) if "queue" in data else queue_before
    if what == "queued" and "direction" in data:
        life.direction = str(data["direction"])  # stays until an event states another
    unseen = what in _LEG_EVENTS or (what == "ended" and life.stub and event is life.events[0])
    if unseen and not life.legs and life.ended is None:
        leg = _stub_leg(life, event)
        before = leg.group
    if what == "queued":
        _queued(life, event, leg, before)
    elif what == "transferred":
        _transferred(life, event, leg, before)
    elif what in {"offered", "not_answered"}:
        if what == "not_answered":
            life.rings.append((event, life.dims.group()))
        if leg is not None and leg.waiting:
            leg.replaceable = False  # a ring
    elif what == "message":
        _message(life, event)
    elif what == "ended":
        _ended(life, event, leg, before)
    elif what == "wrapped_up":
        life.wrap_ups.append(event)
    elif leg is not None:
        _on_leg(life, event, leg, before)


def _queue(life: Life) -> str:
    return life.now_queue


def _open(life: Life, event: Event, *, replaceable: bool = False) -> Leg:
    leg = Leg(_queue(life), event.time, life.direction, life.dims.group(queue=_queue(life)), replaceable=replaceable)
    life.legs.append(leg)
    life.lost = False
    return leg


def _stub_leg(life: Life, event: Event) -> Leg:
    """A leg whose `queued` was not seen; with waited_seconds it was queued that long before, and is no stub."""
    leg = _open(life, event)
    waited = event.data.get("waited_seconds")
    if event.what == "answered" and waited is not None:
        leg.queued = event.time - duration(waited)
        _first_queued(life, leg.queued)
    else:
        leg.stub = True
    return leg


def _close(life: Life, leg: Leg, event: Event, outcome: str, group: Group) -> None:
    leg.outcome, leg.outcome_time, leg.outcome_event, leg.outcome_group = outcome, event.time, event, group


def _abandon(life: Life, leg: Leg, event: Event, group: Group) -> None:
    short = life.config.queue(leg.queue, life.kind).short
    waited = max(0, event.time - leg.queued)
    _close(life, leg, event, "abandoned_short" if waited < short and not leg.stub else "abandoned", group)


def _hang_up(leg: Leg, event: Event, kind: str, group: Group) -> None:
    if leg.held_since is not None:
        leg.hold += event.time - leg.held_since
        leg.held_since = None
    leg.end, leg.end_kind, leg.end_group = event, kind, group


def _queued(life: Life, event: Event, leg: Leg | None, before: Group) -> None:
    if leg is not None and leg.waiting:
        if leg.replaceable:
            life.legs.pop()  # a `queued` before any ring or outcome replaces the leg that `transferred` opened
        elif leg.queue == _queue(life):
            return  # same queue: ignored
        else:
            _close(life, leg, event, "flowed_out", before)  # other queue: flows the old one out
    elif leg is not None:
        _hang_up(leg, event, "blind", before)  # while talking: like a blind transfer
    if life.ended is not None:
        # a new `queued` after `ended` reopens the contact
        life.reopens.append(event)
        life.ended = None
        for responder in ("human", "any"):
            if life.wait[responder] is None:
                life.wait[responder] = life.pending_wait[responder]
            life.pending_wait[responder] = None
    _open(life, event)
    _first_queued(life, event.time)


def _first_queued(life: Life, at: int) -> None:
    """chat_first_response and the first wait start at the first queued; a stub's is unknown."""
    if life.kind == "chat" and life.clock is None and not life.stub and not any(leg.stub for leg in life.legs):
        life.clock = at
        life.wait = {"human": at, "any": at}


def _transferred(life: Life, event: Event, leg: Leg | None, before: Group) -> None:
    if life.ended is not None:
        return
    if leg is not None and leg.waiting:
        _close(life, leg, event, "flowed_out", before)  # a transfer of a waiting leg is flowed_out
    elif leg is not None:
        _hang_up(leg, event, str(event.data.get("kind", "blind")), before)
    elif life.legs[-1].outcome != "flowed_out":
        return
    if "to_queue" in event.data:
        life.now_queue = str(event.data["to_queue"])
        life.dims.set("queue", life.now_queue)
    _open(life, event, replaceable=True)  # without a `queued` of its own the next leg starts here


def _ended(life: Life, event: Event, leg: Leg | None, before: Group) -> None:
    if life.ended is not None:
        return
    life.ended_held = False
    if leg is not None and leg.waiting:
        _abandon(life, leg, event, before)  # an unanswered `ended` is an abandon
    elif leg is not None:
        life.ended_held = leg.held_since is not None
        _hang_up(leg, event, "ended", before)
    life.ended = event
    life.wait = {"human": None, "any": None}


def _on_leg(life: Life, event: Event, leg: Leg, before: Group) -> None:
    what = event.what
    if leg.waiting:
        if what == "answered":
            _close(life, leg, event, "answered", before)
            leg.answered, leg.agent = event, str(event.data.get("agent", ""))
        elif what == "abandoned":
            _abandon(life, leg, event, before)
        elif what == "left_queue":
            # flowed_out: any left_queue but callback
            _close(life, leg, event, "callback" if event.data["reason"] == "callback" else "flowed_out", before)
    elif what == "held":
        if leg.held_since is None:
            leg.held_since = event.time
    elif what == "resumed" and leg.held_since is not None:
        leg.hold += event.time - leg.held_since
        leg.held_since = None
    # A second `answered`, an `abandoned` while talking: ignored.


def _message(life: Life, event: Event) -> None:
    if event.data["author"] == "bot" and life.first_bot is None:
        life.first_bot = event
    if is_customer_message(event):
        if not life.legs and not life.stub:
            return  # what is said before the first `queued` starts no wait
        waits = life.wait if life.ended is None else life.pending_wait
        for responder in ("human", "any"):
            if waits[responder] is None:
                waits[responder] = event.time
        return
    group = life.dims.group()
    if is_human_reply(event):
        life.human_replies.append(event)
        _answer(life, event, "human", group)
        if life.clock is not None and life.first_reply is None:
            life.first_reply, life.first_reply_group = event, group
    if is_any_reply(event):
        _answer(life, event, "any", group)


def _answer(life: Life, event: Event, responder: str, group: Group) -> None:
    since = life.wait[responder]
    life.wait[responder] = life.pending_wait[responder] = None
    if since is not None:
        life.replies.append(Reply(responder, event, group, since))
