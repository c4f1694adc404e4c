"""Agents and the line in front of them: first come, first served, the agent idle longest first."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

from streamer.producers.simulator.engine import Engine, Process, Steps


class Agent:
    """One agent; `status` is the last one told (empty before the first)."""

    __slots__ = ("employee", "id", "queue", "status", "team")

    def __init__(self, number: int, queue: str, team: str) -> None:
        self.id = f"agent-{number:04d}"
        self.employee = f"employee-{number:04d}"
        self.queue = queue
        self.team = team
        self.status = ""


class Pool:
    """The agents of one queue. `tell(agent, status)` is called when an agent comes, becomes free, or leaves."""

    __slots__ = ("_engine", "_given", "_idle", "_off", "_surplus", "_tell", "_waiting", "on_duty")

    def __init__(self, engine: Engine, agents: Iterable[Agent], tell: Callable[[Agent, str], None]) -> None:
        self._engine = engine
        self._tell = tell
        self._off = deque(agents)
        self._idle: deque[Agent] = deque()
        self._waiting: OrderedDict[Process, None] = OrderedDict()
        self._given: dict[Process, Agent] = {}
        self._surplus = 0  # of those on duty, so many leave when they are free
        self.on_duty = 0

    @property
    def waiting(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def take(self) -> Agent | None:
        """Return the agent who has been idle longest, if there is one; nobody waits then."""
        return self._idle.popleft() if self._idle else None

    def wait(self, limit_ms: int | None, *, first: bool = False) -> Steps[Agent | None]:
        """Wait for an agent, at the head of the line if `first`; None when the limit has passed."""
        process = self._engine.current
        self._waiting[process] = None
        if first:
            self._waiting.move_to_end(process, last=False)
        yield limit_ms
        if process in self._waiting:
            del self._waiting[process]
            return None
        return self._given.pop(process)

    def free(self, agent: Agent) -> None:
        """Give an agent who is done to the first in line; the agent goes home if there are too many."""
        if self._surplus:
            self._surplus -= 1
            self._leave(agent)
            return
        self._tell(agent, "available")
        if self._waiting:
            process, _ = self._waiting.popitem(last=False)
            self._given[process] = agent
            self._engine.wake(process)
        else:
            self._idle.append(agent)

    def staff(self, wanted: int) -> None:
        """Have so many agents on duty (at most all): idle ones leave at once, the others when they are free."""
        staying = self.on_duty - self._surplus
        while staying > wanted:
            staying -= 1
            if self._idle:
                self._leave(self._idle.pop())
            else:
                self._surplus += 1
        while staying < wanted and (self._surplus or self._off):
            staying += 1
            if self._surplus:
                self._surplus -= 1
            else:
                self.on_duty += 1
                self.free(self._off.popleft())

    def _leave(self, agent: Agent) -> None:
        self.on_duty -= 1
        self._off.append(agent)
        self._tell(agent, "offline")
