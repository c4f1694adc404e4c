"""Open work as columns: row, group, start, due and until of every item, so that counting and ageing are array work."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streamer.panes.histogram import Ints


class Work(NamedTuple):
    """Open work as columns: row, group, start, due (0: none), until; milliseconds."""

    row: Ints
    group: Ints
    start: Ints
    due: Ints
    until: Ints


def work_table(items: Sequence[tuple[int, int, int, int, int, str]]) -> Work:
    """Return the columns of some items (row, group, start, due, until, entity)."""
    if not items:
        nothing = np.empty(0, dtype=np.int64)
        return Work(nothing, nothing, nothing, nothing, nothing)
    return Work(*(np.array(column, dtype=np.int64) for column in list(zip(*items, strict=True))[:5]))
