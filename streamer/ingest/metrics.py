"""The ingress' own numbers: who delivers, what became of it, and who was not let in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streamer.ingest.route import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamer.ingest.server import Ingress

#: the outcome of a delivery to an address of no source, whose path may be anything and is no label
UNKNOWN_SOURCE: Final = "unknown_source"


class IngestMetrics(Collector):
    """Made at the scrape of what the routes count anyway: a delivery costs nothing more. For the event loop's thread."""

    def __init__(self, ingress: Ingress) -> None:
        self._ingress = ingress
        self.registry = CollectorRegistry()
        self.registry.register(self)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def collect(self) -> Iterator[Metric]:
        """Return what the ingress says now. A `source` is called as in its events."""
        ingress = self._ingress
        deliveries = CounterMetricFamily(
            "support_ingest_deliveries", "Deliveries over, by what became of them.", labels=["source", "outcome"]
        )
        events = CounterMetricFamily("support_ingest_events", "Events delivered, repeated ones too.", labels=["source"])
        last = GaugeMetricFamily(
            "support_ingest_last_delivery_timestamp_seconds", "When the last delivery was over.", labels=["source"]
        )
        deliveries.add_metric(["", UNKNOWN_SOURCE], ingress.unknown)
        for name, route in ingress.routes.items():
            source = f"ingest/{name}"
            # All from the start: of a counter that comes into being with 1, Prometheus sees no increase.
            for outcome in OUTCOMES:
                deliveries.add_metric([source, outcome], route.outcomes[outcome])
            events.add_metric([source], route.events)
            if route.last:
                last.add_metric([source], route.last[0] / 1000)
        yield from (deliveries, events, last)
        spooled = ingress.deliver.spooled()
        if spooled is not None:
            yield GaugeMetricFamily("support_ingest_spooled_events", "Events on the disk, not in Kafka.", value=spooled)
        yield from self._connections()

    def _connections(self) -> Iterator[Metric]:
        guard = self._ingress.guard
        if guard is None:
            return
        yield GaugeMetricFamily("support_ingest_connections", "Connections open.", value=len(guard.open))
        yield CounterMetricFamily(
            "support_ingest_connections_refused", "Connections over ingest.connections.", value=guard.refused
        )
        yield CounterMetricFamily(
            "support_ingest_connections_cut", "Connections cut because no request came in time.", value=guard.cut
        )
