"""A receiver of Alertmanager's webhooks that says in words what it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

#: Alertmanager's notifications have some kilobytes; this is the loopback address, but everything has a limit
_BODY_BYTES_MAX = 4 << 20


def words(receiver: str, notification: dict[str, Any]) -> Iterator[str]:
    """Yield a notification of Alertmanager (webhook, version 4) as lines for people: a heading, then an alert a line."""
    group = ", ".join(f"{key} {value}" for key, value in sorted(notification["groupLabels"].items()) if value)
    yield f"{notification['status']} ({receiver}): {group}"
    for alert in notification["alerts"]:
        labels, said = alert["labels"], alert["annotations"]
        state = "" if alert["status"] == notification["status"] else f" [{alert['status']}]"
        yield f"  {labels['alertname']} ({labels['severity']}){state}: {said['description']} -> {said['runbook_url']}"


class Receiver:
    """Answers while its `with` block lasts, on a free loopback port unless told where, and gives each line to `say`.

    Raises OSError where the address cannot be had.
    """

    def __init__(self, say: Callable[[str], object], address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", "0"))
                if size > _BODY_BYTES_MAX:
                    self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                    return
                say("\n".join(words(self.path.removeprefix("/"), json.loads(self.rfile.read(size)))))
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the base class
                """Say nothing of requests: what they bring is said."""

        self._server = ThreadingHTTPServer(address, Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="alerts", daemon=True)

    @property
    def address(self) -> str:
        """The `host:port` for Alertmanager."""
        return f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
