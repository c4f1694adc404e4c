"""The command-line options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["ConfigOption", "JsonOption"]

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", envvar="STREAMER_CONFIG", help="Configuration file (TOML).", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
