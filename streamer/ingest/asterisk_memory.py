"""What is remembered of an Asterisk's calls and agents from one line or message to the next. Ids are hashed; all bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

import msgspec

CALLS_MAX: Final = 5_000  # the oldest are forgotten: an hour of a centre with 1.4 calls a second
AGENTS_MAX: Final = 5_000
QUEUES_MAX: Final = 100  # of one agent
_SEEN_MAX: Final = 500  # kinds of events of one call, and how often each


class Call(msgspec.Struct, array_like=True):
    """A call: its customer if the number was shown, whether it is over, and its last agent."""

    customer: str | None
    open: bool = True
    agent: str | None = None
    seen: dict[str, list[int]] = msgspec.field(default_factory=dict)
    """When each kind of event came, by its hash: the second ringing of an agent is told from the first."""
    waiting: str | None = None
    """The queue in which it waits."""
    ringing: list[str] = msgspec.field(default_factory=list)
    """Agents at whom it is known to ring."""
    channel: str | None = None
    """The hashed channel of the agent who has it; AMI only."""

    def nth(self, kind: str, mark: int | None) -> int:
        """Return which event of a kind this is, from 1 on. A `mark` that was there is that event again; None is none."""
        marks = self.seen.get(kind)
        if marks is None:
            if len(self.seen) >= _SEEN_MAX:
                self.seen.clear()
            marks = self.seen[kind] = []
        if mark in marks:
            return marks.index(mark) + 1
        if len(marks) < _SEEN_MAX:
            marks.append(mark or 0)
        return len(marks)


class Transfer(msgspec.Struct, array_like=True):
    """A transfer of which it is not known yet whether it went to a queue."""

    call: str
    time: int
    queue: str | None
    unique: str


class Memory(msgspec.Struct):
    """What is to be remembered from one line to the next."""

    calls: dict[str, Call] = msgspec.field(default_factory=OrderedDict)
    agents: dict[str, dict[str, bool]] = msgspec.field(default_factory=dict)
    """An agent's queues by their labels, and in which of them it is paused."""
    transfers: list[Transfer] = msgspec.field(default_factory=list)
    time: int = 0
    """The last line's, in ms."""
    seen: dict[str, int] = msgspec.field(default_factory=dict)
    """How often each line of this second has come: two calls of an agent may be lost in the same second."""
    shown: dict[str, str] = msgspec.field(default_factory=dict)
    """The status that each agent was said to have."""

    def __post_init__(self) -> None:
        # Of a plain dict the first key is the slower to find the more before it were deleted: 2 us a call.
        self.calls = OrderedDict(self.calls)

    def call(self, subject: str, customer: str | None = None) -> Call:
        """Return a call, a new one of this customer if it is not known."""
        call = self.calls.get(subject)
        if call is None:
            call = self.calls[subject] = Call(customer)
            bound(self.calls, CALLS_MAX)
        return call


def bound(kept: dict[str, Any], limit: int) -> None:
    """Forget the oldest when there are too many."""
    if len(kept) > limit:
        del kept[next(iter(kept))]
