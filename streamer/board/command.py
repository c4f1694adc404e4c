"""`streamer board`: from settings to a serving board."""

import asyncio
import signal
from typing import TYPE_CHECKING, Any

from aiohttp import web
from prometheus_client import disable_created_metrics

from streamer.board.follower import Follower
from streamer.board.server import make_app
from streamer.board.view import View
from streamer.errors import DependencyError, Mistake, SettingsError
from streamer.logs import configure_logs, get_logger
from streamer.metrics.catalogue import METRICS
from streamer.options import ConfigOption
from streamer.processor.command import worker_config
from streamer.processor.config import WorkerConfig
from streamer.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from streamer.journeys.store import Store

logger = get_logger(__name__)

# Prometheus' own scrape timeout is 10 s; an answer under way gets this long at SIGTERM.
_ANSWER_SECONDS = 2.0


async def serve(settings: Settings, config: WorkerConfig) -> None:
    """Follow and answer until SIGTERM or SIGINT. Raises DependencyError where the port cannot be had."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    view = View(settings)
    store = _read_model(settings, view)
    runner = web.AppRunner(make_app(view, store), access_log=None, shutdown_timeout=_ANSWER_SECONDS)
    await runner.setup()
    follower = Follower(config, view)
    host, port = settings.board.host, settings.board.port
    tasks = []
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise DependencyError("board", f"cannot listen on {host}:{port}: {error.strerror}") from error
        logger.info("serving", addresses=[f"{name}:{number}" for name, number, *_ in runner.addresses])
        jobs: list[Coroutine[Any, Any, Any]] = [follower.run(), follower.settle(), stop.wait()]
        if store is not None:
            from streamer.board.read_model import Writer  # noqa: PLC0415 (needs redis, which a board without it does not)

            jobs.append(Writer(config, view, store).run())
        tasks = [asyncio.create_task(job) for job in jobs]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # a follower that fell over ends the board: numbers that stand still must not be shown
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await runner.cleanup()
        if store is not None:
            await store.close()
        view.close()


def _read_model(settings: Settings, view: View) -> "Store | None":
    """Return the connection to Redis; None where none is configured."""
    if settings.redis.url is None:
        return None
    try:
        from streamer.journeys.store import Store  # noqa: PLC0415 (as above)
    except ModuleNotFoundError as error:
        mistake = Mistake("redis.url", "", "needs the package redis: pip install 'streamer[redis]'")
        raise SettingsError([mistake]) from error
    return Store(settings, view.metrics.redis_outages)


def board(config: ConfigOption = None) -> None:
    """Show the numbers: /metrics and the JSON API, until SIGTERM."""
    settings = load_settings(config, metric_names={metric.name for metric in METRICS})
    configure_logs(settings)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus-client does not type it
    asyncio.run(serve(settings, worker_config(settings)))
