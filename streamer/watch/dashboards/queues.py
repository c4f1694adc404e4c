"""Queues: live waits, service level by every formula, abandonment, agents."""

from typing import Final

from streamer.watch.dashboards.page import Page
from streamer.watch.dashboards.panels import COUNT, MISSED, SECONDS, SHARE, bars, grid, lines, number
from streamer.watch.dashboards.promql import missed, shown

_W: Final = "$window"
_SERVICE_LEVELS: Final = shown("service_level_ratio", by="queue", window=_W, formula="offered")
_ANSWERED_OF: Final = shown("service_level_ratio_samples", by="queue", window=_W, formula="offered")
_ABANDONED_OF: Final = shown("abandon_ratio_samples", by="queue", window=_W, short="included")
_ABANDONMENT: Final = shown("abandon_ratio", by="queue", window=_W, short="included")

QUEUES: Final = Page(
    uid="streamer-queues",
    title="Support: queues",
    description="Chats and calls: who waits, how fast they are answered, who gives up, who is there to answer.",
    window="1h",
    rows={
        "Who is waiting?": (
            number("Waiting now", shown("queue_waiting"), ["queue_waiting"], COUNT, height=4),
            number("Longest wait now", shown("queue_waiting_oldest_age_seconds"), ["queue_waiting"], SECONDS, height=4),
            number(
                "Waiting past the target now", shown("queue_waiting_over_target"), ["queue_waiting"], COUNT, height=4
            ),
            number("Callbacks still owed", shown("callback_pending"), ["callback_pending"], COUNT, height=4),
            number(
                "Answered, mean wait of last $window",
                shown("answer_wait_mean_seconds", window=_W),
                ["answer_wait"],
                SECONDS,
                height=4,
            ),
            number(
                "Legs answered in last $window",
                shown("queue_legs", window=_W, outcome="answered"),
                ["queue_legs"],
                COUNT,
                height=4,
            ),
            lines("Waiting by queue", {"{{queue}}": shown("queue_waiting", by="queue")}, ["queue_waiting"], COUNT),
            lines(
                "Longest wait by queue",
                {"{{queue}}": shown("queue_waiting_oldest_age_seconds", by="queue")},
                ["queue_waiting"],
                SECONDS,
            ),
        ),
        "How fast do we answer?": (
            lines(
                "Service level by formula, last $window",
                {"{{formula}}": shown("service_level_ratio", "formula", window=_W)},
                ["service_level_ratio"],
                SHARE,
                goal="service_level_ratio",
                width=8,
            ),
            lines(
                "Wait of answered legs, last $window",
                {"quantile {{quantile}}": shown("answer_wait_seconds", "quantile", window=_W)},
                ["answer_wait"],
                SECONDS,
                width=8,
            ),
            grid(
                "By queue, last $window",
                [
                    ("service level", _SERVICE_LEVELS, SHARE),
                    ("state", missed(_SERVICE_LEVELS, "service_level_ratio", "<", _ANSWERED_OF), MISSED),
                    ("mean wait", shown("answer_wait_mean_seconds", by="queue", window=_W), SECONDS),
                    ("answered", shown("answer_wait_samples", by="queue", window=_W), COUNT),
                ],
                ["service_level_ratio", "answer_wait"],
                link="streamer-queues",
                width=8,
            ),
        ),
        "Who gives up?": (
            lines(
                "Abandonment, last $window",
                {"short ones {{short}}": shown("abandon_ratio", "short", window=_W)},
                ["abandon_ratio"],
                SHARE,
                goal="abandon_ratio",
                width=8,
            ),
            lines(
                "Legs by outcome, last $window",
                {"{{outcome}}": shown("queue_legs", "outcome", window=_W)},
                ["queue_legs"],
                COUNT,
                stacked=True,
                width=8,
            ),
            grid(
                "By queue, last $window",
                [
                    ("abandonment", _ABANDONMENT, SHARE),
                    ("state", missed(_ABANDONMENT, "abandon_ratio", ">", _ABANDONED_OF), MISSED),
                    ("legs", _ABANDONED_OF, COUNT),
                    ("mean wait until", shown("abandon_wait_mean_seconds", by="queue", window=_W), SECONDS),
                ],
                ["abandon_ratio", "abandon_wait"],
                link="streamer-queues",
                width=8,
            ),
        ),
        "Who is there to answer?": (
            lines(
                "Agents by status, everybody",
                {"{{status}}": shown("agents", "status", by="all")},
                ["agents"],
                COUNT,
                stacked=True,
                width=8,
            ),
            bars(
                "Agents available by queue",
                shown("queue_agents", by="queue", status="available"),
                "{{queue}}",
                ["queue_agents"],
                COUNT,
                width=4,
            ),
            number(
                "Occupancy of everybody, last $window",
                shown("agent_occupancy_ratio", by="all", window=_W),
                ["agent_occupancy_ratio"],
                SHARE,
                height=8,
            ),
            bars(
                "Mean handle time by part, last $window",
                shown("handle_mean_seconds", "part", window=_W),
                "{{part}}",
                ["handle"],
                SECONDS,
            ),
        ),
    },
)
