"""For each alert: numbers at which it fires, numbers just short of it, and what it says; all of it worked out by hand.

`SourceSilent` looks back days and has tests of its own (test_silence.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field

#: series -> number, or a counter's growth (a clock's) in promtool's notation; None: there is no such series
Numbers = dict[str, float | str | None]


@dataclass(frozen=True)
class Case:
    """`fires`: numbers at which it does. Each of `short` changes some, and it does not fire."""

    alert: str
    severity: str
    team: str
    fires: Numbers
    short: list[Numbers]
    summary: str
    description: str
    labels: dict[str, str] = field(default_factory=dict)
    fires_without_data: bool = False
    #: seconds after which the condition first holds, and after which it does no more, where `fires` ends after 20 minutes
    begins: int = 0
    ends: int = 1_200

    def __str__(self) -> str:
        return f"{self.alert}-{'-'.join(self.labels.values())}"


def billing(family: str, own: str = "") -> str:
    return f'support_{family}{{by="queue",channel="",queue="billing",team="",instance="a"{own and ","}{own}}}'


def overall(family: str, own: str = "") -> str:
    return f'support_{family}{{by="all",channel="",queue="",team="",instance="a"{own and ","}{own}}}'


SHORT = 'window="15m",short="excluded"'
OFFERED = 'window="15m",formula="offered"'
CSAT = 'window="7d",kind="csat"'
WEEK, MONTH = 'window="7d"', 'window="30d"'
BILLING = {"queue": "billing"}


def target(metric: str) -> str:
    return f'support_metric_target{{metric="{metric}",instance="a"}}'


def named(metric: str) -> str:
    return f'metric="{metric}"'


OLDEST, OVER = billing("queue_waiting_oldest_age_seconds"), billing("queue_waiting_over_target")
OPERATIONS = [
    Case(
        *("LongestWait", "critical", "operations"),
        fires={OLDEST: 46, OVER: 5},
        short=[{OLDEST: 45}, {OVER: 4}, {OVER: None}, {OLDEST: None}],
        labels=BILLING,
        summary="Queue billing: customers wait too long",
        description="Queue billing: the longest wait is 46 s, 5 past the target.",
    ),
    Case(
        *("LongestWait", "critical", "operations"),
        fires={OLDEST.replace("billing", ""): 301, OVER.replace("billing", ""): 1},
        short=[{OLDEST.replace("billing", ""): 300}],
        summary="Contacts without a queue: customers wait too long",
        description="Contacts without a queue: the longest wait is 5 min 1 s, 1 past the target.",
    ),
    Case(
        *("QueueWithoutAgents", "critical", "operations"),
        fires={
            billing("queue_waiting"): 1,
            billing("queue_agents", 'status="away"'): 2,
            billing("queue_agents", 'status="available"'): 0,
        },
        short=[
            {billing("queue_agents", 'status="available"'): 1},
            {billing("queue_agents", 'status="wrap_up"'): 1},
            {billing("queue_waiting"): 0},
            # Agents' events do not come at all: nothing is known of who is there.
            {billing("queue_agents", 'status="away"'): None, billing("queue_agents", 'status="available"'): None},
        ],
        labels=BILLING,
        summary="Queue billing: customers wait and no agent is there",
        description="Queue billing: 1 waiting, no agent is available, in a contact or in wrap-up.",
    ),
    Case(
        *("QueueWithoutAgents", "critical", "operations"),
        # Those of the queue have been silent for a day, those of another are there.
        fires={
            billing("queue_waiting"): 3,
            billing("queue_agents", 'status="available"').replace("billing", "orders"): 2,
        },
        short=[
            {billing("queue_agents", 'status="available"'): 1},
            {billing("queue_agents", 'status="available"').replace("billing", "orders"): None},
        ],
        labels=BILLING,
        summary="Queue billing: customers wait and no agent is there",
        description="Queue billing: 3 waiting, no agent is available, in a contact or in wrap-up.",
    ),
    Case(
        *("Abandonment", "warning", "operations"),
        # of 20: 0.1 + 1.645 sqrt(0.1 x 0.9 / 20) = 0.210
        fires={
            billing("abandon_ratio", SHORT): 0.31,
            billing("abandon_ratio_samples", SHORT): 20,
            billing("metric_baseline", named("abandon_ratio")): 0.08,
            target("abandon_ratio"): 0.1,
        },
        short=[
            {billing("abandon_ratio", SHORT): 0.21},
            {billing("abandon_ratio_samples", SHORT): 19},
            {billing("abandon_ratio_samples", SHORT): None},
            {target("abandon_ratio"): 0.31},
            {target("abandon_ratio"): None},
            {target("abandon_ratio"): None, target("service_level_ratio"): 0.1},
        ],
        labels=BILLING,
        summary="Queue billing: customers give up",
        description="Queue billing: 31 % of the last 15 minutes abandoned, short ones left out. Usual: 8 %.",
    ),
    Case(
        *("Abandonment", "warning", "operations"),
        # of 2,000: 0.05 + 1.645 sqrt(0.05 x 0.95 / 2000) = 0.0580
        fires={
            billing("abandon_ratio", SHORT): 0.0625,
            billing("abandon_ratio_samples", SHORT): 2_000,
            target("abandon_ratio"): 0.05,
        },
        short=[{billing("abandon_ratio", SHORT): 0.058}],
        labels=BILLING,
        summary="Queue billing: customers give up",
        description="Queue billing: 6.25 % of the last 15 minutes abandoned, short ones left out.",
    ),
    Case(
        *("ServiceLevel", "warning", "operations"),
        # of 20: 0.8 - 1.645 sqrt(0.8 x 0.2 / 20) = 0.653
        fires={
            billing("service_level_ratio", OFFERED): 0.64321,
            billing("service_level_ratio_samples", OFFERED): 20,
            target("service_level_ratio"): 0.8,
        },
        short=[
            {billing("service_level_ratio", OFFERED): 0.66},
            {billing("service_level_ratio_samples", OFFERED): 19},
            {billing("service_level_ratio_samples", OFFERED): None},
            {target("service_level_ratio"): 0.7},
            {target("service_level_ratio"): None},
        ],
        labels=BILLING,
        summary="Queue billing: service level below target",
        description="Queue billing: 64.3 % of the last 15 minutes answered in time (of all offered); target: 80 %.",
    ),
    Case(
        *("FirstResponsesOverTarget", "warning", "operations"),
        fires={
            billing("tickets_awaiting_first_response_over_target"): 5,
            billing("tickets_awaiting_first_response_oldest_age_seconds"): 7_500,
        },
        short=[{billing("tickets_awaiting_first_response_over_target"): 4}],
        labels=BILLING,
        summary="Queue billing: tickets wait too long for a first response",
        description="Queue billing: 5 tickets without a first response are past the target;"
        " the oldest waits for 2 h 5 min.",
    ),
    Case(
        *("SlaBreached", "warning", "operations"),
        fires={billing("sla_open_over_target", 'target="resolution"'): 5},
        short=[{billing("sla_open_over_target", 'target="resolution"'): 4}],
        labels={**BILLING, "target": "resolution"},
        summary="Queue billing: resolution targets missed on open tickets",
        description="Queue billing: 5 open tickets have missed their resolution target.",
    ),
    Case(
        *("SlaAtRisk", "warning", "operations"),
        fires={billing("sla_open_at_risk", 'target="response"'): 5},
        short=[{billing("sla_open_at_risk", 'target="response"'): 4}],
        labels={**BILLING, "target": "response"},
        summary="Queue billing: response targets about to be missed",
        description="Queue billing: 5 open tickets miss their response target within 15 minutes unless somebody acts.",
    ),
    Case(
        *("CreatedSpike", "warning", "operations"),
        fires={
            billing("spike_confirmed", named("tickets_created")): 1,
            overall("spike_confirmed", named("tickets_created")): 1,
            billing("tickets_created", 'window="15m"'): 150,
            billing("metric_baseline", named("tickets_created")): 121.6,
            overall("spike_contributor_ratio", 'metric="tickets_created",dimension="channel",value="email"'): 0.75,
            billing("tickets_by_topic", 'window="15m",topic="double charge"'): 88,
            billing("tickets_by_topic", 'window="15m",topic="invoice"'): 12,
            billing("tickets_by_topic", 'window="15m",topic=""'): 95,
        },
        short=[
            {
                billing("spike_confirmed", named("tickets_created")): 0,
                overall("spike_confirmed", named("tickets_created")): 0,
            }
        ],
        labels=BILLING,
        summary="Queue billing: far more new tickets than usual",
        description="Queue billing: 150 tickets created in 15 minutes. Usual: 30.4."
        " Most of it (75 %): channel email. First topic: double charge (88).",
    ),
    Case(
        *("CreatedSpike", "warning", "operations"),
        fires={
            billing("spike_confirmed", named("tickets_created")): 0,
            overall("spike_confirmed", named("tickets_created")): 1,
            billing("tickets_created", 'window="15m"'): 10,
            overall("tickets_created", 'window="15m"'): 5_000,
            overall("metric_baseline", named("tickets_created")): 3_998.4,
        },
        short=[{overall("spike_confirmed", named("tickets_created")): 0}],
        summary="All queues together: far more new tickets than usual",
        description="All queues together: 5000 tickets created in 15 minutes. Usual: 1000.",
    ),
    Case(
        *("ContactSpike", "warning", "operations"),
        fires={
            billing("spike_confirmed", named("queue_legs")): 1,
            billing("queue_legs", 'window="15m",outcome="answered"'): 40,
            billing("queue_legs", 'window="15m",outcome="abandoned"'): 20,
            billing("metric_baseline", named("queue_legs")): 48,
            overall("spike_contributor_ratio", 'metric="queue_legs",dimension="queue",value="billing"'): 0.9,
        },
        short=[{billing("spike_confirmed", named("queue_legs")): 0}],
        labels=BILLING,
        summary="Queue billing: far more chats and calls than usual",
        description="Queue billing: 60 chats and calls in 15 minutes. Usual: 12. Most of it (90 %): queue billing.",
    ),
    Case(
        *("ReopenSpike", "warning", "operations"),
        fires={
            billing("spike_confirmed", named("reopen_ratio")): 1,
            billing("metric_baseline", named("reopen_ratio")): 0.05,
        },
        short=[{billing("spike_confirmed", named("reopen_ratio")): 0}],
        labels=BILLING,
        summary="Queue billing: solved tickets come back",
        description="Queue billing: far more of what was solved in the last 15 minutes was reopened than usual."
        " Usual: 5 %.",
    ),
    Case(
        *("RepliesPerResolutionJump", "warning", "operations"),
        fires={
            billing("spike_confirmed", named("replies_per_resolution")): 1,
            billing("replies_per_resolution_mean", 'window="15m"'): 6.25,
            billing("metric_baseline", named("replies_per_resolution")): 2.5,
        },
        short=[{billing("spike_confirmed", named("replies_per_resolution")): 0}],
        labels=BILLING,
        summary="Queue billing: a solution takes far more replies than usual",
        description="Queue billing: 6.25 replies for a solved ticket in 15 minutes. Usual: 2.5.",
    ),
]
SENT_DAY = overall("surveys_sent", 'window="24h",kind="csat"')
ANSWERED_DAY = overall("surveys_answered", 'window="24h",kind="csat"')
QUALITY = [
    Case(
        *("CsatBelowTarget", "warning", "quality"),
        fires={
            billing("csat_ratio", CSAT): 0.72,
            billing("csat_upper_bound_ratio", CSAT): 0.79,
            billing("csat_upper_bound_ratio_samples", CSAT): 30,
            target("csat_ratio"): 0.8,
        },
        short=[
            {billing("csat_upper_bound_ratio", CSAT): 0.8},
            {billing("csat_upper_bound_ratio_samples", CSAT): 29},
            {target("csat_ratio"): 0.79},
            {target("csat_ratio"): None},
            {billing("csat_upper_bound_ratio_samples", CSAT): None},
        ],
        labels=BILLING,
        summary="Queue billing: customers are less satisfied than the target",
        description="Queue billing: 72 % of the answers of 7 days are satisfied, at most 79 % with 95 % confidence;"
        " target: 80 %.",
    ),
    Case(
        *("NpsDrop", "warning", "quality"),
        fires={
            billing("nps_score", WEEK): 9,
            billing("nps_score_samples", WEEK): 30,
            billing("nps_margin", WEEK): 20,
            billing("nps_score", MONTH): 30,
        },
        short=[
            {billing("nps_score", WEEK): 10},
            {billing("nps_score_samples", WEEK): 29},
            {billing("nps_score_samples", WEEK): None},
            {billing("nps_margin", WEEK): None},
            {billing("nps_score", MONTH): None},
        ],
        labels=BILLING,
        summary="Queue billing: NPS has dropped by more than its margin",
        description="Queue billing: NPS of 7 days is 9 +- 20; of 30 days: 30.",
    ),
    Case(
        *("ResponseRateCollapse", "warning", "quality"),
        fires={
            SENT_DAY: 100,
            ANSWERED_DAY: 14,
            overall("surveys_sent", 'window="30d",kind="csat"'): 1000,
            overall("surveys_answered", 'window="30d",kind="csat"'): 300,
        },
        short=[
            {ANSWERED_DAY: 15},
            {SENT_DAY: 29, ANSWERED_DAY: 0},
            {SENT_DAY: None},
            {overall("surveys_answered", 'window="30d",kind="csat"'): None},
        ],
        labels={"kind": "csat"},
        summary="csat surveys: hardly anybody answers",
        description="csat surveys: 14 % answers a survey sent in 24 h, 30 % in 30 days.",
    ),
]
WORKER, BOARD = 'up{job="streamer-worker",instance="w"}', 'up{job="streamer-board",instance="b"}'


def mark(board: str, partition: int) -> str:
    return f'support_board_mark_timestamp_seconds{{instance="{board}",partition="{partition}"}}'


def started(board: str) -> str:
    return f'process_start_time_seconds{{job="streamer-board",instance="{board}"}}'


DELIVERIES = 'support_ingest_deliveries_total{source="ingest/zendesk",outcome="forged",instance="i"}'
UNSIGNED = DELIVERIES.replace("forged", "unsigned")
#: a counter that grows by 0.12 each 10 s is at 10 after 84 of them; 15 minutes hold less than 10 of it a minute after its end
GROWS = {"begins": 840, "ends": 1_260}
PLATFORM = [
    Case(
        *("WorkersDown", "critical", "platform"),
        fires={WORKER: 0},
        short=[{WORKER: 1}, {WORKER.replace('"w"', '"other"'): 1}],
        fires_without_data=True,
        summary="No worker runs: the numbers stand still",
        description="Prometheus reaches no worker. Events wait in Kafka; nothing is lost, nothing is counted.",
    ),
    Case(
        *("BoardsDown", "critical", "platform"),
        fires={BOARD: 0},
        short=[{BOARD: 1}, {BOARD.replace('"b"', '"other"'): 1}],
        fires_without_data=True,
        summary="No board answers: there are no numbers",
        description="Prometheus reaches no board. The wall page, dashboards and alerts about numbers are blind.",
    ),
    Case(
        *("ProcessDown", "warning", "platform"),
        fires={WORKER: 0, BOARD: 1},
        short=[{WORKER: 1}],
        labels={"job": "streamer-worker", "instance": "w"},
        summary="streamer-worker at w does not answer",
        description="streamer-worker at w was not scraped for a minute; others may do its work.",
    ),
    Case(
        *("BoardsStale", "critical", "platform"),
        # 20 min after the last flush of partition 1 that board b knows, and longer after that of board c
        fires={mark("b", 0): "0+10", mark("b", 1): 0, mark("c", 0): -3_600},
        short=[
            {mark("b", 1): "-30+10"},
            {mark("c", 0): "0+10"},
            # A board that was started a minute ago and has no numbers yet neither mends nor makes it.
            {mark("b", 0): "0+10", mark("b", 1): None, mark("c", 0): None, started("c"): "-60+10"},
            {mark("b", 0): None, mark("b", 1): None, mark("c", 0): None, started("c"): "-300+10"},
        ],
        begins=40,
        summary="All boards show old numbers",
        description="Every board has had no news of a partition for 20 min or longer.",
    ),
    Case(
        *("BoardsStale", "critical", "platform"),
        fires={mark("b", 0): 0, started("c"): "-60+10"},
        short=[{mark("b", 0): "-30+10"}],
        begins=40,
        summary="All boards show old numbers",
        description="Every board has had no news of a partition for 20 min or longer.",
    ),
    Case(
        *("BoardStale", "warning", "platform"),
        # 20 min after the last flush of partition 1, that of partition 0 is fresh; so is the other board
        fires={mark("b", 0): "0+10", mark("b", 1): 0, mark("c", 0): "0+10"},
        short=[{mark("b", 1): "-30+10"}],
        labels={"instance": "b"},
        begins=40,
        summary="The board at b shows old numbers",
        description="The board at b has had no news of a partition for 20 min. Alerts about numbers leave it out.",
    ),
    Case(
        *("BoardStale", "warning", "platform"),
        fires={started("b"): 0},
        short=[{started("b"): "-300+10"}, {mark("b", 0): "0+10"}],
        labels={"instance": "b"},
        begins=310,
        summary="The board at b shows old numbers",
        description="The board at b has had no news of a partition for 20 min. Alerts about numbers leave it out.",
    ),
    Case(
        *("ConsumerLag", "warning", "platform"),
        fires={
            'support_worker_lag_records{topic="support.chats",instance="w"}': 9_000,
            'support_worker_lag_records{topic="support.chats",instance="other"}': 1_001,
        },
        short=[{'support_worker_lag_records{topic="support.chats",instance="other"}': 1_000}],
        labels={"topic": "support.chats"},
        summary="support.chats: the workers do not keep up",
        description="support.chats: 10001 records wait to be processed.",
    ),
    Case(
        *("LateEvents", "warning", "platform"),
        **GROWS,
        fires={'support_events_late_total{source="crm",reason="grace",instance="w"}': "0+0.12"},
        short=[{'support_events_late_total{source="crm",reason="grace",instance="w"}': "0+0.11"}],
        labels={"source": "crm", "reason": "grace"},
        summary="crm: events come too late to be counted",
        description="crm: 11 events in 15 minutes were left out (grace).",
    ),
    Case(
        *("InvalidEvents", "warning", "platform"),
        **GROWS,
        fires={'support_events_invalid_total{source="crm",code="not_utf8",instance="w"}': "0+0.12"},
        short=[{'support_events_invalid_total{source="crm",code="not_utf8",instance="w"}': "0+0.11"}],
        labels={"source": "crm", "code": "not_utf8"},
        summary="crm: events are refused",
        description="crm: 11 records in 15 minutes became dead letters (not_utf8).",
    ),
    Case(
        *("UntrustedDeliveries", "warning", "platform"),
        **GROWS,
        fires={DELIVERIES: "0+0.12", DELIVERIES.replace("forged", "accepted"): "0+5"},
        short=[{DELIVERIES: "0+0.11"}],
        labels={"source": "ingest/zendesk", "outcome": "forged"},
        summary="ingest/zendesk: forged webhooks are refused",
        description="ingest/zendesk: 11 deliveries in 15 minutes were forged, and answered 401."
        " Their events are lost, unless the sender tries again.",
    ),
    Case(
        *("UntrustedDeliveries", "warning", "platform"),
        **GROWS,
        # two ingresses, half of them each
        fires={UNSIGNED: "0+0.06", UNSIGNED.replace('"i"', '"j"'): "0+0.06"},
        short=[{UNSIGNED: "0+0.05"}],
        labels={"source": "ingest/zendesk", "outcome": "unsigned"},
        summary="ingest/zendesk: unsigned webhooks are refused",
        description="ingest/zendesk: 11 deliveries in 15 minutes were unsigned, and answered 401."
        " Their events are lost, unless the sender tries again.",
    ),
]
CASES = [*OPERATIONS, *QUALITY, *PLATFORM]
MINUTE, HOUR = 60, 3_600
#: seconds that the condition holds before the alert fires, and that it fires on after its end
TIMES = {
    "WorkersDown": (30, 0),
    "BoardsDown": (30, 0),
    "ProcessDown": (MINUTE, 0),
    "BoardsStale": (10, 0),
    "BoardStale": (10, 0),
    "ConsumerLag": (5 * MINUTE, MINUTE),
    "LateEvents": (0, 5 * MINUTE),
    "InvalidEvents": (0, 5 * MINUTE),
    "UntrustedDeliveries": (0, 5 * MINUTE),
    "LongestWait": (0, MINUTE),
    "QueueWithoutAgents": (MINUTE, MINUTE),
    "Abandonment": (30, 2 * MINUTE),
    "ServiceLevel": (2 * MINUTE, MINUTE),
    "FirstResponsesOverTarget": (5 * MINUTE, 5 * MINUTE),
    "SlaBreached": (5 * MINUTE, 5 * MINUTE),
    "SlaAtRisk": (MINUTE, 2 * MINUTE),
    "CreatedSpike": (0, 0),
    "ContactSpike": (0, 0),
    "ReopenSpike": (0, 0),
    "RepliesPerResolutionJump": (0, 0),
    "CsatBelowTarget": (10 * MINUTE, HOUR),
    "NpsDrop": (10 * MINUTE, HOUR),
    "ResponseRateCollapse": (10 * MINUTE, HOUR),
}
