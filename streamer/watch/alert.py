"""The form of an alert: a row of the tables in `operations`, `quality` and `platform`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """What an alert asks for: critical, somebody acts now; warning, somebody looks today."""

    CRITICAL = "critical"
    WARNING = "warning"


class Team(StrEnum):
    """Who is told, the alert's label `team`: not the dimension of that name, which no alert is broken down by."""

    #: who runs the floor: queues, tickets, agents
    OPERATIONS = "operations"
    #: who answers for what customers think: surveys
    QUALITY = "quality"
    #: who runs streamer and what feeds it
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert as Prometheus has it. `expr` is PromQL, `summary` and `description` are its templates.

    An expression keeps only labels that name the segment (queue, source, ...): two boards that say the same are one alert.
    """

    name: str
    severity: Severity
    team: Team
    expr: str
    summary: str
    description: str
    #: how long the condition holds before the alert fires
    hold: str = "0s"
    #: how long it fires on after the condition ended: a number that wavers about its limit is one incident
    keep: str = "0s"


#: the segment of an alert by queue, at the beginning of a sentence
QUEUE: Final = "{{ with $labels.queue }}Queue {{ . }}{{ else }}Contacts without a queue{{ end }}"
#: the same of a spike, which is of all queues together where no queue has one by itself
SPIKING: Final = "{{ with $labels.queue }}Queue {{ . }}{{ else }}All queues together{{ end }}"
#: arguments of a query with `by=%q, queue=%q`: the segment of a spike
OF_SPIKE: Final = ("(or (and $labels.queue `queue`) `all`)", "$labels.queue")
#: argument of a query with `by="queue", queue=%q`
OF_QUEUE: Final = ("$labels.queue",)


def asked(query: str, shown: str, *arguments: str) -> str:
    """Return a template that shows `shown` (of the first result, `.`) where `query` has one, and nothing where not.

    `arguments` are template expressions for the query's `%q`: Go's quotes are PromQL's, so any name may stand there.
    """
    asking = f"(printf `{query}` {' '.join(arguments)})" if arguments else f"`{query}`"
    return f"{{{{ with query {asking} }}}}{{{{ with . | first }}}}{shown}{{{{ end }}}}{{{{ end }}}}"
