"""What the API said, or an evaluation holds, of the headline metrics: indexed, to look single numbers up. Pure."""

from collections.abc import Container, Iterable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from streamer.metrics.evaluate import Block

#: what is asked of the API
NAMES: Final = (
    "queue_waiting",
    "service_level_ratio",
    "abandon_ratio",
    "first_response",
    "tickets_awaiting_first_response",
    "csat_ratio",
    "nps_score",
    "nps_margin",
    "queue_agents",
    "tickets_backlog",
    "tickets_created",
    "tickets_solved",
    "resolution_ratio",
    "sla_open",
    "ces_mean",
    "ces_easy_ratio",
    "survey_response_ratio",
    "detractors_awaiting_follow_up",
    "driver_lift",
    "driver_samples",
    "metric_baseline",
    "metric_deviation_score",
    "spike_confirmed",
    "spike_contributor_ratio",
    "queue_legs",
    "answer_wait",
    "replies_per_resolution",
)
_NAMES: Final = frozenset(NAMES)
_QUANTILES: Final = ("0.5", "0.9")
#: windows by preference: of what happens all the time, and of surveys
WINDOWS: Final = ("15m", "5m", "1h", "24h", "today", "7d", "30d", "90d")
LONG_WINDOWS: Final = ("24h", "today", "7d", "30d", "90d", "1h", "15m", "5m")

Labels = Mapping[str, str]
Samples = Mapping[str, dict[tuple[str, frozenset[tuple[str, str]]], float]]
"""Values by family, then by `by` and the labels that are not empty."""


class Answer(NamedTuple):
    """What the API said, indexed: values by family, `by` and labels; `away` says why it is old, empty where it is not."""

    said: Mapping[str, Any]
    samples: Samples
    away: str = ""


def read(said: Mapping[str, Any], away: str = "") -> Answer:
    """Return an answer of /api/metrics, indexed."""
    samples = {
        family["name"].removeprefix("support_"): {
            _key(sample["labels"]): sample["value"] for sample in family["samples"]
        }
        for family in said.get("families", ())
    }
    return Answer(said, samples, away)


def indexed(blocks: Iterable[Block], dimensions: tuple[str, ...], said: Mapping[str, Any]) -> Answer:
    """Return the same from an evaluation: of each metric only what the headline shows, as this is done twice a second."""
    chosen = [block for block in blocks if block.metric.name in _NAMES]
    windows: dict[str, set[str]] = {}
    for block in chosen:
        windows.setdefault(block.metric.name, set()).add(dict(block.labels).get("window", ""))
    wanted = {name: {first_of(WINDOWS, there), first_of(LONG_WINDOWS, there), ""} for name, there in windows.items()}
    samples: dict[str, dict[tuple[str, frozenset[tuple[str, str]]], float]] = {}
    groups: dict[int, tuple[str, frozenset[tuple[str, str]]]] = {}
    for block in chosen:
        own = dict(block.labels)
        if own.get("window", "") not in wanted[block.metric.name] or own.get("quantile", "0.5") not in _QUANTILES:
            continue
        family = samples.setdefault(block.family.removeprefix("support_"), {})
        labels = frozenset((k, v) for k, v in own.items() if v)
        for place in np.flatnonzero(block.shown).tolist():
            if place not in groups:
                by, values = block.places.labels[place]
                groups[place] = by, frozenset((k, v) for k, v in zip(dimensions, values, strict=True) if v)
            by, group = groups[place]
            if "," not in by:
                family[by, group | labels] = float(block.values[place])
    return Answer(said, samples)


def first_of(order: tuple[str, ...], there: Container[str]) -> str:
    """Return the first window by preference that is there; empty if none is."""
    return next((window for window in order if window in there), "")


def _key(labels: Labels) -> tuple[str, frozenset[tuple[str, str]]]:
    return labels.get("by", "all"), frozenset((k, v) for k, v in labels.items() if v and k != "by")
