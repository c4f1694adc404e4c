"""The worker's own numbers. It serves no KPI: those are the board's."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streamer.processor.partition import Families

#: families that end so are gauges of the latest instant
INSTANT = "_timestamp_seconds"


class WorkerMetrics:
    """Families of a worker, in a registry of their own."""

    def __init__(self, families: Families) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self._counted = {
            name: Counter(name, text, labels, registry=registry)
            for name, (text, labels) in families.items()
            if not name.endswith(INSTANT)
        }
        self._instants = {
            name: Gauge(name, text, labels, registry=registry)
            for name, (text, labels) in families.items()
            if name.endswith(INSTANT)
        }
        self._latest: dict[tuple[str, ...], float] = {}
        self.records = Counter(
            "support_worker_records", "Records applied, before any check.", ["topic"], registry=registry
        )
        self.flushes = Counter("support_worker_flushes", "Flushes committed.", registry=registry)
        self.flushed_rows = Counter("support_worker_flushed_rows", "Changelog records committed.", registry=registry)
        self.flush_seconds = Histogram(
            "support_worker_flush_seconds",
            "Wall time of a flush, from the cut to the commit.",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self.lost = Counter(
            "support_worker_lost_partitions",
            "Partitions whose memory was dropped because a flush failed; their state is recovered from the log.",
            registry=registry,
        )
        self.recovery_seconds = Gauge(
            "support_worker_recovery_seconds", "Wall time of the last recovery.", registry=registry
        )
        self.recovered_records = Counter(
            "support_worker_recovered_records", "Changelog records read in recoveries.", registry=registry
        )
        self.partitions = Gauge("support_worker_partitions", "Partitions held and active.", registry=registry)
        self.lag = Gauge(
            "support_worker_lag_records", "Records behind the end of the topic, this worker's partitions.", ["topic"],
            registry=registry,
        )  # fmt: skip

    def count(self, increments: Mapping[tuple[str, ...], float]) -> None:
        """Add what a committed cut counted: (family, label value, ...) -> increment, or instant (s)."""
        for key, increment in increments.items():
            family, *values = key
            if family in self._instants:
                self._latest[key] = max(increment, self._latest.get(key, 0))
                self._instants[family].labels(*values).set(self._latest[key])
                continue
            counter = self._counted[family]
            (counter.labels(*values) if values else counter).inc(increment)
