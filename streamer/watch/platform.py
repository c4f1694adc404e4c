"""Alerts about streamer itself and what feeds it: whether the numbers may be believed.

`WorkersDown`, `BoardsDown` and `BoardsStale` silence the alerts about numbers (alertmanager.yml).
"""

from typing import Final

from streamer.watch.alert import DURATION, Alert, Severity, Team

#: the jobs of prometheus.yml
WORKERS: Final = "streamer-worker"
BOARDS: Final = "streamer-board"
# A worker writes a mark at least every 5 s (worker.mark_interval), also when no event comes. A board that has just
# started reads the whole changelog before it knows any: that may take minutes, but not five; until then it has no age.
_AGES: Final = f"""\
time() - min by (instance) (support_board_mark_timestamp_seconds)
  or
  time() - max by (instance) (process_start_time_seconds{{job="{BOARDS}"}}) > 300
    unless on (instance) support_board_mark_timestamp_seconds"""

PLATFORM: Final = (
    Alert(
        name="WorkersDown",
        severity=Severity.CRITICAL,
        team=Team.PLATFORM,
        expr=f'(sum(up{{job="{WORKERS}"}}) or vector(0)) == 0',
        hold="30s",
        summary="No worker runs: the numbers stand still",
        description="Prometheus reaches no worker. Events wait in Kafka; nothing is lost, nothing is counted.",
    ),
    Alert(
        name="BoardsDown",
        severity=Severity.CRITICAL,
        team=Team.PLATFORM,
        expr=f'(sum(up{{job="{BOARDS}"}}) or vector(0)) == 0',
        hold="30s",
        summary="No board answers: there are no numbers",
        description="Prometheus reaches no board. The wall page, dashboards and alerts about numbers are blind.",
    ),
    Alert(
        name="ProcessDown",
        severity=Severity.WARNING,
        team=Team.PLATFORM,
        expr='up{job=~"streamer-.+"} == 0',
        hold="1m",
        summary="{{ $labels.job }} at {{ $labels.instance }} does not answer",
        description="{{ $labels.job }} at {{ $labels.instance }} was not scraped for a minute; others may do its work.",
    ),
    Alert(
        name="BoardsStale",
        severity=Severity.CRITICAL,
        team=Team.PLATFORM,
        expr=f"""\
min(
  {_AGES}
) > 30""",
        hold="10s",
        summary="All boards show old numbers",
        description=f"Every board has had no news of a partition for {{{{ $value | {DURATION} }}}} or longer.",
    ),
    Alert(
        name="BoardStale",
        severity=Severity.WARNING,
        team=Team.PLATFORM,
        expr=f"""\
(
  {_AGES}
) > 30""",
        hold="10s",
        summary="The board at {{ $labels.instance }} shows old numbers",
        description="The board at {{ $labels.instance }} has had no news of a partition"
        f" for {{{{ $value | {DURATION} }}}}. Alerts about numbers leave it out.",
    ),
    Alert(
        name="ConsumerLag",
        severity=Severity.WARNING,
        team=Team.PLATFORM,
        expr="""\
sum by (topic) (support_worker_lag_records) > 10000""",
        hold="5m",
        keep="1m",
        summary="{{ $labels.topic }}: the workers do not keep up",
        description='{{ $labels.topic }}: {{ $value | printf "%.0f" }} records wait to be processed.',
    ),
    Alert(
        name="SourceSilent",
        severity=Severity.WARNING,
        team=Team.PLATFORM,
        # Silent where it spoke a week ago; before there is a week: a day ago; before there is a day: in the last hour.
        # Told by what was, not by what is: the counter of a silent source is gone once a worker was restarted.
        expr="""\
(
  sum by (source) (increase(support_events_total[15m] offset 1w))
  or sum by (source) (increase(support_events_total[15m] offset 1d))
  or sum by (source) (increase(support_events_total[1h] offset 15m)) / 4
) >= 10
unless on (source)
sum by (source) (increase(support_events_total[15m])) > 0""",
        hold="1m",
        summary="{{ $labels.source }} is silent",
        description="{{ $labels.source }} has sent nothing for 15 minutes,"
        ' {{ $value | printf "%.0f" }} events were to be expected. Its counts are not healthy because they are low.',
    ),
    Alert(
        name="LateEvents",
        severity=Severity.WARNING,
        team=Team.PLATFORM,
        expr="""\
sum by (source, reason) (increase(support_events_late_total[15m])) >= 10""",
        keep="5m",
        summary="{{ $labels.source }}: events come too late to be counted",
        description='{{ $labels.source }}: {{ $value | printf "%.0f" }} events in 15 minutes were left out'
        " ({{ $labels.reason }}).",
    ),
    Alert(
        name="InvalidEvents",
        severity=Severity.WARNING,
        team=Team.PLATFORM,
        expr="""\
sum by (source, code) (increase(support_events_invalid_total[15m])) >= 10""",
        keep="5m",
        summary="{{ with $labels.source }}{{ . }}{{ else }}A source without a name{{ end }}: events are refused",
        description="{{ with $labels.source }}{{ . }}{{ else }}A source without a name{{ end }}:"
        ' {{ $value | printf "%.0f" }} records in 15 minutes became dead letters ({{ $labels.code }}).',
    ),
    Alert(
        name="UntrustedDeliveries",
        severity=Severity.WARNING,
        team=Team.PLATFORM,
        expr="""\
sum by (source, outcome) (increase(support_ingest_deliveries_total{outcome=~"unsigned|forged|replayed"}[15m])) >= 10""",
        keep="5m",
        summary="{{ $labels.source }}: {{ $labels.outcome }} webhooks are refused",
        description='{{ $labels.source }}: {{ $value | printf "%.0f" }} deliveries in 15 minutes were {{ $labels.outcome }},'
        " and answered 401. Their events are lost, unless the sender tries again.",
    ),
)
