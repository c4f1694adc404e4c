"""`streamer topics`: every topic as it should be and as it is."""

import asyncio
import json
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from streamer.logs import configure_logs
from streamer.metrics.catalogue import METRICS
from streamer.options import ConfigOption, JsonOption
from streamer.processor.command import worker_config
from streamer.processor.config import WorkerConfig
from streamer.processor.errors import refused
from streamer.processor.topic_checks import Finding, Verdict
from streamer.processor.topics import administer, create, inspect
from streamer.settings import load_settings

_DIFFER = 1  # checked, and the answer is no
_HEAD = ("TOPIC", "SETTING", "WANTED", "ACTUAL", "")


def topics(
    *,
    make: Annotated[bool, typer.Option("--create", help="Make the topics that are missing.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show each topic's partitions and settings, wanted and actual; exit code 1 where a worker would not start."""
    settings = load_settings(config, metric_names={metric.name for metric in METRICS})
    configure_logs(settings, command=True)
    worker = worker_config(settings)
    try:
        findings = asyncio.run(_look(worker, make=make))
    except KafkaError as error:
        raise refused(worker.bootstrap, error) from error
    if as_json:
        typer.echo(json.dumps([_plain(finding, worker.bootstrap) for finding in findings], indent=2))
    else:
        _show(findings, worker.bootstrap)
    if any(finding.verdict in (Verdict.WRONG, Verdict.MISSING) for finding in findings):
        raise typer.Exit(_DIFFER)


async def _look(config: WorkerConfig, *, make: bool) -> list[Finding]:
    async with administer(config) as admin:
        if make:
            await create(admin, config)
        return await inspect(admin, config)


def _plain(finding: Finding, bootstrap: str) -> dict[str, str]:
    unfit = finding.verdict not in (Verdict.OK, Verdict.UNKNOWN)
    return {**finding._asdict(), "message": finding.words(bootstrap) if unfit else ""}


def _show(findings: list[Finding], bootstrap: str) -> None:
    rows = [_HEAD, *((f.topic, f.setting, f.wanted, f.actual or "?", f.verdict.value) for f in findings)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if any(finding.verdict is Verdict.UNKNOWN for finding in findings):
        typer.echo("unknown: these brokers do not tell all settings of a topic", err=True)
    for finding in findings:
        if finding.verdict not in (Verdict.OK, Verdict.UNKNOWN):
            typer.echo(f"{finding.verdict}: {finding.words(bootstrap)}", err=True)
