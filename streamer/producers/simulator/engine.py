"""A discrete-event clock: a process is a generator that yields how long it sleeps; the clock jumps to who is next."""

from collections.abc import Generator
from heapq import heappop, heappush
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Steps: TypeAlias = Generator[int | None, None, T]
"""A process, or a part of one: yields milliseconds to sleep (None: until woken) and returns what it found."""


class Process:
    """A running generator; `turn` counts its resumptions, so that an alarm set before the last one is void."""

    __slots__ = ("steps", "turn")

    def __init__(self, steps: Steps[None]) -> None:
        self.steps = steps
        self.turn = 0


class Engine:
    """The clock (`now`, milliseconds) and its agenda; those due at the same instant run in the order of booking."""

    __slots__ = ("_agenda", "_booked", "current", "now")

    def __init__(self, start_ms: int) -> None:
        self.now = start_ms
        self.current: Process
        self._agenda: list[tuple[int, int, int, Process]] = []
        self._booked = 0

    def start(self, steps: Steps[None], delay_ms: int = 0) -> None:
        """Begin a process after a delay."""
        self._book(Process(steps), delay_ms)

    def wake(self, process: Process) -> None:
        """Resume a sleeping process now; its alarm is void."""
        process.turn += 1
        self._book(process, 0)

    def step(self, end_ms: float) -> bool:
        """Run what is next; False when that lies at or after `end_ms`, or nothing is left."""
        agenda = self._agenda
        while agenda and agenda[0][0] < end_ms:
            at, _, turn, process = heappop(agenda)
            if turn != process.turn:
                continue
            self.now = at
            self.current = process
            process.turn += 1
            try:
                sleep_ms = next(process.steps)
            except StopIteration:
                return True
            if sleep_ms is not None:
                self._book(process, sleep_ms)
            return True
        return False

    def _book(self, process: Process, delay_ms: int) -> None:
        self._booked += 1
        heappush(self._agenda, (self.now + delay_ms, self._booked, process.turn, process))
