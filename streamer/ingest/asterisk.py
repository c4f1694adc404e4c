"""Asterisk: the lines of a queue_log become events. Pure: lines in, events out, and a state that can be kept.

A line is `unix seconds|uniqueid|queue|member|EVENT|parameters`. AMI's messages become such lines too (`ami_events`): an
event of a call has an id of what it is (the second ringing of this agent for this call), not of its time, so that both
say the same with the same id.

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
EXITWITHTIMEOUT, EXITWITHKEY,       call.left_queue: timeout, key, empty, overflow
EXITEMPTY, WITHDRAW
ADDMEMBER, AGENTLOGIN, UNPAUSE,     agent.status_changed: available with its queues, away where all are paused,
PAUSE, ...ALL, REMOVEMEMBER,        offline when it is in none any more
AGENTLOGOFF, AGENTCALLBACK...
QUEUESTART                          call.ended by the system for every call that was open: Asterisk has begun anew
CONFIGRELOAD, SYSCOMPAT, DID,       none
PENALTY, RINGINUSE, INFO
==================================  ===============================================================================

A transfer that no ENTERQUEUE of the same call follows within 30 s went out of the queues: then call.left_queue
(overflow) a second after it, so that nobody waits there for ever. Seconds are all that the file has; what began to
ring is put so long before the line as it rang. A uniqueid of NONE or REALTIME is no call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters.base import RefusedError
from streamer.ingest.asterisk_agents import DURATION_MAX_S, Agents, Maker, parameter, seconds, whole
from streamer.ingest.asterisk_memory import Memory, Transfer

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamer.ingest.adapters.base import Event, Source
    from streamer.ingest.asterisk_memory import Call

_TRANSFER_MS: Final = 30_000  # an announcement between the transfer and the next queue
_SECONDS_MAX: Final = 253_402_214_400  # the end of the year 9999
_NO_CALL: Final = frozenset({"NONE", "REALTIME", ""})
_SILENT: Final = frozenset({"CONFIGRELOAD", "SYSCOMPAT", "DID", "PENALTY", "RINGINUSE", "INFO"})
_LEFT: Final = {"EXITWITHTIMEOUT": "timeout", "EXITWITHKEY": "key", "EXITEMPTY": "empty", "WITHDRAW": "overflow"}
_BY: Final = {"COMPLETECALLER": "customer", "COMPLETEAGENT": "agent"}
_TRANSFER: Final = {"BLINDTRANSFER": "blind", "TRANSFER": "blind", "ATTENDEDTRANSFER": "consult"}
_FIELDS: Final = 5  # before the parameters
_DIGITS: Final = 12  # of a time; Python refuses to read thousands


class QueueLog:
    """Makes events of lines, in their order. `memory` is what an earlier one kept, `agents` its part about agents.

    `unknown` counts lines of events that are in no documentation, `refused` those that are no lines of a queue_log.
    """

    def __init__(self, source: Source, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self._maker = Maker(source, self.memory)
        self.agents = Agents(self._maker)
        self.unknown = self.refused = 0
        self._steps: dict[str, Callable[[int, int | None, list[str]], list[Event]]] = {
            "ENTERQUEUE": self._queued,
            "CALLED": self._called,
            "CONNECT": self._connected,
            "RINGNOANSWER": self._rang,
            "RINGCANCELED": self._rang,
            "AGENTDUMP": self._dumped,
            "ABANDON": self._abandoned,
            "QUEUESTART": self._started,
            **dict.fromkeys(_BY, self._completed),
            **dict.fromkeys(_TRANSFER, self._transferred),
            **dict.fromkeys(_LEFT, self._left),
            **dict.fromkeys(("ADDMEMBER", "AGENTLOGIN", "AGENTCALLBACKLOGIN"), self.agents.came),
            **dict.fromkeys(("REMOVEMEMBER", "AGENTLOGOFF", "AGENTCALLBACKLOGOFF"), self.agents.went),
            **dict.fromkeys(("PAUSE", "PAUSEALL", "UNPAUSE", "UNPAUSEALL"), self.agents.paused),
        }

    def line(self, text: str) -> list[Event]:
        """Return the events of one line without its line end."""
        fields = text.split("|")
        stamp = fields[0]
        if len(fields) < _FIELDS or not (stamp.isdecimal() and len(stamp) <= _DIGITS and int(stamp) <= _SECONDS_MAX):
            self.refused += 1
            return []
        time = int(stamp) * 1000
        if fields[4] in _SILENT:
            return self.gone_out(time)
        return self.step(time, fields, mark=time)

    def step(self, time: int, fields: list[str], *, mark: int | None = None) -> list[Event]:
        """Return the events of a line that was taken apart, at `time` (ms).

        `mark` tells a line that is read again; without one it is none of those before.
        """
        memory = self.memory
        if time != memory.time:
            memory.time = time
            memory.seen.clear()
        events = self.gone_out(time) if memory.transfers else []
        step = self._steps.get(fields[4])
        if step is None:
            self.unknown += 1
            return events
        try:
            return events + step(time, mark, fields)
        except RefusedError:
            self.refused += 1
        return events

    def about(self, time: int, subject: str, what: str, **data: Any) -> Event:
        """Return an event of a known call that no line tells, at `time` (ms)."""
        call = self.memory.call(subject)
        type_ = f"call.{what}"
        unique = self._maker.of_call(type_, subject, call, None, "")
        event = self._maker.event(type_, unique, time, subject, {"customer": call.customer, **data})
        if what == "left_queue":
            _close(call)
        return event

    def _queued(self, time: int, mark: int | None, fields: list[str]) -> list[Event]:
        subject, memory = self.call_id(fields), self.memory
        call = memory.calls.get(subject) or memory.call(subject, self._maker.caller(parameter(fields, 1)))
        call.open, call.waiting = True, self._maker.label(fields[2])
        if memory.transfers:
            memory.transfers = [one for one in memory.transfers if one.call != subject]
        return [self._call(time, mark, fields, "call.queued", subject, call, {})]

    def _called(self, time: int, mark: int | None, fields: list[str]) -> list[Event]:
        subject, call, agent = self._with(fields)
        if agent:
            call.ringing.append(agent)
        return [self._call(time, mark, fields, "call.offered", subject, call, {"agent": agent})]

    def _connected(self, time: int, mark: int | None, fields: list[str]) -> list[Event]:
        subject, call, agent = self._with(fields)
        waited, rung = seconds(fields, 0), seconds(fields, 2) or 0
        events = self._rung(time - rung * 1000, mark, fields, subject, call, agent)
        answered = self._call(
            time, mark, fields, "call.answered", subject, call, {"agent": agent, "waited_seconds": waited}
        )
        events.append(answered)
        call.agent, call.waiting = agent, None
        call.ringing.clear()
        if agent:
            events.append(self.agents.status(time, answered["id"], agent, "on_contact"))
        return events

    def _rang(self, time: int, mark: int | None, fields: list[str]) -> list[Event]:
        subject, call, agent = self._with(fields)
        rung_ms = whole(fields, 0)
        rung_ms = rung_ms if rung_ms is not None and rung_ms <= DURATION_MAX_S * 1000 else None
        events = self._rung(time - (rung_ms or 0), mark, fields, subject, call, agent)
        if fields[4] == "RINGNOANSWER":
            rung = None if rung_ms is None else rung_ms / 1000
            events.append(
                self._call(
                    time, mark, fields, "call.not_answered", subject, call, {"agent": agent, "ring_seconds": rung}
                )
            )
        return events

    def _rung(
        self, time: int, mark: int | None, fields: list[str], subject: str, call: Call, agent: str | None
    ) -> list[Event]:
        """Give the beginning of a ringing unless it was told."""
        if agent in call.ringing:
            call.ringing.remove(agent)
            return []
        return [self._call(time, mark, fields, "call.offered", subject, call, {"agent": agent})]

    def _dumped(self, time: int, mark: int | None, fields: list[str]) -> list[Event]:
        subject, call, agent = self._with(fields)
        return [self._call(time, mark, fields, "call.not_answered", subject, call, {"agent": agent})]

    def _completed(self, time: int, mark: int | None, fields: list[str]) -> list[Event]:
        subject, call, agent = self._with(fields)
        ended = self._call(time, mark, fields, "call.ended", subject, call, {"by": _BY[fields[4]], "agent": agent})
        _close(call)
        return [ended, self.agents.status(time, ended["id"], agent)] if agent else [ended]

    def _transferred(self, time: int, mark: int | None, fields: list[str]) -> list[Event]:
        subject, call, agent = self._with(fields)
        kind = _TRANSFER[fields[4]]
        to_queue = self._maker.listed(parameter(fields, 0)) if kind == "blind" else None
        transferred = self._call(
            time, mark, fields, "call.transferred", subject, call, {"kind": kind, "to_queue": to_queue, "agent": agent}
        )
        if to_queue is None:
            unique = self._maker.of_call("call.left_queue", subject, call, mark, _member(fields))
            self.memory.transfers.append(Transfer(subject, time, self._maker.label(fields[2]), unique))
        return [transferred, self.agents.status(time, transferred["id"], agent)] if agent else [transferred]

    def _abandoned(self, time: int, mark: int | None, fields: list[str]) -> list[Event]:
        subject = self.call_id(fields)
        call = self.memory.call(subject)
        abandoned = self._call(time, mark, fields, "call.abandoned", subject, call, {})
        _close(call)
        return [abandoned]

    def _left(self, time: int, mark: int | None, fields: list[str]) -> list[Event]:
        subject = self.call_id(fields)
        call = self.memory.call(subject)
        left = self._call(time, mark, fields, "call.left_queue", subject, call, {"reason": _LEFT[fields[4]]})
        _close(call)
        return [left]

    def _started(self, time: int, mark: int | None, fields: list[str]) -> list[Event]:
        events = []
        for subject, call in self.memory.calls.items():
            if call.open:
                unique = self._maker.of_call("call.ended", subject, call, mark, _member(fields))
                data = {"customer": call.customer, "by": "system"}
                events.append(self._maker.event("call.ended", unique, time, subject, data))
                _close(call)
        return events

    def gone_out(self, time: int) -> list[Event]:
        """Return the end of the waiting of those whose transfers went out of the queues, as of `time` (ms)."""
        events: list[Event] = []
        transfers = self.memory.transfers
        while transfers and time - transfers[0].time > _TRANSFER_MS:
            one = transfers.pop(0)
            call = self.memory.calls.get(one.call)
            data = {"customer": call and call.customer, "queue": one.queue, "reason": "overflow"}
            events.append(self._maker.event("call.left_queue", one.unique, one.time + 1000, one.call, data))
            if call:
                _close(call)
        return events

    def _call(
        self, time: int, mark: int | None, fields: list[str], type_: str, subject: str, call: Call, data: dict[str, Any]
    ) -> Event:
        maker = self._maker
        who = _member(fields) if "agent" in data else f"|{fields[2]}"
        data["customer"] = call.customer
        data["queue"] = maker.label(fields[2])
        return maker.event(type_, maker.of_call(type_, subject, call, mark, who), time, subject, data)

    def _with(self, fields: list[str]) -> tuple[str, Call, str | None]:
        """Return a line's call and the agent who is named beside it."""
        subject = self.call_id(fields)
        return subject, self.memory.call(subject), self._maker.agent(fields[3])

    def call_id(self, fields: list[str]) -> str:
        """Return the id of a line's call. Raises `RefusedError` where it names none."""
        subject = None if fields[1] in _NO_CALL else self._maker.subject(fields[1])
        if subject is None:
            raise RefusedError("the line names no call")
        return subject


def _member(fields: list[str]) -> str:
    return f"|{fields[2]}|{fields[3]}"


def _close(call: Call) -> None:
    call.open, call.waiting, call.channel = False, None, None
    call.ringing.clear()
