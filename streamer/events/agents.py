"""Agents: `support.agent.*`. The subject is the agent's id, and the record's key: there is no customer."""

from typing import Annotated, ClassVar, Literal

from msgspec import UNSET, Meta, UnsetType

from streamer.events.envelope import Envelope, Labels, rank_of

AgentStatus = Literal["available", "on_contact", "wrap_up", "away", "offline"]


class AgentStatusData(Labels, frozen=True, kw_only=True):
    """What the agent does now."""

    status: Annotated[AgentStatus, Meta(description="What the agent does now.")]
    queues: Annotated[list[str], Meta(description="The queues that the agent serves.")] | UnsetType = UNSET


class _Agent(Envelope, frozen=True, kw_only=True):
    entity: ClassVar[str] = "agent"


class AgentStatusChanged(_Agent, tag="support.agent.status_changed", frozen=True, kw_only=True):
    """An agent's status or queues changed."""

    what: ClassVar[str] = "status_changed"
    rank: ClassVar[int] = rank_of("agent", "status_changed")
    data: AgentStatusData


class AgentHeartbeat(_Agent, tag="support.agent.heartbeat", frozen=True, kw_only=True):
    """An agent is still there."""

    what: ClassVar[str] = "heartbeat"
    rank: ClassVar[int] = rank_of("agent", "heartbeat")
    data: Labels
