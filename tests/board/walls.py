"""A board in this process whose clock goes on from the last event of a simulated story, on a port that stays its own."""

import asyncio
import time
from contextlib import suppress
from dataclasses import replace

import msgspec
from aiohttp import web

from streamer.board.server import make_app
from streamer.board.view import View
from streamer.embedded import free_port
from streamer.events.codec import Decoder
from streamer.processor.mark import Mark
from streamer.producers.simulator import demo, parse_incident, simulate
from streamer.replay import accept
from streamer.settings import Settings
from tests.board.changelog import Cluster

START = 1_767_600_000_000  # 2026-01-05T08:00:00Z, a Monday
_encode = msgspec.json.Encoder().encode
SETTINGS = Settings.model_validate(
    {
        "targets": {"csat_ratio": 0.8, "service_level_ratio": 0.8, "abandon_ratio": 0.1},
        "time": {"zone": "Europe/Amsterdam"},
    }
)


def story(*, minutes, incident=None, customers=1500, seed=3):
    """(event, time, arrival) of a centre, in order of arrival."""
    centre = demo(customers=customers)
    if incident:
        centre = replace(centre, incidents=(parse_incident(incident, START),))
    decoder = Decoder(SETTINGS.surveys.scales, SETTINGS.time.future)
    raw = simulate(centre, start_ms=START, duration_ms=minutes * 60_000, seed=seed)
    return sorted((accept(decoder, _encode(event)) for event in raw), key=lambda record: record[2])


class Wall:
    """The board; `feed` gives it events, and its clock goes on from the last one."""

    def __init__(self, settings=SETTINGS):
        self.settings = settings
        self.cluster = Cluster(settings, 2)
        self.port = free_port()
        self.silent = False
        self._at, self._began = START, time.monotonic()
        self._frozen = None
        self._runner = None
        self._written = []
        self._tasks = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def clock(self):
        return self._frozen or self._at + round((time.monotonic() - self._began) * 1000)

    def freeze(self):
        """The clock stands, and so do the numbers: `again` sends them once more."""
        self._frozen = self.clock()

    async def again(self):
        await self.view.apply(0, {}, None)

    async def feed(self, events):
        for event, at, arrival in events:
            self.cluster.accept(arrival, event, at)
        self._at, self._began = max(events[-1][2], self.clock()), time.monotonic()
        flush = [(number, dict(rows)) for number, rows in self.cluster.cut(0)]
        self._written.append(flush)
        if self._runner:
            await self._apply(flush)

    async def _apply(self, flush):
        """All partitions at once, so that no update shows half of what a test feeds."""
        await self.view.run(lambda: [self.view.merge.apply(number, rows) for number, rows in flush])
        for number, _ in flush:
            await self.view.apply(number, {}, self._mark())

    def _mark(self):
        now = self.clock()
        return Mark(offsets={}, arrivals={}, clock=now, time=now - 200, configuration="c")

    async def start(self):
        self.view = View(self.settings, self.clock)
        self.app = make_app(self.view)
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        for flush in self._written:
            await self._apply(flush)
        self.view.waiting = ""
        self._tasks = [asyncio.create_task(self._marks())]

    async def _marks(self):
        """An idle worker writes marks."""
        while True:
            await asyncio.sleep(0.5)
            if not self.silent:
                self.view.marks |= dict.fromkeys(self.view.marks, self._mark())

    async def stop(self):
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._runner:
            await self._runner.cleanup()
            self.view.close()
        self._runner = None
