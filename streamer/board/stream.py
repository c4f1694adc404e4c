"""The live stream: twice a second the headline numbers, made once and sent to every page (server-sent events)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

import msgspec
from aiohttp import web

from streamer.board.answer import Answer, indexed
from streamer.board.headline import Headline, headline
from streamer.board.spikes import Spike
from streamer.board.trends import POINTS, bands, trends
from streamer.board.view import SECOND, Evaluation, View
from streamer.logs import get_logger, once

logger = get_logger(__name__)

#: ms between two looks at what is new
_EVERY: Final = SECOND // 2
#: a timer may be a little early, and then it would still be the second before
_AFTER_SECONDS: Final = 0.01
_MINUTE: Final = 60_000
#: a spike is told by the last two hours as if there had been none before: one set in their first minutes is older
_SPIKES_KNOWN: Final = 115 * _MINUTE
#: pages at once; each holds one connection and at most an update and asyncio's 64 KiB of unsent bytes
_READERS_MAX: Final = 1_000
#: a page that has read nothing for so long is gone, or will come back by itself
_WRITE_SECONDS: Final = 30.0


class Feed:
    """The newest update and the wish to have one. A reader that is slow skips what it did not read: newest wins."""

    def __init__(self) -> None:
        self.readers = 0
        self.closed = False
        self._update = b""
        self._trends = b""
        self._numbers = (0, 0)
        self._published = asyncio.Event()
        self._wanted = asyncio.Event()

    def publish(self, update: bytes, trends_: bytes) -> None:
        """Hand out an update, and the trends if they are others than before."""
        number, trend = self._numbers
        self._numbers = (number + 1, trend + (trends_ != self._trends))
        self._update, self._trends = update, trends_
        self._published.set()
        self._published = asyncio.Event()

    def close(self) -> None:
        """End all readers."""
        self.closed = True
        self._published.set()

    async def wanted(self, seconds: float) -> None:
        """Return when somebody begins to read, at the latest after so many seconds."""
        self._wanted.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), seconds)

    async def read(self, response: web.StreamResponse) -> None:
        """Write updates to a response until it or the feed ends. Raises TimeoutError where nobody reads."""
        self.readers += 1
        self._wanted.set()
        seen = (self._numbers[0], 0)
        try:
            while True:
                if self._numbers[0] == seen[0]:
                    await self._published.wait()
                if self.closed:
                    return
                parts = [b"event: trends\ndata: ", self._trends, b"\n\n"] if self._numbers[1] != seen[1] else []
                seen = self._numbers
                async with asyncio.timeout(_WRITE_SECONDS):
                    await response.write(b"".join((*parts, b"data: ", self._update, b"\n\n")))
        finally:
            self.readers -= 1


FEED = web.AppKey("feed", Feed)


class Updates:
    """Makes the updates of a view. What it remembers is a minute's waiting for each of 60, and when spikes were set."""

    def __init__(self, view: View, page: str) -> None:
        self._view = view
        self._page = page
        self._waiting: deque[tuple[int, float | None]] = deque(maxlen=POINTS)
        self._since: dict[tuple[str, str, str], tuple[int, bool]] = {}
        self._trends: dict[str, Any] = {}
        self._trends_minute = -1

    async def make(self) -> tuple[bytes, bytes]:
        """Return the update of now and the trends, as JSON."""
        view, reasons = self._view, self._view.unready()
        said: dict[str, Any] = {
            "now": view.clock(),
            "news": min((mark.time for mark in view.marks.values() if mark is not None), default=None),
            "reasons": reasons,
            "zone": view.settings.time.zone,
            "min_samples": view.settings.surveys.min_samples,
            "page": self._page,
        }
        if not (view.refused or view.waiting):
            evaluation = await view.latest(newest=True)
            said["now"] = evaluation.at
            said |= await view.run(self._numbers, evaluation)
        return msgspec.json.encode(said), msgspec.json.encode(self._trends)

    def _numbers(self, evaluation: Evaluation) -> dict[str, Any]:
        """In the board's thread."""
        settings, blocks, at = self._view.settings, evaluation.limited.blocks, evaluation.at
        known = {"targets": settings.targets, "min_samples": settings.surveys.min_samples}
        answer = indexed(blocks, settings.dimensions.names, known)
        numbers = headline(answer)
        numbers["since"] = self._beginnings(numbers["spikes"])
        self._remember(answer, at)
        if blocks and self._trends_minute != at // _MINUTE:
            self._trends_minute = at // _MINUTE
            lines: dict[str, Any] = trends(self._view.merge.store, blocks[0].places, at)
            first = at // _MINUTE - POINTS + 1
            waiting = dict(self._waiting)
            lines["queue_waiting"] = {"": [waiting.get(first + i) for i in range(POINTS)]}
            self._trends = {"lines": lines, "bands": bands(answer.samples), "at": at}
        return numbers

    def _beginnings(self, spikes: list[Spike]) -> list[tuple[int, bool]]:
        """Return when each spike was set, in ms, and whether that is known; if not, it was before that.

        The minutes of the last two hours say it. What they say of a spike is asked once and kept: it may last longer.
        """
        keys = {spike.key for spike in spikes}
        known = {key: since for key, since in self._since.items() if key in keys}
        if new := keys - known.keys():
            begun, now = self._view.merge.spikes_begun(), self._view.instant()
            # of the newest evaluation: a spike that these numbers still have may be over in it
            set_at = {key: begun.get(key, now) for key in new}
            known |= {key: (at, at > now - _SPIKES_KNOWN) for key, at in set_at.items()}
        self._since = known
        return [known[spike.key] for spike in spikes]

    def _remember(self, answer: Answer, at: int) -> None:
        """Keep how many waited at the end of each minute: panes do not hold what was open."""
        count = Headline(answer).stock("queue_waiting").value
        minute = at // _MINUTE
        if self._waiting and self._waiting[-1][0] == minute:
            self._waiting.pop()
        self._waiting.append((minute, count))


async def _run(feed: Feed, updates: Updates, view: View) -> None:
    """Publish until cancelled: each second while somebody reads, else each minute, for what is remembered.

    Just after each whole second, as the numbers are as of one: half a second later they would be half a second old. And
    once more in its middle, if something was applied meanwhile: an event is seen half a second sooner.
    """
    while True:
        published = view.instant(), view.applied
        try:
            feed.publish(*await updates.make())
        except Exception as error:  # the screen must not stop for good: it says itself that updates stay away
            if once("stream", repr(error)):
                logger.exception("the update of the wall failed")
        if not feed.readers:
            await feed.wanted(_MINUTE / SECOND)
            continue
        while True:
            await asyncio.sleep((_EVERY - view.clock() % _EVERY) / SECOND + _AFTER_SECONDS)
            if not feed.readers or (view.instant(), view.applied) != published:
                break


def add_stream(app: web.Application, view: View, page: str) -> None:
    """Add /api/stream to the application; `page` says which page the updates are for, so that an older one reloads."""
    feed = app[FEED] = Feed()

    async def running(_app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_run(feed, Updates(view, page), view))
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def closing(_app: web.Application) -> None:
        feed.close()

    app.cleanup_ctx.append(running)
    app.on_shutdown.append(closing)
    app.router.add_get("/api/stream", _stream)


async def _stream(request: web.Request) -> web.StreamResponse:
    """Updates as server-sent events, one or two a second; event `trends` when the sparklines have changed."""
    feed = request.app[FEED]
    if feed.readers >= _READERS_MAX:
        raise web.HTTPServiceUnavailable(text=f"{_READERS_MAX} pages are open\n", headers={"Retry-After": "60"})
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    try:
        await response.prepare(request)
        await response.write(b"retry: 1000\n\n")
        await feed.read(response)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()  # what it did not read is not kept for it
    except ConnectionError:
        pass  # it has gone
    return response
