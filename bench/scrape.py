"""The board without its sockets: changes of a partition come in, all numbers are evaluated and written as text."""

import gc
import os
import time
from statistics import median, quantiles

from bench.core import CHUNK, chunks
from bench.figures import say
from bench.inputs import records
from streamer.board.limits import limited
from streamer.board.merge import Merge
from streamer.metrics.exposition import render
from streamer.partition import PANES, Partition
from streamer.settings import Settings

#: events that come between two scrapes
_BETWEEN = 250
_SECOND = 1000
_WARM = 5


def main(events: int, customers: int, scrapes: int) -> None:
    """Take in the input but for its end, then scrape a second apart with some events in between; print percentiles."""
    input_ = records(events, customers)
    loaded = events - (scrapes + _WARM) * _BETWEEN
    if loaded < CHUNK:
        msg = f"{scrapes} scrapes need at least {events - loaded + CHUNK} events"
        raise SystemExit(msg)
    settings = Settings()  # all, by channel, by queue and by team: 19 places, some 20,000 series
    partition, merge = Partition(settings), Merge(settings)
    for chunk in chunks(input_[:loaded], CHUNK):
        for topic, part in chunk:
            partition.apply(topic, part)
    clock = input_[loaded - 1].timestamp
    merge.apply(0, dict(partition.changes(clock).tables[PANES]))
    at = (clock // _SECOND + 1) * _SECOND
    merge.settle(at)
    gc.collect()
    gc.freeze()  # as the board does once it has caught up
    parts: tuple[list[float], ...] = ([], [], [], [])
    applying, evaluating, limiting, rendering = parts
    cpu: list[float] = []
    shown = left_out = size = 0
    for chunk in chunks(input_[loaded:], _BETWEEN):
        for topic, part in chunk:
            partition.apply(topic, part)
        at += _SECOND
        rows = dict(partition.changes(at).tables[PANES])
        times = [time.perf_counter()]
        merge.apply(0, rows)
        times.append(time.perf_counter())
        begun = time.process_time()
        blocks = merge.evaluate(at)
        times.append(time.perf_counter())
        kept = limited(blocks, settings.exposition.max_series)
        times.append(time.perf_counter())
        text = render(kept.blocks, settings.dimensions.names)
        times.append(time.perf_counter())
        cpu.append((time.process_time() - begun) * _SECOND)
        for i, values in enumerate(parts):
            values.append((times[i + 1] - times[i]) * _SECOND)
        shown, left_out, size = sum(int(block.shown.sum()) for block in kept.blocks), kept.series_left_out, len(text)
    say(f"scrape: {loaded} events held, then {_BETWEEN} a scrape, load {os.getloadavg()[0]:.1f}")
    say(f"{shown} series shown, {left_out} over max_series left out, {size / 2**20:.1f} MiB of text")
    whole = [sum(three) for three in zip(evaluating, limiting, rendering, strict=True)]
    for name, values in (
        ("scrape: evaluate, limit, render", whole),
        ("  its CPU time", cpu),
        ("  evaluate", evaluating),
        ("  limit", limiting),
        ("  render", rendering),
        ("a flush applied before it", applying),
    ):
        counted = values[_WARM:]
        say(
            f"{name:<36} median {median(counted):8.1f} ms  p99 {quantiles(counted, n=100)[98]:8.1f} ms  n {len(counted)}"
        )
