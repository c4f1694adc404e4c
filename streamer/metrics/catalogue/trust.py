"""The table "Trust in the numbers" of the catalogue: what worker and board say of themselves.

Not made from facts, so none of these is in `METRICS`: nothing evaluates them. The registries of worker and board take
names, labels and HELP from here. Their `open_labels` are all labels, in the order of exposition, and `series` has the
values of those whose values are fixed.
"""

from typing import Final

from streamer.events import TOPICS
from streamer.events.errors import Code
from streamer.metrics.catalogue.model import Kind, Metric, Series

WORKER: Final = "worker"
#: in a metric's `kind`: it is one of these
KINDS: Final = frozenset({Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM})

_FROM_ZERO = (
    "Begins at 0 with each worker: read it with rate() or increase(), summed over the workers.",
    "Counted once its flush is committed: a record that is read again after a crash is not counted twice.",
)
_COMMITTED = "the flush that has it"
_SOURCES = "Of a partition's sources 1,000 have series of their own, later ones are `other`."
_IN_ORDER = (
    "What shows only with an event out of order, before one of its timeline that was applied already, is not counted."
)


def _own(where: str, kind: Kind, name: str, *labels: str, known: dict[str, tuple[str, ...]], **texts: object) -> Metric:
    series = tuple(Series(((label, value),), ()) for label, values in known.items() for value in values)
    return Metric(name=name, kind=kind, where=where, windows=(), open_labels=labels, series=series, **texts)  # type: ignore[arg-type]  # texts are Metric's fields


def _counter(name: str, *labels: str, known: dict[str, tuple[str, ...]] | None = None, **texts: object) -> Metric:
    return _own(WORKER, Kind.COUNTER, name, *labels, known=known or {}, at=_COMMITTED, **texts)


METRIC_TARGET: Final = _own(
    "board",
    Kind.GAUGE,
    "metric_target",
    "metric",
    known={},
    about="Targets of the configuration.",
    formula="the number that [targets] has for the metric, in the metric's unit",
    counted="metrics with a target; csat_ratio has 0.8 and cart_abandonment_ratio 0.63 unless [targets] says another",
    not_counted="the times to wait for of [tickets] and [queues], which decide what is over target",
    at="now",
    edge_cases=(
        "The label `metric` is the name without support_.",
        "Shown whatever exposition.metrics names; `streamer replay` shows it too.",
    ),
    seed="S3 S0 S1",
)
EVENT_VISIBLE: Final = _own(
    "board",
    Kind.HISTOGRAM,
    "event_visible_seconds",
    known={},
    about="Time from an event's append to its being applied by the board.",
    formula="when the board applied the flush that has the event - when the event was appended to its topic",
    counted="events of every flush that this board applied since it caught up with the log",
    not_counted="what the board reads while it catches up; the first flush of each partition",
    at="when the board applies it",
    edge_cases=(
        "The board knows the first and the last event of a flush: those between are taken as spread evenly.",
        "From the broker's clock to the board's: a difference of clocks is in it; below 0 it is 0.",
    ),
)
AS_OF: Final = _own(
    "board",
    Kind.GAUGE,
    "as_of_timestamp_seconds",
    known={},
    about="The instant of the numbers.",
    formula="the board's T: the instant at which all windows of this answer end",
    counted="every answer of the board's /metrics",
    not_counted="when the newest event happened (source_last_event_timestamp_seconds)",
    at="now",
    edge_cases=("`/metrics?at=` and `/api/metrics?at=` ask for another instant, which it is then.",),
)

OWN: Final = (
    METRIC_TARGET,
    _counter(
        "events_total",
        "topic",
        "source",
        known={"topic": tuple(TOPICS)},
        about="Events accepted for a look: valid, on time or not.",
        formula="valid records read from the topics of events",
        counted="every valid record: also late events and repeats, which have counters of their own beside",
        not_counted="records that became dead letters (events_invalid_total)",
        edge_cases=(*_FROM_ZERO, _SOURCES),
    ),
    _counter(
        "events_duplicate_total",
        "source",
        about="Events that repeat a source and id.",
        formula="valid events whose source and id the same timeline has already",
        counted="repeats that came in time; the first that arrived counts in all metrics",
        not_counted="repeats that are late, or older than what is folded (events_late_total)",
        edge_cases=(*_FROM_ZERO, "Many are no fault: a producer that is not sure sends again.", _SOURCES),
    ),
    _counter(
        "events_late_total",
        "source",
        "reason",
        known={"reason": ("grace", "folded")},
        about="Events too old to be applied: past the grace, or older than what is folded.",
        formula="grace: time < arrival - grace (24 h unless configured); folded: older than what its timeline has folded",
        counted="valid events that no metric has, for their age; repeats among them too",
        not_counted="events of more than 5 min ahead: dead letters (future_time)",
        edge_cases=(
            *_FROM_ZERO,
            "Arrival is `recordedtime` where the event has it, else the time of its append.",
            _SOURCES,
        ),
    ),
    _counter(
        "events_invalid_total",
        "code",
        "source",
        known={"code": tuple(code.value for code in Code)},
        about="Records that became dead letters.",
        formula="records that could not be accepted, by the code of their dead letter",
        counted="each record that went to the dead-letter topic, where `streamer dead-letters` shows it",
        not_counted="late events and repeats: they are valid",
        edge_cases=(*_FROM_ZERO, "`source` is empty where none could be read.", _SOURCES),
    ),
    _counter(
        "events_unknown_total",
        "source",
        about="Entities that began without their opening event: stubs.",
        formula="tickets, chats, calls, surveys and carts whose first event is not the one that opens them",
        counted="once an entity, as its first event is applied; it stays counted if the opening event comes later",
        not_counted="customers, agents and mentions, which need no opening event",
        edge_cases=(*_FROM_ZERO, _IN_ORDER, "An entity that was forgotten counts as a new one.", _SOURCES),
    ),
    _counter(
        "events_anomalous_total",
        "kind",
        "source",
        known={"kind": ("negative_duration",)},
        about="Oddities in accepted events.",
        formula="negative_duration: durations below 0, as clocks disagree; they are 0 in their metrics",
        counted="each such duration: one event can end several",
        not_counted="events that are refused or late",
        edge_cases=(*_FROM_ZERO, _IN_ORDER, _SOURCES),
    ),
    _counter(
        "values_limited_total",
        about="Label values and groups past the store's limits, summed into other.",
        formula="times that a new value of a dimension (past 1,000), group (past 5,000) or open label value (past 1,000) came",
        counted="each time that one comes, in each partition: what became `other` is not remembered",
        not_counted="values that are only not shown, as they are not among the largest",
        edge_cases=(
            *_FROM_ZERO,
            "Above 0 the numbers depend on the order of events: which value came first has a place.",
        ),
    ),
    _own(
        WORKER,
        Kind.GAUGE,
        "source_last_event_timestamp_seconds",
        "source",
        known={},
        about="When the newest accepted event of a source happened, since this worker started.",
        formula="the largest time of a source's valid events, as seconds since 1970",
        counted="every valid event, late ones and repeats too; its own time, not its arrival",
        not_counted="records that became dead letters",
        at=_COMMITTED,
        edge_cases=(
            "A worker knows its own partitions: the largest over the workers is the source's.",
            "Absent after a restart until the source sends.",
            _SOURCES,
        ),
    ),
    EVENT_VISIBLE,
    AS_OF,
)
