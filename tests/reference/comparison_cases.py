"""Tickets for the comparison, and a look at what it makes of events."""

from __future__ import annotations

from .cases import event, ms
from .comparison import comparison


class Result:
    """The comparison series at an instant; r("spike", by="queue", queue="a"): None where there is none."""

    def __init__(self, events, at, config=None):
        self.series = comparison(sorted(events, key=lambda e: e["time"]), ms(at), config or {})

    def __call__(self, family, *, by="all", **labels):
        wanted = {"by": by, "channel": "", "queue": "", "team": "", **labels}
        return self.series.get(("support_" + family, tuple(sorted(wanted.items()))))

    def named(self, family):
        return {dict(labels)["dimension"]: dict(labels)["value"] for name, labels in self.series if name == family}


def created(at, count=1, **data):
    return [event("ticket.created", f"{at} {number} {sorted(data.items())}", at, **data) for number in range(count)]
