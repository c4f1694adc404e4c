"""`exposition.max_series`: which metrics and groupings are left out where there are too many series. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streamer.metrics.catalogue import METRICS
from streamer.metrics.evaluate import Block

_RANK = {metric.name: i for i, metric in enumerate(METRICS)}


class Limited(NamedTuple):
    """What is shown, how many series that is, and what was left out: (metric, grouping) -> series."""

    blocks: list[Block]
    series: int
    dropped: dict[tuple[str, str], int]


def limited(blocks: Sequence[Block], most: int) -> Limited:
    """Return the blocks with at most `most` series.

    What goes is a whole metric in one grouping, least important first: groupings of more dimensions before those of
    fewer; of these, metrics from the catalogue's end; of a metric, the grouping with more series. So what goes last are
    the numbers over everything, of tickets.
    """
    total = sum(int(block.shown.sum()) for block in blocks)
    if total <= most:
        return Limited(list(blocks), total, {})
    groupings = blocks[0].places.groupings
    sizes: dict[tuple[str, int], int] = {}
    for block in blocks:
        counts = np.bincount(block.places.grouping[block.shown], minlength=len(groupings))
        for grouping, count in enumerate(counts.tolist()):
            key = (block.metric.name, grouping)
            sizes[key] = sizes.get(key, 0) + count
    gone: dict[tuple[str, int], int] = {}
    for key, size in sorted(
        sizes.items(), key=lambda item: (-len(groupings[item[0][1]]), -_RANK[item[0][0]], -item[1])
    ):
        if total <= most:
            break
        if size:
            gone[key] = size
            total -= size
    kept = []
    for block in blocks:
        hidden = [grouping for grouping in range(len(groupings)) if (block.metric.name, grouping) in gone]
        shown = block.shown & ~np.isin(block.places.grouping, hidden) if hidden else block.shown
        if shown.any():
            kept.append(block._replace(shown=shown))
    return Limited(kept, total, {(name, ",".join(groupings[g]) or "all"): size for (name, g), size in gone.items()})
