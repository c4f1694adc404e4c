"""The table "Comparison" of the catalogue: what is usual, what is not, and what goes with unhappy answers.

Made from the sums of other rows; of its own it has the rows ``driver``: one fact an answer and driver, 1 where it is low.
"""

from typing import NamedTuple

from streamer.metrics.catalogue import contacts, surveys
from streamer.metrics.catalogue.model import REGISTRY, Kind, Metric, Series, Term, family, number, row, total

#: the answers that tell how satisfied customers are (metrics.md, satisfaction_class_ratio): esat is of employees
SATISFACTION = tuple(kind for kind in surveys.SATISFACTION if kind != "esat")


class Compared(NamedTuple):
    """A metric that has a baseline: its value is over / (under x unit) x scale; a count has nothing under it."""

    name: str
    over: tuple[Term, ...]
    under: tuple[Term, ...] = ()
    unit: int = 1
    scale: float = 1.0
    kind: Kind = Kind.COUNT

    @property
    def is_count(self) -> bool:
        """Whether it is a number of events, of which a quarter of an hour has a quarter."""
        return not self.under


def _compared(name: str, unit: int = 1, scale: float = 1.0, **labels: str) -> Compared:
    metric = next(metric for metric in REGISTRY.metrics if metric.name == name)
    (series,) = (series for series in metric.series if labels.items() <= dict(series.labels).items())
    return Compared(name, series.numerator, series.denominator, unit, scale, metric.kind)


COMPARED = (
    Compared("tickets_created", (number(row("tickets_created")),)),
    Compared(
        "queue_legs",
        tuple(number(row("leg", outcome=o, reached=r)) for o in contacts.OUTCOMES for r in contacts.REACHED),
    ),
    _compared("answer_wait", unit=1000),
    _compared("abandon_ratio", short="included"),
    _compared("first_response", unit=1000),
    _compared("replies_per_resolution"),
    _compared("reopen_ratio"),
    _compared("csat_ratio", kind="csat"),
    _compared("nps_score", scale=100.0),
)
#: millionths of x and answers, whose hourly means are watched for a shift
SCORES = tuple(tuple(term(row("csat_mean_ratio", kind=kind)) for kind in SATISFACTION) for term in (total, number))
DRIVERS = (
    "waited_over_target",
    "transferred",
    "replies_over_2",
    "reopened",
    "repeat_contact",
    "breached",
    "abandoned_first",
)
ALL_ANSWERS = REGISTRY.row("driver_any")
DRIVER = {name: REGISTRY.row("driver", driver=name) for name in DRIVERS}
#: drivers whose name comes from the events: ``channel:X``, ``topic:X``
OPEN_DRIVERS = family("driver", "driver")

_METRIC_LABEL = tuple(Series((("metric", compared.name),), ()) for compared in COMPARED)
_DRIVER_LABEL = tuple(Series((("driver", name),), ()) for name in DRIVERS)
_BY = "Shown by all and by single dimensions."
_WHICH = (
    "Legs of all outcomes together; means of answer_wait and first_response in seconds; abandon_ratio with short ones"
    " included; csat_ratio of kind csat."
)
_BEYOND_CHANCE = (
    "Beyond chance: now - usual > 4 x sqrt(deviation^2 + error^2). Usual: the baseline at the middle of the 15 min, on the"
    " straight line from the middle of their last minute's hour to that of the hour before or after. Deviation: 1.4826 x"
    " median absolute deviation, as in metric_deviation_score. Error: of a count sqrt(now), of a ratio"
    " sqrt(numerator) / denominator, of a mean now / sqrt(samples), of nps_score 100 / sqrt(answers)."
)
_NEEDS = ("survey.answered: kind survey score scale_min scale_max best about",)


def _number(name: str, **texts: object) -> Metric:
    return REGISTRY.add(Metric(name=name, kind=Kind.NUMBER, windows=(), **texts))  # type: ignore[arg-type]  # texts are Metric's fields


_number(
    "metric_baseline",
    about="What is usual for a metric in this hour of the week.",
    formula="median of the same hour of the week over the last 4 weeks; where fewer than 2 of these have a value:"
    " exponentially weighted mean of the last 24 whole hours, alpha 0.3",
    at="the hour that T lies in",
    series=_METRIC_LABEL,
    seed="S3 S1 baseline, S0 trends",
    counted="Whole hours (UTC) before the one that T lies in; of a count also hours without events, from its first one on.",
    not_counted="The current hour; of a ratio or mean, hours without samples.",
    edge_cases=("Of a count it is the number in an hour.", _WHICH, _BY),
)
_number(
    "metric_deviation_score",
    about="How far a metric is from what is usual, in spreads.",
    formula="(now - baseline) / spread; now: the last 15 min; spread: max(1.4826 x median absolute deviation of the"
    " residuals of all hours of the 4 weeks, 10 % of the baseline, and of counts the square root of the baseline)",
    at="the last 15 min",
    series=_METRIC_LABEL,
    seed="S3 S1 baseline, S0 trends",
    counted="As metric_baseline; now is the window 15m.",
    not_counted="As metric_baseline.",
    edge_cases=(
        "Counts: baseline and deviation are those of an hour / 4, and the root is that of baseline / 4.",
        "A residual is an hour's value less the baseline of its hour of the week, as it is now. Absent where the spread is 0.",
        _BY,
    ),
)
_number(
    "spike",
    about="Whether a metric is far above what is usual: 1 or 0.",
    formula="at the end of each minute of the last 2 h, from clear: set by two minutes in a row with a score above 4 and"
    " at least 30 events; cleared by a score below 2",
    at="the last whole minute",
    series=_METRIC_LABEL,
    seed="S3 spikes, S1 focus",
    counted="Events: those of the 15 min, of a ratio or mean its samples, or as many as are usual in 15 min.",
    not_counted="Minutes without a score neither set nor clear it.",
    edge_cases=("Shown where there is a baseline.", _BY),
)
_number(
    "spike_confirmed",
    about="Whether a spike is more than chance: 1 or 0. Alerts and the wall page go by it.",
    formula="as spike, but set only where the second minute is beyond chance too",
    at="the last whole minute",
    series=_METRIC_LABEL,
    seed="S3 spikes, S1 focus",
    counted="As spike.",
    not_counted="As spike.",
    edge_cases=(_BEYOND_CHANCE, "Shown where there is a baseline.", _BY),
)
_number(
    "spike_contributor_ratio",
    about="Of each dimension the value that has most of a spike's excess, and its share.",
    formula="excess of the segment / excess of the group that spikes; excess: of a count now - baseline, of a ratio or mean"
    " (now - baseline) x samples",
    at="the last whole minute",
    series=_METRIC_LABEL,
    open_labels=("dimension", "value"),
    seed="S3 spikes, S1 focus",
    counted="The values of every dimension that the group that spikes does not fix, the empty one too; ties in byte order.",
    not_counted="Dimensions that are labels of the spike itself.",
    edge_cases=(
        "Shown while the spike is set. A segment without a baseline has one of 0, of a ratio or mean that of the group.",
        "Medians do not add up: a share may exceed 1.",
    ),
)
_number(
    "driver_lift",
    about="How much likelier an unhappy answer is where something was the case in the contact.",
    formula="P(low | driver) / P(low | no driver) over 30 d; low: an at_risk answer of csat, relationship or experience",
    at="answered",
    series=_DRIVER_LABEL,
    open_labels=("driver",),
    seed="S1 S2 key drivers",
    counted="Answers about a ticket, chat or call that is known; its drivers as they are at the answer.",
    not_counted="Answers about nothing known. Topics and channels past the 10 with the most answers each.",
    needs=_NEEDS,
    edge_cases=(
        "Absent with fewer than surveys.min_samples answers with the driver, or where no answer without it is low.",
        "waited_over_target: a leg over its queue's service target. breached: a target of sla_met_ratio missed, whatever came after.",
        "repeat_contact: within 7 d. abandoned_first: the first leg, or the customer elsewhere up to 24 h before.",
    ),
)
_number(
    "driver_samples",
    about="Answers about contacts in which something was the case.",
    formula="answers with the driver over 30 d",
    at="answered",
    series=_DRIVER_LABEL,
    open_labels=("driver",),
    seed="S1 S2 key drivers",
    counted="As driver_lift.",
    not_counted="As driver_lift.",
    needs=_NEEDS,
)
_number(
    "driver_low",
    about="Unhappy answers about contacts in which something was the case.",
    formula="at_risk answers with the driver over 30 d",
    at="answered",
    series=_DRIVER_LABEL,
    open_labels=("driver",),
    seed="S1 S2 key drivers",
    counted="As driver_lift.",
    not_counted="As driver_lift.",
    needs=_NEEDS,
    edge_cases=("Shown, also as 0, where driver_samples is.",),
)
_number(
    "satisfaction_shift",
    about="Whether satisfaction has moved for good within the last 24 h: 1 or 0.",
    formula="two-sided CUSUM of hourly means of x over 30 d, k 0.5, h 5 standard deviations of its first 7 d (Page 1954);"
    " 1 for 24 h after a change point",
    at="the hour of the answers",
    seed="S0 exact moment",
    counted="Answers of csat, relationship and experience; every hour with answers counts alike, the current one too.",
    not_counted="Hours without answers change nothing.",
    needs=(_NEEDS[0].removesuffix(" about"),),
    edge_cases=("Absent with fewer than 2 hours with answers, or no spread, in the first 7 d.",),
)
_number(
    "satisfaction_shift_timestamp_seconds",
    about="When satisfaction moved: the last change point of the 30 d.",
    formula="beginning of the hour in which a sum of the CUSUM passes h from below",
    at="the hour of the answers",
    seed="S0 exact moment",
    counted="As satisfaction_shift.",
    not_counted="As satisfaction_shift.",
    needs=(_NEEDS[0].removesuffix(" about"),),
)
