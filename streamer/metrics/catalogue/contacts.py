"""The table "Chats and calls" of the catalogue.

One fact a leg (row ``leg``: its outcome, and whether it came within the service target) carries every share of queue_legs,
abandon_ratio and service_level_ratio; one fact an ended leg (row ``leg_end``) carries the transfer shares.
"""

from streamer.metrics.catalogue import needs
from streamer.metrics.catalogue.model import (
    REGISTRY,
    Kind,
    Metric,
    Series,
    Term,
    count,
    duration,
    number,
    ratio,
    stock,
    value,
)

OUTCOMES = ("answered", "abandoned", "abandoned_short", "flowed_out", "callback", "lost")
#: `within` and `beyond` the service target, or `unknown` for a stub, whose wait nobody saw
REACHED = ("within", "beyond", "unknown")
PARTS = ("total", "talk", "hold", "wrap_up")
ENDINGS = ("ended", "blind", "consult")


def _legs(outcomes: tuple[str, ...] = OUTCOMES, reached: tuple[str, ...] = REACHED) -> tuple[Term, ...]:
    return tuple(number(REGISTRY.row("leg", outcome=o, reached=r)) for o in outcomes for r in reached)


_TIMED = ("within", "beyond")
_WITHOUT_SHORT = tuple(o for o in OUTCOMES if o != "abandoned_short")

stock(
    "queue_waiting",
    about="Customers waiting in a queue now.",
    counted="inbound legs without an outcome, also while ringing",
    not_counted="outbound and callback legs; legs that max_wait has made lost",
    needs=needs.LEGS,
    edge_cases=("Age counts from queued; the group is the leg's.",),
    formula="legs without an outcome; due = queued + service target",
    zero="queue",
    due=True,
    due_strict=True,
    seed="S0 time on hold",
)
REGISTRY.add(
    Metric(
        name="queue_legs",
        kind=Kind.COUNT,
        about="Stays in a queue, by how they ended.",
        counted="each inbound stay in one queue once: a transfer or an overflow to another queue is another leg",
        not_counted="outbound and callback legs; a second queued for the same queue while waiting",
        needs=needs.LEGS,
        edge_cases=(
            "abandoned_short: waited less than short_abandon (5 s).",
            "flowed_out: left the queue for any reason but callback, or was transferred while waiting.",
            "lost: no outcome for max_wait (4 h).",
            "An unanswered end is an abandon.",
        ),
        elsewhere="Genesys: offered = answered + abandoned + flow-out: here the sum of all outcomes, as long as callback and lost are none.",
        formula="legs by outcome, each leg exactly one",
        at="outcome",
        series=tuple(Series((("outcome", o),), _legs((o,))) for o in OUTCOMES),
        zero="queue",
        seed="S0",
    )
)
REGISTRY.add(
    Metric(
        name="abandon_ratio",
        kind=Kind.RATIO,
        about="Share of waiting customers who gave up.",
        counted="inbound legs that ended by the customer leaving while waiting",
        not_counted="customers who hung up on hold (hold_abandon_ratio), left for a callback, or were moved to another queue: those are legs, but no abandons",
        needs=needs.LEGS,
        elsewhere="Amazon Connect: abandoned / queued, a callback is no abandon: short=included. Talkdesk: over inbound less short abandons: short=excluded. Genesys: abandoned / offered (answered + abandoned + flow-out): short=included, as long as callback and lost are none. Zendesk Talk's status 'abandoned in queue' is abandoned and abandoned_short together; its 'abandoned on hold' is hold_abandon_ratio.",
        formula="included: (abandoned + short) / all legs; excluded: abandoned / (all legs - short)",
        at="outcome",
        series=(
            Series((("short", "included"),), _legs(("abandoned", "abandoned_short")), _legs()),
            Series((("short", "excluded"),), _legs(("abandoned",)), _legs(_WITHOUT_SHORT)),
        ),
        seed="S0",
    )
)
duration(
    "abandon_wait",
    about="How long those who gave up had waited.",
    counted="abandoned legs, short ones too",
    not_counted="legs whose queued event was never seen",
    needs=needs.LEGS,
    formula="abandoned - queued, short abandons included",
    at="outcome",
    seed="S0",
)
REGISTRY.add(
    Metric(
        name="service_level_ratio",
        kind=Kind.RATIO,
        about="Share of customers served within the target, by every formula in use.",
        counted="inbound legs whose wait is known; within means at most T: the queue's service_target (20 s), a chat's chat_service_target (60 s)",
        not_counted="outbound and callback legs; legs whose queued event was never seen",
        needs=needs.LEGS,
        edge_cases=("live falls while people wait past T; the other formulas only once they are answered or leave.",),
        elsewhere="Amazon Connect: contacts removed from the queue within T / queued, so an early abandon or a callback counts as met: formula=removed. Talkdesk, contacts model: answered within T / (inbound - short abandoned): formula=no_short; with its short-abandon setting off: formula=offered; missed contacts and voicemail are inbound there. Talkdesk, calls model: answered and missed within T / (answered + missed), inbound calls in business hours only, abandoned calls and voicemail left out: no formula here; formula=answered is the same where no call is missed or out of hours. Genesys: answered within T / (answered + abandoned), with three switches. Flow-outs out: no formula here; formula=offered, and formula=no_short if short abandons are out, are the same only without flow-outs, of which its callbacks are some. Flow-outs in: formula=offered; flow-outs in, short abandons out: formula=no_short; abandons and flow-outs out: formula=answered. Twilio Flex: connected within T / all waiting, short abandons left alone: formula=no_short. Zendesk Talk publishes how long calls last and wait, but no service level that could be compared. formula=live is nobody's: it counts those who wait past T now.",
        formula="answered within T over: all legs (offered), all but short abandons (no_short), answered legs (answered);"
        " removed: answered, abandoned or called back within T / all legs; live: / (all legs + those waiting past T now)",
        at="outcome",
        series=(
            Series((("formula", "offered"),), _legs(("answered",), ("within",)), _legs(OUTCOMES, _TIMED)),
            Series((("formula", "no_short"),), _legs(("answered",), ("within",)), _legs(_WITHOUT_SHORT, _TIMED)),
            Series((("formula", "answered"),), _legs(("answered",), ("within",)), _legs(("answered",), _TIMED)),
            Series(
                (("formula", "removed"),),
                _legs(("answered", "abandoned", "abandoned_short", "callback"), ("within",)),
                _legs(OUTCOMES, _TIMED),
            ),
            #: the evaluation adds queue_waiting_over_target to this denominator
            Series((("formula", "live"),), _legs(("answered",), ("within",)), _legs(OUTCOMES, _TIMED)),
        ),
    )
)
duration(
    "answer_wait",
    about="How long answered customers had waited in that queue (its mean is the ASA).",
    counted="inbound legs that were answered; with waited_seconds the leg was queued that long before",
    not_counted="abandoned legs (abandon_wait); legs whose queued event was never seen; waits in queues before a transfer",
    needs=needs.LEGS,
    formula="answered - queued, of answered legs",
    at="answered",
    seed="S0",
)
duration(
    "contact_wait",
    about="How long answered customers had waited over all queues.",
    counted="one sample a contact, from its first queued to its first answer, over all its queues",
    not_counted="contacts never answered; contacts whose first queued was never seen, or was outbound",
    needs=needs.LEGS,
    formula="first answered - first queued of the contact",
    at="first answered",
    seed="S0",
)
duration(
    "handle",
    {"part": PARTS},
    about="How long agents were busy with a leg.",
    counted="every answered leg, outbound and callback ones too",
    not_counted="ringing; time between queues; after-contact work later than 15 min after the end",
    needs=(needs.QUEUED, needs.ANSWERED, needs.HELD, needs.TRANSFERRED, needs.ENDED, "chat/call.wrapped_up: agent"),
    edge_cases=(
        "All four parts are always put, so a leg without a hold has a hold of 0.",
        "Wrap-up is that of the leg's agent; of anybody where wrapped_up names none.",
    ),
    formula="talk: answered to its end less hold; wrap_up: end to the agent's wrapped_up within 15 min, else 0; total: the sum",
    at="leg's end, moved to wrapped_up",
    seed="S3 AHT",
)
_ENDED = tuple(number(REGISTRY.row("leg_end", how=how)) for how in ENDINGS)
REGISTRY.add(
    Metric(
        name="contacts_transferred_ratio",
        kind=Kind.RATIO,
        about="Share of answered legs that were transferred.",
        counted="answered inbound legs that ended, by how",
        not_counted="legs transferred while waiting: they flowed out",
        needs=(needs.QUEUED, needs.ANSWERED, needs.TRANSFERRED, needs.ENDED),
        edge_cases=("blind where the event does not say the kind; so is a queued in the middle of a conversation.",),
        formula="answered legs that ended in a transfer of that kind / answered legs that ended",
        at="leg's end",
        series=tuple(
            Series((("kind", kind),), (number(REGISTRY.row("leg_end", how=kind)),), _ENDED)
            for kind in ("blind", "consult")
        ),
        seed="S0",
    )
)
count(
    "not_answered",
    about="Rings that an agent did not take.",
    counted="each ring that ended without an answer, of outbound and callback legs too",
    not_counted="abandons while ringing",
    needs=("chat/call.not_answered: agent",),
    formula="not_answered events",
    at="not_answered",
    zero="queue",
)
ratio(
    "hold_abandon_ratio",
    about="Share of answered contacts that the customer ended while on hold.",
    counted="contacts with an answered inbound leg, at their end; ended by the customer between held and resumed is the numerator",
    not_counted="contacts ended by the agent or the system; contacts that never ended",
    needs=(needs.QUEUED, needs.ANSWERED, needs.HELD, needs.ENDED),
    formula="contacts ended by the customer while held / contacts with an answered leg",
    at="ended",
    seed="S0",
)
ratio(
    "abandoned_recovered_ratio",
    about="Share of customers who gave up and were reached within a day all the same.",
    counted="contacts with a customer, abandoned and never answered; answered: any leg, or a public human reply in a ticket, of that customer",
    not_counted="contacts without a customer; answers later than 24 h",
    needs=(*needs.LEGS, "chat/call.queued: customer", needs.MESSAGE),
    formula="contacts with an abandon and never answered whose customer was answered within 24 h / such contacts",
    at="last abandon + 24 h",
    windows=("7d", "30d"),
    seed='S0 "reached service"',
)
value(
    "abandoned_attempts",
    about="How often a customer who gave up had tried within a day.",
    counted="one sample an abandon: contacts of any kind, tickets too",
    not_counted="outbound and callback contacts; contacts whose start was never seen",
    needs=(*needs.CONTACT_STARTS, needs.ABANDONED, needs.ENDED),
    edge_cases=("Without a customer the attempt stands alone: 1.",),
    formula="contacts started by the customer in (abandon - 24 h, abandon], this one included",
    at="abandon",
    seed='S0 "how often"',
)
duration(
    "chat_first_response",
    about="How long chat customers waited for the first human message.",
    counted="the first message by an agent that is not automated, one sample a chat",
    not_counted="bots, automated messages; what is said before the first queued; chats whose start was never seen",
    needs=("chat.queued", needs.CHAT_MESSAGE),
    formula="first human message - queued",
    at="reply",
    seed="S3",
)
duration(
    "chat_response",
    {"responder": ("human", "any")},
    about="How long chat customers waited for each reply.",
    counted="human: not automated agent messages; any: also those of bots, and automated ones of anybody but the customer",
    not_counted="a second message in a row; what is said before the first queued; waits that the end of the chat ended",
    needs=("chat.queued", needs.CHAT_MESSAGE, "chat.ended"),
    formula="each reply - the first customer message it answers (queued counts as one)",
    at="reply",
    seed="S3",
)
duration(
    "chat_duration",
    about="How long answered chats lasted.",
    counted="answered chats that ended, outbound ones too",
    not_counted="the wait before the answer; chats without an ended event",
    needs=("chat.answered: waited_seconds", "chat.ended"),
    formula="end - first answered",
    at="end",
)
duration(
    "call_duration",
    about="How long answered calls lasted.",
    counted="answered calls that ended, outbound and callback ones too",
    not_counted="the wait before the answer; calls without an ended event",
    needs=("call.answered: waited_seconds", "call.ended"),
    formula="end - first answered",
    at="end",
)
count(
    "chats_missed",
    about="Chats that are over and were never answered.",
    counted="inbound chats that are over: abandoned, flowed out, called back, lost or ended",
    not_counted="chats with an answered leg",
    needs=("chat.queued: direction", "chat.answered", "chat.abandoned/ended", "chat.left_queue: reason"),
    edge_cases=("Taken back if the chat is queued again and answered.",),
    formula="ended chats without an answer",
    at="end",
    zero="queue",
)
ratio(
    "bot_handoff_ratio",
    about="Share of chats with a bot that a human took over.",
    counted="chats with a message of a bot",
    not_counted="chats without a bot; an agent's answer before the bot's first message",
    needs=("chat.queued", needs.CHAT_MESSAGE, "chat.answered", "chat.abandoned/ended", "chat.left_queue: reason"),
    formula="chats with a bot message that a human then answered / chats with a bot message",
    at="end",
)
stock(
    "callback_pending",
    about="Customers who were promised a callback and still wait for it.",
    counted="inbound legs that left the queue for a callback",
    not_counted="callbacks kept: an answered outbound or callback leg of the customer settles all of theirs",
    needs=("chat/call.left_queue: customer reason", "chat/call.queued: customer direction", needs.ANSWERED),
    formula="legs left by callback, until an answered outbound or callback leg of the customer, or 7 d",
    zero="queue",
)
