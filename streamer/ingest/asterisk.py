"""Asterisk: the lines of a queue_log become events. Pure: lines in, events out, and a state that can be kept.

A line is `unix seconds|uniqueid|queue|member|EVENT|parameters`.

==================================  ===============================================================================
line                                events
==================================  ===============================================================================
ENTERQUEUE                          call.queued; the caller's number is the customer of all the call's events
CONNECT                             call.offered when it began to ring, call.answered; the agent is on_contact
RINGNOANSWER, RINGCANCELED (ms)     call.offered when it began to ring, and but for the latter call.not_answered
AGENTDUMP                           call.not_answered: the agent hung up during the announcement, the caller waits on
COMPLETECALLER, COMPLETEAGENT       call.ended by the customer, by the agent; the agent is available again
BLINDTRANSFER, TRANSFER             call.transferred, blind; `to_queue` if the extension is listed in `names`
ATTENDEDTRANSFER                    call.transferred, consult
ABANDON                             call.abandoned
EXITWITHTIMEOUT, EXITWITHKEY,       call.left_queue: timeout, key, empty
EXITEMPTY
ADDMEMBER, AGENTLOGIN, UNPAUSE,     agent.status_changed: available with its queues, away where all are paused,
PAUSE, ...ALL, REMOVEMEMBER,        offline when it is in none any more
AGENTLOGOFF, AGENTCALLBACK...
QUEUESTART                          call.ended by the system for every call that was open: Asterisk has begun anew
CONFIGRELOAD, SYSCOMPAT, DID,       none
PENALTY, INFO
==================================  ===============================================================================

A transfer that no ENTERQUEUE of the same call follows within 30 s went out of the queues: then call.left_queue
(overflow) a second after it, so that nobody waits there for ever. Seconds are all that the file has; what began to
ring is put so long before the line as it rang. A uniqueid of NONE or REALTIME is no call.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from streamer.ingest.adapters.base import RefusedError, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamer.ingest.adapters.base import Event, Source

_CALLS_MAX: Final = 5_000  # remembered, the oldest are forgotten: an hour of a centre with 1.4 calls a second
_NAMES_KEPT: Final = 10_000  # hashes remembered: a call has five lines, an agent thousands
_AGENTS_MAX: Final = 5_000
_QUEUES_MAX: Final = 100  # of one agent
_TRANSFER_MS: Final = 30_000  # an announcement between the transfer and the next queue
_DURATION_MAX_S: Final = 86_400  # what claims to be longer is no duration
_SECONDS_MAX: Final = 253_402_214_400  # the end of the year 9999
_NO_CALL: Final = frozenset({"NONE", "REALTIME", ""})
_SILENT: Final = frozenset({"CONFIGRELOAD", "SYSCOMPAT", "DID", "PENALTY", "INFO"})
_LEFT: Final = {"EXITWITHTIMEOUT": "timeout", "EXITWITHKEY": "key", "EXITEMPTY": "empty"}
_BY: Final = {"COMPLETECALLER": "customer", "COMPLETEAGENT": "agent"}
_TRANSFER: Final = {"BLINDTRANSFER": "blind", "TRANSFER": "blind", "ATTENDEDTRANSFER": "consult"}
_FIELDS: Final = 5  # before the parameters


class Call(msgspec.Struct, array_like=True):
    """A call: its customer if the number was shown, whether it is over, and its last agent."""

    customer: str | None
    open: bool = True
    agent: str | None = None


class Transfer(msgspec.Struct, array_like=True):
    """A transfer of which it is not known yet whether it went to a queue."""

    call: str
    time: int
    queue: str | None
    unique: str


class Memory(msgspec.Struct):
    """What is to be remembered from one line to the next. Ids are hashed."""

    calls: dict[str, Call] = msgspec.field(default_factory=dict)
    agents: dict[str, dict[str, bool]] = msgspec.field(default_factory=dict)
    """An agent's queues by their labels, and in which of them it is paused."""
    transfers: list[Transfer] = msgspec.field(default_factory=list)
    time: int = 0
    """The last line's, in ms."""
    seen: dict[str, int] = msgspec.field(default_factory=dict)
    """How often each line of this second has come: two calls of an agent may be lost in the same second."""


class QueueLog:
    """Makes events of lines, in their order. `memory` is what an earlier one kept.

    `unknown` counts lines of events that are in no documentation, `refused` those that are no lines of a queue_log.
    """

    def __init__(self, source: Source, memory: Memory | None = None) -> None:
        self._source = source
        self._name = f"ingest/{source.name}"
        self._label = lru_cache(_NAMES_KEPT)(source.label)
        self._agent_of = lru_cache(_NAMES_KEPT)(source.agent)
        self._subject = lru_cache(_NAMES_KEPT)(source.subject)
        self.memory = memory or Memory()
        self.unknown = self.refused = 0
        self._steps: dict[str, Callable[[int, str, list[str]], Iterable[Event]]] = {
            "ENTERQUEUE": self._queued,
            "CONNECT": self._connected,
            "RINGNOANSWER": self._rang,
            "RINGCANCELED": self._rang,
            "AGENTDUMP": self._dumped,
            "ABANDON": self._abandoned,
            "QUEUESTART": self._started,
            **dict.fromkeys(_BY, self._completed),
            **dict.fromkeys(_TRANSFER, self._transferred),
            **dict.fromkeys(_LEFT, self._left),
            **dict.fromkeys(("ADDMEMBER", "AGENTLOGIN", "AGENTCALLBACKLOGIN"), self._came),
            **dict.fromkeys(("REMOVEMEMBER", "AGENTLOGOFF", "AGENTCALLBACKLOGOFF"), self._went),
            **dict.fromkeys(("PAUSE", "PAUSEALL", "UNPAUSE", "UNPAUSEALL"), self._paused),
        }

    def line(self, text: str) -> list[Event]:
        """Return the events of one line without its line end."""
        fields = text.split("|")
        if len(fields) < _FIELDS or not fields[0].isdecimal() or int(fields[0]) > _SECONDS_MAX:
            self.refused += 1
            return []
        time = int(fields[0]) * 1000
        memory = self.memory
        events = self._gone_out(time) if memory.transfers else []
        step = self._steps.get(fields[4])
        if step is None:
            self.unknown += fields[4] not in _SILENT
            return events
        if time != memory.time:
            memory.time = time
            memory.seen.clear()
        # A digest, for the line has the caller's number.
        unique = self._source.digest(text)
        memory.seen[unique] = number = memory.seen.get(unique, 0) + 1
        try:
            events += step(time, f"{unique}-{number}", fields)
        except RefusedError:
            self.refused += 1
        return events

    def _queued(self, time: int, unique: str, fields: list[str]) -> Iterable[Event]:
        subject = self._call_id(fields)
        calls = self.memory.calls
        call = calls.get(subject)
        if call is None:
            call = calls[subject] = Call(self._source.caller(_parameter(fields, 1)))
            _bound(calls, _CALLS_MAX)
        call.open = True
        transfers = self.memory.transfers
        if transfers:
            self.memory.transfers = [one for one in transfers if one.call != subject]
        yield self._call(time, unique, fields, "queued", subject)

    def _connected(self, time: int, unique: str, fields: list[str]) -> Iterable[Event]:
        subject = self._call_id(fields)
        agent = self._agent_of(fields[3])
        waited, rung = _seconds(fields, 0), _seconds(fields, 2) or 0
        yield self._call(time - rung * 1000, unique, fields, "offered", subject, agent=agent)
        yield self._call(time, unique, fields, "answered", subject, agent=agent, waited_seconds=waited)
        if call := self.memory.calls.get(subject):
            call.agent = agent
        if agent:
            yield self._status(time, unique, agent, "on_contact")

    def _rang(self, time: int, unique: str, fields: list[str]) -> Iterable[Event]:
        subject, agent = self._call_id(fields), self._agent_of(fields[3])
        rung_ms = _number(fields, 0)
        rung_ms = rung_ms if rung_ms is not None and rung_ms <= _DURATION_MAX_S * 1000 else None
        yield self._call(time - (rung_ms or 0), unique, fields, "offered", subject, agent=agent)
        if fields[4] == "RINGNOANSWER":
            rung = None if rung_ms is None else rung_ms / 1000
            yield self._call(time, unique, fields, "not_answered", subject, agent=agent, ring_seconds=rung)

    def _dumped(self, time: int, unique: str, fields: list[str]) -> Iterable[Event]:
        agent = self._agent_of(fields[3])
        yield self._call(time, unique, fields, "not_answered", self._call_id(fields), agent=agent)

    def _completed(self, time: int, unique: str, fields: list[str]) -> Iterable[Event]:
        subject, agent = self._call_id(fields), self._agent_of(fields[3])
        yield self._call(time, unique, fields, "ended", subject, by=_BY[fields[4]], agent=agent)
        self._close(subject)
        if agent:
            yield self._status(time, unique, agent)

    def _transferred(self, time: int, unique: str, fields: list[str]) -> Iterable[Event]:
        subject, agent = self._call_id(fields), self._agent_of(fields[3])
        kind = _TRANSFER[fields[4]]
        to_queue = self._source.listed(_parameter(fields, 0)) if kind == "blind" else None
        yield self._call(
            time, unique, fields, "transferred", subject, kind=kind, to_queue=to_queue, agent=agent
        )  # fmt: skip
        if to_queue is None:
            self.memory.transfers.append(Transfer(subject, time, self._label(fields[2]), unique))
        if agent:
            yield self._status(time, unique, agent)

    def _abandoned(self, time: int, unique: str, fields: list[str]) -> Iterable[Event]:
        subject = self._call_id(fields)
        yield self._call(time, unique, fields, "abandoned", subject)
        self._close(subject)

    def _left(self, time: int, unique: str, fields: list[str]) -> Iterable[Event]:
        subject = self._call_id(fields)
        yield self._call(time, unique, fields, "left_queue", subject, reason=_LEFT[fields[4]])
        self._close(subject)

    def _started(self, time: int, unique: str, _fields: list[str]) -> Iterable[Event]:
        for subject, call in self.memory.calls.items():
            if call.open:
                call.open = False
                data = {"customer": call.customer, "by": "system"}
                yield self._event("call.ended", f"{unique}-{subject}", time, subject, data)

    def _came(self, time: int, unique: str, fields: list[str]) -> Iterable[Event]:
        agent = self._agent(fields)
        agents = self.memory.agents
        queues = agents.setdefault(agent, {})
        if len(queues) < _QUEUES_MAX:
            queues.setdefault(self._queue(fields) or "", False)
        _bound(agents, _AGENTS_MAX)
        yield self._status(time, unique, agent)

    def _went(self, time: int, unique: str, fields: list[str]) -> Iterable[Event]:
        agent, queue = self._agent(fields), self._queue(fields)
        queues = self.memory.agents.get(agent, {})
        if queue is None:
            queues.clear()
        queues.pop(queue or "", None)
        if queues:
            yield self._status(time, unique, agent)
        else:
            self.memory.agents.pop(agent, None)
            yield self._status(time, unique, agent, "offline")

    def _paused(self, time: int, unique: str, fields: list[str]) -> Iterable[Event]:
        agent, queue = self._agent(fields), self._queue(fields)
        paused = fields[4].startswith("PAUSE")
        queues = self.memory.agents.setdefault(agent, {})
        _bound(self.memory.agents, _AGENTS_MAX)
        if queue is None or not queues:
            queues.update(dict.fromkeys(queues or ("",), paused))
        elif queue in queues:
            queues[queue] = paused
        yield self._status(time, unique, agent)

    def _gone_out(self, time: int) -> list[Event]:
        """Return the end of the waiting of those whose transfers went out of the queues."""
        events = []
        transfers = self.memory.transfers
        while transfers and time - transfers[0].time > _TRANSFER_MS:
            one = transfers.pop(0)
            call = self.memory.calls.get(one.call)
            data = {"customer": call and call.customer, "queue": one.queue, "reason": "overflow"}
            events.append(self._event("call.left_queue", one.unique, one.time + 1000, one.call, data))
            self._close(one.call)
        return events

    def _call(self, time: int, unique: str, fields: list[str], what: str, subject: str, **data: Any) -> Event:
        call = self.memory.calls.get(subject)
        data["customer"] = call.customer if call else None
        data["queue"] = self._label(fields[2])
        return self._event(f"call.{what}", unique, time, subject, data)

    def _status(self, time: int, unique: str, agent: str, status: str | None = None) -> Event:
        queues = self.memory.agents.get(agent, {})
        status = status or ("away" if queues and all(queues.values()) else "available")
        data = {"agent": agent, "status": status, "queues": [name for name in queues if name] or None}
        return self._event("agent.status_changed", unique, time, agent, data)

    def _event(self, type_: str, unique: str, time: int, subject: str, data: dict[str, Any]) -> Event:
        """Return what `Source.event` does, without another hash: `unique` is one."""
        return {
            "specversion": "1.0",
            "id": f"{unique}-{type_}",
            "source": self._name,
            "type": f"support.{type_}",
            "time": iso(time),
            "subject": subject,
            "data": {name: value for name, value in data.items() if value is not None},
        }

    def _close(self, subject: str) -> None:
        if call := self.memory.calls.get(subject):
            call.open = False

    def _call_id(self, fields: list[str]) -> str:
        subject = None if fields[1] in _NO_CALL else self._subject(fields[1])
        if subject is None:
            raise RefusedError("the line names no call")
        return subject

    def _agent(self, fields: list[str]) -> str:
        agent = None if fields[3] == "NONE" else self._agent_of(fields[3])
        if agent is None:
            raise RefusedError("the line names no agent")
        return agent

    def _queue(self, fields: list[str]) -> str | None:
        return None if fields[2] == "NONE" else self._label(fields[2])


def _bound(kept: dict[str, Any], limit: int) -> None:
    """Forget the oldest when there are too many."""
    if len(kept) > limit:
        del kept[next(iter(kept))]


def _parameter(fields: list[str], number: int) -> str | None:
    return fields[_FIELDS + number] if len(fields) > _FIELDS + number else None


def _number(fields: list[str], number: int) -> int | None:
    text = _parameter(fields, number)
    return int(text) if text and text.isdecimal() and len(text) <= 12 else None  # noqa: PLR2004 (digits of an int64)


def _seconds(fields: list[str], number: int) -> int | None:
    """Return a duration in seconds; a value that is an instant instead, as old AMI texts have it, is none."""
    value = _number(fields, number)
    return value if value is not None and value <= _DURATION_MAX_S else None
