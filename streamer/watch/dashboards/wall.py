"""The wall: is it fine, if not where, and is the picture fresh. In the order and the words of the wall page."""

from typing import Final

from streamer.watch.dashboards.page import Page
from streamer.watch.dashboards.panels import COUNT, MISSED, SECONDS, SHARE, bars, grid, lines, number
from streamer.watch.dashboards.promql import ENOUGH, judged, missed, numbered, shown
from streamer.watch.dashboards.trust import FRESHNESS

_W: Final = "$window"
_SURVEYED: Final = "7d"
_SAMPLES: Final = "{{state}} · target {{target}} % · n={{n}}"
_SERVICE_LEVELS: Final = shown("service_level_ratio", by="queue", window=_W, formula="offered")
_SCORES: Final = shown("metric_deviation_score", "metric", by="queue")
_SPIKING: Final = f"topk(3, {_SCORES} and on (metric, queue) {shown('spike_confirmed', 'metric', by='queue')} == 1)"

WALL: Final = Page(
    uid="streamer-wall",
    title="Support: wall",
    description="The headline numbers against their targets, to be read from five metres.",
    window="15m",
    since="now-1h",
    rows={
        "Is it fine, and is the picture fresh?": (
            FRESHNESS,
            number(
                "Spikes now (how many spreads from the usual)",
                _SPIKING,
                ["spike_confirmed", "metric_deviation_score"],
                COUNT,
                legend="spike · {{queue}}: {{metric}}",
                nothing="no spike",
                width=20,
                height=4,
            ),
            number("Waiting now", shown("queue_waiting"), ["queue_waiting"], COUNT, height=6),
            number("Longest wait now", shown("queue_waiting_oldest_age_seconds"), ["queue_waiting"], SECONDS, height=6),
            number(
                "Service level, last $window (answered within target of all legs)",
                judged(
                    shown("service_level_ratio", window=_W, formula="offered"),
                    "service_level_ratio",
                    "<",
                    shown("service_level_ratio_samples", window=_W, formula="offered"),
                ),
                ["service_level_ratio"],
                SHARE,
                legend=_SAMPLES,
                height=6,
            ),
            number(
                "Abandonment, last $window (short ones included)",
                judged(
                    shown("abandon_ratio", window=_W, short="included"),
                    "abandon_ratio",
                    ">",
                    shown("abandon_ratio_samples", window=_W, short="included"),
                ),
                ["abandon_ratio"],
                SHARE,
                legend=_SAMPLES,
                height=6,
            ),
            number(
                "First response, median of last $window",
                numbered(
                    shown("first_response_seconds", window=_W, quantile="0.5"),
                    shown("first_response_samples", window=_W),
                ),
                ["first_response"],
                SECONDS,
                legend="n={{n}}",
                height=6,
            ),
            number(
                "CSAT, last 7 days",
                judged(
                    shown("csat_ratio", window=_SURVEYED, kind="csat"),
                    "csat_ratio",
                    "<",
                    shown("csat_ratio_samples", window=_SURVEYED, kind="csat"),
                    ENOUGH,
                ),
                ["csat_ratio"],
                SHARE,
                legend=_SAMPLES,
                height=6,
            ),
        ),
        "Which queue?": (
            grid(
                "Queues now, and the last $window",
                [
                    ("waiting", shown("queue_waiting", by="queue"), COUNT),
                    ("longest", shown("queue_waiting_oldest_age_seconds", by="queue"), SECONDS),
                    ("service level", _SERVICE_LEVELS, SHARE),
                    ("state", missed(_SERVICE_LEVELS, "service_level_ratio", "<"), MISSED),
                    ("abandonment", shown("abandon_ratio", by="queue", window=_W, short="included"), SHARE),
                    ("available agents", shown("queue_agents", by="queue", status="available"), COUNT),
                ],
                ["queue_waiting", "service_level_ratio", "abandon_ratio", "queue_agents"],
                link="streamer-queues",
            ),
            lines("Waiting", {"{{queue}}": shown("queue_waiting", by="queue")}, ["queue_waiting"], COUNT, width=6),
            bars(
                "Furthest from the usual now (spread)",
                f"topk(6, {_SCORES})",
                "{{queue}}: {{metric}}",
                ["metric_deviation_score", "spike_confirmed"],
                COUNT,
                width=6,
            ),
        ),
        "Are we keeping up with tickets?": (
            lines(
                "New and solved, last $window",
                {
                    "new": shown("tickets_created", window=_W),
                    "solved": shown("tickets_solved", window=_W, unit="tickets"),
                },
                ["tickets_created", "tickets_solved"],
                COUNT,
            ),
            number(
                "Over first-response target now",
                shown("tickets_awaiting_first_response_over_target"),
                ["tickets_awaiting_first_response"],
                COUNT,
                height=8,
            ),
            number(
                "SLA targets due within 15 min",
                f"sum({shown('sla_open_at_risk', 'target')})",
                ["sla_open"],
                COUNT,
                height=8,
            ),
            number(
                "Backlog, median age now",
                shown("tickets_backlog_age_seconds", quantile="0.5"),
                ["tickets_backlog"],
                SECONDS,
                height=8,
            ),
        ),
        "Are customers satisfied?": (
            number(
                "NPS, last 7 days",
                numbered(shown("nps_score", window=_SURVEYED), shown("nps_score_samples", window=_SURVEYED)),
                ["nps_score"],
                COUNT,
                legend="-100 to 100 · n={{n}}",
            ),
            number("Margin of the NPS (±, 95 %)", shown("nps_margin", window=_SURVEYED), ["nps_margin"], COUNT),
            number(
                "CES, last 7 days (7 is easiest)",
                numbered(shown("ces_mean", window=_SURVEYED), shown("ces_mean_samples", window=_SURVEYED)),
                ["ces_mean"],
                COUNT,
                legend="n={{n}}",
            ),
            number(
                "Detractors nobody has followed up",
                shown("detractors_awaiting_follow_up"),
                ["detractors_awaiting_follow_up"],
                COUNT,
            ),
            number(
                "Strongest driver of bad answers, 30 days (lift)",
                f"topk(1, {shown('driver_lift', 'driver')})",
                ["driver_lift"],
                COUNT,
                legend="{{driver}}",
            ),
            number("Targets past due now", f"sum({shown('sla_open_over_target', 'target')})", ["sla_open"], COUNT),
        ),
    },
)
