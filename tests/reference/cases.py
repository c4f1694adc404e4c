"""Builders for the hand-computed cases: events by clock time, one series out of the result."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from . import evaluate

_ids = count()
DAY0 = datetime.fromisoformat("2026-03-02T00:00:00+00:00")  # a Monday


def moment(text: str) -> datetime:
    """ "10:00", "10:00:30.250", or with a day number in front: "3 10:00" is three days after Monday 2026-03-02."""
    day, _, clock = text.rpartition(" ")
    hour, minute, second = (*clock.split(":"), "0")[:3]
    return DAY0 + timedelta(days=int(day or 0), hours=int(hour), minutes=int(minute), seconds=float(second))


def ms(text: str) -> int:
    return round(moment(text).timestamp() * 1000)


def event(
    kind: str, subject: str, at: str, customer: str | None = "c", /, *, recorded: str = "", **data: Any
) -> dict[str, Any]:
    """`kind` without the prefix: "ticket.created"; customer None: none."""
    record: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"e{next(_ids):06d}",
        "source": "test",
        "type": "support." + kind,
        "time": moment(at).isoformat(timespec="milliseconds"),
        "subject": subject,
        "data": {**({"customer": customer} if customer else {}), **data},
    }
    if recorded:
        record["recordedtime"] = moment(recorded).isoformat(timespec="milliseconds")
    return record


class Result:
    """The series at an instant; `r("tickets_created", window="1h", queue="a")`: None where there is none."""

    def __init__(
        self, events: list[dict[str, Any]], at: str, config: dict[str, Any] | None = None, *, final: bool = False
    ) -> None:
        ordered = sorted(events, key=lambda e: e.get("recordedtime", e["time"]))
        self.series = evaluate(ordered, ms(at), config or {}, final=final)

    def __call__(self, family: str, *, by: str = "all", **labels: str) -> float | None:
        wanted = {"by": by, "channel": "", "queue": "", "team": "", **labels}
        if "class_" in wanted:
            wanted["class"] = wanted.pop("class_")
        return self.series.get(("support_" + family, tuple(sorted(wanted.items()))))
