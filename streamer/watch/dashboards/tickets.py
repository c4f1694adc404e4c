"""Tickets: flow, backlog by age, response and resolution, SLA."""

from typing import Final

from streamer.watch.dashboards.page import Page
from streamer.watch.dashboards.panels import COUNT, SECONDS, SHARE, bars, grid, lines, number
from streamer.watch.dashboards.promql import shown

_W: Final = "$window"
#: of what takes days to be known
_LONG: Final = "24h"

TICKETS: Final = Page(
    uid="streamer-tickets",
    title="Support: tickets",
    description="Tickets: are we keeping up, how old is the work, how fast do we respond and resolve, what is promised.",
    window="1h",
    rows={
        "Are we keeping up?": (
            lines(
                "New and solved, last $window",
                {
                    "new": shown("tickets_created", window=_W),
                    "solved": shown("tickets_solved", window=_W, unit="tickets"),
                },
                ["tickets_created", "tickets_solved"],
                COUNT,
            ),
            bars(
                "What new tickets are about, last $window",
                f"sort_desc({shown('tickets_by_topic', 'topic', window=_W)})",
                "{{topic}}",
                ["tickets_by_topic"],
                COUNT,
                width=6,
            ),
            grid(
                "By queue, last $window",
                [
                    ("new", shown("tickets_created", by="queue", window=_W), COUNT),
                    ("solved", shown("tickets_solved", by="queue", window=_W, unit="tickets"), COUNT),
                ],
                ["tickets_created", "tickets_solved"],
                link="streamer-tickets",
                width=6,
            ),
        ),
        "How old is the open work?": (
            lines(
                "Backlog by state",
                {"{{state}}": shown("tickets_backlog", "state")},
                ["tickets_backlog"],
                COUNT,
                stacked=True,
                width=8,
            ),
            lines(
                "Age of the backlog",
                {"quantile {{quantile}}": shown("tickets_backlog_age_seconds", "quantile")},
                ["tickets_backlog"],
                SECONDS,
                width=8,
            ),
            grid(
                "By queue, now",
                [
                    ("unattended", shown("tickets_unattended", by="queue"), COUNT),
                    ("unassigned", shown("tickets_unassigned", by="queue"), COUNT),
                    ("stale", shown("tickets_stale", by="queue"), COUNT),
                ],
                ["tickets_unattended", "tickets_unassigned", "tickets_stale"],
                link="streamer-tickets",
                width=8,
            ),
        ),
        "How fast do we respond and resolve?": (
            lines(
                "First response, last $window",
                {"quantile {{quantile}}": shown("first_response_seconds", "quantile", window=_W)},
                ["first_response"],
                SECONDS,
                width=8,
            ),
            lines(
                "Any human response, last $window",
                {"quantile {{quantile}}": shown("response_seconds", "quantile", window=_W, responder="human")},
                ["response"],
                SECONDS,
                width=8,
            ),
            lines(
                "Full resolution, last $window",
                {"quantile {{quantile}}": shown("resolution_seconds", "quantile", window=_W, kind="full")},
                ["resolution"],
                SECONDS,
                width=8,
            ),
        ),
        "Do we keep what we promised?": (
            lines(
                "Targets met, last 24 h",
                {"{{target}}": shown("sla_met_ratio", "target", window=_LONG)},
                ["sla_met_ratio"],
                SHARE,
            ),
            bars("Past due now", shown("sla_open_over_target", "target"), "{{target}}", ["sla_open"], COUNT, width=6),
            bars("Due within 15 min", shown("sla_open_at_risk", "target"), "{{target}}", ["sla_open"], COUNT, width=6),
        ),
        "Does it stay solved?": (
            number(
                "Reopened within 7 days, of the solves of 24 h",
                shown("reopen_ratio", window=_LONG),
                ["reopen_ratio"],
                SHARE,
                width=6,
            ),
            number(
                "Solved with one reply, last $window",
                shown("one_touch_ratio", window=_W),
                ["one_touch_ratio"],
                SHARE,
                width=6,
            ),
            number(
                "Replies a resolution, mean of last $window",
                shown("replies_per_resolution_mean", window=_W),
                ["replies_per_resolution"],
                COUNT,
                width=6,
            ),
            number(
                "Right queue and topic at first, last $window",
                shown("identified_first_ratio", window=_W),
                ["identified_first_ratio"],
                SHARE,
                width=6,
            ),
        ),
    },
)
