"""Running a worker process from its start to its exit."""

import asyncio
import os
import signal
import threading
import time
from typing import Any

import faust
from aiokafka.errors import KafkaError
from mode.utils.logging import get_logger

from streamer.errors import DependencyError
from streamer.processor.app import build_app
from streamer.processor.config import WorkerConfig
from streamer.processor.errors import refused
from streamer.processor.health import HealthServer
from streamer.processor.partition import Families, PartitionFactory
from streamer.processor.restore import check_configuration
from streamer.processor.topics import ensure_topics

logger = get_logger(__name__)

# A stop takes one flush and the farewell to the group, a second or two. With a broker that does not answer some of
# these wait; cutting them off loses nothing, since what counts is committed or is read again. Orchestrators kill
# after 30 s, and 20 s is promised.
STOP_LIMIT = 18.0


class _Process(faust.Worker):
    """Faust's worker: signals, and the start and stop of the application."""

    def _schedule_shutdown(self, sig: signal.Signals) -> None:
        self._limit()
        super()._schedule_shutdown(sig)

    def on_worker_shutdown(self) -> None:
        """Begin to stop, after a signal or because something fell over."""
        self._limit()
        super().on_worker_shutdown()

    def _limit(self) -> None:
        threading.Thread(target=self._give_up, name="stop-limit", daemon=True).start()

    @staticmethod
    def _give_up() -> None:
        time.sleep(STOP_LIMIT)
        logger.error("not stopped after %s s: leaving now; nothing that was committed is lost", STOP_LIMIT)
        os._exit(1)


async def prepare(config: WorkerConfig) -> None:
    """Make and check all that a worker needs before it disturbs the group.

    Raises ProcessorError where it must not start, DependencyError where the brokers do not answer.
    """
    try:
        await ensure_topics(config)
        await check_configuration(config)
    except KafkaError as exc:
        raise refused(config.bootstrap, exc) from exc


def run_worker(config: WorkerConfig, factory: PartitionFactory, families: Families | None = None) -> None:
    """Run a worker until SIGTERM or SIGINT, in the main thread; returns when all is flushed.

    Raises ProcessorError where the state cannot be continued (before or after joining the group), DependencyError
    where the brokers do not answer at the start or the port cannot be had, and whatever made the worker fall over. Logging
    is the caller's.
    """
    asyncio.run(prepare(config))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = build_app(config, factory, families)
    server = HealthServer(app) if config.port is not None else None
    if server:
        try:
            server.start()
        except OSError as exc:
            raise DependencyError("worker", f"cannot listen on {config.host}:{config.port}: {exc.strerror}") from exc
    process: Any = _Process(app, loop=loop, override_logging=False, redirect_stdouts=False, quiet=True)
    process.spinner = None
    try:
        process.execute_from_commandline()
    except SystemExit:  # how Faust's worker ends, well or not
        if process.crash_reason is not None:
            raise process.crash_reason from None
    finally:
        if server:
            server.stop()
