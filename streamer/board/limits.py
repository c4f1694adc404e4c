"""The limit of shown series: what goes over it is left out by whole metric and grouping, least important first."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from streamer.metrics.catalogue import METRICS
from streamer.metrics.evaluate import Block

if TYPE_CHECKING:
    from streamer.panes.histogram import Ints


class Limited(NamedTuple):
    """The blocks that are shown, how many series are left out, and of which (metric, by)."""

    blocks: list[Block]
    series_left_out: int
    left_out: list[tuple[str, str]]


def limited(blocks: list[Block], most: int) -> Limited:
    """Leave out whole (metric, grouping)s until at most `most` series remain.

    The finest groupings go first (they have the most places), and of one grouping the metrics last in the catalogue.
    """
    total = sum(map(np.count_nonzero, (block.shown for block in blocks)))  # many blocks: a sum() takes 10 times as long
    if total <= most or not blocks:
        return Limited(blocks, 0, [])
    places = blocks[0].places
    groupings = len(places.groupings)
    by_grouping = (
        np.stack([block.shown for block in blocks]).astype(np.int64)
        @ np.eye(groupings, dtype=np.int64)[places.grouping]
    )
    sizes: dict[str, Ints] = {}
    for block, counts in zip(blocks, by_grouping, strict=True):
        name = block.metric.name
        sizes[name] = sizes[name] + counts if name in sizes else counts
    width = np.bincount(places.grouping, minlength=groupings).tolist()
    order = sorted(range(groupings), key=lambda g: (-width[g], -len(places.groupings[g])))
    gone: set[tuple[str, int]] = set()
    left = total
    for grouping in order:
        for metric in reversed(METRICS):
            size = int(sizes[metric.name][grouping]) if metric.name in sizes else 0
            if left <= most:
                break
            if size:
                gone.add((metric.name, grouping))
                left -= size
    hidden: dict[str, list[int]] = {}
    for name, grouping in gone:
        hidden.setdefault(name, []).append(grouping)
    visible = {name: ~np.isin(places.grouping, numbers) for name, numbers in hidden.items()}
    kept = []
    for block in blocks:
        mask = visible.get(block.metric.name)
        shown = block.shown if mask is None else block.shown & mask
        if shown.any():
            kept.append(block if mask is None else block._replace(shown=shown))
    names = [(name, ",".join(places.groupings[grouping]) or "all") for name, grouping in sorted(gone)]
    return Limited(kept, total - left, names)
