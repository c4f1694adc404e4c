"""The runbook at `/runbook`: what the links of alerts lead to."""

from importlib.resources import files
from typing import Final

from aiohttp import web

#: made of docs/runbook.md by `python -m streamer.watch.rules`
_PAGE: Final = files(__package__).joinpath("runbook.html").read_bytes()
_HEADERS: Final = {"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}


async def answer(_request: web.Request) -> web.Response:
    """Return the page; it needs no numbers, so a board that catches up shows it too."""
    return web.Response(body=_PAGE, content_type="text/html", charset="utf-8", headers=_HEADERS)
