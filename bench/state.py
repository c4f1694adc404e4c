"""What a state of many customers costs: CPU an event, and memory, with 10,000 and with 1,000,000 finished customers known."""

import gc
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from statistics import median
from typing import NamedTuple, TypeVar

import msgspec

from bench.core import CUT, Counted, resident, run
from bench.figures import say, show
from bench.inputs import Record, records
from bench.population import Pair, Past, past
from streamer.partition import PANES, TIMELINES
from streamer.settings import Settings

#: the events come from a population of this size, so that they are of many customers
_POPULATION = 1_000_000
_FEW = 10_000
#: how often the same events make other customers active, so that they are more than a partition keeps unpacked
_COPIES = 30
_IDS = re.compile(rb'("(?:id|subject|customer|about|into)":"[^"]*)"')
#: what a recovery takes in at once
_READ = 20_000
T = TypeVar("T")


class Held(NamedTuple):
    """One run: CPU us an event; bytes a customer known; customers known that the events touched."""

    cpu: float
    bytes_each: float
    touched: int


def _spread(input_: Sequence[Record], known: int) -> tuple[list[Record], int]:
    """Give the events' customers, in the order in which they appear, the names of known ones, evenly apart."""
    places: dict[str, int] = {}
    events = [msgspec.json.decode(record.value) for record in input_]
    for event in events:
        if "customer" in event["data"]:
            places.setdefault(event["data"]["customer"], len(places))
    step = max(1, known // len(places))
    result = []
    for record, event in zip(input_, events, strict=True):
        if "customer" in event["data"]:
            name = f"c{places[event['data']['customer']] * step % known}"
            event["data"]["customer"] = name
            result.append(record._replace(key=name.encode(), value=msgspec.json.encode(event)))
        else:
            result.append(record)
    return result, min(len(places), known)


def _hold(events: int, known: int, before: Past) -> Held:
    """Recover a partition of so many customers, then apply the events."""
    input_, touched = _spread(records(events, _POPULATION), known)
    partition = Counted(Settings())
    partition.restore_many(PANES, before.panes)
    gc.collect()
    empty = resident()
    for pairs in _in_parts(before, known):
        partition.restore_many(TIMELINES, pairs)
    partition.restored()
    gc.collect()
    grown = resident() - empty
    done, _ = run(input_, CUT, partition)
    return Held((done.apply + done.changes) / events * 1e6, grown / known, touched)


def _in_parts(before: Past, known: int) -> Iterator[list[Pair]]:
    pairs = before.known(known)
    while part := list(islice(pairs, _READ)):
        yield part


def _active(events: int, copies: int) -> tuple[float, int]:
    """Return the memory of an active customer in bytes, and how many there were: no agents, panes taken off.

    Each copy of the events is of other customers, tickets, calls and so on, and of the same time.
    """
    input_ = [record for record in records(events, _POPULATION) if b'"customer":' in record.value]
    gc.collect()
    empty = resident()
    partition = Counted(Settings())
    for i in range(copies):
        run([_renamed(record, b"-%d" % i) for record in input_], CUT, partition)
    gc.collect()
    panes = sum(array.nbytes for cells in partition.store.panes.values() for array in cells)
    customers = len({record.key for record in input_}) * copies
    return (resident() - empty - panes) / customers, customers


def _renamed(record: Record, end: bytes) -> Record:
    """Return the record with `end` behind every id in it."""
    value = _IDS.sub(lambda found: found[1] + end + b'"', record.value)
    return record._replace(key=(record.key or b"") + end, value=value)


def _apart(function: Callable[..., T], *arguments: object) -> T:
    """Call a function in a fresh process, whose memory is that of nothing else."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def main(events: int, customers: int, runs: int) -> None:
    """Measure the same events over few and over many customers known, each time in a fresh process; print medians."""
    before = past()
    records(events, _POPULATION)  # made once, not by each process
    size = sum(map(len, before.customers)) / len(before.customers)
    say(
        f"state: {events} events, {len(before.customers)} finished customers from real folds, load {os.getloadavg()[0]:.1f}"
    )
    show("timeline record of a finished customer", [size], "bytes")
    found: dict[int, list[Held]] = {_FEW: [], customers: []}
    for _ in range(runs):
        for known, held in found.items():
            held.append(_apart(_hold, events, known, before))
    for known, held in found.items():
        show(f"{known} customers known: CPU", [one.cpu for one in held], "us an event")
        show("  of them touched by the events", [held[0].touched])
        show("  memory of a finished customer", [one.bytes_each for one in held], "bytes")
    few, many = (median(one.cpu for one in held) for held in found.values())
    show("CPU with many over CPU with few", [many / few])
    for copies in (1, _COPIES):
        each, number = _apart(_active, events, copies)
        show(f"memory of an active customer (of {number})", [each], "bytes, panes taken off")
