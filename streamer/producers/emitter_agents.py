"""Made by `python -m streamer.producers.emitter_methods`: the emitter's methods for agents. Do not edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Literal, Unpack

    from streamer.producers.emitter_compose import AgentCommon


class AgentMethods:
    """The methods for agents."""

    def _event(self, name: str, subject: str, common: Any, /, **fields: Any) -> None:
        raise NotImplementedError

    def agent_status_changed(
        self,
        agent: str,
        *,
        status: Literal["available", "away", "offline", "on_contact", "wrap_up"],
        queues: list[str] | None = None,
        **common: Unpack[AgentCommon],
    ) -> None:
        """An agent's status or queues changed.

        `status`: What the agent does now.
        `queues`: The queues that the agent serves.
        """
        self._event("support.agent.status_changed", agent, common, status=status, queues=queues)

    def agent_heartbeat(self, agent: str, **common: Unpack[AgentCommon]) -> None:
        """An agent is still there."""
        self._event("support.agent.heartbeat", agent, common)
