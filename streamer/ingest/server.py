"""The ingress over HTTP: POST /in/NAME, verified, bounded, and answered 2xx only when Kafka has the events."""

from __future__ import annotations

import asyncio
import hashlib
import html
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec
from aiohttp import web

from streamer.errors import DependencyError, OutputError
from streamer.events import Decoder, InvalidEvent
from streamer.ingest.adapters import ADAPTERS
from streamer.ingest.adapters.base import Delivery, RefusedError, Source, UnknownTypeError, iso
from streamer.ingest.deliver import Deliver, FullError
from streamer.ingest.openapi import describe
from streamer.ingest.signatures import ForgedError, form, verify
from streamer.ingest.state import Locks, StateStore
from streamer.logs import get_logger
from streamer.producers.kafka import address
from streamer.settings._processes import read_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamer.settings import Settings

logger = get_logger(__name__)
_SENDERS_RATE: Final = "120000"  # requests a minute promised to CloudEvents senders: 2,000 a second


@dataclass
class Route:
    """One configured source with what became of its deliveries."""

    source: Source
    adapter: str
    scheme: str
    secrets: list[bytes]
    outcomes: Counter[str] = field(default_factory=Counter)
    events: int = 0
    last: tuple[int, str] | None = None
    """When the last delivery was over, in ms since the epoch, and what became of it."""


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
        self._deliver = deliver
        self._clock = clock or (lambda: time.time_ns() // 1_000_000)
        self._decoder = Decoder(settings.surveys.scales, settings.time.future)
        self.routes = _routes(settings)

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=self.limits.body_bytes)
        app.router.add_post("/in/{name}", self._take)
        app.router.add_options("/in/{name}", self._handshake)
        app.router.add_get("/", self._page)
        app.router.add_get("/live", _live)
        app.router.add_get("/openapi.json", self._openapi)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        route = self.routes.get(request.match_info["name"])
        if route is None:
            return _answer(404, "there is no such source")
        outcome, response = "failed", _answer(500, "failed")
        try:
            async with asyncio.timeout(self.limits.request_timeout / 1000):
                count = await self._accept(route, request)
            outcome = "accepted" if count else "without_event"
            empty = ADAPTERS[route.adapter].empty_answer
            response = web.Response(status=204) if empty else _answer(200, None, events=count)
        except ForgedError as error:
            outcome, response = "forged", _answer(401, str(error))
        except _TooLargeError:
            outcome, response = "too_large", _answer(413, f"the body is over {self.limits.body_bytes} bytes")
        except _EncodingError as error:
            outcome, response = "refused", _answer(415, str(error))
        except UnknownTypeError:
            outcome, response = "unknown_type", _answer(200, None, events=0)
        except (RefusedError, InvalidEvent) as error:
            outcome, response = "refused", _answer(422, str(error))
        except FullError as error:
            outcome, response = "full", _answer(429, str(error))
        except (DependencyError, OutputError, TimeoutError):
            outcome, response = "unavailable", _answer(503, "not acknowledged; try again")
        finally:
            route.outcomes[outcome] += 1
            route.last = self._clock(), outcome
        return response

    async def _accept(self, route: Route, request: web.Request) -> int:
        headers = {name.lower(): value for name, value in request.headers.items()}
        raw = await _read(request, self.limits.body_bytes)
        now = self._clock()
        limits = self.limits
        at = {"now_ms": now, "window_ms": limits.replay_window}
        verify(route.scheme, route.secrets, headers, raw, path=request.raw_path, **at)
        body = _decompressed(raw, headers.get("content-encoding", ""), limits.body_bytes)
        payload = _parse(body, headers.get("content-type", ""))
        delivery = Delivery(payload, headers, now, hashlib.sha256(raw).hexdigest())
        adapter = ADAPTERS[route.adapter]
        # One at a time for a ticket: two snapshots of it at once would both be compared with the same one before.
        async with self._locks.of(route.source.name, adapter.about(payload)):
            changes = self._state.changes(route.source.name)
            events = adapter.adapt(delivery, route.source, changes)
            for event in events:
                topic, key = address(event)
                self._decoder.decode(topic, key.encode(), msgspec.json.encode(event), now)
            await self._deliver.deliver(events)
            await changes.save(now)
        route.events += len(events)
        return len(events)

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


class _TooLargeError(Exception):
    """The body is over the limit, before or after decompression."""


class _EncodingError(Exception):
    """The body's encoding is none that is understood."""


def _routes(settings: Settings) -> dict[str, Route]:
    """Return the sources with their secrets. Raises `SettingsError` for a file that cannot be read."""
    limits = settings.ingest
    key = read_secret(limits.key_file, "ingest.key_file")
    # Ids that the operator's own systems give are hashed as they come, like the SDK's.
    own = {name for name, one in limits.sources.items() if one.adapter == "cloudevents"} | {""}
    routes = {}
    for name, one in limits.sources.items():
        secrets = [read_secret(file, f"ingest.sources.{name}.secret_files") for file in one.secret_files]
        source = Source(
            name,
            key.get_secret_value().encode() if key else b"",
            names=one.names,
            pass_names=one.pass_names,
            ids_of=one.ids_of,
            plain=(name if one.ids_of is None else one.ids_of) in own,
        )
        known = [secret.get_secret_value().encode() for secret in secrets if secret]
        routes[name] = Route(source, one.adapter, one.scheme or ADAPTERS[one.adapter].scheme, known)
    return routes


async def _read(request: web.Request, limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise _TooLargeError
    first = await request.content.readany()
    if request.content.at_eof() and len(first) <= limit:  # nearly always: a webhook is in one piece
        return first
    body = bytearray(first)
    while len(body) <= limit and not request.content.at_eof():
        body += await request.content.readany()
    if len(body) > limit:
        raise _TooLargeError
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
        raise _TooLargeError
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
