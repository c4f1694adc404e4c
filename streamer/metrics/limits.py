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
    if not blocks:
        return Limited(blocks, 0, [])
    places = blocks[0].places
    shown = np.concatenate([block.shown for block in blocks]).reshape(len(blocks), -1)
    total = int(np.count_nonzero(shown))
    if total <= most:
        return Limited(blocks, 0, [])
    groupings = len(places.groupings)
    numbers = {name: i for i, name in enumerate(dict.fromkeys(block.metric.name for block in blocks))}
    metric_of = np.array([numbers[block.metric.name] for block in blocks])
    by_grouping = np.stack([np.count_nonzero(shown[:, places.grouping == g], axis=1) for g in range(groupings)], axis=1)
    sizes = np.zeros((len(numbers), groupings), dtype=np.int64)
    np.add.at(sizes, metric_of, by_grouping)
    width = np.bincount(places.grouping, minlength=groupings).tolist()
    order = sorted(range(groupings), key=lambda g: (-width[g], -len(places.groupings[g])))
    hidden = np.zeros((len(numbers), groupings), dtype=bool)
    left = total
    for grouping in order:
        for metric in reversed(METRICS):
            number = numbers.get(metric.name)
            if left <= most:
                break
            if number is not None and sizes[number, grouping]:
                hidden[number, grouping] = True
                left -= int(sizes[number, grouping])
    touched = np.logical_or.reduce(hidden, axis=1)
    shown &= ~hidden[:, places.grouping][metric_of]
    some: list[bool] = np.logical_or.reduce(shown, axis=1).tolist()
    kept = [
        block._replace(shown=mask) if cut else block
        for block, mask, cut, any_ in zip(blocks, shown, touched[metric_of].tolist(), some, strict=True)
        if any_
    ]
    gone = sorted((name, grouping) for name, i in numbers.items() for grouping in np.flatnonzero(hidden[i]).tolist())
    return Limited(kept, total - left, [(name, ",".join(places.groupings[g]) or "all") for name, g in gone])
