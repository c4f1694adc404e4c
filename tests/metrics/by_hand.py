"""Events by their wall clock, and the numbers that `streamer replay` prints of them, for cases computed by hand."""

import re
from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

import msgspec

from streamer.events.codec import Decoder, millis
from streamer.replay import accept, exposition
from streamer.settings import Settings

_LABEL = re.compile(r'(\w+)="([^"]*)"')
_ids = count()


def moment(text, zone="UTC"):
    """Return an instant of a zone's wall clock; `2026-10-25 02:30 b` is the second one of an hour that comes twice."""
    clock = text.removesuffix(" b")
    return datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo(zone), fold=int(clock != text))


def event(what, subject, time, /, customer="c", **data):
    """Return a recorded event. `time` has a zone; a customer of None is none."""
    data = data if customer is None else {"customer": customer, **data}
    return {
        "specversion": "1.0",
        "id": f"e{next(_ids)}",
        "source": "test",
        "type": f"support.{what}",
        "time": time.isoformat(timespec="milliseconds"),
        "subject": subject,
        "data": data,
    }


class Replay:
    """Recorded events, taken in as `streamer replay` does; `replay.at(time)` looks a series up as of an instant."""

    def __init__(self, events, config=None):
        self._settings = Settings.model_validate(config or {})
        decoder = Decoder(self._settings.surveys.scales, self._settings.time.future)
        accepted = [accept(decoder, msgspec.json.encode(one)) for one in events]
        self._events = sorted(((arrival, one, time) for one, time, arrival in accepted), key=lambda record: record[0])

    def at(self, time):
        """Return what gives the value of a series at that instant, None where there is none."""
        series = {}
        for line in exposition(self._settings, self._events, millis(time)).splitlines():
            if line.startswith("support_"):
                key, value = line.rsplit(" ", 1)
                name, _, labels = key.partition("{")
                series[name, *sorted(_LABEL.findall(labels))] = float(value)

        def look_up(name, /, by="all", **labels):
            wanted = {"by": by, "channel": "", "queue": "", "team": "", **labels}
            return series.get((f"support_{name}", *sorted(wanted.items())))

        return look_up
