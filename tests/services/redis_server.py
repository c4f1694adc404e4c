"""Redis: one server that keeps nothing on disk."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from streamer.embedded import free_port
from tests.services.process import Service, find_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class RedisServer(Service):
    """A Redis whose port outlives `stop`, `kill9` and `start`; its data does not."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, free_port())
        self._program = find_program("redis-server")

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"redis://{self.address}/0"

    def command(self) -> Sequence[str]:
        return [self._program, "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]

    def ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
