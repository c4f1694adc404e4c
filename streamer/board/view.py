"""What the board shows: one thread applies flushes and evaluates, in turn, so that neither sees half of the other's work."""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from streamer.board.merge import Merge
from streamer.board.metrics import BoardMetrics
from streamer.board.visible import Visible
from streamer.logs import get_logger, once
from streamer.metrics.exposition import render
from streamer.metrics.limits import Limited, limited
from streamer.processor.mark import Mark
from streamer.settings import Settings

logger = get_logger(__name__)

T = TypeVar("T")
SECOND = 1000


def now_ms() -> int:
    """Wall time, ms since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass
class Evaluation:
    """All numbers at one instant. `at` is in ms; `seconds` is what making them took; `text` is there once it was asked for."""

    at: int
    limited: Limited
    seconds: float
    text: str | None = None


class View:
    """What a board knows. All methods but `settle` and `close` are for the event loop's thread."""

    def __init__(self, settings: Settings, clock: Callable[[], int] = now_ms) -> None:
        self.settings = settings
        self.clock = clock
        self.merge = Merge(settings)
        self.visible = Visible()
        #: newest mark of each partition of the changelog; None: none yet
        self.marks: dict[int, Mark | None] = {}
        self.metrics = BoardMetrics(self)
        #: why the follower has not caught up with what the log held at the start; empty once it has
        self.waiting = "starting"
        #: why the log cannot be followed, if it cannot
        self.refused = ""
        self.records = 0
        #: how often something was applied
        self.applied = 0
        self._thread = ThreadPoolExecutor(1, "board")
        self._lock = asyncio.Lock()
        self._latest: Evaluation | None = None
        self._latest_until = 0.0
        self._latest_applied = 0

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a function in the board's thread: after what was asked of it before, and nothing beside it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(function, *arguments))

    async def apply(self, partition: int, rows: Mapping[bytes, bytes | None], mark: Mark | None) -> None:
        """Apply a flush, or with `mark` None a part of one, which only a board that has not caught up may do."""
        if rows:
            await self.run(self.merge.apply, partition, rows)
        self.applied += 1
        self.records += len(rows)
        self.metrics.records.inc(len(rows))
        if mark is not None:
            self.metrics.flushes.inc()
            self.marks[partition] = mark
            self.visible.flushed(partition, mark, self.clock(), sample=not self.waiting)

    def instant(self) -> int:
        """Return the board's T: now, as a whole second, in ms."""
        return self.clock() // SECOND * SECOND

    async def latest(self, *, newest: bool = False) -> Evaluation:
        """Return the numbers now; made once for all who ask within `board.cache`.

        With `newest` they are as of this second and hold all that was applied before; those that are so already are not
        made again.
        """
        async with self._lock:
            at, applied, latest = self.instant(), self.applied, self._latest
            new = latest is None or (latest.at, self._latest_applied) != (at, applied)
            if latest is None or (new if newest else time.monotonic() >= self._latest_until):
                latest = self._latest = await self.run(self._evaluate, at)
                self._latest_applied = applied
                # from its end on: one that takes longer than it is kept is still shared
                self._latest_until = time.monotonic() + self.settings.board.cache / SECOND
                self._report(latest.limited)
            return latest

    async def past(self, at: int) -> Evaluation:
        """Return the numbers at an earlier instant, in ms."""
        return await self.run(self._evaluate, at // SECOND * SECOND, True)

    async def text(self, evaluation: Evaluation) -> str:
        """Return an evaluation as exposition text, made once; pages do without, so it is made when it is asked for."""
        return evaluation.text if evaluation.text is not None else await self.run(self._text, evaluation)

    def _evaluate(self, at: int, past: bool = False) -> Evaluation:  # noqa: FBT001, FBT002 (the executor passes no keywords)
        started = time.perf_counter()
        blocks = self.merge.evaluate_past(at) if past else self.merge.evaluate(at)
        shown = limited(blocks, self.settings.exposition.max_series)
        return Evaluation(at, shown, time.perf_counter() - started)

    def _text(self, evaluation: Evaluation) -> str:
        if evaluation.text is None:
            started = time.perf_counter()
            evaluation.text = render(evaluation.limited.blocks, self.settings.dimensions.names)
            self.metrics.evaluation_seconds.observe(evaluation.seconds + time.perf_counter() - started)
        return evaluation.text

    @staticmethod
    def _report(shown: Limited) -> None:
        for metric, by in shown.left_out:
            if once("max_series", metric, by):
                logger.warning("over exposition.max_series: left out", metric=metric, by=by)

    async def settle(self) -> None:
        """Bring the windows up to now, for a board that nobody asks."""
        if not self.waiting:
            await self.run(self.merge.settle, self.instant())

    def unready(self) -> list[str]:
        """Return why the board is not ready to be believed; nothing where it is."""
        if self.refused:
            return [self.refused]
        if self.waiting:
            return [self.waiting]
        now, limit = self.clock(), self.settings.board.stale_limit
        reasons = []
        for partition, mark in sorted(self.marks.items()):
            if mark is None:
                reasons.append(f"partition {partition}: no worker has written yet")
            elif now - mark.time > limit:
                reasons.append(f"partition {partition}: no news for {(now - mark.time) / SECOND:.0f} s")
        return reasons

    def close(self) -> None:
        """End the thread after what it is doing."""
        self._thread.shutdown(wait=False, cancel_futures=True)
