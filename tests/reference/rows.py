"""The rows: kind, windows, fixed label values, whose events make a 0 (metrics.md, the five tables)."""

from __future__ import annotations

from dataclasses import dataclass, field

DAYTIME = ("15m", "1h", "24h", "today")
LONG = ("24h", "7d", "30d")
WEEKS = ("7d", "30d")
SURVEY_KINDS = ("csat", "relationship", "nps", "ces", "experience", "esat")
OUTCOMES = ("answered", "abandoned", "abandoned_short", "flowed_out", "callback", "lost")


@dataclass
class Row:
    kind: str  # count, ratio, mean, duration, value, stock
    windows: tuple[str, ...] = DAYTIME
    fixed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    zero: str = ""  # tickets, queue, surveys, contacts; "": never shown as 0
    scale: float = 1.0  # of the sum: 1e-6 for millionths
    open_label: str = ""  # topic, reason, rating: top 10, the rest `other`
    due: bool = False


_TARGETS = {"target": ("first_response", "response", "resolution")}
_D, _R, _V = Row("duration"), Row("ratio"), Row("value")
_LD, _LR = Row("duration", LONG), Row("ratio", LONG)

ROWS: dict[str, Row] = {
    # Tickets
    "tickets_created": Row("count", zero="tickets"),
    "tickets_backlog": Row("stock", fixed={"state": ("new", "open", "pending", "on_hold")}, zero="tickets"),
    "tickets_unassigned": Row("stock", zero="tickets"),
    "tickets_unattended": Row("stock", zero="tickets"),
    "tickets_stale": Row("stock", zero="tickets"),
    "first_response": _D,
    "first_response_business": _D,
    "tickets_awaiting_first_response": Row("stock", zero="tickets", due=True),
    "response": _D,
    "resolution": _D,
    "requester_wait": _D,
    "agent_work": _D,
    "ticket_on_hold": _D,
    "tickets_solved": Row("count", fixed={"unit": ("events", "tickets")}, zero="tickets"),
    "reopen_ratio": _LR,
    "replies_per_resolution": _V,
    "one_touch_ratio": _R,
    "identified_first_ratio": _R,
    "solutions_offered": _V,
    "time_to_solution": _LD,
    "sla_met_ratio": Row("ratio", ("24h", "today", "7d")),
    "sla_open": Row("stock", fixed=_TARGETS, zero="tickets", due=True),
    "tickets_by_topic": Row("count", open_label="topic"),
    # Chats and calls
    "queue_waiting": Row("stock", zero="queue", due=True),
    "queue_legs": Row("count", fixed={"outcome": OUTCOMES}, zero="queue"),
    "abandon_ratio": _R,
    "abandon_wait": _D,
    "service_level_ratio": _R,
    "answer_wait": _D,
    "contact_wait": _D,
    "handle": _D,
    "contacts_transferred_ratio": _R,
    "not_answered": Row("count", zero="queue"),
    "hold_abandon_ratio": _R,
    "abandoned_recovered_ratio": Row("ratio", WEEKS),
    "abandoned_attempts": _V,
    "chat_first_response": _D,
    "chat_response": _D,
    "chat_duration": _D,
    "call_duration": _D,
    "chats_missed": Row("count", zero="queue"),
    "bot_handoff_ratio": _R,
    "callback_pending": Row("stock", zero="queue"),
    # Customers
    "contacts": Row("count", LONG, zero="contacts"),
    "repeat_contact_ratio": _LR,
    "fcr_ratio": Row("ratio", WEEKS),
    "fcr_provisional_ratio": _LR,
    "contacts_after_purchase": Row("count", LONG, {"days": ("0-1", "1-7", "7-30", "30+")}, "contacts"),
    "customers_joined": Row("count", LONG),
    "customers_churned": Row("count", LONG),
    "satisfaction_class_ratio": _LR,
    "repeat_purchase_ratio": _LR,
    "repeat_spend_share_ratio": Row("ratio", LONG, scale=1e-6),
    "cart_abandonment_ratio": Row("ratio", WEEKS),
    "carts_abandoned": Row("count", WEEKS, open_label="reason"),
    "mentions": Row("count", LONG),
    "mention_sentiment_mean": Row("mean", LONG, scale=1e-6),
    "word_of_mouth_reach": Row("count", LONG, {"bound": ("low", "high")}, "surveys"),
    # Surveys
    "csat_ratio": _LR,
    "csat_mean_ratio": Row("mean", LONG, scale=1e-6),
    "nps_score": Row("mean", LONG, scale=100.0),
    "nps_share_ratio": _LR,
    "ces_mean": Row("mean", LONG, scale=1e-6),
    "ces_easy_ratio": _LR,
    "experience_rating_mean_ratio": Row("mean", LONG, scale=1e-6, open_label="rating"),
    "stated_resolution_ratio": _LR,
    "surveys_sent": Row("count", LONG, {"kind": SURVEY_KINDS}, "surveys"),
    "surveys_answered": Row("count", LONG, {"kind": SURVEY_KINDS}, "surveys"),
    "survey_response_ratio": _LR,
    "survey_decided_response_ratio": _LR,
    "survey_comment_ratio": _LR,
    "detractor_topics": Row("count", LONG, open_label="topic"),
    "survey_coverage_ratio": Row("ratio", WEEKS),
    "survey_delay": _LD,
    "survey_completion": _LD,
    "survey_fatigued_customers": Row("stock", zero="surveys"),
    "survey_overlaps": Row("count", LONG, {"same_department": ("true", "false")}, "surveys"),
    "intercept_shown_ratio": _LR,
    "scale_suspect_ratio": _LR,
    "detractor_follow_up": _LD,
    "detractors_awaiting_follow_up": Row("stock", zero="surveys", due=True),
    # Agents
    "agents": Row("stock"),
    "queue_agents": Row("stock"),
}

# Rows made from other rows: name -> default windows.
DERIVED: dict[str, tuple[str, ...]] = {
    "tickets_created_change_ratio": DAYTIME,
    "resolution_ratio": DAYTIME,
    "resolutions_per_conversation_ratio": DAYTIME,
    "topic_share_ratio": DAYTIME,
    "churn_ratio": ("30d", "90d"),
    "retention_ratio": ("30d", "90d"),
    "csat_lower_bound_ratio": LONG,
    "csat_upper_bound_ratio": LONG,
    "nps_margin": LONG,
    "agent_occupancy_ratio": DAYTIME,
}

ZERO_KINDS = {"tickets": ("tickets",), "queue": ("queue",), "surveys": ("surveys",), "contacts": ("tickets", "queue")}
