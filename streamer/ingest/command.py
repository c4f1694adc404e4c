"""`streamer ingest`: from settings to a serving ingress."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from aiohttp import web

from streamer.errors import DependencyError
from streamer.ingest.connections import Guard
from streamer.ingest.deliver import Deliver, KafkaDeliver
from streamer.ingest.server import Ingress
from streamer.ingest.spooled import SpoolDeliver
from streamer.ingest.state import StateStore
from streamer.logs import configure_logs, get_logger
from streamer.options import ConfigOption  # noqa: TC001 (typer resolves it)
from streamer.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streamer.settings import Settings

logger = get_logger(__name__)
# Those that connect at once and are more wait for seconds until they try again, instead of being told 503.
_BACKLOG: Final = 1_024


@asynccontextmanager
async def serving(ingress: Ingress) -> AsyncIterator[tuple[int, Guard]]:
    """Serve on `[ingest] host` and `port`; gives the port and the guard of the connections."""
    limits = ingress.limits
    seconds = limits.request_timeout / 1000
    guards: list[Guard] = []

    async def answered(request: web.Request, _response: web.StreamResponse) -> None:
        for guard in guards:
            guard.finished(request.protocol)

    app = ingress.app()
    app.on_response_prepare.append(answered)
    # The signature is over the bytes as they came, and a bomb must not be unpacked before it is known as one.
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, keepalive_timeout=seconds)
    await runner.setup()
    assert runner.server is not None
    # A second more than a handler gets: its 503 comes before the cut.
    guards.append(guard := Guard(runner.server, connections=limits.connections, seconds=seconds + 1))
    ingress.guard = guard
    try:
        server = await _listen(guard, limits.host, limits.port)
        try:
            yield server.sockets[0].getsockname()[1], guard
        finally:
            server.close()
    finally:
        await runner.cleanup()


async def _listen(guard: Guard, host: str, port: int) -> asyncio.Server:
    try:
        return await asyncio.get_running_loop().create_server(guard, host, port, backlog=_BACKLOG)
    except OSError as error:
        raise DependencyError("ingest", f"cannot listen on {host}:{port}: {error.strerror}") from error


async def serve(settings: Settings, deliver: Deliver, state: StateStore) -> None:
    """Take deliveries in until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(Ingress(settings, deliver, state=state)) as (port, _):
        logger.info("serving", host=settings.ingest.host, port=port, sources=sorted(settings.ingest.sources))
        await stop.wait()


def ingest(
    config: ConfigOption = None,
    *,
    state: Annotated[
        Path, typer.Option(help="File of what adapters remember: a contact's customer, a ticket's last snapshot.")
    ] = Path("streamer-ingest.sqlite"),
    spool: Annotated[
        Path | None,
        typer.Option(
            help="Folder for events while Kafka is away: a delivery is then answered 200 once the disk has its events. "
            "Without it the answer is 503, and the sender tries again.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Take in webhooks over HTTP: events to Kafka, until SIGTERM."""
    settings = load_settings(config)
    configure_logs(settings)
    deliver = KafkaDeliver(settings) if spool is None else SpoolDeliver(settings, spool)
    try:
        with closing(StateStore(state)) as remembered:  # after Kafka's answer: without one no file is left behind
            asyncio.run(serve(settings, deliver, remembered))
    finally:
        deliver.close()
