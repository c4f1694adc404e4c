"""Queries of panels. Every one keeps only the labels it shows: two boards that say the same are one series."""

from typing import Final

from streamer.metrics.explain import PREFIX, find
from streamer.watch.targets import DEFAULTS, target

#: the segment that the variables choose; one that is not chosen is `()`, which matches the empty label alone
SELECTED: Final = 'by="$by",channel=~"$channel",queue=~"$queue",team=~"$team"'
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


def goal(metric: str) -> str:
    """Return the query of a metric's target: the configuration's, or what the alerts compare with where it has none."""
    return target(metric) if metric in DEFAULTS else f'max({PREFIX}metric_target{{metric="{metric}"}})'


def judged(value: str, metric: str, worse: str, samples: str, enough: int = 0) -> str:
    """Return a single number with the labels `state`, `target` (in percent) and `n`, its samples.

    The target is the configuration's; `worse` is the comparison (< or >) that says that it is missed. With `enough`, a
    number of fewer samples is not judged.
    """
    limit = goal(metric)
    past = _stated(f"({value} {worse} on () group_left () {limit})", "past target")
    text = f"{past} or on () {_stated(value, 'on target')}"
    if enough:
        text = f"{_stated(f'({value} and on () {samples} < {enough})', 'few answers')} or on () {text}"
    text = f'({text}) * on () group_left (target) count_values ("target", round(100 * {limit}, 0.1))'
    return numbered(text, samples)


def missed(values: str, metric: str, worse: str) -> str:
    """Return 1 for each of some numbers that misses its metric's target, and 0 for the others."""
    return f"{values} {worse} bool on () group_left () {goal(metric)}"


def _stated(value: str, state: str) -> str:
    return f'label_replace({value}, "state", "{state}", "", "")'


def numbered(value: str, samples: str) -> str:
    """Return a single number with the label `n`, how many samples are behind it."""
    return f'({value}) * on () group_left (n) count_values ("n", {samples})'


def rate(counter: str, *keep: str) -> str:
    """Return what a counter of the pipeline counts a second."""
    return f"sum by ({', '.join(keep)}) (rate({counter}[$__rate_interval]))"


def slowest(histogram: str, quantile: float) -> str:
    """Return a quantile (0 to 1) of a histogram of the pipeline, in seconds."""
    return f"histogram_quantile({quantile:g}, sum by (le) (rate({histogram}_bucket[$__rate_interval])))"
