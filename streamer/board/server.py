"""The board over HTTP: /metrics, /api/metrics, /api/open, /live, /ready. Evaluation runs in threads, off the loop."""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from streamer.board.follower import Follower
from streamer.board.view import Shown, View
from streamer.events.codec import millis
from streamer.metrics.catalogue import ROWS
from streamer.metrics.exposition import labels_of
from streamer.processor.config import WorkerConfig

_SECOND = 1_000
_OPEN_MOST = 1_000
VIEW = web.AppKey("view", View)


def make_app(view: View, config: WorkerConfig | None) -> web.Application:
    """Return the board's application; with a `config` it follows the changelog while it runs."""
    app = web.Application()
    app[VIEW] = view
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/api/metrics", _api_metrics)
    app.router.add_get("/api/open", _api_open)
    app.router.add_get("/live", _live)
    app.router.add_get("/ready", _ready)
    if config is not None:
        app.cleanup_ctx.append(_following(view, config))
    return app


def _following(view: View, config: WorkerConfig) -> Any:
    async def follow(_app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(Follower(config, view).run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    return follow


async def _shown(request: web.Request) -> Shown:
    view = request.app[VIEW]
    text = request.query.get("at")
    if text is None:
        return await asyncio.to_thread(view.shown)
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise web.HTTPBadRequest(text="at: write an RFC 3339 time with an offset, 2026-01-31T12:00:00Z\n")
    return await asyncio.to_thread(view.shown_at, millis(instant) // _SECOND * _SECOND)


async def _metrics(request: web.Request) -> web.Response:
    shown = await _shown(request)
    return web.Response(body=shown.text.encode(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


async def _api_metrics(request: web.Request) -> web.Response:
    """Families as JSON; ?name= (metric or family), ?by=, ?window= choose."""
    shown = await _shown(request)
    query = request.query
    names = request.app[VIEW].settings.dimensions.names
    families: dict[str, list[dict[str, Any]]] = {}
    for family, sample in _samples(shown, names, query.get("name"), query.get("by"), query.get("window")):
        families.setdefault(family, []).append(sample)
    return web.json_response({"as_of": shown.at / _SECOND, "families": families})


def _samples(
    shown: Shown, names: tuple[str, ...], name: str | None, by: str | None, window: str | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    for block in shown.blocks:
        if name is not None and name not in (block.metric.name, block.family):
            continue
        own = dict(block.labels)
        if window is not None and own.get("window", window) != window:
            continue
        for place in block.shown.nonzero()[0].tolist():
            place_by, values = block.places.labels[place]
            if by is None or by == place_by:
                labels = labels_of(place_by, values, block.labels, names)
                yield block.family, {"labels": labels, "value": block.values[place].item()}


async def _api_open(request: web.Request) -> web.Response:
    """The oldest open items behind a stock: ?metric=queue_waiting, its own labels, ?limit=."""
    labels = dict(request.query)
    metric = labels.pop("metric", "")
    try:
        most = min(_OPEN_MOST, int(labels.pop("limit", "20")))
    except ValueError:
        raise web.HTTPBadRequest(text="limit: write a whole number\n") from None
    view = request.app[VIEW]
    found = await asyncio.to_thread(view.open_items, metric, labels, most)
    now = time.time_ns() // 1_000_000
    names = view.settings.dimensions.names
    items = [
        {
            "entity": entity,
            "age_seconds": (now - start) / _SECOND,
            "over_target": bool(due) and due <= now,
            **dict(zip(names, values, strict=True)),
            **dict(ROWS[row].labels),
        }
        for (row, _, start, due, _, entity), values in found
    ]
    return web.json_response({"metric": metric, "items": items})


async def _live(_request: web.Request) -> web.Response:
    return web.json_response({"live": True})


async def _ready(request: web.Request) -> web.Response:
    reasons = request.app[VIEW].reasons(time.time_ns() // 1_000_000)
    return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)
