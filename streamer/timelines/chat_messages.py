"""What is said in a chat: who waits since when, replies, and bots. Rules: metrics.md, Chats and calls."""

from typing import Any

from streamer.facts import cell
from streamer.metrics.catalogue import row
from streamer.timelines.context import Context
from streamer.timelines.endings import end_facts
from streamer.timelines.relations import follow_up
from streamer.timelines.state import NO_LEG, Contact, State

_FIRST_RESPONSE = row("chat_first_response")
_RESPONSE_HUMAN = row("chat_response", responder="human")
_RESPONSE_ANY = row("chat_response", responder="any")


def message(state: State, contact: Contact, ctx: Context, event: Any, t: int) -> bool:
    """Apply a chat's message at time `t`; return whether contacts as such are touched (they never are)."""
    data = event.data
    author, group = data.author, contact.group
    if author == "customer":
        if data.automated:
            return False
        if contact.ended:
            contact.pending = contact.pending or t
            contact.pending_anyone = contact.pending_anyone or t
        elif contact.leg != NO_LEG or contact.stub:
            contact.human = contact.human or t
            contact.anyone = contact.anyone or t
        return False
    human = author == "agent" and not data.automated
    if author == "bot" and not contact.bot:
        contact.bot = True
        end_facts(contact, ctx)
    if human:
        contact.replies += 1
        contact.pending = 0
        if contact.clock and not contact.first_reply:
            contact.first_reply = t
            ctx.facts.append((cell(_FIRST_RESPONSE, group), t, t - contact.clock, 1))
        if contact.human:
            ctx.facts.append((cell(_RESPONSE_HUMAN, group), t, t - contact.human, 1))
            contact.human = 0
        follow_up(state, ctx, t)
    elif author != "bot" and not data.automated:
        return False
    contact.pending_anyone = 0
    if contact.anyone:
        ctx.facts.append((cell(_RESPONSE_ANY, group), t, t - contact.anyone, 1))
        contact.anyone = 0
    return False
