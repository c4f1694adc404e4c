"""Prometheus and Alertmanager with the committed settings, sped up, between pages of numbers and a receiver of webhooks."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.services.prometheus import Prometheus
from tests.watch.promtool import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from streamer.watch.alert import Alert

SETTINGS = ROOT / "alertmanager" / "alertmanager.yml"
RECEIVER = "127.0.0.1:9095"


class Server:
    """An HTTP server on a free loopback port, for the time of a `with`."""

    def __init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(*outer.get())

            def do_POST(self) -> None:
                outer.post(self.path, self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(200, "")

            def _answer(self, status: int, text: str) -> None:
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the base class
                """Keep the test's output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def get(self) -> tuple[int, str]:
        raise NotImplementedError

    def post(self, path: str, body: bytes) -> None:
        raise NotImplementedError

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Page(Server):
    """`/metrics` of a process: shows `text`, or is down."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.down = text, False

    def get(self) -> tuple[int, str]:
        return (503, "") if self.down else (200, self.text)


class Board(Page):
    """`/metrics` of a board; `age` is that of the newest flush it knows, in seconds."""

    age = 0

    def get(self) -> tuple[int, str]:
        status, text = super().get()
        return status, f'{text}support_board_mark_timestamp_seconds{{partition="0"}} {time.time() - self.age}\n'


class Receiver(Server):
    """Keeps the notifications that come, as (receiver, notification)."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, dict[str, Any]]] = []

    def post(self, path: str, body: bytes) -> None:
        self.told.append((path.removeprefix("/"), json.loads(body)))

    def about(self, receiver: str, status: str, **group: str) -> list[dict[str, Any]]:
        """Return what a receiver was told of a group of alerts."""
        return [
            told
            for name, told in self.told
            if name == receiver and told["status"] == status and group.items() <= told["groupLabels"].items()
        ]


class Watching(Prometheus):
    """The committed prometheus.yml and rules.yml, each second."""

    def __init__(self, folder: Path, *, boards: Sequence[str], worker: str, alertmanager: str) -> None:
        super().__init__(folder, [])
        shutil.copytree(ROOT / "prometheus", folder, dirs_exist_ok=True)
        for name, addresses in {"board": boards, "worker": [worker], "alertmanager": [alertmanager]}.items():
            (folder / "targets" / f"{name}.yml").write_text(json.dumps([{"targets": list(addresses)}]))
        settings, rules = folder / "prometheus.yml", folder / "rules.yml"
        settings.write_text(re.sub(r"(interval|timeout): \d+s", r"\1: 1s", settings.read_text()))
        rules.write_text(hurried(rules.read_text()))


def hurried(rules: str) -> str:
    """Return rules without the times that conditions have to hold; of the platform's, with 10 s: nothing is up at first."""
    platform, others, rest = rules.partition("  - name: support-operations\n")
    assert others
    rest = re.sub(r"^ +(for|keep_firing_for): .*\n", "", rest, flags=re.MULTILINE)
    return re.sub(r"^( +for): .*", r"\1: 10s", platform, flags=re.MULTILINE) + others + rest


def routes(folder: Path, receiver: str) -> Path:
    """Return the committed alertmanager.yml with another receiver's address, and seconds for minutes."""
    text = SETTINGS.read_text()
    assert text.count(RECEIVER) == 5
    file = folder / "alertmanager.yml"
    file.write_text(re.sub(r"group_(wait|interval): \w+", r"group_\1: 2s", text.replace(RECEIVER, receiver)))
    return file


def post(alertmanager: str, alerts: Collection[Alert]) -> None:
    """Let alerts fire, as Prometheus does."""
    body = json.dumps(
        [
            {"labels": {"alertname": alert.name, "severity": alert.severity.value, "team": alert.team.value}}
            for alert in alerts
        ]
    )
    request = urllib.request.Request(
        f"{alertmanager}/api/v2/alerts", body.encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10):
        pass


def suppressed(alertmanager: str) -> set[tuple[str, str]]:
    """Return name and queue, or else instance, of the alerts that are inhibited now."""
    with urllib.request.urlopen(f"{alertmanager}/api/v2/alerts", timeout=10) as answer:
        alerts = json.load(answer)
    return {
        (alert["labels"]["alertname"], alert["labels"].get("queue") or alert["labels"].get("instance", ""))
        for alert in alerts
        if alert["status"]["inhibitedBy"]
    }
