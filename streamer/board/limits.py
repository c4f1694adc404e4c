"""The limit of shown series: what goes over it is left out by whole metric and grouping, least important first."""

from typing import NamedTuple

import numpy as np

from streamer.metrics.catalogue import METRICS
from streamer.metrics.evaluate import Block


class Limited(NamedTuple):
    """The blocks that are shown, how many series are left out, and of which (metric, by)."""

    blocks: list[Block]
    series_left_out: int
    left_out: list[tuple[str, str]]


def limited(blocks: list[Block], most: int) -> Limited:
    """Leave out whole (metric, grouping)s until at most `most` series remain.

    The finest groupings go first (they have the most places), and of one grouping the metrics last in the catalogue.
    """
    total = sum(int(block.shown.sum()) for block in blocks)
    if total <= most or not blocks:
        return Limited(blocks, 0, [])
    places = blocks[0].places
    groupings = len(places.groupings)
    sizes: dict[str, list[int]] = {}
    for block in blocks:
        counts = np.bincount(places.grouping[block.shown], minlength=groupings).tolist()
        sizes[block.metric.name] = [
            a + b for a, b in zip(sizes.get(block.metric.name, [0] * groupings), counts, strict=True)
        ]
    width = np.bincount(places.grouping, minlength=groupings).tolist()
    order = sorted(range(groupings), key=lambda g: (-width[g], -len(places.groupings[g])))
    gone: set[tuple[str, int]] = set()
    left = total
    for grouping in order:
        for metric in reversed(METRICS):
            size = sizes.get(metric.name, [0] * groupings)[grouping]
            if left <= most:
                break
            if size:
                gone.add((metric.name, grouping))
                left -= size
    kept = []
    for block in blocks:
        hidden = [g for name, g in gone if name == block.metric.name]
        shown = block.shown & ~np.isin(places.grouping, hidden) if hidden else block.shown
        if shown.any():
            kept.append(block._replace(shown=shown))
    names = [(name, ",".join(places.groupings[grouping]) or "all") for name, grouping in sorted(gone)]
    return Limited(kept, total - left, names)
