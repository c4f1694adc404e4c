"""The table "Tickets" of the catalogue."""

from streamer.metrics.catalogue import needs
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
    counted="tickets of every origin (customer, agent, system), each once",
    not_counted="tickets merged or deleted later, which are taken back; tickets whose created event was never seen",
    needs=needs.TICKETS,
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
        counted="the tickets of tickets_created, in the window and in the one before it",
        not_counted="what tickets_created does not count",
        needs=needs.TICKETS,
        edge_cases=(
            "Absent where nothing was created in the window before.",
            "today is compared with the same time since midnight of the day before.",
        ),
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
    counted="tickets in one of the four states, also those whose created event was never seen (open until a status says otherwise)",
    not_counted="solved, closed, merged and deleted tickets",
    needs=needs.OPEN_TICKETS,
    formula="tickets now in new, open, pending or on_hold",
    zero="tickets",
    seed="S3 backlog",
)
stock(
    "tickets_unassigned",
    about="Unfinished tickets that nobody has.",
    counted="unfinished tickets without an agent, also those that only a team has",
    not_counted="finished tickets",
    needs=(*needs.OPEN_TICKETS, needs.ASSIGNED),
    edge_cases=("An assigned event with an empty agent unassigns.",),
    formula="unfinished tickets without an agent; age since the ticket last became open and nobody's",
    zero="tickets",
)
stock(
    "tickets_unattended",
    about="Unfinished tickets in which a customer message has no human reply yet.",
    counted="customer messages without a public, not automated agent message after them; a ticket that a customer or the system created counts as one",
    not_counted="automated customer messages; finished tickets; a message on a solved ticket, unless the ticket is reopened",
    needs=(*needs.OPEN_TICKETS, needs.MESSAGE),
    edge_cases=("Bots, automated replies and internal notes do not attend to a ticket.",),
    formula="tickets with an unanswered customer message; age since the first such message",
    zero="tickets",
)
stock(
    "tickets_stale",
    about="Unfinished tickets that no human has replied to for longer than the review age.",
    counted="unfinished tickets past their review time",
    not_counted="tickets that are not past it yet; replies of bots, automated ones and internal notes, which are no review",
    needs=(*needs.OPEN_TICKETS, needs.MESSAGE),
    formula="unfinished tickets past last human reply (else created) + review age; age since then",
    zero="tickets",
    seed="S3 review age",
)
duration(
    "first_response",
    about="How long customers waited for the first human reply.",
    counted="the first public, not automated agent message after the first clock started, one sample a ticket, also after a solve",
    not_counted="bots, automated replies, internal notes; the message with which an agent opened the ticket; tickets whose created event was never seen",
    needs=needs.REPLIES,
    edge_cases=("A ticket that is solved without a reply gives no sample.",),
    elsewhere="Zendesk: creation to the first public agent comment, the second where an agent opened the ticket; null until both happened. Intercom: the median by default.",
    formula="first human reply - first clock (created, or the first customer message where an agent opened the ticket)",
    at="that reply",
    seed="S3",
)
duration(
    "first_response_business",
    about="The same wait, counting opening hours only.",
    counted="the same samples as first_response",
    not_counted="time outside the opening hours of the queue's calendar, and holidays",
    needs=(*needs.REPLIES, "ticket.created/assigned: queue"),
    edge_cases=("0 where the whole wait lay outside opening hours.",),
    formula="the part of (first clock, first human reply) inside the calendar of the ticket's queue",
    at="that reply",
    seed="S3 busy times",
)
stock(
    "tickets_awaiting_first_response",
    about="Unfinished tickets without a human reply; over target past the first-response target.",
    counted="unfinished tickets whose first clock runs",
    not_counted="finished tickets; tickets that an agent opened and the customer has not written in; tickets whose created event was never seen",
    needs=(*needs.OPEN_TICKETS, needs.MESSAGE),
    formula="unfinished tickets whose first clock runs; due = clock + first_response_target",
    zero="tickets",
    seed="S3",
    due=True,
)
duration(
    "response",
    {"responder": RESPONDERS},
    about="How long customers waited for each reply.",
    counted="human: public, not automated agent messages; any: also those of bots, and automated ones of anybody but the customer",
    not_counted="internal notes; a second reply in a row; waits that a solve ended",
    needs=needs.REPLIES,
    edge_cases=(
        "The first response is one of them.",
        "A customer message on a solved ticket starts a wait only if the ticket is reopened, from the message on.",
    ),
    formula="each public reply - the first customer message it answers",
    at="that reply",
    seed="S3 average response",
)
duration(
    "resolution",
    {"kind": ("first", "full")},
    about="Time from created to solved.",
    counted="changes to solved; closed without solved before it counts as solved",
    not_counted="replies that solve nothing, merges, deletions, solved to closed; tickets whose created event was never seen",
    needs=needs.SOLVES,
    edge_cases=("kind=first stays after a reopen; kind=full is taken back and put again at the next solve.",),
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
        counted="time in the states that the formula names",
        not_counted="time in other states (pending is the customer's turn); tickets whose created event was never seen",
        needs=needs.SOLVES,
        edge_cases=("Open phases before a reopen are included.", "Taken back on reopen, put again at the next solve."),
        formula="sum of the times in those states from created to the net solve",
        at="net solve",
        seed="S3",
    )
count(
    "tickets_solved",
    {"unit": ("events", "tickets")},
    about="Solves: every transition, or net of reopens.",
    counted="changes from an open state to solved or closed, also of tickets whose created event was never seen",
    not_counted="solved to closed, merges, deletions; with unit=tickets, solves that a reopen followed",
    needs=(needs.STATUS,),
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
        counted="solves in the window against tickets created in it",
        not_counted="solves that a reopen followed",
        needs=(*needs.SOLVES, needs.GONE),
        edge_cases=("Above 1 while a backlog is worked off: the two are not the same tickets.",),
        formula="tickets_solved{unit=tickets} / tickets_created, each at its own time",
        series=(Series((), (number(row("tickets_solved", unit="tickets")),), _CREATED),),
        flows=True,
        seed="S3",
    )
)
ratio(
    "reopen_ratio",
    about="Share of solves that were followed by a reopen.",
    counted="changes from solved or closed to new, open, pending or on_hold, up to reopen_window (7 d, inclusive) after the solve",
    not_counted="later reopens; customer messages that reopen nothing",
    needs=(needs.STATUS,),
    edge_cases=("A solve counts at its own time: the newest solves may still be reopened.",),
    formula="solves followed by a reopen within reopen_window / solves",
    at="solve",
    windows=LONG,
)
value(
    "replies_per_resolution",
    about="Human replies it took to solve a ticket.",
    counted="public, not automated agent messages",
    not_counted="customer messages, bots, automated replies, internal notes; tickets whose created event was never seen",
    needs=(*needs.SOLVES, needs.MESSAGE),
    edge_cases=("Taken back on reopen, put again at the next solve.",),
    formula="human replies up to the net solve, over the ticket's whole life",
    at="solve",
    seed="S3",
)
ratio(
    "one_touch_ratio",
    about="Share of tickets solved with at most one human reply.",
    counted="net solves; those with no or one public, not automated agent message are the numerator",
    not_counted="solves that a reopen followed; tickets whose created event was never seen",
    needs=(*needs.SOLVES, needs.MESSAGE),
    formula="net solves with at most one human reply / net solves",
    at="solve",
    seed='S3 FCR "within one reply"',
)
REGISTRY.add(
    Metric(
        name="resolutions_per_conversation_ratio",
        kind=Kind.RATIO,
        about="Tickets solved against tickets that agents took up.",
        counted="solves in the window against first human replies in it",
        not_counted="solves that a reopen followed; tickets without a human reply, in the denominator",
        needs=(*needs.SOLVES, needs.MESSAGE),
        edge_cases=("1 or more: as much is solved as is taken up. The two are not the same tickets.",),
        formula="tickets_solved{unit=tickets} / tickets that got their first human reply, each at its own time",
        series=(Series((), (number(row("tickets_solved", unit="tickets")),), (number(row("first_response")),)),),
        flows=True,
        seed='S3 "reach or exceed"',
    )
)
ratio(
    "identified_first_ratio",
    about="Share of tickets whose problem was identified right at the start.",
    counted="tickets that were assigned or answered by a human; a change of queue, or of a topic once set, makes a ticket misidentified",
    not_counted="tickets with neither; a topic that is set for the first time; tickets whose created event was never seen",
    needs=(
        needs.CREATED,
        "ticket.created/assigned: agent team queue",
        needs.MESSAGE,
        "ticket.created/categorized: topic",
    ),
    edge_cases=("A later change replaces the ticket's 1 with a 0 at the base event's time.",),
    formula="tickets whose queue, and topic once set, did not change after the base event / tickets with one;"
    " base event: the earlier of the first assigned and the first human reply",
    at="base event",
    seed="S0 problem identified",
)
value(
    "solutions_offered",
    about="Solutions (articles, macros, bot answers) offered until a ticket was solved.",
    counted="suggested events: articles, macros, a bot's answers",
    not_counted="what is suggested after the net solve; tickets whose created event was never seen",
    needs=(*needs.SOLVES, "ticket.suggested: kind"),
    formula="suggested events up to the net solve",
    at="solve",
    seed="S0",
)
ratio(
    "sla_met_ratio",
    {"target": TARGETS},
    about="Share of targets that were met.",
    counted="targets that were reached or missed; settings: first_response_target, response_target, resolution_target",
    not_counted="targets that still run; a reply target that a solve ended; targets that a merge or deletion ended",
    needs=(*needs.OPEN_TICKETS, needs.MESSAGE),
    edge_cases=(
        "A miss stays a miss when the work is done later.",
        "resolution: the state at the due time decides, so a ticket reopened before it can still miss.",
        "A reopen starts no new first_response or resolution target.",
    ),
    elsewhere="Intercom: a target is missed only when a teammate next replies; here at its due time.",
    formula="met / (met + missed); a miss counts at its due time, while the work is still open",
    at="completion, or due",
    windows=("24h", "today", "7d"),
)
stock(
    "sla_open",
    {"target": TARGETS},
    about="Targets running or breached, until the work is done.",
    counted="targets of unfinished tickets, those breached included",
    not_counted="targets met; finished tickets; tickets whose created event was never seen, but for response",
    needs=(*needs.OPEN_TICKETS, needs.MESSAGE),
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
        counted="the tickets of tickets_created, by the topic that was set last; those without one have the empty topic",
        not_counted="topics that a ticket had before",
        needs=needs.TOPICS,
        edge_cases=("A later categorisation moves the ticket to its new topic, at the time it was created.",),
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
        counted="as tickets_by_topic, over all tickets created",
        not_counted="as tickets_by_topic",
        needs=needs.TOPICS,
        edge_cases=("The shares of a group add up to 1, that of the empty topic included.",),
        formula="tickets_by_topic / tickets_created of the group",
        at="created",
        open_labels=("topic",),
        open=Open(BY_TOPIC, over_rows=_CREATED),
        seed="S3 repeated question",
    )
)
