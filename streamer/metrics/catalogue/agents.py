"""The table "Agents" of the catalogue."""

from streamer.metrics.catalogue.model import REGISTRY, Kind, Metric, Series, stock, total

STATUSES = ("available", "on_contact", "wrap_up", "away", "offline", "unknown")

stock(
    "agents",
    {"status": STATUSES},
    about="Agents by what they do now.",
    formula="agents by last status; unknown after 5 minutes without a heartbeat; left out after 24 h without an event",
)
stock(
    "queue_agents",
    {"status": STATUSES},
    about="Agents who serve a queue, by what they do now.",
    formula="as agents, once for each of the agent's queues",
    only_by=("queue",),
)
REGISTRY.add(
    Metric(
        name="agent_occupancy_ratio",
        kind=Kind.RATIO,
        about="Share of their time that agents at hand were at work.",
        formula="(on_contact + wrap_up) time / (those + available) time inside the window up to now;"
        " an interval without an event counts at most 5 min (24 h for an agent without heartbeats)",
        at="each slice of the interval",
        series=(
            Series(
                (),
                (total(REGISTRY.row("agent_time", state="worked")),),
                (total(REGISTRY.row("agent_time", state="present")),),
            ),
        ),
        samples_scale=1e-3,
        edge_cases=("Samples are seconds of presence.",),
    )
)
#: open-work rows that hold the interval which no event has ended yet, one an agent
for _state in ("worked", "present"):
    REGISTRY.row("agent_time_open", state=_state)
