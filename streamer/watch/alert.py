"""The form of an alert: a row of the tables in `operations`, `quality` and `platform`."""

import re
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
    #: the metric whose target it compares with: without one in `[targets]` the alert stays silent
    target: str | None = None


#: the segment of an alert by queue, at the beginning of a sentence
QUEUE: Final = "{{ with $labels.queue }}Queue {{ . }}{{ else }}Contacts without a queue{{ end }}"
#: the same of a spike, which is of all queues together where no queue has one by itself
SPIKING: Final = "{{ with $labels.queue }}Queue {{ . }}{{ else }}All queues together{{ end }}"
#: arguments of a query with `by=%q, queue=%q`: the segment of a spike
OF_SPIKE: Final = ("(or (and $labels.queue `queue`) `all`)", "$labels.queue")
#: argument of a query with `by="queue", queue=%q`
OF_QUEUE: Final = ("$labels.queue",)

# Pipelines that write numbers as the page does (streamer/board/words.py).
#: a share in percent, with three digits: 21.8 %
PERCENT: Final = 'printf "%.3g %%"'
#: any number: three digits; from 1,000 on, where the page says k, all of its whole part
NUMBER: Final = 'printf (or (and (lt .Value 999.5) "%.3g") "%.0f")'
#: seconds: 38 s, 4 min 10 s, 20 min, 2 h 5 min. `humanizeDuration` says 38s, 4m 10s, 20m 0s, 2h 5m 0s.
DURATION: Final = (
    'printf "%.0f" | humanizeDuration | reReplaceAll "^([0-9]+[dh] [0-9]+[hm]) .*" "$1" | reReplaceAll " 0[hms]$" ""'
    ' | reReplaceAll "m" " min" | reReplaceAll "([0-9])([dhs])" "$1 $2"'
)


#: what a stale board shows: a maximum over boards must not take an old number for a new one
_STALE: Final = 'ALERTS{alertname="BoardStale", alertstate="firing"}'
_NUMBERS: Final = re.compile(r"support_\w+\{by=[^{}]*\}")


def of_fresh_boards(promql: str) -> str:
    """Return PromQL where every family of the catalogue is without the boards that are stale."""
    return _NUMBERS.sub(rf"\g<0> unless on (instance) {_STALE}", promql)


def asked(query: str, shown: str, *arguments: str) -> str:
    """Return a template that shows `shown` (of the first result, `.`) where `query` has one, and nothing where not.

    `arguments` are template expressions for the query's `%q`: Go's quotes are PromQL's, so any name may stand there.
    """
    asking = f"(printf `{query}` {' '.join(arguments)})" if arguments else f"`{query}`"
    return f"{{{{ with query {asking} }}}}{{{{ with . | first }}}}{shown}{{{{ end }}}}{{{{ end }}}}"


#: the alert's own value, a share, in percent: templates do not multiply, but PromQL does
VALUE_PERCENT: Final = asked("vector(100 * %g)", f"{{{{ .Value | {PERCENT} }}}}", "$value")
