"""How legs and contacts end: handle times, wrap-up, and what is known of a chat or call once it is over."""

from streamer.facts import GROUP_UNIT, Fact, cell, retracted
from streamer.metrics.catalogue import row
from streamer.metrics.catalogue.contacts import ENDINGS, PARTS
from streamer.timelines.context import Context
from streamer.timelines.state import TALKING, Contact, Wrap

#: a wrapped_up later than this after the leg's end is not its (metrics.md, handle)
WRAP_UP_LIMIT = 15 * 60_000

#: cells of group 0: most facts of a contact are these, and a group is one addition
_HANDLE, _TALK, _HOLD, _WRAP = (cell(row("handle", part=p), 0) for p in PARTS)
_LEG_END = {how: row("leg_end", how=how) for how in ENDINGS}
_HOLD_ABANDON = row("hold_abandon_ratio")
_CHAT_DURATION = row("chat_duration")
_CALL_DURATION = row("call_duration")
_MISSED = row("chats_missed")
_HANDOFF = row("bot_handoff_ratio")


def leg_ends(contact: Contact, ctx: Context, t: int, how: str) -> None:
    """End the talking leg at `t` by `how` (ended, blind, consult): its handle times, with no wrap-up yet."""
    if contact.held_since:
        contact.held_ms += t - contact.held_since
        contact.held_since = 0
    group = ctx.with_queue(ctx.before, contact.leg_queue)
    hold = contact.held_ms
    talk = t - contact.leg_answered - hold
    if contact.leg_direction == "inbound":
        ctx.facts.append((cell(_LEG_END[how], group), t, 1, 1))
    if how != "ended":
        contact.transferred = True
    wrap = Wrap(contact.leg_agent, t, group, talk, hold, _handle(group, t, talk, hold, 0))
    ctx.facts += wrap.facts
    contact.wraps = (*(w for w in contact.wraps if t - w.end <= WRAP_UP_LIMIT), wrap)


def _handle(group: int, at: int, talk: int, hold: int, wrap: int) -> list[Fact]:
    place = group * GROUP_UNIT
    return [
        (_HANDLE + place, at, talk + hold + wrap, 1),
        (_TALK + place, at, talk, 1),
        (_HOLD + place, at, hold, 1),
        (_WRAP + place, at, wrap, 1),
    ]


def wrapped_up(contact: Contact, ctx: Context, agent: str, t: int) -> None:
    """Move the handle times of the legs whose agent has wrapped up to `t`; a leg or event without agent fits any."""
    waiting = []
    for wrap in contact.wraps:
        if t - wrap.end > WRAP_UP_LIMIT:
            continue
        if wrap.agent and agent and wrap.agent != agent:
            waiting.append(wrap)
            continue
        ctx.facts += [retracted(fact) for fact in wrap.facts]
        ctx.facts += _handle(wrap.group, t, wrap.talk, wrap.hold, t - wrap.end)
    contact.wraps = tuple(waiting)


def end_facts(contact: Contact, ctx: Context) -> None:
    """Replace what is told of a contact at its end by what its end is now; nothing while somebody talks."""
    facts: list[Fact] = []
    end, group, made = contact.end, contact.end_group, contact.end_made
    if end and contact.leg != TALKING:
        if contact.first_answered and not made:
            which = _CHAT_DURATION if contact.chat else _CALL_DURATION
            facts.append((cell(which, group), end, end - contact.first_answered, 1))
        if contact.answered_inbound and contact.ended and not contact.outbound:
            facts.append((cell(_HOLD_ABANDON, group), end, int(contact.held_off), 1))
        if contact.chat and not contact.outbound:
            if not contact.first_answered:
                facts.append((cell(_MISSED, group, time_made=made), end, 1, 1))
            if contact.bot:
                facts.append((cell(_HANDOFF, group, time_made=made), end, int(contact.bot_handed), 1))
    if (told := tuple(facts)) != contact.end_facts:
        ctx.facts += [retracted(fact) for fact in contact.end_facts]
        ctx.facts += told
        contact.end_facts = told
