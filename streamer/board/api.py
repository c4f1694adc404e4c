"""What the JSON API answers, as plain data. Pure."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from streamer.board.merge import Merge
from streamer.metrics.catalogue import METRICS, WINDOWS, Metric
from streamer.metrics.evaluate import Block
from streamer.metrics.explain import PREFIX, find, unknown
from streamer.metrics.explain import families as families_of
from streamer.metrics.exposition import help_of, labels_of, type_of
from streamer.metrics.grouping import Places
from streamer.metrics.plan import windows_of
from streamer.settings import Settings

_PARAMETERS: Final = ("at", "name", "by", "window")
_NAMES: Final = {name for m in METRICS for name in (m.name, *(f.removeprefix(PREFIX) for f in families_of(m)))}


def mistake(asked: Iterable[tuple[str, str]], settings: Settings) -> str:
    """Return what is wrong with the parameters of a question for `families`, and what they may be; empty if nothing."""
    windows = {window for metric in METRICS for window in windows_of(metric, settings)}
    known: dict[str, list[str]] = {
        "by": [",".join(grouping) or "all" for grouping in Places(settings).groupings],
        "window": [window for window in WINDOWS if window in windows],
    }
    for key, value in asked:
        if key not in _PARAMETERS:
            return f"{key}: not a parameter; there are {', '.join(_PARAMETERS)}"
        if key in known and value not in known[key]:
            return f"{key}: one of {' '.join(known[key])}"
        if key == "name" and value.removeprefix(PREFIX) not in _NAMES:
            own = find(value)
            return f"name: {value} is in the {own.where}'s /metrics only" if own else f"name: {unknown(value)}"
    return ""


def families(
    blocks: Iterable[Block], dimensions: tuple[str, ...], *, names: frozenset[str], by: str | None, window: str | None
) -> list[dict[str, Any]]:
    """Return families with their samples; `names` are of metrics or families, with or without the prefix, none is all.

    Numbers without a window (open work) are in every window.
    """
    wanted = {name.removeprefix(PREFIX) for name in names}
    found: dict[str, dict[str, Any]] = {}
    for block in blocks:
        own = dict(block.labels)
        if wanted and wanted.isdisjoint((block.metric.name, block.family.removeprefix(PREFIX))):
            continue
        if window is not None and own.get("window", window) != window:
            continue
        family = found.setdefault(
            block.family,
            {
                "name": block.family,
                "metric": block.metric.name,
                "type": type_of(block),
                "help": help_of(block.metric, block.family),
                "samples": [],
            },
        )
        order = block.order
        for place in order[block.shown[order]].tolist():
            place_by, values = block.places.labels[place]
            if by is None or by == place_by:
                labels = labels_of(place_by, values, block.labels, dimensions)
                family["samples"].append({"labels": labels, "value": float(block.values[place])})
    return [family for family in found.values() if family["samples"]]


def open_items(
    merge: Merge, metric: Metric, wanted: Mapping[str, str], names: tuple[str, ...], at: int, limit: int
) -> tuple[int, list[dict[str, Any]]]:
    """Return how many open items there are behind a stock at the instant `at` (ms), and the oldest of them.

    `wanted` are values of the metric's own labels and of dimensions that an item must have.
    """
    rows = {
        series.numerator[0].row: dict(series.labels)
        for series in metric.series
        if all(wanted.get(key, value) == value for key, value in series.labels)
    }
    places = [(i, wanted[name]) for i, name in enumerate(names) if name in wanted]
    groups = [n for n, values in enumerate(merge.groups) if all(values[i] == value for i, value in places)]
    count, items = merge.work.oldest(np.array(list(rows)), np.array(groups, dtype=np.int64), at, limit)
    return count, [
        {
            "entity": item.entity,
            "since": rfc3339(item.start),
            "age_seconds": (at - item.start) / 1000,
            "due": rfc3339(item.due) if item.due else None,
            "over_target": 0 < item.due < at + (not metric.due_strict),
            "group": dict(zip(names, merge.groups[item.group], strict=True)),
            "labels": rows[item.row],
        }
        for item in items
    ]


def rfc3339(at: int) -> str:
    """Return an instant (ms since the epoch) as RFC 3339 in UTC."""
    return dt.datetime.fromtimestamp(at / 1000, dt.UTC).isoformat().replace("+00:00", "Z")
