"""Alertmanager with a given configuration, and its amtool."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from streamer.embedded import free_port
from tests.services.process import Service, answers_ok, find_program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_KEEPS_ALERTS: Mapping[str, Any] = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}


class Alertmanager(Service):
    """An Alertmanager without peers. `settings` is its configuration, or the path of one; without it alerts stay."""

    def __init__(self, folder: Path, settings: Mapping[str, Any] | Path | None = None) -> None:
        super().__init__(folder, free_port())
        self._program = find_program("prometheus-alertmanager", "alertmanager")
        if settings is None or not hasattr(settings, "read_text"):
            # JSON is YAML, too.
            text = json.dumps(settings or _KEEPS_ALERTS)
            settings = folder / "alertmanager.yml"
            settings.write_text(text)
        self._settings = settings

    @property
    def url(self) -> str:
        """The address for a browser and for the API."""
        return f"http://{self.address}"

    def command(self) -> Sequence[str]:
        return [
            self._program,
            f"--config.file={self._settings}",
            "--storage.path=data",
            f"--web.listen-address={self.address}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]

    def ready(self) -> bool:
        return answers_ok(self.address, "/-/ready")


def find_amtool() -> str:
    """Return the path of amtool. Raises ServiceMissingError."""
    return find_program("amtool")
