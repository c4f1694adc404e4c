"""Incidents as they are written on a command line."""

import re
from typing import Final

from streamer.producers.simulator.centre import MINUTE_MS, Incident
from streamer.settings import parse_duration

DURATION_MS: Final = 30 * MINUTE_MS
FACTOR: Final = 5.0
SYNTAX: Final = "QUEUE@+DELAY[/DURATION][xFACTOR], such as billing@+2m or billing@+2m/10mx4"

_INCIDENT: Final = re.compile(
    r"(?P<queue>[^@\s]+)@\+(?P<delay>[^/x\s]+)(?:/(?P<duration>[^x\s]+))?(?:\s*x(?P<factor>\d+(?:\.\d+)?))?", re.ASCII
)


def parse_incident(text: str, origin_ms: int) -> Incident:
    """Read `QUEUE@+DELAY[/DURATION][xFACTOR]`; the delay counts from `origin_ms`. ValueError says what is wrong.

    Without a duration it lasts 30 minutes, without a factor five times as many contacts arrive.
    """
    match = _INCIDENT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no incident (write {SYNTAX})")
    duration_ms = parse_duration(match["duration"]) if match["duration"] else DURATION_MS
    factor = float(match["factor"]) if match["factor"] else FACTOR
    if not duration_ms or not factor:
        raise ValueError(f"{text!r}: an incident lasts some time and has a factor above 0")
    start_ms = origin_ms + parse_duration(match["delay"])
    return Incident(queue=match["queue"], start_ms=start_ms, duration_ms=duration_ms, factor=factor)
