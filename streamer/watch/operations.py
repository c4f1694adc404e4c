"""Alerts about queues, tickets and agents."""

from typing import Final

from streamer.watch.alert import (
    DURATION,
    NUMBER,
    OF_QUEUE,
    OF_SPIKE,
    PERCENT,
    QUEUE,
    SPIKING,
    VALUE_PERCENT,
    Alert,
    Severity,
    Team,
    asked,
)
from streamer.watch.targets import target

#: samples below which a share of the last 15 minutes is no reason to act
_ENOUGH: Final = 20
#: one-sided 95 % of the normal distribution: what chance alone gives one time in twenty, were the target just met
_Z: Final = 1.645
# What bridges the gaps within one incident, and no more: the end is told so much later. In eight simulated incidents waits
# fell below the limit for up to 60 s (once for 110), abandonment for 80 s, the service level not at all: its 15 minutes
# of many contacts waver little. They also are why it ends some 15 minutes after its cause.
_GAP: Final = "1m"
_SHARE_GAP: Final = "2m"
#: the baseline of a count is of an hour, a spike of 15 minutes
_QUARTER: Final = " / 4"


def _share(family: str, own: str, comparison: str, metric: str) -> str:
    """Return PromQL: a share of the last 15 min by queue, past its target by more than chance, of samples enough."""
    labels = f'{{by="queue", window="15m", {own}}}'
    sign = "+" if comparison == ">" else "-"
    aim = target(metric)
    return f"""\
max by (queue) ({family}{labels})
  {comparison} on (queue) (
    {sign} {_Z} * sqrt(1 / max by (queue) ({family}_samples{labels}) * on () group_left () ({aim} * (1 - {aim})))
    + on () group_left () {aim}
  )
and
max by (queue) ({family}_samples{labels}) >= {_ENOUGH}"""


def _spike(metric: str) -> str:
    """Return PromQL: a spike by queue; where no queue has one by itself, that of all together (without a queue)."""
    return f"""\
max by (queue) (support_spike_confirmed{{by="queue", metric="{metric}"}}) == 1
or
max by (queue) (support_spike_confirmed{{by="all", metric="{metric}"}}) == 1
  unless on () max(support_spike_confirmed{{by="queue", metric="{metric}"}}) == 1"""


def _usual(metric: str, shown: str = NUMBER, scale: str = "") -> str:
    """Return a template: what is usual in this hour of the week; `scale` is PromQL behind the baseline."""
    query = f'max(support_metric_baseline{{by=%q, queue=%q, metric="{metric}"}}){scale}'
    return asked(query, f" Usual: {{{{ .Value | {shown} }}}}.", *OF_SPIKE)


def _contributor(metric: str) -> str:
    """Return a template: the segment with most of a spike's excess."""
    return asked(
        "topk(1, 100 * max by (dimension, value) "
        f'(support_spike_contributor_ratio{{by="all", metric="{metric}", value!=""}}))',
        f" Most of it ({{{{ .Value | {PERCENT} }}}}): {{{{ .Labels.dimension }}}} {{{{ .Labels.value }}}}.",
    )


OPERATIONS: Final = (
    Alert(
        name="LongestWait",
        severity=Severity.CRITICAL,
        team=Team.OPERATIONS,
        expr="""\
max by (queue) (support_queue_waiting_oldest_age_seconds{by="queue"}) > 45
and
max by (queue) (support_queue_waiting_over_target{by="queue"}) >= 5
or
max by (queue) (support_queue_waiting_oldest_age_seconds{by="queue"}) > 300""",
        keep=_GAP,
        summary=f"{QUEUE}: customers wait too long",
        description=f"{QUEUE}: the longest wait is {{{{ $value | {DURATION} }}}}"
        + asked(
            'max(support_queue_waiting_over_target{by="queue", queue=%q})',
            ", {{ .Value }} past the target",
            *OF_QUEUE,
        )
        + ".",
    ),
    Alert(
        name="QueueWithoutAgents",
        severity=Severity.CRITICAL,
        team=Team.OPERATIONS,
        # A queue whose agents were all silent for 24 h has no series: so it is enough that agents are known at all.
        expr="""\
max by (queue) (support_queue_waiting{by="queue"}) > 0
unless on (queue)
max by (queue) (support_queue_agents{by="queue", status=~"available|on_contact|wrap_up"}) > 0
and on () count(support_queue_agents{by="queue"}) > 0""",
        hold="1m",
        keep="1m",
        summary=f"{QUEUE}: customers wait and no agent is there",
        description=f"{QUEUE}: {{{{ $value }}}} waiting, no agent is available, in a contact or in wrap-up.",
    ),
    Alert(
        name="Abandonment",
        severity=Severity.WARNING,
        team=Team.OPERATIONS,
        expr=_share("support_abandon_ratio", 'short="excluded"', ">", "abandon_ratio"),
        target="abandon_ratio",
        hold="30s",
        keep=_SHARE_GAP,
        summary=f"{QUEUE}: customers give up",
        description=f"{QUEUE}: {VALUE_PERCENT} of the last 15 minutes abandoned, short ones left out."
        + _usual("abandon_ratio", PERCENT, " * 100"),
    ),
    Alert(
        name="ServiceLevel",
        severity=Severity.WARNING,
        team=Team.OPERATIONS,
        expr=_share("support_service_level_ratio", 'formula="offered"', "<", "service_level_ratio"),
        target="service_level_ratio",
        hold="2m",
        keep=_GAP,
        summary=f"{QUEUE}: service level below target",
        description=f"{QUEUE}: {VALUE_PERCENT} of the last 15 minutes answered in time (of all offered)"
        + asked(f"100 * {target('service_level_ratio')}", f"; target: {{{{ .Value | {PERCENT} }}}}")
        + ".",
    ),
    Alert(
        name="FirstResponsesOverTarget",
        severity=Severity.WARNING,
        team=Team.OPERATIONS,
        expr="""\
max by (queue) (support_tickets_awaiting_first_response_over_target{by="queue"}) >= 5""",
        hold="5m",
        keep="5m",
        summary=f"{QUEUE}: tickets wait too long for a first response",
        description=f"{QUEUE}: {{{{ $value }}}} tickets without a first response are past the target"
        + asked(
            'max(support_tickets_awaiting_first_response_oldest_age_seconds{by="queue", queue=%q})',
            f"; the oldest waits for {{{{ .Value | {DURATION} }}}}",
            *OF_QUEUE,
        )
        + ".",
    ),
    Alert(
        name="SlaBreached",
        severity=Severity.WARNING,
        team=Team.OPERATIONS,
        expr="""\
max by (queue, target) (support_sla_open_over_target{by="queue"}) >= 5""",
        hold="5m",
        keep="5m",
        summary=f"{QUEUE}: {{{{ $labels.target }}}} targets missed on open tickets",
        description=f"{QUEUE}: {{{{ $value }}}} open tickets have missed their {{{{ $labels.target }}}} target.",
    ),
    Alert(
        name="SlaAtRisk",
        severity=Severity.WARNING,
        team=Team.OPERATIONS,
        expr="""\
max by (queue, target) (support_sla_open_at_risk{by="queue"}) >= 5""",
        hold="1m",
        keep="2m",
        summary=f"{QUEUE}: {{{{ $labels.target }}}} targets about to be missed",
        description=f"{QUEUE}: {{{{ $value }}}} open tickets miss their {{{{ $labels.target }}}} target"
        " within 15 minutes unless somebody acts.",
    ),
    Alert(
        name="CreatedSpike",
        severity=Severity.WARNING,
        team=Team.OPERATIONS,
        expr=_spike("tickets_created"),
        summary=f"{SPIKING}: far more new tickets than usual",
        description=f"{SPIKING}:"
        + asked(
            'max(support_tickets_created{by=%q, queue=%q, window="15m"})',
            " {{ .Value }} tickets created in 15 minutes.",
            *OF_SPIKE,
        )
        + _usual("tickets_created", scale=_QUARTER)
        + _contributor("tickets_created")
        + asked(
            'topk(1, max by (topic) (support_tickets_by_topic{by=%q, queue=%q, window="15m", topic!=""}))',
            " First topic: {{ .Labels.topic }} ({{ .Value }}).",
            *OF_SPIKE,
        ),
    ),
    Alert(
        name="ContactSpike",
        severity=Severity.WARNING,
        team=Team.OPERATIONS,
        expr=_spike("queue_legs"),
        summary=f"{SPIKING}: far more chats and calls than usual",
        description=f"{SPIKING}:"
        + asked(
            'sum(max by (outcome) (support_queue_legs{by=%q, queue=%q, window="15m"}))',
            " {{ .Value }} chats and calls in 15 minutes.",
            *OF_SPIKE,
        )
        + _usual("queue_legs", scale=_QUARTER)
        + _contributor("queue_legs"),
    ),
    Alert(
        name="ReopenSpike",
        severity=Severity.WARNING,
        team=Team.OPERATIONS,
        expr=_spike("reopen_ratio"),
        summary=f"{SPIKING}: solved tickets come back",
        description=f"{SPIKING}: far more of what was solved in the last 15 minutes was reopened than usual."
        + _usual("reopen_ratio", PERCENT, " * 100")
        + _contributor("reopen_ratio"),
    ),
    Alert(
        name="RepliesPerResolutionJump",
        severity=Severity.WARNING,
        team=Team.OPERATIONS,
        expr=_spike("replies_per_resolution"),
        summary=f"{SPIKING}: a solution takes far more replies than usual",
        description=f"{SPIKING}:"
        + asked(
            'max(support_replies_per_resolution_mean{by=%q, queue=%q, window="15m"})',
            f" {{{{ .Value | {NUMBER} }}}} replies for a solved ticket in 15 minutes.",
            *OF_SPIKE,
        )
        + _usual("replies_per_resolution")
        + _contributor("replies_per_resolution"),
    ),
)
