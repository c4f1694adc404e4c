"""Groupings: which coarse group a stored group belongs to, with the limit of shown values a dimension applied."""

from typing import NamedTuple

import numpy as np

from streamer.facts import ROW_LIMIT
from streamer.metrics.catalogue import ACTIVITY
from streamer.metrics.plan import Plan, slices
from streamer.panes.histogram import Ints
from streamer.panes.store import Store
from streamer.settings import Settings

OTHER = "other"


class Coarse(NamedTuple):
    """One grouping: its dimensions, the `by` label, the label values of its coarse groups, and group -> coarse group."""

    names: tuple[str, ...]
    by: str
    labels: list[tuple[str, ...]]
    of_group: Ints


def coarse_groupings(
    store: Store, groups: list[tuple[str, ...]], settings: Settings, at: int, *, plan: Plan | None = None
) -> list[Coarse]:
    """Return the configured groupings; `groups` are the stored groups' values in the order of dimensions.names."""
    names = settings.dimensions.names
    window = (plan or Plan(settings)).longest
    counts = _events(store, len(groups), *slices(window, at, settings.time.zone))
    shown = [_shown(groups, place, counts, settings.dimensions.limit) for place in range(len(names))]
    wanted = settings.dimensions.groupings
    if settings.exposition.groupings is not None:
        wanted = tuple(g for g in wanted if g in settings.exposition.groupings)
    result = []
    for grouping in wanted:
        places = [names.index(name) for name in grouping]
        numbers: dict[tuple[str, ...], int] = {}
        of_group = np.zeros(len(groups), dtype=np.int64)
        for i, values in enumerate(groups):
            key = tuple(shown[p].get(values[p], OTHER) for p in places)
            of_group[i] = numbers.setdefault(key, len(numbers))
        labels = [tuple(key[grouping.index(name)] if name in grouping else "" for name in names) for key in numbers]
        result.append(Coarse(tuple(grouping), ",".join(grouping) or "all", labels, of_group))
    return result


def _events(store: Store, groups: int, size: int, low: int, high: int) -> Ints:
    """Return the number of accepted events of each group in some slices."""
    counts = np.zeros(groups, dtype=np.int64)
    numbers = np.array(sorted(ACTIVITY.values()))
    for pane in store.range(size, low, high):
        chosen = np.isin((pane.cells >> 1) & (ROW_LIMIT - 1), numbers)
        np.add.at(counts, pane.cells[chosen] // (2 * ROW_LIMIT), pane.counts[chosen])
    return counts


def _shown(groups: list[tuple[str, ...]], place: int, counts: Ints, limit: int) -> dict[str, str]:
    """Return the values of a dimension that are shown as they are: the most frequent ones, ties in byte order."""
    sizes: dict[str, int] = {"": 0}
    for values, count in zip(groups, counts.tolist(), strict=True):
        sizes[values[place]] = sizes.get(values[place], 0) + count
    ranked = sorted((value for value in sizes if value), key=lambda value: (-sizes[value], value.encode()))
    return {value: value for value in ("", *ranked[:limit])}
