"""The catalogue: every number there is, once.

Each table of the specification is a module; importing this package collects them. `METRICS`, `OWN` and `ROWS` are
read-only.
"""

from streamer.metrics.catalogue import agents, contacts, surveys, tickets  # isort: skip
from streamer.metrics.catalogue import customers  # isort: skip  # after surveys: it reads a row of theirs
from streamer.metrics.catalogue import comparison  # isort: skip  # last: it reads rows of all
from streamer.metrics.catalogue import trust  # isort: skip
from streamer.metrics.catalogue.model import (
    REGISTRY,
    WINDOWS,
    Histogram,
    Kind,
    Labels,
    Metric,
    Open,
    Row,
    Series,
    Term,
    row,
)

#: Accepted events by group: what is alive, what the limits rank, what the zero rule reads. Never shown.
ACTIVITIES = ("tickets", "queue", "surveys", "customers", "agents")
ACTIVITY = {kind: REGISTRY.row("activity", kind=kind) for kind in ACTIVITIES}
METRICS: tuple[Metric, ...] = tuple(REGISTRY.metrics)
#: what worker and board say of themselves: explained like the others, but made from no row
OWN: tuple[Metric, ...] = trust.OWN
ROWS: tuple[Row, ...] = tuple(REGISTRY.rows)
#: families of rows with open labels -> label names
FAMILIES: dict[str, tuple[str, ...]] = dict(REGISTRY.families)
#: rows at or above this number were made for open label values
FIXED_ROWS = len(ROWS)

__all__ = [
    "ACTIVITIES",
    "ACTIVITY",
    "FAMILIES",
    "FIXED_ROWS",
    "METRICS",
    "OWN",
    "ROWS",
    "WINDOWS",
    "Histogram",
    "Kind",
    "Labels",
    "Metric",
    "Open",
    "Row",
    "Series",
    "Term",
    "agents",
    "comparison",
    "contacts",
    "customers",
    "row",
    "surveys",
    "tickets",
    "trust",
]
