"""The families of a board beside the KPIs: how fresh the numbers are, the targets, and what it costs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from streamer.metrics.catalogue import Metric as Own
from streamer.metrics.catalogue.trust import AS_OF, EVENT_VISIBLE, METRIC_TARGET

if TYPE_CHECKING:
    from streamer.board.view import Evaluation, View


def _name(own: Own) -> str:
    return f"support_{own.name}"


class BoardMetrics(Collector):
    """Makes them at the scrape, in a registry of their own."""

    def __init__(self, view: "View") -> None:
        self._view = view
        self.registry = registry = CollectorRegistry()
        self.flushes = Counter("support_board_flushes", "Flushes of workers applied.", registry=registry)
        self.records = Counter("support_board_records", "Changelog records applied.", registry=registry)
        self.evaluation_seconds = Histogram(
            "support_board_evaluation_seconds",
            "Wall time of an evaluation, from panes to text.",
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
            registry=registry,
        )
        self.redis_outages = Counter(
            "support_board_redis_outages",
            "Times that Redis did not do what it was asked to, after it had.",
            registry=registry if view.settings.redis.url else None,
        )
        #: what is flushed until then is in the read model that this board writes (ms); None: another one does, or nobody
        self.journeys_time: int | None = None
        registry.register(self)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)

    def collect(self) -> Iterator[Metric]:
        """Return what the view says now."""
        view = self._view
        targets = GaugeMetricFamily(_name(METRIC_TARGET), METRIC_TARGET.about, labels=METRIC_TARGET.open_labels)
        for name, value in sorted(view.settings.targets.items()):
            targets.add_metric([name], value)
        yield targets
        visible = HistogramMetricFamily(_name(EVENT_VISIBLE), EVENT_VISIBLE.about)
        visible.add_metric([], view.visible.buckets(), view.visible.sum)
        yield visible
        marks = GaugeMetricFamily(
            "support_board_mark_timestamp_seconds", "Time of the newest flush applied.", labels=["partition"]
        )
        for partition, mark in sorted(view.marks.items()):
            if mark is not None:
                marks.add_metric([str(partition)], mark.time / 1000)
        yield marks
        if self.journeys_time is not None:
            yield GaugeMetricFamily(
                "support_board_journeys_timestamp_seconds",
                "Everything flushed until then is in the read model, said by the board that writes it.",
                value=self.journeys_time / 1000,
            )
        yield GaugeMetricFamily(
            "support_board_limited_names",
            "Groups and open label values that became other, past the limits of the store.",
            value=view.merge.limited,
        )

    def text(self, evaluation: "Evaluation") -> str:
        """Return the families of an evaluation and of the board as exposition text."""
        own = CollectorRegistry()
        own.register(_Of(evaluation))
        return generate_latest(own).decode() + generate_latest(self.registry).decode()


class _Of(Collector):
    """What goes with one evaluation."""

    def __init__(self, evaluation: "Evaluation") -> None:
        self._evaluation = evaluation

    def collect(self) -> Iterator[Metric]:
        evaluation = self._evaluation
        yield GaugeMetricFamily(_name(AS_OF), AS_OF.about, value=evaluation.at / 1000)
        yield GaugeMetricFamily(
            "support_series_left_out",
            "Series over exposition.max_series, left out by whole metric and grouping.",
            value=evaluation.limited.series_left_out,
        )
