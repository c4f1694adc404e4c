"""The reference page of all metrics, made from the catalogue: `python -m streamer.metrics.reference [--check]`."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from streamer.metrics.catalogue import METRICS, OWN, Metric
from streamer.metrics.catalogue.trust import KINDS
from streamer.metrics.explain import explanation, families, labels, origin

__all__ = ["PAGE", "families", "labels", "main", "page", "sections"]

PAGE: Final = Path("docs") / "metrics.md"

#: title of a section -> its first metric; the catalogue's modules register theirs in one piece
_SECTIONS: Final = {
    "Tickets": "tickets_created",
    "Chats and calls": "queue_waiting",
    "Customers, contact by contact": "contacts",
    "Surveys": "csat_ratio",
    "Agents": "agents",
    "Comparison": "metric_baseline",
    "Trust in the numbers": OWN[0].name,
}
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
- *Needs* names the event types (each begins with `support.`) and the fields of their data that are read, beside the
  dimensions; `customer` stands where contacts have to be joined. Types that are not sent leave the metric empty.
- *Counted at* names the event whose time decides into which window a number falls.
- *PromQL* reads it, with one of its windows and the first value of each label.
- *Asked for by* names the articles on customer satisfaction (S0 to S4) that the metric carries out.
- The board exposes them. The numbers on the numbers themselves (the last section) say who does, and have only the
  labels that they name: no `by`, no dimension, no window.

"""


def sections() -> dict[str, list[Metric]]:
    """Return the catalogue's metrics by the title of their section, in the order of the page."""
    title_of = {first: title for title, first in _SECTIONS.items()}
    found: dict[str, list[Metric]] = {title: [] for title in _SECTIONS}
    title = ""
    for metric in (*METRICS, *OWN):
        title = title_of.get(metric.name, title)
        found[title].append(metric)
    return found


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
    known = explanation(metric)
    yield "Kind", known["kind"]
    yield "Formula", _escaped(known["formula"])
    yield "Counts", _escaped(known["counted"])
    yield "Does not count", _escaped(known["not_counted"])
    yield "Counted at", _escaped(known["counted_at"])
    if known["needs"]:
        yield "Needs", "; ".join(_need(need["type"], need["fields"]) for need in known["needs"])
    if known["windows"]:
        yield "Windows", " ".join(f"`{window}`" for window in known["windows"])
    own = [f"`{key}`: {_values(values) or _escaped(origin(key))}" for key, values in known["labels"].items()]
    if own:
        yield "Labels", "; ".join(own)
    yield "Families", ", ".join(f"`{name}` ({kind})" for name, kind in known["families"].items())
    if metric.kind in KINDS:
        yield "Exposed by", f"the {known['exposed_by']}"
    yield "Edge cases", " ".join(map(_escaped, known["edge_cases"]))
    if known["elsewhere"]:
        yield "Elsewhere", _escaped(known["elsewhere"])
    if known["asked_for_by"]:
        yield "Asked for by", _escaped(known["asked_for_by"])
    yield "PromQL", "; ".join(f"{query['reads']}: `{query['query']}`" for query in known["promql"])


def _need(name: str, fields: list[str]) -> str:
    return f"`{name.removeprefix('support.')}`" + (f" ({', '.join(fields)})".replace("_", "\\_") if fields else "")


def _values(values: list[str]) -> str:
    return " ".join(f"`{value}`" if value else '`""` (not stated)' for value in values)


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
