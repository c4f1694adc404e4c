"""The table "Chats and calls" of the catalogue.

One fact a leg (row ``leg``: its outcome, and whether it came within the service target) carries every share of queue_legs,
abandon_ratio and service_level_ratio; one fact an ended leg (row ``leg_end``) carries the transfer shares.
"""

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
        elsewhere="Genesys: offered = answered + abandoned + flowed out.",
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
        elsewhere="Amazon Connect: abandoned / queued (included); Talkdesk: over inbound less short abandons (excluded).",
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
    formula="abandoned - queued, short abandons included",
    at="outcome",
    seed="S0",
)
REGISTRY.add(
    Metric(
        name="service_level_ratio",
        kind=Kind.RATIO,
        about="Share of customers served within the target, by every formula in use.",
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
        elsewhere="Genesys: answered / offered with three switches; Amazon Connect: removed; Talkdesk: no_short;"
        " Twilio Flex: answered within T of all waiting, short abandons left alone (no_short).",
    )
)
duration(
    "answer_wait",
    about="How long answered customers had waited in that queue (its mean is the ASA).",
    formula="answered - queued, of answered legs",
    at="answered",
    seed="S0",
)
duration(
    "contact_wait",
    about="How long answered customers had waited over all queues.",
    formula="first answered - first queued of the contact",
    at="first answered",
    seed="S0",
)
duration(
    "handle",
    {"part": PARTS},
    about="How long agents were busy with a leg.",
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
    formula="not_answered events",
    at="not_answered",
    zero="queue",
)
ratio(
    "hold_abandon_ratio",
    about="Share of answered contacts that the customer ended while on hold.",
    formula="contacts ended by the customer while held / contacts with an answered leg",
    at="ended",
    seed="S0",
)
ratio(
    "abandoned_recovered_ratio",
    about="Share of customers who gave up and were reached within a day all the same.",
    formula="contacts with an abandon and never answered whose customer was answered within 24 h / such contacts",
    at="last abandon + 24 h",
    windows=("7d", "30d"),
    seed='S0 "reached service"',
)
value(
    "abandoned_attempts",
    about="How often a customer who gave up had tried within a day.",
    formula="contacts started by the customer in (abandon - 24 h, abandon], this one included",
    at="abandon",
    seed='S0 "how often"',
)
duration(
    "chat_first_response",
    about="How long chat customers waited for the first human message.",
    formula="first human message - queued",
    at="reply",
    seed="S3",
)
duration(
    "chat_response",
    {"responder": ("human", "any")},
    about="How long chat customers waited for each reply.",
    formula="each reply - the first customer message it answers (queued counts as one)",
    at="reply",
    seed="S3",
)
duration("chat_duration", about="How long answered chats lasted.", formula="end - first answered", at="end")
duration("call_duration", about="How long answered calls lasted.", formula="end - first answered", at="end")
count(
    "chats_missed",
    about="Chats that are over and were never answered.",
    formula="ended chats without an answer",
    at="end",
    zero="queue",
)
ratio(
    "bot_handoff_ratio",
    about="Share of chats with a bot that a human took over.",
    formula="chats with a bot message that a human then answered / chats with a bot message",
    at="end",
)
stock(
    "callback_pending",
    about="Customers who were promised a callback and still wait for it.",
    formula="legs left by callback, until an answered outbound or callback leg of the customer, or 7 d",
    zero="queue",
)
