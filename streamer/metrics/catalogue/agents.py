"""The table "Agents" of the catalogue."""

from streamer.metrics.catalogue.model import REGISTRY, Kind, Metric, Series, stock, total

STATUSES = ("available", "on_contact", "wrap_up", "away", "offline", "unknown")

stock(
    "agents",
    {"status": STATUSES},
    about="Agents by what they do now.",
    counted="agents with an event in the last 24 h, by their last status",
    not_counted="agents who were never heard of, or for 24 h not",
    needs=("agent.status_changed: agent status", "agent.heartbeat"),
    edge_cases=(
        "offline stays offline without heartbeats.",
        "An agent who never sent a heartbeat does not become unknown.",
    ),
    formula="agents by last status; unknown after 5 minutes without a heartbeat; left out after 24 h without an event",
)
stock(
    "queue_agents",
    {"status": STATUSES},
    about="Agents who serve a queue, by what they do now.",
    counted="the agents of `agents`, in each of their queues",
    not_counted="agents without queues",
    needs=("agent.status_changed: agent status queues", "agent.heartbeat"),
    edge_cases=("An agent of two queues counts in both: do not add them up.",),
    formula="as agents, once for each of the agent's queues",
    only_by=("queue",),
)
REGISTRY.add(
    Metric(
        name="agent_occupancy_ratio",
        kind=Kind.RATIO,
        about="Share of their time that agents at hand were at work.",
        counted="time on_contact, wrap_up and available, the piece that still runs included",
        not_counted="time away, offline and unknown",
        needs=("agent.status_changed: agent status", "agent.heartbeat"),
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
