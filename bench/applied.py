"""`python -m bench.applied FILE`: `streamer board` that also notes when it applied which flush, a JSON line each.

A line is [partition, offsets by topic that the flush includes, wall time in ms after it was applied].
"""

import json
import sys
from pathlib import Path

from streamer.board.command import board
from streamer.board.visible import Visible
from streamer.processor.mark import Mark


def main() -> None:
    """Run until SIGTERM."""
    flushed = Visible.flushed
    with Path(sys.argv[1]).open("w", buffering=1) as out:

        def noted(self: Visible, partition: int, mark: Mark, applied: int, *, sample: bool) -> None:
            flushed(self, partition, mark, applied, sample=sample)
            out.write(json.dumps([partition, mark.offsets, applied]) + "\n")

        Visible.flushed = noted  # type: ignore[method-assign] # the place where the board says that it has applied one
        board()


if __name__ == "__main__":
    main()
