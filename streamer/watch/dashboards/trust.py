"""Trust: the pipeline itself. Are the numbers fresh, is anything lost, does it keep up."""

from functools import cache
from itertools import chain
from typing import Final

from streamer.board.view import View
from streamer.metrics.catalogue.trust import AS_OF
from streamer.partition import COUNTERS
from streamer.processor.metrics import WorkerMetrics
from streamer.settings import Settings
from streamer.watch.dashboards.page import Page
from streamer.watch.dashboards.panels import COUNT, RATE, SECONDS, bars, lines, number
from streamer.watch.dashboards.promql import rate, slowest

_AGE: Final = "time() - max(support_as_of_timestamp_seconds)"
_NOW: Final = (
    f"**support_as_of_timestamp_seconds**: {AS_OF.about} Compared with Prometheus' own clock: it grows while no board"
    " answers."
)


@cache
def _documented() -> dict[str, str]:
    """Return the HELP text of each of the pipeline's own families."""
    view = View(Settings.model_validate({}))
    view.close()
    families = chain(view.metrics.registry.collect(), WorkerMetrics(COUNTERS).registry.collect())
    return {family.name: family.documentation for family in families}


def _help(*families: str) -> str:
    return "\n\n".join(f"**{family}**: {_documented()[family]}" for family in families)


FRESHNESS: Final = number("Age of the numbers", _AGE, _NOW, SECONDS, height=3)

TRUST: Final = Page(
    uid="streamer-trust",
    title="Support: trust in the numbers",
    description="The pipeline itself: are the numbers fresh, is anything refused, does it keep up.",
    segments=False,
    rows={
        "Are the numbers fresh?": (
            number("Age of the numbers", _AGE, _NOW, SECONDS, height=8),
            lines(
                "Event to board",
                {
                    "median": slowest("support_event_visible_seconds", 0.5),
                    "99 %": slowest("support_event_visible_seconds", 0.99),
                },
                _help("support_event_visible_seconds"),
                SECONDS,
                width=7,
            ),
            lines(
                "Age of each partition's last flush",
                {"partition {{partition}}": "time() - max by (partition) (support_board_mark_timestamp_seconds)"},
                _help("support_board_mark_timestamp_seconds"),
                SECONDS,
                width=7,
            ),
            bars(
                "Quietest sources",
                f"bottomk(10, {rate('support_events_total', 'source')})",
                "{{source}}",
                _help("support_events"),
                RATE,
                width=6,
            ),
        ),
        "Is anything refused?": (
            lines(
                "Events by topic",
                {"{{topic}}": rate("support_events_total", "topic")},
                _help("support_events"),
                RATE,
                stacked=True,
                width=8,
            ),
            lines(
                "Dead letters by code",
                {"{{code}}": rate("support_events_invalid_total", "code")},
                _help("support_events_invalid"),
                RATE,
                width=8,
            ),
            lines(
                "Late, repeated, odd",
                {
                    "late: {{reason}}": rate("support_events_late_total", "reason"),
                    "repeated": rate("support_events_duplicate_total"),
                    "odd: {{kind}}": rate("support_events_anomalous_total", "kind"),
                    "without their opening event": rate("support_events_unknown_total"),
                },
                _help(
                    "support_events_late",
                    "support_events_duplicate",
                    "support_events_anomalous",
                    "support_events_unknown",
                ),
                RATE,
                width=8,
            ),
        ),
        "Does it keep up?": (
            lines(
                "Records behind",
                {"{{topic}}": "sum by (topic) (support_worker_lag_records)"},
                _help("support_worker_lag_records"),
                COUNT,
                width=8,
            ),
            lines(
                "Flush of a worker, 99 %",
                {"flush": slowest("support_worker_flush_seconds", 0.99)},
                _help("support_worker_flush_seconds"),
                SECONDS,
                width=8,
            ),
            lines(
                "Evaluation of a board, 99 %",
                {"evaluation": slowest("support_board_evaluation_seconds", 0.99)},
                _help("support_board_evaluation_seconds"),
                SECONDS,
                width=8,
            ),
        ),
        "Is anything left out?": (
            number(
                "Series left out",
                "max(support_series_left_out)",
                "**support_series_left_out**: Series over exposition.max_series, left out by whole metric and grouping.",
                COUNT,
                width=6,
            ),
            number(
                "Values summed into other, in the time shown",
                "sum(increase(support_values_limited_total[$__range]))",
                _help("support_values_limited"),
                COUNT,
                width=6,
            ),
            number(
                "Partitions held", "sum(support_worker_partitions)", _help("support_worker_partitions"), COUNT, width=6
            ),
            number(
                "Partitions lost, in the time shown",
                "sum(increase(support_worker_lost_partitions_total[$__range]))",
                _help("support_worker_lost_partitions"),
                COUNT,
                width=6,
            ),
        ),
    },
)
