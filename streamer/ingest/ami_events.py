"""Asterisk's manager events become lines of a queue_log, and those become events. Pure: messages in, events out.

=====================================  ============================================================================
message                                line, or what else it says
=====================================  ============================================================================
QueueCallerJoin                        ENTERQUEUE
AgentCalled                            the beginning of a ringing: call.offered
AgentConnect                           CONNECT
AgentRingNoAnswer (RingTime in ms)     RINGNOANSWER
AgentDump                              AGENTDUMP
AgentComplete                          COMPLETECALLER, COMPLETEAGENT; after a transfer what that was: BLINDTRANSFER,
                                       ATTENDEDTRANSFER
BlindTransfer, AttendedTransfer        what the transfer of the next AgentComplete is
QueueCallerAbandon                     ABANDON if the caller hung up, else EXITWITHTIMEOUT: it comes for both
QueueCallerLeave                       EXITWITHKEY, unless QueueCallerAbandon came or an agent picked up
HangupRequest, Hangup                  the caller hung up
DialEnd, answered                      an agent picked up; AgentConnect follows after the announcements
Hold, Unhold of the agent's channel    call.held, call.resumed
QueueMember, -Added, -Status, -Pause   agent.status_changed, if the status is another one
QueueMemberRemoved                     REMOVEMEMBER
QueueEntry (of QueueStatus)            ENTERQUEUE, so long ago as it waits, if it is not known to wait
QueueStatusComplete                    call.left_queue of who waited before, is not listed and not heard of for a minute
=====================================  ============================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from streamer.ingest.adapters.base import RefusedError, number
from streamer.ingest.ami import time_of
from streamer.ingest.ami_members import Members
from streamer.ingest.asterisk import QueueLog
from streamer.ingest.asterisk_memory import bound

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamer.ingest.adapters.base import Event, Source
    from streamer.ingest.ami import Message
    from streamer.ingest.asterisk_memory import Call, Memory

_DECIDE_MS: Final = 2_000  # a caller's hang-up is told before QueueCallerAbandon, or soon after it
_DOUBT_MS: Final = 60_000  # announcements between picking up and AgentConnect
_WAIT_MAX_S: Final = 86_400
_REMEMBERED: Final = 5_000


class Exit(NamedTuple):
    """How a caller who is not in the queue any more will have left it, unless until `until` (ms) something else is said."""

    time: int
    until: int
    fields: list[str]


class AmiEvents:
    """Makes events of the messages of one Asterisk, in their order. `memory` is what an earlier one kept."""

    def __init__(self, source: Source, memory: Memory | None = None) -> None:
        self._log = QueueLog(source, memory)
        self._label, self._subject = source.label, source.subject
        self._exits: dict[str, Exit] = {}
        self._now = 0
        self._doubtful: set[str] = set()
        """Who waited before this connection, and of whom nothing was said since."""
        self._doubts: dict[str, Exit] = {}
        self._hung_up: dict[str, None] = {}
        self._picked: dict[str, None] = {}
        self._transfers: dict[str, tuple[str, str]] = {}
        self._channels = {c.channel: subject for subject, c in self.memory.calls.items() if c.channel}
        self._steps: dict[str, Callable[[int, Message], list[Event]]] = {
            "queuecallerjoin": self._joined,
            "queueentry": self._entry,
            "queuecallerabandon": self._abandoned,
            "queuecallerleave": self._left,
            "hangup": self._hangup,
            "hanguprequest": self._hangup,
            "dialend": self._dialled,
            "agentcalled": lambda time, m: self._line(time, m, "CALLED"),
            "agentconnect": self._connected,
            "agentringnoanswer": lambda time, m: self._line(time, m, "RINGNOANSWER", m.get("ringtime", "")),
            "agentdump": self._dumped,
            "agentcomplete": self._completed,
            "blindtransfer": self._transferred,
            "attendedtransfer": self._transferred,
            "hold": self._held,
            "unhold": self._held,
            "queuememberremoved": lambda time, m: self._line(time, m, "REMOVEMEMBER"),
            "queuestatuscomplete": self._listed,
            **dict.fromkeys(
                ("queuemember", "queuememberadded", "queuememberstatus", "queuememberpause", "queuememberpaused"),
                Members(source, self._log).message,
            ),
        }

    @property
    def memory(self) -> Memory:
        """What is to be kept for the next start."""
        return self._log.memory

    @property
    def refused(self) -> int:
        """How many messages named no call or agent."""
        return self._log.refused

    def connected(self) -> None:
        """Tell that a connection has begun: whoever waited before may have left meanwhile, which QueueStatus will say."""
        self._doubtful = {subject for subject, call in self.memory.calls.items() if call.waiting}
        for kept in (self._exits, self._doubts, self._picked, self._hung_up, self._transfers):
            kept.clear()

    def message(self, message: Message, now: int) -> list[Event]:
        """Return the events of a message that came at `now` (ms); its own time goes before, if Asterisk stamps it."""
        self._now = now
        events = self.tick(now)
        step = self._steps.get(message.get("event", "").lower())
        if step is not None:
            try:
                events += step(time_of(message, now), message)
            except RefusedError:
                self._log.refused += 1
        return events

    def tick(self, now: int) -> list[Event]:
        """Return the events that the passing of time decides."""
        events = self._log.gone_out(now)
        for subject in [s for s, one in self._exits.items() if one.until <= now]:
            events += self._leave(subject)
        for subject in [s for s, one in self._doubts.items() if one.until <= now]:
            queue = self.memory.call(subject).waiting
            time = self._doubts.pop(subject).time
            events.append(self._log.about(time, subject, "left_queue", queue=queue, reason="overflow"))
        return events

    def _line(self, time: int, message: Message, event: str, *parameters: str) -> list[Event]:
        member = message.get("membername") or message.get("name") or message.get("interface") or "NONE"
        unique = message.get("uniqueid") or "NONE"
        return self._log.step(time, ["", unique, message.get("queue", ""), member, event, *parameters])

    def _call(self, message: Message) -> tuple[str, Call | None]:
        subject = self._subject(message.get("uniqueid")) or ""
        self._doubtful.discard(subject)
        self._doubts.pop(subject, None)
        return subject, self.memory.calls.get(subject)

    def _joined(self, time: int, message: Message) -> list[Event]:
        subject, call = self._call(message)
        events = self._leave(subject)
        for kept in (self._hung_up, self._picked, self._transfers):
            kept.pop(subject, None)
        if call is not None and call.waiting == self._label(message.get("queue")):
            return events
        return events + self._line(time, message, "ENTERQUEUE", "", message.get("calleridnum", ""))

    def _entry(self, time: int, message: Message) -> list[Event]:
        waited = number(message.get("wait", "0"), "Wait")
        return self._joined(time - int(min(max(waited, 0), _WAIT_MAX_S) * 1000), message)

    def _abandoned(self, time: int, message: Message) -> list[Event]:
        subject, call = self._call(message)
        if call is None or not call.waiting:
            return []
        self._exit(subject, time, message, "EXITWITHTIMEOUT", _DECIDE_MS)
        return self._leave(subject, "ABANDON") if subject in self._hung_up else []

    def _left(self, time: int, message: Message) -> list[Event]:
        subject, call = self._call(message)
        if call is not None and call.waiting and subject not in self._exits:
            if subject in self._picked:
                self._exit(subject, time, message, "WITHDRAW", _DOUBT_MS)
            else:
                self._exit(subject, time, message, "EXITWITHKEY", _DECIDE_MS)
        return []

    def _hangup(self, _time: int, message: Message) -> list[Event]:
        subject, call = self._call(message)
        if call is None or not call.waiting:
            return []
        self._hung_up[subject] = None
        bound(self._hung_up, _REMEMBERED)
        one = self._exits.get(subject)
        return self._leave(subject, "ABANDON") if one and one.fields[4] != "EXITWITHKEY" else []

    def _exit(self, subject: str, time: int, message: Message, event: str, wait_ms: int) -> None:
        fields = ["", message.get("uniqueid", ""), message.get("queue", ""), "NONE", event]
        self._exits[subject] = Exit(time, self._now + wait_ms, fields)

    def _leave(self, subject: str, event: str | None = None) -> list[Event]:
        """Return the end of a wait that was still in doubt."""
        one = self._exits.pop(subject, None)
        if one is None:
            return []
        return self._log.step(one.time, [*one.fields[:4], event or one.fields[4]])

    def _dialled(self, _time: int, message: Message) -> list[Event]:
        subject, call = self._call(message)
        if call is not None and call.waiting and message.get("dialstatus") == "ANSWER":
            self._picked[subject] = None
            bound(self._picked, _REMEMBERED)
        return []

    def _connected(self, time: int, message: Message) -> list[Event]:
        subject, _ = self._call(message)
        self._exits.pop(subject, None)
        self._picked.pop(subject, None)
        events = self._line(time, message, "CONNECT", message.get("holdtime", ""), "", message.get("ringtime", ""))
        call = self.memory.calls.get(subject)
        if call is not None and (channel := self._subject(message.get("destuniqueid"))):
            call.channel = channel
            self._channels[channel] = subject
            bound(self._channels, _REMEMBERED)
        return events

    def _completed(self, time: int, message: Message) -> list[Event]:
        subject, _ = self._call(message)
        reason = message.get("reason", "").lower()
        if reason == "transfer":
            return self._line(time, message, *self._transfers.pop(subject, ("BLINDTRANSFER", "")))
        return self._line(time, message, "COMPLETEAGENT" if reason == "agent" else "COMPLETECALLER")

    def _transferred(self, _time: int, message: Message) -> list[Event]:
        blind = message["event"].lower() == "blindtransfer"
        by = message.get("transfereruniqueid" if blind else "origtransfereruniqueid")
        subject = self._channels.get(self._subject(by) or "") or self._subject(message.get("transfereeuniqueid"))
        if subject in self.memory.calls:
            extension = message.get("extension", "") if blind else ""
            self._transfers[subject] = "BLINDTRANSFER" if blind else "ATTENDEDTRANSFER", extension
            bound(self._transfers, _REMEMBERED)
        return []

    def _dumped(self, time: int, message: Message) -> list[Event]:
        subject, _ = self._call(message)
        self._picked.pop(subject, None)
        return self._line(time, message, "AGENTDUMP")

    def _held(self, time: int, message: Message) -> list[Event]:
        channel = self._subject(message.get("uniqueid")) or ""
        subject = self._channels.get(channel, "")
        call = self.memory.calls.get(subject)
        if call is None or call.channel != channel:
            return []
        what = "held" if message["event"].lower() == "hold" else "resumed"
        return [self._log.about(time, subject, what, agent=call.agent)]

    def _listed(self, time: int, _message: Message) -> list[Event]:
        until = self._now + _DOUBT_MS
        self._doubts = {subject: Exit(time, until, []) for subject in self._doubtful if subject in self.memory.calls}
        return []
