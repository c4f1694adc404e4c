"""The wall: is it fine, if not where, and is the picture fresh. In the order and the words of the wall page."""

from typing import Final

from streamer.board.answer import LONG_WINDOWS, WINDOWS
from streamer.watch.dashboards.page import Page
from streamer.watch.dashboards.panels import COUNT, MISSED, SECONDS, SHARE, bars, grid, lines, number
from streamer.watch.dashboards.promql import judged, missed, numbered, shown, spiking
from streamer.watch.dashboards.trust import FRESHNESS

_W: Final = "$window"
#: that of surveys on the page
_SURVEYED: Final = LONG_WINDOWS[0]
_SAMPLES: Final = "{{state}} · target {{target}} % · n={{n}}"
_SERVICE_LEVELS: Final = shown("service_level_ratio", by="queue", window=_W, formula="offered")
_LEGS: Final = shown("service_level_ratio_samples", by="queue", window=_W, formula="offered")
_FIRST_SAMPLES: Final = shown("first_response_samples", window=_W)

#: heights of the rows: with a line for each question 24 together, what 1080 pixels show without scrolling
_LINE, _TILES, _QUEUES, _REST = 3, 5, 6, 3

WALL: Final = Page(
    uid="streamer-wall",
    title="Support: wall",
    description="The headline numbers against their targets, to be read from five metres.",
    window=WINDOWS[0],
    since="now-1h",
    rows={
        "Is it fine, and is the picture fresh?": (
            FRESHNESS,
            number(
                "Spikes now (how many spreads from the usual)",
                f"topk(3, {spiking()})",
                ["spike_confirmed", "metric_deviation_score"],
                COUNT,
                legend="spike · {{queue}}{{team}}{{channel}}: {{metric}}",
                nothing="no spike",
                width=20,
                height=_LINE,
            ),
            number("Waiting now", shown("queue_waiting"), ["queue_waiting"], COUNT, width=2, height=_TILES),
            number(
                "Longest wait now",
                shown("queue_waiting_oldest_age_seconds"),
                ["queue_waiting"],
                SECONDS,
                width=3,
                height=_TILES,
            ),
            number(
                "Waiting past target",
                shown("queue_waiting_over_target"),
                ["queue_waiting"],
                COUNT,
                width=2,
                height=_TILES,
            ),
            number(
                "Service level (offered), $window",
                judged(
                    shown("service_level_ratio", window=_W, formula="offered"),
                    "service_level_ratio",
                    "<",
                    shown("service_level_ratio_samples", window=_W, formula="offered"),
                ),
                ["service_level_ratio"],
                SHARE,
                legend=_SAMPLES,
                width=3,
                height=_TILES,
            ),
            number(
                "Abandonment, $window",
                judged(
                    shown("abandon_ratio", window=_W, short="included"),
                    "abandon_ratio",
                    ">",
                    shown("abandon_ratio_samples", window=_W, short="included"),
                ),
                ["abandon_ratio"],
                SHARE,
                legend=_SAMPLES,
                width=3,
                height=_TILES,
            ),
            number(
                "First response, median, $window",
                numbered(shown("first_response_seconds", window=_W, quantile="0.5"), _FIRST_SAMPLES),
                ["first_response"],
                SECONDS,
                legend="{{few}}n={{n}}",
                width=3,
                height=_TILES,
            ),
            number(
                "First response, 90 %, $window",
                numbered(shown("first_response_seconds", window=_W, quantile="0.9"), _FIRST_SAMPLES),
                ["first_response"],
                SECONDS,
                legend="{{few}}n={{n}}",
                width=3,
                height=_TILES,
            ),
            number(
                "First reply overdue",
                shown("tickets_awaiting_first_response_over_target"),
                ["tickets_awaiting_first_response"],
                COUNT,
                width=2,
                height=_TILES,
            ),
            number(
                f"CSAT, {_SURVEYED}",
                judged(
                    shown("csat_ratio", window=_SURVEYED, kind="csat"),
                    "csat_ratio",
                    "<",
                    shown("csat_ratio_samples", window=_SURVEYED, kind="csat"),
                ),
                ["csat_ratio"],
                SHARE,
                legend=_SAMPLES,
                width=3,
                height=_TILES,
            ),
        ),
        "Which queue?": (
            grid(
                "Queues now, and the last $window",
                [
                    ("waiting", shown("queue_waiting", by="queue"), COUNT),
                    ("longest", shown("queue_waiting_oldest_age_seconds", by="queue"), SECONDS),
                    ("service level", _SERVICE_LEVELS, SHARE),
                    ("state", missed(_SERVICE_LEVELS, "service_level_ratio", "<", _LEGS), MISSED),
                    ("abandonment", shown("abandon_ratio", by="queue", window=_W, short="included"), SHARE),
                    ("available agents", shown("queue_agents", by="queue", status="available"), COUNT),
                ],
                ["queue_waiting", "service_level_ratio", "abandon_ratio", "queue_agents"],
                link="streamer-queues",
                height=_QUEUES,
            ),
            lines(
                "Waiting",
                {"{{queue}}": shown("queue_waiting", by="queue")},
                ["queue_waiting"],
                COUNT,
                width=6,
                height=_QUEUES,
            ),
            bars(
                "Furthest from the usual now (spread)",
                f"topk(6, {shown('metric_deviation_score', 'metric', by='queue')})",
                "{{queue}}: {{metric}}",
                ["metric_deviation_score"],
                COUNT,
                width=6,
                height=_QUEUES,
            ),
        ),
        "Are we keeping up with tickets?": (
            number("New, last $window", shown("tickets_created", window=_W), ["tickets_created"], COUNT, height=_REST),
            number(
                "Solved, last $window",
                shown("tickets_solved", window=_W, unit="tickets"),
                ["tickets_solved"],
                COUNT,
                height=_REST,
            ),
            number(
                "Backlog now",
                f"sum({shown('tickets_backlog', 'state')})",
                ["tickets_backlog"],
                COUNT,
                height=_REST,
            ),
            number(
                "Backlog, median age now",
                shown("tickets_backlog_age_seconds", quantile="0.5"),
                ["tickets_backlog"],
                SECONDS,
                height=_REST,
            ),
            number(
                "SLA targets due within 15 min",
                f"sum({shown('sla_open_at_risk', 'target')})",
                ["sla_open"],
                COUNT,
                height=_REST,
            ),
            number(
                "SLA targets past due now",
                f"sum({shown('sla_open_over_target', 'target')})",
                ["sla_open"],
                COUNT,
                height=_REST,
            ),
        ),
        "Are customers satisfied?": (
            number(
                f"NPS (-100 to 100), {_SURVEYED}",
                numbered(shown("nps_score", window=_SURVEYED), shown("nps_score_samples", window=_SURVEYED)),
                ["nps_score"],
                COUNT,
                legend="{{few}}n={{n}}",
                width=5,
                height=_REST,
            ),
            number(
                "Margin of the NPS (±, 95 %)",
                shown("nps_margin", window=_SURVEYED),
                ["nps_margin"],
                COUNT,
                width=5,
                height=_REST,
            ),
            number(
                f"CES (7 is easiest), {_SURVEYED}",
                numbered(shown("ces_mean", window=_SURVEYED), shown("ces_mean_samples", window=_SURVEYED)),
                ["ces_mean"],
                COUNT,
                legend="{{few}}n={{n}}",
                width=5,
                height=_REST,
            ),
            number(
                "Detractors nobody has followed up",
                shown("detractors_awaiting_follow_up"),
                ["detractors_awaiting_follow_up"],
                COUNT,
                height=_REST,
            ),
            number(
                "Strongest driver of bad answers, 30 days (lift)",
                f"topk(1, {shown('driver_lift', 'driver')})",
                ["driver_lift"],
                COUNT,
                legend="{{driver}}",
                width=5,
                height=_REST,
            ),
        ),
    },
)
