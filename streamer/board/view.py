"""What the board shows at a moment: the merged panes, evaluated once a second, whoever asks.

Flushes are applied and numbers evaluated in threads, one at a time: the event loop only passes finished texts on.
"""

import threading
import time
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

from streamer.board.limits import Limited, limited
from streamer.board.merge import Merge
from streamer.board.work import Item
from streamer.logs import get_logger, once
from streamer.metrics.catalogue import METRICS
from streamer.metrics.evaluate import Block, evaluate
from streamer.metrics.exposition import render
from streamer.processor.mark import Mark
from streamer.settings import Settings

log = get_logger(__name__)

_SECOND = 1_000
#: panes past their last reader are dropped so often; they cost memory, never a wrong number
_DROP_MS = 60_000


class Shown(NamedTuple):
    """One evaluation: its instant (ms), the blocks after the limit of series, and the exposition text."""

    at: int
    blocks: list[Block]
    text: str


class View:
    """The board's state. Thread-safe: every method may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.caught_up = False
        self._lock = threading.RLock()
        self._merge = Merge(settings)
        self._marks: dict[int, Mark] = {}
        self._partitions: set[int] = set()
        self._shown: Shown | None = None
        self._shown_at = 0.0
        self._dropped_at = 0
        self.registry = CollectorRegistry()
        self._as_of = Gauge("support_as_of_timestamp_seconds", "The instant of the numbers.", registry=self.registry)
        self._left_out = Gauge(
            "support_series_left_out", "Series over exposition.max_series, left out.", registry=self.registry
        )
        self._visible = Histogram(
            "support_event_visible_seconds",
            "From the append of the newest event of a flush to the flush applied by the board.",
            buckets=(0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300),
            registry=self.registry,
        )
        target = Gauge("support_metric_target", "Targets of the configuration.", ["metric"], registry=self.registry)
        for name, value in settings.targets.items():
            target.labels(name).set(value)

    def begin(self, partitions: set[int]) -> None:
        """Begin anew: the changelog is read from its beginning."""
        with self._lock:
            self.caught_up = False
            self._partitions = partitions
            self._merge = Merge(self.settings)
            self._marks = {}

    def apply(self, partition: int, pairs: Sequence[tuple[bytes, bytes | None]], mark: Mark, now: int) -> None:
        """Apply whole flushes of a partition that end with `mark`; `now` is the wall clock in ms."""
        with self._lock:
            self._merge.apply(partition, dict(pairs))
            before = self._marks.get(partition)
            self._marks[partition] = mark
            newest = max(mark.arrivals.values(), default=0)
            if self.caught_up and before is not None and newest > max(before.arrivals.values(), default=0):
                self._visible.observe(max(0, now - newest) / _SECOND)
            if now - self._dropped_at > _DROP_MS:
                self._dropped_at = now
                self._merge.drop(now)

    def reasons(self, now: int) -> list[str]:
        """Return why the numbers are not to be trusted now; empty if they are."""
        with self._lock:
            if not self.caught_up:
                return ["the changelog is still being read"]
            limit = self.settings.board.stale_limit
            return [
                f"no news of partition {number} for {(now - mark.time) // _SECOND} s"
                if (mark := self._marks.get(number)) is not None
                else f"partition {number} has no mark"
                for number in sorted(self._partitions)
                if number not in self._marks or now - self._marks[number].time > limit
            ]

    def shown(self) -> Shown:
        """Return the numbers of now, at most `board.cache` old."""
        with self._lock:
            age = (time.monotonic() - self._shown_at) * _SECOND
            if self._shown is None or age > self.settings.board.cache:
                at = time.time_ns() // 1_000_000 // _SECOND * _SECOND
                blocks = limited(list(self._merge.evaluate(at)), self.settings.exposition.max_series)
                self._shown = self._finish(at, blocks)
                self._shown_at = time.monotonic()
            return self._shown

    def shown_at(self, at: int) -> Shown:
        """Return the numbers at another instant (ms), added up anew."""
        with self._lock:
            blocks = limited(
                list(evaluate(self._merge.snapshot(), self.settings, at)), self.settings.exposition.max_series
            )
            return self._finish(at, blocks)

    def _finish(self, at: int, result: Limited) -> Shown:
        for metric, by in result.left_out:
            if once("series", metric, by):
                log.warning("over exposition.max_series, left out", metric=metric, by=by)
        self._as_of.set(at / _SECOND)
        self._left_out.set(result.series_left_out)
        text = render(result.blocks, self.settings.dimensions.names)
        return Shown(at, result.blocks, text + generate_latest(self.registry).decode())

    def open_items(self, metric: str, labels: dict[str, str], most: int) -> list[tuple[Item, tuple[str, ...]]]:
        """Return the oldest open items behind a stock, with their groups' values; `labels` are its own labels."""
        rows = {
            series.numerator[0].row
            for m in METRICS
            if m.name == metric
            for series in m.series
            if all(labels.get(key, value) == value for key, value in series.labels)
        }
        with self._lock:
            now = time.time_ns() // 1_000_000
            everywhere = np.arange(len(self._merge.groups))
            found = self._merge.work.oldest(np.array(sorted(rows), dtype=np.int64), everywhere, now)
            return [(item, self._merge.groups[item.group]) for item in islice(found, most)]
