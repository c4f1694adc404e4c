"""What takes more than two seconds: progress on a terminal and nothing off it, and what is waited for, always."""

from __future__ import annotations

import sys
import time
from collections import deque
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

Item = TypeVar("Item")

_QUIET_S = 2.0
_PERIOD_S = 0.1
#: what the rate is of
_RECENT_S = 5.0


@contextmanager
def waiting(what: str, limit_s: float | None = None) -> Iterator[None]:
    """Say on stderr, once the block has taken two seconds, what it waits for and when it gives up (None: never)."""
    end = "going on until it answers"
    if limit_s is not None:
        end = f"giving up at {time.strftime('%H:%M:%S', time.localtime(time.time() + limit_s))}"
    line = f"streamer: waiting for {what}; {end}\n"
    timer = Timer(_QUIET_S, lambda: sys.stderr.write(line))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # in the midst of its line, it would abort an interpreter that ends now


class Progress:
    """Counts steps in a `with` block: `progress.advance()`. Shown on stderr, gone at the end; for one thread.

    The rate is that of the last five seconds. `clock` gives seconds.
    """

    def __init__(self, unit: str, total: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._unit = unit
        self._total = total
        self._count = 0
        self._shown: Any = None
        self._task: Any = None
        self._clock = clock
        start = clock()
        #: when, and how many steps were done then: the first about `_RECENT_S` ago
        self._recent = deque([(start, 0)])
        self._next = start + _QUIET_S if sys.stderr.isatty() else float("inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown is not None:
            self._shown.stop()

    def advance(self, steps: int = 1) -> None:
        """Count steps that are done."""
        self._count += steps
        if (now := self._clock()) >= self._next:
            self._next = now + _PERIOD_S
            self._update(now)

    def each(self, items: Iterable[Item]) -> Iterator[Item]:
        """Give the items, each of which is a step."""
        for item in items:
            yield item
            self.advance()

    def _update(self, now: float) -> None:
        if self._shown is None:
            # Imported when it is needed: a command that ends within two seconds does without.
            from rich.console import Console  # noqa: PLC0415
            from rich.progress import BarColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
            from rich.progress import Progress as Display  # noqa: PLC0415

            columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._shown = Display(*columns, console=Console(stderr=True), transient=True)
            self._task = self._shown.add_task("", total=self._total)
            self._shown.start()
        self._recent.append((now, self._count))
        while self._recent[1][0] <= now - _RECENT_S:
            self._recent.popleft()
        since, count = self._recent[0]
        text = f"{self._count:,} {self._unit}, {(self._count - count) / max(now - since, 0.001):,.0f}/s"
        self._shown.update(self._task, completed=self._count, description=text)
