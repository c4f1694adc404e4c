"""Satisfaction: CSAT and NPS with intervals and sample sizes, what drives them, whether surveys are healthy."""

from typing import Final

from streamer.watch.dashboards.page import Page
from streamer.watch.dashboards.panels import COUNT, SECONDS, SHARE, bars, grid, lines, number
from streamer.watch.dashboards.promql import judged, numbered, shown

_W: Final = "$long_window"
#: of what is known days later only
_LONG: Final = "7d"
_NPS: Final = shown("nps_score", window=_W)
_MARGIN: Final = shown("nps_margin", window=_W)

SATISFACTION: Final = Page(
    uid="streamer-satisfaction",
    title="Support: satisfaction",
    description="What customers say: never a share without its interval and how many said so.",
    window="7d",
    window_name="long_window",
    windows_of="support_surveys_sent",
    since="now-7d",
    rows={
        "Are customers satisfied?": (
            number(
                "CSAT, last $long_window",
                judged(
                    shown("csat_ratio", window=_W, kind="csat"),
                    "csat_ratio",
                    "<",
                    shown("csat_ratio_samples", window=_W, kind="csat"),
                ),
                ["csat_ratio"],
                SHARE,
                legend="{{state}} · target {{target}} % · n={{n}}",
                height=8,
            ),
            lines(
                "CSAT with its 95 % interval, last $long_window",
                {
                    "upper bound": shown("csat_upper_bound_ratio", window=_W, kind="csat"),
                    "CSAT": shown("csat_ratio", window=_W, kind="csat"),
                    "lower bound": shown("csat_lower_bound_ratio", window=_W, kind="csat"),
                },
                ["csat_ratio", "csat_lower_bound_ratio", "csat_upper_bound_ratio"],
                SHARE,
                goal="csat_ratio",
            ),
            grid(
                "By queue, last $long_window",
                [
                    ("answers", shown("csat_ratio_samples", by="queue", window=_W, kind="csat"), COUNT),
                    ("CSAT", shown("csat_ratio", by="queue", window=_W, kind="csat"), SHARE),
                    ("at least", shown("csat_lower_bound_ratio", by="queue", window=_W, kind="csat"), SHARE),
                    ("at most", shown("csat_upper_bound_ratio", by="queue", window=_W, kind="csat"), SHARE),
                ],
                ["csat_ratio", "csat_lower_bound_ratio", "csat_upper_bound_ratio"],
                link="streamer-satisfaction",
                width=8,
            ),
        ),
        "Would they recommend us, and was it easy?": (
            number(
                "NPS, last $long_window",
                numbered(_NPS, shown("nps_score_samples", window=_W)),
                ["nps_score"],
                COUNT,
                legend="{{few}}-100 to 100 · n={{n}}",
                height=8,
            ),
            lines(
                "NPS with its margin, last $long_window",
                {"upper bound": f"{_NPS} + {_MARGIN}", "NPS": _NPS, "lower bound": f"{_NPS} - {_MARGIN}"},
                ["nps_score", "nps_margin"],
                COUNT,
            ),
            number(
                "CES, last $long_window (7 is easiest)",
                numbered(shown("ces_mean", window=_W), shown("ces_mean_samples", window=_W)),
                ["ces_mean"],
                COUNT,
                legend="{{few}}n={{n}}",
                height=8,
            ),
            number(
                "Found it easy, last $long_window",
                numbered(shown("ces_easy_ratio", window=_W), shown("ces_easy_ratio_samples", window=_W)),
                ["ces_easy_ratio"],
                SHARE,
                legend="{{few}}n={{n}}",
                height=8,
            ),
        ),
        "What makes them dissatisfied?": (
            bars(
                "Drivers of bad answers, 30 days (lift)",
                f"topk(8, {shown('driver_lift', 'driver')})",
                "{{driver}}",
                ["driver_lift"],
                COUNT,
                width=12,
            ),
            bars(
                "Topics of detractors, last $long_window",
                f"sort_desc({shown('detractor_topics', 'topic', window=_W)})",
                "{{topic}}",
                ["detractor_topics"],
                COUNT,
                width=12,
            ),
        ),
        "Do we answer those who complain?": (
            number(
                "Detractors nobody has followed up",
                shown("detractors_awaiting_follow_up"),
                ["detractors_awaiting_follow_up"],
                COUNT,
                width=8,
            ),
            number(
                "Of these more than 24 h",
                shown("detractors_awaiting_follow_up_over_target"),
                ["detractors_awaiting_follow_up"],
                COUNT,
                width=8,
            ),
            number(
                "Follow-up, median of last $long_window",
                shown("detractor_follow_up_seconds", window=_W, quantile="0.5"),
                ["detractor_follow_up"],
                SECONDS,
                width=8,
            ),
        ),
        "Can the surveys be trusted?": (
            lines(
                "Surveys decided that were answered, last $long_window",
                {"{{kind}}": shown("survey_decided_response_ratio", "kind", window=_W)},
                ["survey_decided_response_ratio"],
                SHARE,
                width=8,
            ),
            bars(
                "Answers, last $long_window",
                shown("surveys_answered", "kind", window=_W),
                "{{kind}}",
                ["surveys_answered"],
                COUNT,
                width=6,
            ),
            number(
                "Ended contacts with a survey, 7 days",
                shown("survey_coverage_ratio", window=_LONG),
                ["survey_coverage_ratio"],
                SHARE,
                width=5,
                height=8,
            ),
            number(
                "Customers asked too often",
                shown("survey_fatigued_customers"),
                ["survey_fatigued_customers"],
                COUNT,
                width=5,
                height=8,
            ),
        ),
    },
)
