"""`streamer rebuild`: take the state away, so that workers make it again from the log under today's rules."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from streamer.errors import UsageError
from streamer.logs import configure_logs
from streamer.metrics.catalogue import METRICS
from streamer.options import ConfigOption
from streamer.processor.command import worker_config
from streamer.processor.config import WorkerConfig
from streamer.processor.errors import refused
from streamer.processor.rebuild import Log, begin_anew, look
from streamer.settings import load_settings


def rebuild(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Take the saved state away; workers started afterwards make it again from the source topics.

    Stop all workers first, and restart the boards afterwards. Events that the source topics no longer hold are lost to
    the numbers: how far they reach back is said before you are asked.
    """
    settings = load_settings(config, metric_names={metric.name for metric in METRICS})
    configure_logs(settings, command=True)
    worker = worker_config(settings)
    try:
        for log in asyncio.run(look(worker)):
            typer.echo(_words(log))
        _ask(worker, yes=yes)
        asyncio.run(begin_anew(worker))
    except KafkaError as error:
        raise refused(worker.bootstrap, error) from error
    typer.echo(f"{', '.join(worker.changelogs)} are empty: start the workers, and restart the boards")


def _words(log: Log) -> str:
    since = f", from {datetime.fromtimestamp(log.oldest / 1000, UTC):%Y-%m-%d %H:%M} UTC" if log.oldest else ""
    gone = f"; {log.gone:,} older ones are deleted and will not be counted" if log.gone else ""
    return f"{log.topic}: {log.records:,} records to read again{since}{gone}"


def _ask(config: WorkerConfig, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("this takes the saved state away: say --yes")
    typer.confirm(f"Take the state of {config.app_id} away?", abort=True, err=True)
