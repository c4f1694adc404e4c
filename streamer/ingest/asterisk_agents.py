"""How the lines of an Asterisk's agents become events, and how its events are made and identified. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from streamer.ingest.adapters.base import RefusedError, iso
from streamer.ingest.asterisk_memory import AGENTS_MAX, QUEUES_MAX, Call, Memory, bound

if TYPE_CHECKING:
    from streamer.ingest.adapters.base import Event, Source

_NAMES_KEPT: Final = 10_000  # hashes remembered: a call has five lines, an agent thousands
_KIND: Final = 8  # digits that tell the events of one call apart
_FIELDS: Final = 5  # before the parameters
DURATION_MAX_S: Final = 86_400  # what claims to be longer is no duration


class Maker:
    """Makes events under the names that `source` allows, each with an id of what it is."""

    def __init__(self, source: Source, memory: Memory) -> None:
        self.memory = memory
        self.label = lru_cache(_NAMES_KEPT)(source.label)
        self.agent = lru_cache(_NAMES_KEPT)(source.agent)
        self.subject = lru_cache(_NAMES_KEPT)(source.subject)
        self.caller = source.caller
        self.listed = source.listed
        self._digest = source.digest
        self._name = f"ingest/{source.name}"

    def event(self, type_: str, unique: str, time: int, subject: str, data: dict[str, Any]) -> Event:
        """Return what `Source.event` does, without another hash: `unique` is one."""
        return {
            "specversion": "1.0",
            "id": f"{unique}-{type_}",
            "source": self._name,
            "type": f"support.{type_}",
            "time": iso(time),
            "subject": subject,
            # As a rule there is nothing to leave out, which costs a third of another dict to see.
            "data": data if all(data.values()) else {name: one for name, one in data.items() if one is not None},
        }

    def of_call(self, type_: str, subject: str, call: Call, mark: int | None, who: str) -> str:
        """Return what identifies an event of a call: which of its kind, in this queue and with this member, it is.

        `who` is `|` and the queue, and perhaps `|` and the member.
        """
        kind = self._digest(f"{type_}|{subject}{who}")
        if mark is not None:  # a time in ms; two of a kind in one second are two
            seen = self.memory.seen
            seen[kind] = number = seen.get(kind, 0) + 1
            mark += number
        return f"{kind}-{call.nth(kind[:_KIND], mark)}"

    def of_agent(self, time: int, fields: list[str]) -> str:
        """Return what identifies an agent's line."""
        digest = self._digest("|".join((str(time), *fields[1:5])))
        seen = self.memory.seen
        seen[digest] = number = seen.get(digest, 0) + 1
        return f"{digest}-{number}"


class Agents:
    """Keeps the queues and pauses of agents; each step gives the events of one line at a time in ms."""

    def __init__(self, maker: Maker) -> None:
        self._maker, self._memory = maker, maker.memory

    def status(self, time: int, unique: str, agent: str, status: str | None = None) -> Event:
        """Return agent.status_changed; without a status it is what the agent's pauses make it."""
        queues = self._memory.agents.get(agent, {})
        status = status or ("away" if queues and all(queues.values()) else "available")
        self._memory.shown[agent] = status
        bound(self._memory.shown, AGENTS_MAX)
        data: dict[str, Any] = {"agent": agent, "status": status}
        if names := [name for name in queues if name]:
            data["queues"] = names
        return self._maker.event("agent.status_changed", unique, time, agent, data)

    def told(self, time: int, fields: list[str], agent: str, status: str | None = None) -> list[Event]:
        """Return the status that a line tells."""
        return [self.status(time, self._maker.of_agent(time, fields), agent, status)]

    def came(self, time: int, _mark: int | None, fields: list[str]) -> list[Event]:
        """A member is added, perhaps paused, or an agent logs in."""
        agent = self._agent(fields)
        agents = self._memory.agents
        queues = agents.setdefault(agent, {})
        if len(queues) < QUEUES_MAX:
            queues.setdefault(self._queue(fields) or "", parameter(fields, 0) == "PAUSED")
        bound(agents, AGENTS_MAX)
        return self.told(time, fields, agent)

    def went(self, time: int, _mark: int | None, fields: list[str]) -> list[Event]:
        """A member is removed, or an agent logs off."""
        agent, queue = self._agent(fields), self._queue(fields)
        queues = self._memory.agents.get(agent, {})
        if queue is None:
            queues.clear()
        queues.pop(queue or "", None)
        if queues:
            return self.told(time, fields, agent)
        self._memory.agents.pop(agent, None)
        return self.told(time, fields, agent, "offline")

    def paused(self, time: int, _mark: int | None, fields: list[str]) -> list[Event]:
        """A member pauses or goes on, in one queue or in all."""
        agent, queue = self._agent(fields), self._queue(fields)
        paused = fields[4].startswith("PAUSE")
        queues = self._memory.agents.setdefault(agent, {})
        bound(self._memory.agents, AGENTS_MAX)
        if queue is None or not queues:
            queues.update(dict.fromkeys(queues or ("",), paused))
        elif queue in queues:
            queues[queue] = paused
        return self.told(time, fields, agent)

    def _agent(self, fields: list[str]) -> str:
        agent = None if fields[3] == "NONE" else self._maker.agent(fields[3])
        if agent is None:
            raise RefusedError("the line names no agent")
        return agent

    def _queue(self, fields: list[str]) -> str | None:
        return None if fields[2] == "NONE" else self._maker.label(fields[2])


def parameter(fields: list[str], place: int) -> str | None:
    """Return a line's parameter, from 0 on."""
    return fields[_FIELDS + place] if len(fields) > _FIELDS + place else None


def whole(fields: list[str], place: int) -> int | None:
    """Return a parameter that is a whole number, None for anything else."""
    text = fields[_FIELDS + place] if len(fields) > _FIELDS + place else ""
    return int(text) if text.isdecimal() and len(text) <= 12 else None  # noqa: PLR2004 (digits of an int64)


def seconds(fields: list[str], place: int) -> int | None:
    """Return a duration in seconds; a value that is an instant instead, as old AMI texts have it, is none."""
    value = whole(fields, place)
    return value if value is not None and value <= DURATION_MAX_S else None
