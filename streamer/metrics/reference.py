"""The reference page of all metrics, made from the catalogue: `python -m streamer.metrics.reference [--check]`."""

import argparse
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from streamer.metrics.catalogue import METRICS, Kind, Metric

PAGE: Final = Path("docs") / "metrics.md"

#: title of a section -> its first metric; the catalogue's modules register theirs in one piece
_SECTIONS: Final = {
    "Tickets": "tickets_created",
    "Chats and calls": "queue_waiting",
    "Customers, contact by contact": "contacts",
    "Surveys": "csat_ratio",
    "Agents": "agents",
}
_ALIVE: Final = {
    "tickets": "ticket",
    "queue": "chat or call",
    "surveys": "survey",
    "contacts": "ticket, chat or call",
}
_WITH_SAMPLES: Final = (Kind.RATIO, Kind.MEAN, Kind.DURATION, Kind.VALUE)
_HEAD: Final = """\
# Metrics

Every number that `streamer` computes. This page is made from the catalogue (`streamer/metrics/catalogue/`) by
`python -m streamer.metrics.reference`; do not edit it.

What holds for all of them:

- Every family begins with `support_` and has the labels `by` (the grouping: `all`, `channel`, `queue`, `team` unless
  configured) and one for each dimension, empty where the grouping does not name it. Numbers over time have `window`.
- A window of 15 min or 1 h moves in steps of a minute, 24 h and `today` in steps of 15 min, longer ones in steps of an
  hour. The windows given are the defaults; `[metrics.NAME] windows` sets others.
- Durations are seconds. Quantiles have a relative error of at most 1.1 %, unit-less values below 64 are exact; the
  families with a `quantile` label are of TYPE summary, without sum and count, all others are gauges.
- No data is no series: what has no samples is absent, never 0.
- Open work ("stock") is counted while it is open, as it is now; it has no window.
- Ratios and quantiles of a coarser grouping come from summed counts and histograms, never from averaged ratios.
- *Counted at* names the event whose time decides into which window a number falls.
- *Asked for by* names the articles on customer satisfaction (S0 to S4) that the metric carries out.

"""


def sections() -> dict[str, list[Metric]]:
    """Return the catalogue's metrics by the title of their section, in the order of the page."""
    title_of = {first: title for title, first in _SECTIONS.items()}
    found: dict[str, list[Metric]] = {title: [] for title in _SECTIONS}
    title = ""
    for metric in METRICS:
        title = title_of.get(metric.name, title)
        found[title].append(metric)
    return found


def families(metric: Metric) -> dict[str, str]:
    """Return the exposed families of a metric and their types, in the order in which they are shown."""
    full = f"support_{metric.name}"
    if metric.kind is Kind.DURATION:
        return {f"{full}_seconds": "summary", f"{full}_mean_seconds": "gauge", f"{full}_samples": "gauge"}
    if metric.kind is Kind.VALUE:
        return {full: "summary", f"{full}_mean": "gauge", f"{full}_samples": "gauge"}
    found = {full: "gauge"}
    if metric.kind in _WITH_SAMPLES:
        found[f"{full}_samples"] = "gauge"
    if metric.kind is Kind.STOCK:
        found[f"{full}_oldest_age_seconds"] = "gauge"
        if metric.due:
            found[f"{full}_over_target"] = "gauge"
        if metric.name == "sla_open":
            found[f"{full}_at_risk"] = "gauge"
        if metric.name == "tickets_backlog":
            found |= {f"{full}_age_seconds": "summary", f"{full}_age_samples": "gauge"}
    return found


def labels(metric: Metric) -> dict[str, tuple[str, ...]]:
    """Return the own labels of a metric and their values; no values where they come from the events."""
    found: dict[str, dict[str, None]] = {}
    for key, value in chain.from_iterable(series.labels for series in metric.series):
        found.setdefault(key, {})[value] = None
    return {key: tuple(values) for key, values in found.items()} | dict.fromkeys(metric.open_labels, ())


def page() -> str:
    """Return the page's text; the same catalogue gives the same bytes."""
    parts = [_HEAD]
    found = sections()
    parts += [f"- [{title}](#{_anchor(title)}): {len(metrics)}\n" for title, metrics in found.items()]
    for title, metrics in found.items():
        parts.append(f"\n## {title}\n")
        for metric in metrics:
            parts.append(f"\n### {metric.name}\n\n{metric.about}\n\n")
            parts += [f"- **{name}**: {text}\n" for name, text in _entries(metric)]
    return "".join(parts)


def _anchor(title: str) -> str:
    return title.lower().replace(",", "").replace(" ", "-")


def _entries(metric: Metric) -> Iterator[tuple[str, str]]:
    yield "Kind", metric.kind.value
    yield "Formula", _escaped(metric.formula)
    yield "Counted at", _at(metric)
    if metric.windows:
        yield "Windows", " ".join(f"`{window}`" for window in metric.windows)
    own = [f"`{key}`: {_values(values)}" for key, values in labels(metric).items()]
    if own:
        yield "Labels", "; ".join(own)
    yield "Families", ", ".join(f"`{name}` ({kind})" for name, kind in families(metric).items())
    yield "Edge cases", " ".join(_edge_cases(metric))
    if metric.elsewhere:
        yield "Elsewhere", _escaped(metric.elsewhere)
    if metric.seed:
        yield "Asked for by", _escaped(metric.seed)


def _at(metric: Metric) -> str:
    if metric.kind is Kind.STOCK:
        return "now, while it is open"
    if metric.kind is Kind.LEVEL:
        return "now, summed since the beginning of the log"
    return _escaped(metric.at) or "each part at its own time"


def _values(values: tuple[str, ...]) -> str:
    return " ".join(f"`{value}`" if value else '`""` (not stated)' for value in values) or "as the events say"


def _edge_cases(metric: Metric) -> Iterator[str]:
    if metric.zero:
        yield f"Shown as 0 for groups with {_ALIVE[metric.zero]} events in the last 24 h."
    elif metric.kind in _WITH_SAMPLES or metric.kind is Kind.NUMBER:
        yield "Absent without samples."
    else:
        yield "Absent where it is 0."
    if metric.flows:
        yield "The parts are counted each at its own time, so it may leave 0 to 1."
    if metric.due:
        yield f"Over target: due {'before' if metric.due_strict else 'at or before'} now."
    if metric.open is not None and metric.open.top:
        yield (
            f"The {metric.open.top} largest values over all groups, by the longest window, are shown; the rest is `other`."
        )
    if metric.only_by is not None:
        yield f"Shown by {', '.join(metric.only_by)} only."
    yield from map(_escaped, metric.edge_cases)


def _escaped(text: str) -> str:
    for mark in "\\*_<|":
        text = text.replace(mark, f"\\{mark}")
    return text


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or with --check only compare; return 1 if it differed from the catalogue then."""
    parser = argparse.ArgumentParser(prog="python -m streamer.metrics.reference", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=PAGE)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is out of date")
    options = parser.parse_args(arguments)
    file: Path = options.file
    if file.is_file() and file.read_text(encoding="utf-8") == page():
        return 0
    if options.check:
        sys.stderr.write(f"{file}: out of date\n")
        return 1
    file.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{file}: written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
