"""Prometheus with given scrape targets, and its promtool."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

from streamer.embedded import free_port
from tests.services.process import Service, answers_ok, find_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Prometheus(Service):
    """A Prometheus that scrapes each of `targets` (`host:port`) once a second into a database of its own."""

    def __init__(
        self,
        folder: Path,
        targets: Sequence[str],
        *,
        rule_files: Sequence[Path] = (),
        alertmanager: str | None = None,
        scrape_interval: str = "1s",
    ) -> None:
        super().__init__(folder, free_port())
        self._program = find_program("prometheus")
        settings: dict[str, Any] = {
            "global": {"scrape_interval": scrape_interval, "evaluation_interval": scrape_interval},
            "rule_files": [str(path) for path in rule_files],
            "scrape_configs": [{"job_name": "streamer", "static_configs": [{"targets": list(targets)}]}],
        }
        if alertmanager:
            settings["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
        # JSON is YAML, too.
        (folder / "prometheus.yml").write_text(json.dumps(settings))

    @property
    def url(self) -> str:
        """The address for a browser and for the API."""
        return f"http://{self.address}"

    def command(self) -> Sequence[str]:
        return [
            self._program,
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address={self.address}",
            "--web.enable-lifecycle",
            "--log.level=warn",
        ]

    def ready(self) -> bool:
        return answers_ok(self.address, "/-/ready")

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the `result` of an instant query: `[{"metric": labels, "value": [time, text]}, ...]`."""
        return list(self.get("/api/v1/query", query=expression)["result"])

    def get(self, path: str, **parameters: str) -> Any:
        """Return the `data` of an API call. Raises urllib.error.HTTPError where Prometheus refuses it."""
        url = f"{self.url}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]


def find_promtool() -> str:
    """Return the path of promtool. Raises ServiceMissingError."""
    return find_program("promtool")
