"""Queries of panels. Every one keeps only the labels it shows: two boards that say the same are one series."""

from typing import Final

from streamer.metrics.explain import PREFIX, find
from streamer.watch.targets import target

#: the segment that the variables choose; one that is not chosen is `()`, which matches the empty label alone
SELECTED: Final = 'by="$by",channel=~"$channel",queue=~"$queue",team=~"$team"'
_SPIKES: Final = ("metric_deviation_score", "spike_confirmed")
#: a share of fewer answers is grey, and no alarm (surveys.min_samples by default)
ENOUGH: Final = 30


def shown(family: str, *keep: str, by: str = "", window: str = "", **own: str) -> str:
    """Return the query of a catalogue family (named without the prefix), with `keep` as its labels.

    `by` is a grouping, whose label is kept too; without it, the selected segment. `own` are label values to choose.
    Raises ValueError if the catalogue has no such family, or one with windows and none is given, or the reverse.
    """
    metric = find(family)
    if metric is None or bool(metric.windows) != bool(window):
        raise ValueError(f"{family}, window {window!r}: the catalogue has no such number")
    matchers = [f'by="{by}"' if by else SELECTED]
    matchers += [f'window="{window}"'] if window else []
    matchers += [f'{label}="{value}"' for label, value in sorted(own.items())]
    labels = ([by] if by and by != "all" else []) + list(keep)
    return f"max by ({', '.join(labels)}) ({PREFIX}{family}{{{','.join(matchers)}}})"


def judged(value: str, metric: str, worse: str, samples: str) -> str:
    """Return a single number with the labels `state`, `target` (in percent; "-" where none is set) and `n`, its samples.

    The target is the configuration's; `worse` is the comparison (< or >) that says that it is missed. A number of fewer
    than `ENOUGH` samples is not judged.
    """
    limit = target(metric)
    few = _labelled(f"({value} and on () {samples} < {ENOUGH})", "state", "few answers")
    past = _labelled(f"({value} {worse} on () group_left () {limit})", "state", "past target")
    well = _labelled(f"({value} and on () {limit})", "state", "on target")
    unset = _labelled(value, "state", "no target")
    percent = f'count_values ("target", round(100 * {limit}, 0.1)) or on () {_labelled("vector(1)", "target", "-")}'
    text = f"({few} or on () {past} or on () {well} or on () {unset}) * on () group_left (target) ({percent})"
    return _numbered(text, samples)


def missed(values: str, metric: str, worse: str, samples: str) -> str:
    """Return for each of some numbers 1 where its metric's target is missed, else 0; 2 where it has too few samples."""
    return f"0 * ({samples} < {ENOUGH}) + 2 or {values} {worse} bool on () group_left () {target(metric)}"


def numbered(value: str, samples: str) -> str:
    """Return a single number with the labels `n`, how many samples are behind it, and `few`, which says so below `ENOUGH`."""
    few = _labelled(f"({value} and on () {samples} < {ENOUGH})", "few", "few answers · ")
    return _numbered(f"{few} or on () {value}", samples)


def _numbered(value: str, samples: str) -> str:
    return f'({value}) * on () group_left (n) count_values ("n", {samples})'


def _labelled(value: str, label: str, text: str) -> str:
    return f'label_replace({value}, "{label}", "{text}", "", "")'


def spiking() -> str:
    """Return the scores of the metrics that spike, by the finest segment that does, as the page says it.

    The segment is in the label of its kind; a spike of all together is of the queue `everywhere`.
    """
    found = [_labelled(_spiking('by="all"', "metric"), "queue", "everywhere")]
    for kind in ("channel", "team", "queue"):
        found.insert(0, _spiking(f'by="{kind}",{kind}!=""', f"metric, {kind}"))
    return " or on (metric) ".join(found)


def _spiking(group: str, labels: str) -> str:
    score, set_ = (f"max by ({labels}) ({PREFIX}{family}{{{group}}})" for family in _SPIKES)
    return f"({score} and {set_} == 1)"


def rate(counter: str, *keep: str) -> str:
    """Return what a counter of the pipeline counts a second."""
    return f"sum by ({', '.join(keep)}) (rate({counter}[$__rate_interval]))"


def slowest(histogram: str, quantile: float) -> str:
    """Return a quantile (0 to 1) of a histogram of the pipeline, in seconds."""
    return f"histogram_quantile({quantile:g}, sum by (le) (rate({histogram}_bucket[$__rate_interval])))"
