"""The members of Asterisk's queues, as its manager events tell of them: what an agent's status comes to. Pure.

A device that is unavailable or invalid is an agent who is offline; one that is in use for something else than a call of a
queue is still available, as in the queue_log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamer.ingest.adapters.base import required
from streamer.ingest.asterisk_memory import AGENTS_MAX, QUEUES_MAX, bound

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Event, Source
    from streamer.ingest.ami import Message
    from streamer.ingest.asterisk import QueueLog

_GONE: Final = frozenset({"4", "5"})  # device states: invalid, unavailable
_BUSY: Final = frozenset({"2", "3", "7", "8"})  # in use, busy, ringing while in use, on hold


class Members:
    """Keeps the queues and pauses of members in the memory of `log`."""

    def __init__(self, source: Source, log: QueueLog) -> None:
        self._source, self._log = source, log

    def message(self, time: int, message: Message) -> list[Event]:
        """Return agent.status_changed if the status is another one, or a queue is new. Raises `RefusedError`.

        The message has all that is known of a member in one queue: Paused, Status (the device's) and InCall.
        """
        name = message.get("membername") or message.get("name") or message.get("interface") or ""
        agent = required(self._source.agent(name), "MemberName")
        memory, queue = self._log.memory, self._source.label(message.get("queue")) or ""
        queues = memory.agents.setdefault(agent, {})
        bound(memory.agents, AGENTS_MAX)
        new = queue not in queues and len(queues) < QUEUES_MAX
        if new or queue in queues:
            queues[queue] = message.get("paused") == "1"
        shown, device = memory.shown.get(agent), message.get("status", "")
        if device in _GONE:
            status = "offline"
        # InCall is told for each queue by itself: in another one than that of the call it is 0.
        elif message.get("incall") == "1" or (shown == "on_contact" and device in _BUSY):
            status = "on_contact"
        else:
            status = "away" if all(queues.values()) else "available"
        if status == shown and not new:
            return []
        fields = ["", "NONE", message.get("queue", ""), name, message["event"]]
        return self._log.agents.told(time, fields, agent, status)
