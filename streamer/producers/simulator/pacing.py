"""When to send what a simulation yields: in time with the clock on the wall, at a rate, or at once."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from streamer.producers.simulator.centre import SECOND_MS

Event = dict[str, object]


def event_ms(event: Event) -> int:
    """Return an event's time in milliseconds since the epoch."""
    return round(datetime.fromisoformat(str(event["time"])).timestamp() * SECOND_MS)


def pace(
    events: Iterable[Event],
    *,
    rate: float | None = None,
    live: bool = False,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Event]:
    """Yield the events when it is time to send them.

    `live`: what has already happened comes at once, stamped with `recordedtime` as history is; the rest comes when its
    time has come, unstamped. Otherwise all is history: at `rate` events a second of the clock, or as fast as possible.
    `clock` gives seconds since the epoch.
    """
    begin = clock()
    for number, event in enumerate(events):
        if live and (due := event_ms(event) / SECOND_MS) >= begin:
            ahead = due - clock()
        else:
            event["recordedtime"] = event["time"]
            ahead = begin + number / rate - clock() if rate else 0.0
        if ahead > 0:
            sleep(ahead)
        yield event
