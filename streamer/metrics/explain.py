"""What the catalogue says of a metric, for people: `streamer explain`, the reference page, the board's /api/explain. Pure."""

import difflib
import re
from collections.abc import Iterator
from itertools import chain, product
from typing import Any, Final

from streamer.metrics.catalogue import METRICS, OWN, Kind, Metric
from streamer.metrics.catalogue.trust import KINDS

PREFIX: Final = "support_"
_EVENT_PREFIX: Final = "support."
_ALIVE: Final = {
    "tickets": "ticket",
    "queue": "chat or call",
    "surveys": "survey",
    "contacts": "ticket, chat or call",
}
_WITH_SAMPLES: Final = (Kind.RATIO, Kind.MEAN, Kind.DURATION, Kind.VALUE)
#: the window of the example queries: the first of these that the metric has
_QUERY_WINDOWS: Final = ("1h", "24h", "7d", "30d")
#: surveys.min_samples by default
_ENOUGH: Final = 30
_SUGGESTIONS: Final = 6


def explanation(metric: Metric) -> dict[str, Any]:
    """Return all that is known of a metric as plain data; the keys come in the order in which they are shown."""
    return {
        "name": metric.name,
        "definition": metric.about,
        "kind": metric.kind.value,
        "formula": metric.formula,
        "counted": _sentence(metric.counted),
        "not_counted": _sentence(metric.not_counted),
        "counted_at": _at(metric),
        "needs": [{"type": name, "fields": fields} for name, fields in needed(metric)],
        "windows": list(metric.windows),
        "labels": {key: list(values) for key, values in labels(metric).items()},
        "families": families(metric),
        "exposed_by": metric.where,
        "edge_cases": list(_edge_cases(metric)),
        "elsewhere": metric.elsewhere,
        "articles": re.findall(r"\bS[0-4]\b", metric.seed),
        "asked_for_by": metric.seed,
        "promql": [{"reads": reads, "query": query} for reads, query in queries(metric)],
    }


def find(name: str) -> Metric | None:
    """Return the metric of this name or with a family of this name, each with or without the prefix; None if none."""
    return _known().get(name.removeprefix(PREFIX))


def similar(name: str) -> list[str]:
    """Return the names of metrics that may have been meant, likeliest first."""
    wanted = name.removeprefix(PREFIX).lower().replace("-", "_")
    names = [metric.name for metric in (*METRICS, *OWN)]
    found = difflib.get_close_matches(wanted, names, _SUGGESTIONS) + [n for n in names if wanted and wanted in n]
    return list(dict.fromkeys(found))[:_SUGGESTIONS]


def _known() -> dict[str, Metric]:
    found = {family.removeprefix(PREFIX): metric for metric in (*METRICS, *OWN) for family in families(metric)}
    return found | {metric.name: metric for metric in (*METRICS, *OWN)}


def unknown(name: str) -> str:
    """Return the sentence that says that there is no such metric, and what may have been meant."""
    meant = similar(name)
    return f"there is no metric {name}" + (f"; did you mean {', '.join(meant)}?" if meant else "")


def families(metric: Metric) -> dict[str, str]:
    """Return the exposed families of a metric and their types, in the order in which they are shown."""
    full = f"{PREFIX}{metric.name}"
    if metric.kind in KINDS:
        return {full: metric.kind.value}
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
    if metric.kind in KINDS:
        return {key: tuple(found.get(key, ())) for key in metric.open_labels}
    return {key: tuple(values) for key, values in found.items()} | dict.fromkeys(metric.open_labels, ())


def origin(label: str) -> str:
    """Return in words where the values of a label come from that has none of its own."""
    return "as [targets] says" if label == "metric" else "as the events say"


def needed(metric: Metric) -> list[tuple[str, list[str]]]:
    """Return the event types that a metric is made from, and which fields of their data beside the dimensions."""
    found: dict[str, list[str]] = {}
    for need in metric.needs:
        types, _, fields = need.partition(":")
        entities, _, names = types.partition(".")
        for entity, name in product(entities.split("/"), names.split("/")):
            known = found.setdefault(f"{_EVENT_PREFIX}{entity}.{name}", [])
            known += [field for field in fields.split() if field not in known]
    return list(found.items())


def queries(metric: Metric) -> Iterator[tuple[str, str]]:
    """Return PromQL to read a metric with, each with what it reads, in words."""
    if metric.kind in KINDS:
        yield from _own_queries(metric)
        return
    every = "all" if metric.only_by is None else next(iter(metric.only_by), "all")
    window = next((w for w in (*_QUERY_WINDOWS, *metric.windows) if w in metric.windows), "")
    own = {key: values[0] for key, values in labels(metric).items() if values}

    def select(family: str, by: str, **more: str) -> str:
        chosen = {"by": by, "window": window, **own, **more}
        pairs = ",".join(f'{key}="{value}"' for key, value in chosen.items() if value)
        return f"{family}{{{pairs}}}"

    main, *others = families(metric)
    if metric.kind in (Kind.DURATION, Kind.VALUE):
        mean, samples = others
        yield "median", select(main, every, quantile="0.5")
        yield "90th percentile", select(main, every, quantile="0.9")
        yield f"mean by queue, of {_ENOUGH} samples and more", _enough(select, mean, samples)
    elif metric.open_labels and not own:
        yield "the largest values", f"topk(5, {select(main, every)})"
    else:
        yield "now", select(main, every)
        yield from _beside(metric, select, main, others, every)


def _own_queries(metric: Metric) -> Iterator[tuple[str, str]]:
    family = f"{PREFIX}{metric.name}"
    own = ", ".join(labels(metric))
    by = f" by ({own})" if own else ""
    if metric.kind is Kind.COUNTER:
        yield "a second", f"sum{by} (rate({family}[5m]))"
        yield "in the last hour", f"sum{by} (increase({family}[1h]))"
    elif metric.kind is Kind.HISTOGRAM:
        for words, quantile in (("median", 0.5), ("99th percentile", 0.99)):
            yield words, f"histogram_quantile({quantile}, sum by (le) (rate({family}_bucket[5m])))"
    elif family.endswith("_timestamp_seconds"):
        yield "how long ago, in seconds", f"time() - max{by} ({family})"
    else:
        yield "now", f"max{by} ({family})"


def _beside(metric: Metric, select: Any, main: str, others: list[str], every: str) -> Iterator[tuple[str, str]]:
    if metric.kind is Kind.STOCK:
        yield "age of the oldest, in seconds", select(others[0], every)
        if metric.due:
            yield "past their due time", select(others[1], every)
    if metric.only_by is None:
        if metric.kind in _WITH_SAMPLES and metric.samples_scale == 1:
            yield f"by queue, of {_ENOUGH} samples and more", _enough(select, main, others[0])
        else:
            yield "by queue, largest first", f"sort_desc({select(main, 'queue')})"


def _enough(select: Any, family: str, samples: str) -> str:
    return f"{select(family, 'queue')} and {select(samples, 'queue')} >= {_ENOUGH}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}." if text else ""


def _at(metric: Metric) -> str:
    if metric.kind is Kind.STOCK:
        return "now, while it is open"
    if metric.kind is Kind.LEVEL:
        return "now, summed since the beginning of the log"
    return metric.at or "each part at its own time"


def _edge_cases(metric: Metric) -> Iterator[str]:
    if metric.kind in KINDS:
        yield from metric.edge_cases
        return
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
    if metric.only_by:
        yield f"Shown by {', '.join(metric.only_by)} only."
    yield from metric.edge_cases
