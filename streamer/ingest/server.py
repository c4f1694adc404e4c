"""The ingress over HTTP: POST /in/NAME, verified, bounded, and answered 2xx only when Kafka has the events."""

from __future__ import annotations

import asyncio
import hashlib
import html
import time
import zlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streamer.errors import DependencyError, OutputError
from streamer.events import Decoder, InvalidEvent
from streamer.ingest.adapters import ADAPTERS
from streamer.ingest.adapters.base import Delivery, RefusedError, UnknownTypeError, iso
from streamer.ingest.deliver import Deliver, FullError
from streamer.ingest.metrics import IngestMetrics
from streamer.ingest.openapi import BATCH_MAX, describe
from streamer.ingest.route import Route, configured
from streamer.ingest.signatures import ForgedError, ReplayedError, form, unsigned, verify
from streamer.ingest.state import OWN, Locks, StateStore
from streamer.logs import get_logger
from streamer.producers.kafka import address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamer.ingest.connections import Guard
    from streamer.settings import Settings

logger = get_logger(__name__)
_SENDERS_RATE: Final = "120000"  # requests a minute promised to CloudEvents senders: 2,000 a second
_SAVE_S: Final = 1.0  # between two commits of what the page shows; a kill -9 takes no more


class Ingress:
    """Takes deliveries in. `clock` gives ms since the epoch; `state` keeps what adapters remember, else memory does."""

    def __init__(
        self,
        settings: Settings,
        deliver: Deliver,
        clock: Callable[[], int] | None = None,
        state: StateStore | None = None,
    ) -> None:
        self.limits = settings.ingest
        self._state = state or StateStore()
        self._locks = Locks()
        self.deliver = deliver
        self._clock = clock or (lambda: time.time_ns() // 1_000_000)
        self._decoder = Decoder(settings.surveys.scales, settings.time.future)
        self.routes = configured(settings)
        #: deliveries to addresses of no source
        self.unknown = 0
        #: of the connections, once it is served
        self.guard: Guard | None = None
        self._metrics = IngestMetrics(self)
        self._unsaved: set[str] = set()
        self._saving: asyncio.Task[None] | None = None
        for name, route in self.routes.items():
            kept = self._state.get(OWN, name)
            route.last = tuple(kept) if kept else None

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=self.limits.body_bytes)
        app.router.add_post("/in/{name}", self._take)
        app.router.add_head("/in/{name}", self._probe)
        app.router.add_options("/in/{name}", self._handshake)
        app.router.add_get("/", self._page)
        app.router.add_get("/live", _live)
        app.router.add_get("/ready", self._ready)
        app.router.add_get("/metrics", self._scrape)
        app.router.add_get("/openapi.json", self._openapi)
        app.on_cleanup.append(self._end)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        route = self.routes.get(request.match_info["name"])
        if route is None:
            self.unknown += 1
            return _answer(404, "there is no such source")
        outcome, response = "failed", _answer(500, "failed")
        try:
            async with asyncio.timeout(self.limits.request_timeout / 1000):
                outcome, count = await self._accept(route, request)
            empty = ADAPTERS[route.adapter].empty_answer
            response = web.Response(status=204) if empty else _answer(200, None, events=count)
        except _UntrustedError as error:
            outcome, response = error.outcome, _answer(401, str(error))
        except _TooLargeError as error:
            outcome, response = "too_large", _answer(413, str(error))
        except _EncodingError as error:
            outcome, response = "unknown_encoding", _answer(415, str(error))
        except UnknownTypeError:
            outcome, response = "unknown_type", _answer(200, None, events=0)
        except (RefusedError, InvalidEvent) as error:
            outcome, response = "invalid", _answer(422, str(error))
        except FullError as error:
            outcome, response = "full", _answer(429, str(error))
        except (DependencyError, OutputError, TimeoutError):
            outcome, response = "unavailable", _answer(503, "not acknowledged; try again")
        finally:
            route.outcomes[outcome] += 1
            route.last = self._clock(), outcome
            self._save_soon(route.source.name)
        return response

    async def _accept(self, route: Route, request: web.Request) -> tuple[str, int]:
        """Return what became of a delivery that was taken, and how many events it had."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        raw = await _read(request, self.limits.body_bytes)
        now = self._clock()
        self._verify(route, headers, raw, request.raw_path, now)
        body = _decompressed(raw, headers.get("content-encoding", ""), self.limits.body_bytes)
        payload = _parse(body, headers.get("content-type", ""))
        if isinstance(payload, list) and len(payload) > BATCH_MAX:
            raise _TooLargeError(f"a batch of over {BATCH_MAX} events")
        delivery = Delivery(payload, headers, now, hashlib.sha256(raw).hexdigest())
        adapter = ADAPTERS[route.adapter]
        # One at a time for a ticket: two snapshots of it at once would both be compared with the same one before. What
        # puts nothing into the state lets the next one in before Kafka has acknowledged.
        async with self._locks.of(route.source.name, adapter.about(payload)):
            changes = self._state.changes(route.source.name)
            events = adapter.adapt(delivery, route.source, changes)
            for event in events:
                topic, key = address(event)
                self._decoder.decode(topic, key.encode(), msgspec.json.encode(event), now)
            if changes.some:
                await self.deliver.deliver(events)
                await changes.save(now)
        if not changes.some:
            await self.deliver.deliver(events)
        return route.delivered(events), len(events)

    def _verify(self, route: Route, headers: Mapping[str, str], raw: bytes, path: str, now: int) -> None:
        """Return if the delivery is its source's, of now. Raises `_UntrustedError`, which says why for the counter."""
        at = {"now_ms": now, "window_ms": self.limits.replay_window}
        try:
            verify(route.scheme, route.secrets, headers, raw, path=path, public_url=route.public_url, **at)
        except ReplayedError as error:
            raise _UntrustedError("replayed", error) from None
        except ForgedError as error:
            outcome = "unsigned" if unsigned(route.scheme, headers, path) else "forged"
            raise _UntrustedError(outcome, error) from None

    async def _probe(self, request: web.Request) -> web.Response:
        """HEAD: SurveyMonkey asks so, unsigned, whether an address exists before it subscribes it."""
        return web.Response(status=200 if request.match_info["name"] in self.routes else 404)

    async def _handshake(self, request: web.Request) -> web.Response:
        """CloudEvents' abuse protection: a sender asks whether it may deliver here (HTTP 1.1 Web Hooks, 4)."""
        route = self.routes.get(request.match_info["name"])
        origin = request.headers.get("WebHook-Request-Origin")
        if route is None or route.adapter != "cloudevents":
            return _answer(404, "there is no such source")
        if not origin:
            return _answer(400, "WebHook-Request-Origin is missing")
        allowed = {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": _SENDERS_RATE, "Allow": "POST, OPTIONS"}
        return web.Response(status=200, headers=allowed)

    async def _page(self, _request: web.Request) -> web.Response:
        rows = "".join(
            f"<tr><td>/in/{html.escape(name)}<td>{route.adapter}<td>{route.scheme}<td>{len(route.secrets) or 'none'}"
            f"<td>{route.events}<td>{html.escape(', '.join(f'{n} {o}' for o, n in sorted(route.outcomes.items())))}"
            f"<td>{f'{iso(route.last[0])} {route.last[1]}' if route.last else 'never'}"
            for name, route in self.routes.items()
        )
        head = "<th>address<th>adapter<th>signature<th>secrets<th>events<th>deliveries<th>last delivery"
        text = f"<!doctype html><html lang=en><title>streamer ingest</title><h1>Sources</h1><table><tr>{head}{rows}</table>"
        return web.Response(text=text, content_type="text/html")

    async def _openapi(self, _request: web.Request) -> web.Response:
        return _answer(200, None, **describe(self.routes))

    async def _scrape(self, _request: web.Request) -> web.Response:
        text = generate_latest(self._metrics.registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _ready(self, _request: web.Request) -> web.Response:
        """Whether a delivery would be taken now."""
        reason = await self.deliver.unready()
        return _answer(200, None, ready=True) if reason is None else _answer(503, None, ready=False, reason=reason)

    def _save_soon(self, name: str) -> None:
        """Keep a source's last delivery for the next start: soon, for a commit a delivery is too much."""
        self._unsaved.add(name)
        if self._saving is None:
            self._saving = asyncio.create_task(self._save_on())

    async def _save_on(self) -> None:
        while self._unsaved:
            await asyncio.sleep(_SAVE_S)
            await self._save()
        self._saving = None

    async def _save(self) -> None:
        names, self._unsaved = self._unsaved, set()
        try:
            await self._state.save(OWN, {name: self.routes[name].last for name in names}, self._clock())
        except OutputError as error:
            logger.warning("the last deliveries are not kept", reason=str(error))

    async def _end(self, _app: web.Application) -> None:
        if self._saving is not None:
            self._saving.cancel()
            await self._save()


class _UntrustedError(Exception):
    """The delivery is not its source's, or too old; `outcome` is for the counter, the text for the sender."""

    def __init__(self, outcome: str, reason: ForgedError) -> None:
        super().__init__(str(reason))
        self.outcome = outcome


class _TooLargeError(Exception):
    """The body is over the limit, before or after decompression, or a batch has too many events."""


class _EncodingError(Exception):
    """The body's encoding is none that is understood."""


async def _read(request: web.Request, limit: int) -> bytes:
    too_large = _TooLargeError(f"the body is over {limit} bytes")
    if (request.content_length or 0) > limit:
        raise too_large
    first = await request.content.readany()
    if request.content.at_eof() and len(first) <= limit:  # nearly always: a webhook is in one piece
        return first
    body = bytearray(first)
    while len(body) <= limit and not request.content.at_eof():
        body += await request.content.readany()
    if len(body) > limit:
        raise too_large
    return bytes(body)


def _decompressed(raw: bytes, encoding: str, limit: int) -> bytes:
    """Return the body without its encoding; never more than a byte over the limit is made of a bomb."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return raw
    if encoding not in ("gzip", "deflate"):
        raise _EncodingError("the encoding is none of gzip, deflate and identity")
    machine = zlib.decompressobj(zlib.MAX_WBITS | 32 if encoding == "gzip" else zlib.MAX_WBITS)
    try:
        body = machine.decompress(raw, limit + 1)
    except zlib.error:
        raise RefusedError("the body is not what its encoding says") from None
    if len(body) > limit:
        raise _TooLargeError(f"the body is over {limit} bytes")
    if not machine.eof or machine.unused_data:
        raise RefusedError("the body is not what its encoding says")
    return body


def _parse(body: bytes, kind: str) -> Any:
    if kind.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        return {name.decode(errors="replace"): value.decode(errors="replace") for name, value in form(body)}
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RefusedError("the body is not JSON") from None


def _answer(status: int, problem: str | None, **data: Any) -> web.Response:
    headers = {"Retry-After": "1"} if status in (429, 503) else {}
    body: Mapping[str, Any] = data if problem is None else {"error": problem}
    headers["Content-Type"] = "application/json"
    return web.Response(body=msgspec.json.encode(body), status=status, headers=headers)


async def _live(_request: web.Request) -> web.Response:
    return _answer(200, None, live=True)
