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
    """Print the effective settings (defaults, file, environment), or every mistake with its key and line (exit 78)."""
    try:
        settings = load_settings(file or config, metric_names={metric.name for metric in METRICS})
        _read_files(settings)
    except SettingsError as error:
        if not as_json:
            raise
        typer.echo(json.dumps({"ok": False, "mistakes": [mistake._asdict() for mistake in error.mistakes]}, indent=2))
        raise typer.Exit(error.exit_code) from None
    if as_json:
        shown = {"ok": True, "rules_hash": rules_hash(settings), "settings": as_values(settings)}
        typer.echo(json.dumps(shown, indent=2))
    else:
        typer.echo(f"# rules {rules_hash(settings)}\n{as_toml(settings)}", nl=False)


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
