"""The table "Tickets" of the catalogue."""

from streamer.metrics.catalogue.model import (
    LONG,
    REGISTRY,
    Kind,
    Metric,
    Open,
    Series,
    count,
    duration,
    family,
    number,
    ratio,
    row,
    stock,
    value,
)

STATES = ("new", "open", "pending", "on_hold")
RESPONDERS = ("human", "any")
TARGETS = ("first_response", "response", "resolution")

count(
    "tickets_created",
    about="Tickets created, each once.",
    formula="number of distinct tickets whose created event lies in the window",
    at="created",
    zero="tickets",
    seed="S3 volume",
    edge_cases=(
        "A merged or deleted ticket is taken back.",
        "A ticket whose created event was never seen is not counted.",
    ),
)
_CREATED = (number(row("tickets_created")),)
REGISTRY.add(
    Metric(
        name="tickets_created_change_ratio",
        kind=Kind.RATIO,
        about="How much more or less was created than in the window before.",
        formula="(created in the window - created in the window before) / created in the window before",
        series=(Series((), _CREATED),),
        flows=True,
        seed="S3",
    )
)
stock(
    "tickets_backlog",
    {"state": STATES},
    about="Unfinished tickets by state; age counts from created, also after a reopen.",
    formula="tickets now in new, open, pending or on_hold",
    zero="tickets",
    seed="S3 backlog",
)
stock(
    "tickets_unassigned",
    about="Unfinished tickets that nobody has.",
    formula="unfinished tickets without an agent; age since the ticket last became open and nobody's",
    zero="tickets",
)
stock(
    "tickets_unattended",
    about="Unfinished tickets in which a customer message has no human reply yet.",
    formula="tickets with an unanswered customer message; age since the first such message",
    zero="tickets",
)
stock(
    "tickets_stale",
    about="Unfinished tickets that no human has replied to for longer than the review age.",
    formula="unfinished tickets past last human reply (else created) + review age; age since then",
    zero="tickets",
    seed="S3 review age",
)
duration(
    "first_response",
    about="How long customers waited for the first human reply.",
    elsewhere="Zendesk: creation to the first public agent comment, the second where an agent opened the ticket; null until both happened. Intercom: the median by default.",
    formula="first human reply - first clock (created, or the first customer message where an agent opened the ticket)",
    at="that reply",
    seed="S3",
)
duration(
    "first_response_business",
    about="The same wait, counting opening hours only.",
    formula="the part of (first clock, first human reply) inside the calendar of the ticket's queue",
    at="that reply",
    seed="S3 busy times",
)
stock(
    "tickets_awaiting_first_response",
    about="Unfinished tickets without a human reply; over target past the first-response target.",
    formula="unfinished tickets whose first clock runs; due = clock + first_response_target",
    zero="tickets",
    due=True,
)
duration(
    "response",
    {"responder": RESPONDERS},
    about="How long customers waited for each reply.",
    formula="each public reply - the first customer message it answers",
    at="that reply",
    seed="S3 average response",
)
duration(
    "resolution",
    {"kind": ("first", "full")},
    about="Time from created to solved.",
    elsewhere="Zendesk: null until both events happened; Chatwoot, Freshdesk: a reopened ticket resolves twice (kind=first keeps one, kind=full moves).",
    formula="first: first solve - created; full: last solve - created, taken back on reopen",
    at="that solve",
    seed="S3",
)
for _name, _about in (
    ("requester_wait", "Time the customer's ticket spent new, open or on hold until it was solved."),
    ("agent_work", "Time the ticket spent new or open until it was solved."),
    ("ticket_on_hold", "Time the ticket spent on hold until it was solved."),
):
    duration(
        _name,
        about=_about,
        formula="sum of the times in those states from created to the net solve",
        at="net solve",
        seed="S3",
    )
count(
    "tickets_solved",
    {"unit": ("events", "tickets")},
    about="Solves: every transition, or net of reopens.",
    elsewhere="Chatwoot, Freshdesk: a reopened ticket resolves twice (unit=events).",
    formula="events: transitions to solved; tickets: those not followed by a reopen",
    at="solve",
    zero="tickets",
    seed="S3",
)
REGISTRY.add(
    Metric(
        name="resolution_ratio",
        kind=Kind.RATIO,
        about="Tickets solved against tickets created.",
        formula="tickets_solved{unit=tickets} / tickets_created, each at its own time",
        series=(Series((), (number(row("tickets_solved", unit="tickets")),), _CREATED),),
        flows=True,
        seed="S3",
    )
)
ratio(
    "reopen_ratio",
    about="Share of solves that were followed by a reopen.",
    formula="solves followed by a reopen within reopen_window / solves",
    at="solve",
    windows=LONG,
    seed="S3",
)
value(
    "replies_per_resolution",
    about="Human replies it took to solve a ticket.",
    formula="human replies up to the net solve, over the ticket's whole life",
    at="solve",
    seed="S3",
)
ratio(
    "one_touch_ratio",
    about="Share of tickets solved with at most one human reply.",
    formula="net solves with at most one human reply / net solves",
    at="solve",
    seed='S3 FCR "within one reply"',
)
REGISTRY.add(
    Metric(
        name="resolutions_per_conversation_ratio",
        kind=Kind.RATIO,
        about="Tickets solved against tickets that agents took up.",
        formula="tickets_solved{unit=tickets} / tickets that got their first human reply, each at its own time",
        series=(Series((), (number(row("tickets_solved", unit="tickets")),), (number(row("first_response")),)),),
        flows=True,
        seed='S3 "reach or exceed"',
    )
)
ratio(
    "identified_first_ratio",
    about="Share of tickets whose problem was identified right at the start.",
    formula="tickets whose queue, and topic once set, did not change after the base event / tickets with one;"
    " base event: the earlier of the first assigned and the first human reply",
    at="base event",
    seed="S0 problem identified",
)
value(
    "solutions_offered",
    about="Solutions (articles, macros, bot answers) offered until a ticket was solved.",
    formula="suggested events up to the net solve",
    at="solve",
    seed="S0",
)
ratio(
    "sla_met_ratio",
    {"target": TARGETS},
    about="Share of targets that were met.",
    elsewhere="Intercom: a target is missed only when a teammate next replies; here at its due time.",
    formula="met / (met + missed); a miss counts at its due time, while the work is still open",
    at="completion, or due",
    windows=("24h", "today", "7d"),
)
stock(
    "sla_open",
    {"target": TARGETS},
    about="Targets running or breached, until the work is done.",
    formula="open targets; over target: due at or before now; at risk: due within 15 minutes",
    zero="tickets",
    due=True,
)
BY_TOPIC = family("tickets_by_topic", "topic")
REGISTRY.add(
    Metric(
        name="tickets_by_topic",
        kind=Kind.COUNT,
        about="Tickets created, by their latest topic.",
        formula="tickets created whose latest topic is this one; top 10, the rest is other",
        at="created",
        open_labels=("topic",),
        open=Open(BY_TOPIC),
        seed="S3 repeated question",
    )
)
REGISTRY.add(
    Metric(
        name="topic_share_ratio",
        kind=Kind.RATIO,
        about="Share of a topic in the tickets created.",
        formula="tickets_by_topic / tickets_created of the group",
        at="created",
        open_labels=("topic",),
        open=Open(BY_TOPIC, over_rows=_CREATED),
        seed="S3 repeated question",
    )
)
