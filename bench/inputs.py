"""The input of all measurements: the first events of the simulator's `bench`, as records of the source topics."""

import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from streamer.producers.kafka import address
from streamer.producers.simulator.pacing import event_ms

SEED = 1
#: what is made once lies here; git ignores it
FOLDER = Path(__file__).parents[1] / ".services" / "bench"
#: a Monday, so that the same arguments give the same bytes
START = "2026-01-05T00:00:00Z"


class Record(NamedTuple):
    """A record as a consumer would give it; it arrived (`timestamp`, ms) when it happened."""

    topic: str
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


def lines(events: int, customers: int, start: str = START) -> list[bytes]:
    """Return the first `events` of the input as JSON lines. `start` also as `-10m`, ten minutes ago.

    Raises RuntimeError if the simulator gives fewer.
    """
    begun = "" if start == START else f"-{start[:10]}"
    file = FOLDER / f"seed{SEED}-{customers}-{events}{begun}.jsonl"
    lasts = not start.startswith("-")
    if lasts and file.exists():
        return file.read_bytes().splitlines(keepends=True)
    command = [sys.executable, "-m", "streamer", "simulate", "--preset", "bench", "--seed", str(SEED), "--out", "-"]
    command += ["--customers", str(customers), f"--start={start}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as simulator:
        assert simulator.stdout is not None
        found = list(islice(simulator.stdout, events))
        simulator.stdout.close()  # it ends as it does before `head`
    if len(found) < events:
        msg = f"the simulator gave {len(found)} events instead of {events}"
        raise RuntimeError(msg)
    if lasts:
        FOLDER.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        partial.write_bytes(b"".join(found))
        partial.rename(file)
    return found


def records(events: int, customers: int, start: str = START) -> list[Record]:
    """Return the first `events` of the input as records, in order of time."""
    result = []
    for number, line in enumerate(lines(events, customers, start)):
        event: dict[str, Any] = msgspec.json.decode(line)
        topic, key = address(event)
        result.append(Record(topic, number, event_ms(event), key.encode(), line.rstrip(b"\n")))
    return result
