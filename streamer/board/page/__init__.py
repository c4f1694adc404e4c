"""The wall page: a few files, served as they are."""

import hashlib
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Final

from aiohttp import web

_MODULES: Final = ("board", "cells", "explain", "numbers", "queues", "spark", "tiles", "wall", "words", "worst")
_FILES: Final = {
    "/": ("index.html", "text/html"),
    "/wall.css": ("wall.css", "text/css"),
    **{f"/{name}.js": (f"{name}.js", "text/javascript") for name in _MODULES},
}
#: nothing but the page's own files and this board's answers; no inline script or style
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def add_page(app: web.Application) -> str:
    """Add the page's files to the application; return what tells this page from an older one."""
    known = hashlib.sha256()
    for path, (name, kind) in _FILES.items():
        body = files(__name__).joinpath(name).read_bytes()
        known.update(body)
        app.router.add_get(path, _answer(body, kind))
    return known.hexdigest()[:16]


def _answer(body: bytes, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=_HEADERS)

    return answer
