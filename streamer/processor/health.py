"""The worker's small web server: /live, /ready, /metrics. In a thread of its own, off the path of the events."""

import asyncio
import json
import threading
import time
from typing import TYPE_CHECKING

from aiohttp import web
from mode.utils.logging import get_logger
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from streamer.processor.app import WorkerApp

logger = get_logger(__name__)

# A chunk takes 0.1 s and a large cut a second or two; a loop that has not turned for this long hangs.
LIVE_SECONDS = 30.0
# The broker answers a fetch every 0.1 s, also an empty one; without an answer for this long its ends are not known.
SILENT_MS = 5_000


def unready(app: "WorkerApp", now: int) -> str | None:
    """Say why the worker is not ready at wall time `now` (ms), or None. From the application's loop only."""
    if app.rebalancing or not app.recovery.completed.is_set():
        return "not assigned or recovering"
    assigned = {tp.partition for tp in app.consumer.assignment() if tp.topic in app.config.sources}
    if assigned != {owned.number for owned in app.partitions.active}:
        return "partitions lost, rejoining"
    # With more workers than partitions this one may have none: it waits, which is what it is for.
    return _behind(app, now) if assigned else None


def _behind(app: "WorkerApp", now: int) -> str | None:
    lag, heard = app.partitions.lag(), app.partitions.heard()
    if lag is None:
        return "lag unknown"
    if now - heard > SILENT_MS:
        return "the brokers do not answer"
    total = sum(lag.values())
    return f"lag of {total} records" if total > app.config.ready_lag_max else None


class HealthServer:
    """Serves on its own thread what `beat` says from the application's loop."""

    def __init__(self, app: "WorkerApp") -> None:
        self._registry = app.metrics.registry
        self._host, self._port = app.config.host, app.config.port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="health", daemon=True)
        self._started = threading.Event()
        self._error: Exception | None = None
        self._beat = time.monotonic()
        self._unready: str | None = "starting"
        app.health = self

    def beat(self, reason: str | None) -> None:
        """The application's loop turned; `reason` says why the worker is not ready, None if it is."""
        self._beat, self._unready = time.monotonic(), reason

    def start(self) -> None:
        """Bind and serve; raises OSError where the port cannot be had."""
        self._thread.start()
        self._started.wait()
        if self._error:
            raise self._error

    def stop(self) -> None:
        """End the server and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        application = web.Application()
        application.router.add_get("/live", self._live)
        application.router.add_get("/ready", self._ready)
        application.router.add_get("/metrics", self._metrics)
        runner = web.AppRunner(application, access_log=None)
        try:
            self._loop.run_until_complete(runner.setup())
            site = web.TCPSite(runner, self._host, self._port)
            self._loop.run_until_complete(site.start())
        except OSError as exc:
            self._error = exc
            return
        finally:
            self._started.set()
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(runner.cleanup())
            self._loop.close()

    async def _live(self, request: web.Request) -> web.Response:
        del request
        silent = time.monotonic() - self._beat
        return _answer("live", None if silent < LIVE_SECONDS else f"the loop has not turned for {silent:.0f} s")

    async def _ready(self, request: web.Request) -> web.Response:
        del request
        return _answer("ready", self._unready)

    async def _metrics(self, request: web.Request) -> web.Response:
        del request
        text = await asyncio.to_thread(generate_latest, self._registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _answer(what: str, reason: str | None) -> web.Response:
    body = {what: reason is None} | ({"reason": reason} if reason else {})
    return web.Response(text=json.dumps(body), status=200 if reason is None else 503, content_type="application/json")
