"""Chats and calls: one step function, from an event of a contact to signed facts. Rules: metrics.md, Chats and calls."""

from typing import Any

from msgspec import UNSET, msgpack

from streamer.events import Event
from streamer.facts import Fact, cell, moved, retracted
from streamer.metrics.catalogue import ACTIVITY, row
from streamer.metrics.catalogue.contacts import OUTCOMES, REACHED
from streamer.timelines.chat_messages import message
from streamer.timelines.context import Context
from streamer.timelines.drivers import first_channel, waits_long
from streamer.timelines.endings import end_facts, leg_ends, wrapped_up
from streamer.timelines.relations import DAY, answered_elsewhere, follow_up, move_relations, relate, relate_end
from streamer.timelines.state import NO_LEG, OVER, TALKING, WAITING, Contact, State

_LEG = {(o, r): row("leg", outcome=o, reached=r) for o in OUTCOMES for r in REACHED}
_ABANDON_WAIT = row("abandon_wait")
_ANSWER_WAIT = row("answer_wait")
_CONTACT_WAIT = row("contact_wait")
_NOT_ANSWERED = row("not_answered")

_SEEN = ACTIVITY["queue"]

#: how long a promised callback counts as pending
CALLBACK_KEPT = 7 * DAY
#: events that speak of a leg: without one before them, they open a stub
_OF_A_LEG = frozenset({"offered", "not_answered", "answered", "abandoned", "left_queue", "transferred"})
#: at the instant of the contact's first `queued` these come before it in order, but apply after it: `deferred` holds
#: what the contact was before them (nothing: it was not), and the events, until the instant has passed
_EARLY = ("left_queue", "transferred")
_pack = msgpack.Encoder().encode
_unpack = msgpack.Decoder(Event).decode
_unpack_contact = msgpack.Decoder(Contact).decode


def step(state: State, ctx: Context, event: Event, t: int) -> int:
    """Apply one chat or call event at time `t`; append its facts to `ctx.facts`, return its group."""
    contact = state.contacts.get(event.subject)
    what = event.what
    new = contact is None
    if contact is None:
        contact = _open(state, ctx, event, t)
    elif contact.deferred and (what not in _EARLY or t != contact.deferred_at):
        if what == "queued" and t == contact.deferred_at:
            return _undefer(state, ctx, event, t, contact)
        contact.deferred, contact.deferred_facts = (), ()
    early = what in _EARLY and not contact.queue_known
    if early and not contact.deferred:
        contact.deferred_at = t
        contact.deferred = (b"" if new else _pack(contact),)
    ignored = _is_lost(contact, ctx, t) and what != "queued"  # what follows a lost leg is ignored until the next queued
    related = False
    own = len(ctx.facts)
    contact.last_event = t
    if not ignored:
        regrouped = _take_fields(contact, ctx, event, t)
        own = len(ctx.facts)
        related = _apply(state, contact, ctx, event, t, new=new, regrouped=regrouped)
    if early:
        contact.deferred += (_pack(event),)
        contact.deferred_facts += (*ctx.facts[own:], _activity(contact.group, t))
    if new:
        relate(state, ctx, t, contact)
    elif related:
        relate_end(state, ctx, contact, t)
    return contact.group


def _apply(state: State, contact: Contact, ctx: Context, event: Event, t: int, *, new: bool, regrouped: bool) -> bool:
    """Do what the event says to its own contact; return whether `relate` is due."""
    what = event.what
    related = new
    if regrouped:
        related |= _regroup(contact, ctx, t)
    if contact.leg == NO_LEG and not contact.ended and (what in _OF_A_LEG or (new and what == "ended")):
        queued = _queued_at(event, t)
        ctx.before = contact.group  # the leg begins with this event, and so has its fields
        _open_leg(contact, ctx, t, queued=queued, queue=contact.queue)
        related = True  # a chat that had no leg gets an end: when this one is lost
        if queued and not contact.stub:
            contact.first_queued = contact.clock = contact.human = contact.anyone = queued
            contact.wait_known = contact.direction == "inbound"
    return _STEPS[what](state, contact, ctx, event, t) or related


def _is_lost(contact: Contact, ctx: Context, t: int) -> bool:
    """Let a leg that waited past its deadline be lost by `t`; return whether the contact is over by that."""
    if contact.leg == WAITING and t > contact.leg_deadline:
        contact.waited_over |= waits_long(contact, ctx, t)
        contact.leg, contact.lost_fact = OVER, None
        contact.end_facts = ()  # they were time-made, and are final
    return contact.leg == OVER and contact.end_made


def _take_fields(contact: Contact, ctx: Context, event: Event, t: int) -> bool:
    """Let the event's fields be the contact's; return whether its group is another now."""
    data: Any = event.data
    if data.queue is not UNSET:
        contact.queue = data.queue
    if data.topic is not UNSET:
        contact.topic = data.topic
    if data.channel is not UNSET and "channel" not in ctx.names:
        contact.channel = data.channel
    ctx.before = contact.group
    contact.group = ctx.regroup(contact.group, data)
    if contact.group == ctx.before:
        return False
    move_relations(contact, ctx, t)
    return True


def _open(state: State, ctx: Context, event: Event, t: int) -> Contact:
    chat = event.entity == "chat"
    queued = _queued_at(event, t)
    known = event.what == "queued" or (chat and event.what == "message") or queued > 0
    if not known:
        ctx.note("unknown")
    contact = state.contacts[event.subject] = Contact(
        group=ctx.first_group(event.entity),
        order=state.events,
        first_event=t,
        stub=not known,
        abandoned_first=state.last_abandon >= t - DAY,
        channel=first_channel(ctx, event.entity),
        chat=chat,
        # one sent at the very instant comes before the contact's first event
        surveyed=tuple(s.sent for s in state.surveys.values() if s.sent == t and s.about == event.subject),
    )
    direction = getattr(event.data, "direction", UNSET)
    if direction is not UNSET:
        contact.direction = direction
        contact.outbound = direction != "inbound"
    if known:
        contact.start = t
        contact.start_group = ctx.regroup(contact.group, event.data)
    return contact


def _undefer(state: State, ctx: Context, queued: Event, t: int, contact: Contact) -> int:
    """The contact's first `queued` came at the instant of what it explains: apply it first, then what was deferred."""
    ctx.facts += [retracted(fact) for fact in contact.deferred_facts]
    snapshot, *waiting = contact.deferred
    if snapshot:
        before = state.contacts[queued.subject] = _unpack_contact(snapshot)
        before.relations = contact.relations  # `relate` states the difference to these
    else:
        del state.contacts[queued.subject]
    step(state, ctx, queued, t)
    group = state.contacts[queued.subject].group
    ctx.facts += [_activity(step(state, ctx, _unpack(packed), t), t) for packed in waiting]
    return group


def _activity(group: int, t: int) -> Fact:
    """Return the fact by which the timeline counts an event of this group."""
    return (cell(_SEEN, group), t, 0, 1)


def _queued_at(event: Event, t: int) -> int:
    """Return when the leg of an `answered` with `waited_seconds` was queued, else 0."""
    waited = getattr(event.data, "waited_seconds", UNSET)
    return 0 if waited is UNSET else t - int(waited * 1000 + 0.5)


def _regroup(contact: Contact, ctx: Context, t: int) -> bool:
    """Move the time-made facts after `t` to the new group; return whether `relate` is due."""
    fact = contact.lost_fact
    if fact is not None and fact[1] > t:
        new = contact.lost_fact = moved(fact, ctx.with_queue(contact.group, contact.leg_queue))
        ctx.facts += (retracted(fact), new)
    if contact.end_made and contact.end > t:
        contact.end_group = contact.group
        end_facts(contact, ctx)
        return True
    return False


def _open_leg(contact: Contact, ctx: Context, t: int, *, queued: int, queue: str, transferred: bool = False) -> None:
    """Start a leg at `t`, waiting since `queued` (0: nobody saw since when)."""
    contact.leg_first = contact.leg == NO_LEG
    contact.leg, contact.leg_queue, contact.leg_queued = WAITING, queue, queued
    contact.queue = queue
    contact.leg_since = queued or t
    contact.leg_deadline = contact.leg_since + ctx.queue(queue).max_wait
    contact.leg_rung, contact.leg_transferred = False, transferred
    contact.leg_direction = contact.direction
    contact.leg_answered = contact.held_since = contact.held_ms = 0
    contact.leg_agent = ""
    contact.ended = contact.held_off = False
    contact.leg_group = ctx.with_queue(contact.group, queue)
    if contact.direction == "inbound":
        which = _LEG["lost", "within" if queued else "unknown"]
        fact = contact.lost_fact = (
            cell(which, contact.leg_group, time_made=True),
            contact.leg_deadline,
            1,
            1,
        )
        ctx.facts.append(fact)
    contact.end, contact.end_group, contact.end_made, contact.end_order = contact.leg_deadline, contact.group, True, 0
    end_facts(contact, ctx)


def _queued(_state: State, contact: Contact, ctx: Context, event: Any, t: int) -> bool:
    data = event.data
    queue = contact.queue
    contact.queue_known = True
    if data.direction is not UNSET:
        contact.direction = data.direction
    if contact.leg == WAITING:
        if contact.leg_transferred and not contact.leg_rung:
            _take_back_lost(contact, ctx)
        elif queue == contact.leg_queue:
            return False
        else:
            _outcome(contact, ctx, "flowed_out", t)
    elif contact.leg == TALKING:
        leg_ends(contact, ctx, t, "blind")
    said, anyone = (contact.pending, contact.pending_anyone) if contact.ended else (0, 0)
    contact.reopened |= contact.ended
    contact.group = ctx.with_queue(contact.group, queue)
    _open_leg(contact, ctx, t, queued=t, queue=queue)
    # behind a stub leg this is not the first time that it queued
    if contact.leg_first and not contact.first_queued and not contact.stub:
        contact.first_queued = contact.clock = said = anyone = t
        contact.wait_known = contact.direction == "inbound"
    contact.human = contact.human or said
    contact.anyone = contact.anyone or anyone
    contact.pending = contact.pending_anyone = 0
    return True


def _take_back_lost(contact: Contact, ctx: Context) -> None:
    if contact.lost_fact is not None:
        ctx.facts.append(retracted(contact.lost_fact))
        contact.lost_fact = None


def _outcome(contact: Contact, ctx: Context, outcome: str, t: int) -> None:
    """Give the waiting leg its one outcome."""
    _take_back_lost(contact, ctx)
    contact.leg = OVER
    contact.flowed_out = outcome == "flowed_out"
    if contact.leg_direction != "inbound":
        return
    group = ctx.with_queue(ctx.before, contact.leg_queue)
    rules = ctx.queue(contact.leg_queue)
    reached = "unknown"
    wait = 0
    if contact.leg_queued:
        wait = ctx.duration(t - contact.leg_queued)
        target = rules.chat_service_target if contact.chat else rules.service_target
        reached = "within" if wait <= target else "beyond"
        contact.waited_over |= wait > target
        if outcome == "abandoned":
            if wait < rules.short_abandon:
                outcome = "abandoned_short"
            ctx.facts.append((cell(_ABANDON_WAIT, group), t, wait, 1))
        elif outcome == "answered":
            ctx.facts.append((cell(_ANSWER_WAIT, group), t, wait, 1))
    ctx.facts.append((cell(_LEG[outcome, reached], group), t, 1, 1))


def _offered(_state: State, contact: Contact, _ctx: Context, _event: Any, _t: int) -> bool:
    contact.leg_rung = True
    return False


def _not_answered(_state: State, contact: Contact, ctx: Context, _event: Any, t: int) -> bool:
    contact.leg_rung = True
    ctx.facts.append((cell(_NOT_ANSWERED, contact.group), t, 1, 1))
    return False


def _answered(state: State, contact: Contact, ctx: Context, event: Any, t: int) -> bool:
    if contact.leg != WAITING:
        return False
    _outcome(contact, ctx, "answered", t)
    contact.leg, contact.leg_answered = TALKING, t
    if event.data.agent is not UNSET:
        contact.leg_agent = event.data.agent
    inbound = contact.leg_direction == "inbound"
    if not contact.first_answered:
        contact.first_answered = t
        if contact.wait_known and inbound:
            group = ctx.with_queue(ctx.before, contact.leg_queue)
            ctx.facts.append((cell(_CONTACT_WAIT, group), t, t - contact.first_queued, 1))
    contact.answered = True
    contact.answered_inbound = contact.answered_inbound or inbound
    contact.bot_handed = contact.bot_handed or contact.bot
    contact.end = contact.end_group = 0
    contact.end_made = False
    end_facts(contact, ctx)
    answered_elsewhere(state, ctx, t)
    if not inbound:
        follow_up(state, ctx, t)
        for other in state.contacts.values():
            other.callbacks = ()
    return True


def _unanswered_end(state: State, contact: Contact, ctx: Context, t: int) -> bool:
    """The contact ends here with its unanswered leg, unless more of it follows."""
    contact.end, contact.end_group, contact.end_made, contact.end_order = t, contact.group, False, state.events
    end_facts(contact, ctx)
    return True


def _abandoned(state: State, contact: Contact, ctx: Context, _event: Any, t: int) -> bool:
    return contact.leg == WAITING and _abandon(state, contact, ctx, t)


def _abandon(state: State, contact: Contact, ctx: Context, t: int) -> bool:
    group = ctx.with_queue(ctx.before, contact.leg_queue)
    _outcome(contact, ctx, "abandoned", t)
    if contact.leg_direction == "inbound":
        state.last_abandon = t
        contact.abandoned_first |= contact.leg_first
        if contact.start and not contact.outbound:
            contact.last_abandon, contact.recovered = t, 0
            contact.attempts += ((t, group, None),)
    return _unanswered_end(state, contact, ctx, t)


def _left_queue(state: State, contact: Contact, ctx: Context, event: Any, t: int) -> bool:
    if contact.leg != WAITING:
        return False
    inbound = contact.leg_direction == "inbound"
    callback = event.data.reason == "callback"
    _outcome(contact, ctx, "callback" if callback else "flowed_out", t)
    if callback and inbound:
        kept = [pending for pending in contact.callbacks if pending[0] > t - CALLBACK_KEPT]
        contact.callbacks = (*kept, (t, contact.leg_group))
    return _unanswered_end(state, contact, ctx, t)


def _transferred(_state: State, contact: Contact, ctx: Context, event: Any, t: int) -> bool:
    data = event.data
    if contact.leg == WAITING:
        _outcome(contact, ctx, "flowed_out", t)
    elif contact.leg == TALKING:
        leg_ends(contact, ctx, t, "blind" if data.kind is UNSET else data.kind)
    elif not contact.flowed_out or contact.ended:
        return False
    queue = contact.queue if data.to_queue is UNSET else data.to_queue
    contact.group = ctx.with_queue(contact.group, queue)
    _open_leg(contact, ctx, t, queued=t, queue=queue, transferred=True)
    return True


def _held(_state: State, contact: Contact, _ctx: Context, _event: Any, t: int) -> bool:
    if contact.leg == TALKING and not contact.held_since:
        contact.held_since = t
    return False


def _resumed(_state: State, contact: Contact, _ctx: Context, _event: Any, t: int) -> bool:
    if contact.held_since:
        contact.held_ms += t - contact.held_since
        contact.held_since = 0
    return False


def _ended(state: State, contact: Contact, ctx: Context, event: Any, t: int) -> bool:
    if contact.ended:
        return False
    if contact.leg == WAITING:
        _abandon(state, contact, ctx, t)
    if contact.leg == TALKING:
        contact.held_off = contact.held_since > 0 and event.data.by == "customer"
        leg_ends(contact, ctx, t, "ended")
        contact.leg = OVER
    contact.ended = True
    contact.human = contact.anyone = 0
    contact.end, contact.end_group, contact.end_made, contact.end_order = t, contact.group, False, state.events
    end_facts(contact, ctx)
    return True


def _wrapped_up(_state: State, contact: Contact, ctx: Context, event: Any, t: int) -> bool:
    wrapped_up(contact, ctx, "" if event.data.agent is UNSET else event.data.agent, t)
    return False


_STEPS = {
    "queued": _queued,
    "offered": _offered,
    "not_answered": _not_answered,
    "answered": _answered,
    "abandoned": _abandoned,
    "left_queue": _left_queue,
    "transferred": _transferred,
    "held": _held,
    "resumed": _resumed,
    "ended": _ended,
    "message": message,
    "wrapped_up": _wrapped_up,
}
