"""The board without its sockets: changes of a partition come in, all numbers are evaluated and written as text."""

import gc
import os
import re
import time
import zlib
from collections.abc import Mapping
from statistics import median, quantiles

from bench.core import CHUNK, chunks
from bench.figures import say
from bench.inputs import Record, records
from streamer.board.merge import Merge
from streamer.metrics.exposition import render
from streamer.metrics.limits import limited
from streamer.panes.records import PANE, decode_groups, encode_groups, pane_key, read_pane_key
from streamer.partition import PANES, Partition
from streamer.settings import Settings

#: events that come between two scrapes
_BETWEEN = 250
_SECOND = 1000
_WARM = 5
#: of the input
_QUEUES = 10
#: slices of history by size: what the comparison reads, 2 h and a window of minutes, nothing, 4 weeks and 2 h of hours
_HISTORY = (135, 0, 4 * 7 * 24 + 2)
#: two minutes of the input are all that its hour has
_MINUTES = 30
_QUEUE = re.compile(rb'"queue":"queue-(\d+)"')


def _spread(record: Record, queues: int) -> Record:
    """Return a record with its queue, one of ten, made one of `queues` by its key."""
    more = zlib.crc32(record.key) % (queues // _QUEUES) * _QUEUES
    return record._replace(value=_QUEUE.sub(lambda m: b'"queue":"queue-%02d"' % (int(m[1]) + more), record.value))


def _times(value: bytes, times: int) -> bytes | None:
    """Return the cells of a pane's record with so many times the facts."""
    _, _, cells = decode_groups([value])
    counts, totals, buckets = (numbers * times for numbers in (cells.counts, cells.totals, cells.bucket_counts))
    cells = cells._replace(counts=counts, totals=totals, bucket_counts=buckets)
    return next(iter(encode_groups(cells, [0])))[1]


def _history(rows: Mapping[bytes, bytes | None]) -> dict[bytes, bytes | None]:
    """Return panes of the past: each minute of it as the last one was, and each hour as many of them."""
    found: dict[bytes, bytes | None] = {}
    for key, value in rows.items():
        if key[:1] == PANE and value is not None:
            size, number, group = read_pane_key(key)
            if size == len(_HISTORY) - 1:
                value = _times(value, _MINUTES)  # noqa: PLW2901
            for ago in range(1, _HISTORY[size] + 1 if size < len(_HISTORY) else 1):
                found.setdefault(pane_key(size, number - ago, group), value)
    return found


def main(events: int, customers: int, scrapes: int, queues: int) -> None:
    """Take in the input but for its end, then scrape a second apart with some events in between; print percentiles.

    With more than the input's ten queues each minute of 2 h and each hour of 4 weeks before it has had the same.
    """
    input_ = records(events, customers)
    if queues > _QUEUES:
        input_ = [_spread(record, queues) for record in input_]
    loaded = events - (scrapes + _WARM) * _BETWEEN
    if loaded < CHUNK:
        msg = f"{scrapes} scrapes need at least {events - loaded + CHUNK} events"
        raise SystemExit(msg)
    settings = Settings()  # all, by channel, by queue and by team: 19 places, some 20,000 series
    partition, merge = Partition(settings), Merge(settings)
    for chunk in chunks(input_[:loaded], CHUNK):
        for topic, part in chunk:
            partition.apply(topic, part)
        partition.work_off()
    clock = input_[loaded - 1].timestamp
    known = dict(partition.changes(clock).tables[PANES])
    merge.apply(0, _history(known) | known if queues > _QUEUES else known)
    at = (clock // _SECOND + 1) * _SECOND
    merge.settle(at)
    gc.collect()
    gc.freeze()  # as the board does once it has caught up,
    gc.disable()  # which collects by its own clock
    parts: tuple[list[float], ...] = ([], [], [], [])
    applying, evaluating, limiting, rendering = parts
    cpu: list[float] = []
    shown = left_out = size = 0
    for chunk in chunks(input_[loaded:], _BETWEEN):
        for topic, part in chunk:
            partition.apply(topic, part)
        partition.work_off()
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
