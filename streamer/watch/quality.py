"""Alerts about what customers think, and whether they are still asked."""

from typing import Final

from streamer.watch.alert import OF_QUEUE, PERCENT, QUEUE, VALUE_PERCENT, Alert, Severity, Team, asked
from streamer.watch.targets import target

#: the share of surveys sent that are answered, by kind of survey, over a window
_ANSWERED: Final = """\
max by (kind) (support_surveys_answered{{by="all", window="{window}"}})
  / max by (kind) (support_surveys_sent{{by="all", window="{window}"}})"""
_SENT_ENOUGH: Final = 'max by (kind) (support_surveys_sent{by="all", window="24h"}) >= 30'

QUALITY: Final = (
    Alert(
        name="CsatBelowTarget",
        severity=Severity.WARNING,
        team=Team.QUALITY,
        # The upper bound: even at the best that these answers allow, the target is missed.
        expr=f"""\
max by (queue) (support_csat_upper_bound_ratio{{by="queue", window="7d", kind="csat"}})
  < on () group_left () {target("csat_ratio")}
and
max by (queue) (support_csat_upper_bound_ratio_samples{{by="queue", window="7d", kind="csat"}}) >= 30""",
        target="csat_ratio",
        hold="10m",
        keep="1h",
        summary=f"{QUEUE}: customers are less satisfied than the target",
        description=f"{QUEUE}: "
        + asked(
            '100 * max(support_csat_ratio{by="queue", window="7d", kind="csat", queue=%q})',
            f"{{{{ .Value | {PERCENT} }}}} of the answers of 7 days are satisfied, ",
            *OF_QUEUE,
        )
        + f"at most {VALUE_PERCENT} with 95 % confidence"
        + asked(f"100 * {target('csat_ratio')}", f"; target: {{{{ .Value | {PERCENT} }}}}")
        + ".",
    ),
    Alert(
        name="NpsDrop",
        severity=Severity.WARNING,
        team=Team.QUALITY,
        expr="""\
max by (queue) (support_nps_score{by="queue", window="7d"})
  < max by (queue) (support_nps_score{by="queue", window="30d"}) - max by (queue) (support_nps_margin{by="queue", window="7d"})
and
max by (queue) (support_nps_score_samples{by="queue", window="7d"}) >= 30""",
        hold="10m",
        keep="1h",
        summary=f"{QUEUE}: NPS has dropped by more than its margin",
        description=f'{QUEUE}: NPS of 7 days is {{{{ $value | printf "%.0f" }}}}'
        + asked(
            'max(support_nps_margin{by="queue", window="7d", queue=%q})',
            ' +- {{ .Value | printf "%.0f" }}',
            *OF_QUEUE,
        )
        + asked(
            'max(support_nps_score{by="queue", window="30d", queue=%q})',
            '; of 30 days: {{ .Value | printf "%.0f" }}',
            *OF_QUEUE,
        )
        + ".",
    ),
    Alert(
        name="ResponseRateCollapse",
        severity=Severity.WARNING,
        team=Team.QUALITY,
        # Answers and surveys of the same time, not answers of these surveys: those need their 7 days to come.
        expr=f"""\
{_ANSWERED.format(window="24h")}
  < 0.5 * (
    {_ANSWERED.format(window="30d")}
  )
and
{_SENT_ENOUGH}""",
        hold="10m",
        keep="1h",
        summary="{{ with $labels.kind }}{{ . }} surveys{{ else }}Surveys of no stated kind{{ end }}: hardly anybody answers",
        description="{{ with $labels.kind }}{{ . }} surveys{{ else }}Surveys of no stated kind{{ end }}:"
        f" {VALUE_PERCENT} answers a survey sent in 24 h"
        + asked(
            '100 * max(support_surveys_answered{by="all", window="30d", kind=%q})'
            ' / max(support_surveys_sent{by="all", window="30d", kind=%q})',
            f", {{{{ .Value | {PERCENT} }}}} in 30 days",
            "$labels.kind",
            "$labels.kind",
        )
        + ".",
    ),
)
