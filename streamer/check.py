"""`streamer check`: is a configuration right, and what does it come to."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003 (typer resolves it)
from typing import TYPE_CHECKING, Annotated

import typer

from streamer.errors import Mistake, SettingsError
from streamer.metrics.catalogue import METRICS
from streamer.options import ConfigOption, JsonOption  # noqa: TC001 (typer resolves them)
from streamer.settings import as_toml, as_values, load_settings, rules_hash
from streamer.watch.rules import ALERTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamer.settings import Settings


def check(
    file: Annotated[
        Path | None, typer.Argument(help="The file to check, instead of --config.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Print the effective settings (defaults, file, environment), or every mistake with its key and line (exit 78).

    A note names each alert that stays silent because its target is not set.
    """
    try:
        settings = load_settings(file or config, metric_names={metric.name for metric in METRICS})
        _read_files(settings)
    except SettingsError as error:
        if not as_json:
            raise
        typer.echo(json.dumps({"ok": False, "mistakes": [mistake._asdict() for mistake in error.mistakes]}, indent=2))
        raise typer.Exit(error.exit_code) from None
    notes = list(_silent_alerts(settings))
    if as_json:
        shown = {"ok": True, "rules_hash": rules_hash(settings), "notes": notes, "settings": as_values(settings)}
        typer.echo(json.dumps(shown, indent=2))
    else:
        typer.echo(f"# rules {rules_hash(settings)}")
        for note in notes:
            typer.echo(f"# note: {note}")
        typer.echo(as_toml(settings), nl=False)


def _silent_alerts(settings: Settings) -> Iterator[str]:
    """Say which alerts have nothing to compare with: that is no mistake, but should be known."""
    for alert in (alert for alerts in ALERTS.values() for alert in alerts):
        if alert.target is not None and alert.target not in settings.targets:
            yield f"the alert {alert.name} stays silent: [targets] has no {alert.target}"


def _read_files(settings: Settings) -> None:
    """Raise `SettingsError` for secrets and certificates that the processes would look for in vain."""
    mistakes = list(_unreadable_files(settings))
    if mistakes:
        raise SettingsError(mistakes)


def _unreadable_files(settings: Settings) -> Iterator[Mistake]:
    files = [
        (f"{name}.{key}", file)
        for name, section in (("kafka", settings.kafka), ("redis", settings.redis), ("ami", settings.ami))
        for key, file in section
        if key.endswith("_file") and file is not None
    ]
    for key, file in [*files, *settings.ingest.files()]:
        try:
            empty = not file.read_bytes().strip()
        except OSError as error:
            yield Mistake(str(file), key, f"cannot be read: {error.strerror}")
        else:
            if empty:
                yield Mistake(str(file), key, "is empty")
