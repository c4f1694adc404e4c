"""A limit on connections and on how long one may take to send a request: what aiohttp itself does not bound."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aiohttp import web

_FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Guard:
    """Makes the protocol of each connection of `server`; `finished` is told when a request has been answered."""

    def __init__(self, server: web.Server, *, connections: int, seconds: float) -> None:
        self._server = server
        self._connections_max = connections
        self._seconds = seconds
        self.open: dict[Any, _Guarded] = {}
        self.refused = 0
        self.cut = 0

    def __call__(self) -> asyncio.Protocol:
        """Return the protocol for a new connection: aiohttp's, or one that says no.

        It has its place from here on: of many that come at once, asyncio makes all protocols before it connects the first.
        """
        if len(self.open) >= self._connections_max:
            self.refused += 1
            return _Refusal()
        inner = self._server()
        self.open[inner] = guarded = _Guarded(self, inner, self._seconds)
        return guarded

    def finished(self, inner: object) -> None:
        """A request was answered: the connection may wait for the next one, as long again."""
        if inner in self.open:
            self.open[inner].wait()


class _Guarded(asyncio.Protocol):
    """aiohttp's protocol, cut off when no request is finished in time, however busily bytes trickle in."""

    def __init__(self, guard: Guard, inner: Any, seconds: float) -> None:
        self._guard, self._inner, self._seconds = guard, inner, seconds
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: Any = None
        self.wait()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._guard.open[self._inner] = self
        self.wait()
        self._inner.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()
        self._guard.open.pop(self._inner, None)
        self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> Any:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def wait(self) -> None:
        """Start the time of the next request."""
        self._deadline = self._loop.time() + self._seconds
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        """Cut, or look again: a timer for each request would cost more than one that finds the deadline moved."""
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look)
            return
        self._guard.cut += 1
        if self._transport is None:  # it never came to be connected, so it will not be lost either
            self._guard.open.pop(self._inner, None)
        else:
            self._transport.abort()


class _Refusal(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        transport.write(_FULL)
        transport.close()
