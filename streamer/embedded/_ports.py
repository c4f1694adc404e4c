"""A free port that stays free until the server that it was chosen for listens."""

from __future__ import annotations

import random
import socket

# Below the ports that systems hand out to outgoing connections (from 32,768 on Linux, 49,152 on macOS): there, a client
# that keeps dialling a server that is down can be given the server's own port, is then connected to itself, and stays.
_FIRST, _LAST = 20_000, 32_000
_TRIES = 100


def free_port() -> int:
    """Return a port of the loopback address on which nothing listens now. Raises OSError where 100 tries find none."""
    for _ in range(_TRIES):
        port = random.randint(_FIRST, _LAST)  # noqa: S311  # two processes must not try the same ports in the same order
        if is_free(port):
            return port
    message = f"no free port between {_FIRST} and {_LAST}"
    raise OSError(message)


def is_free(port: int) -> bool:
    """Tell whether a server could listen on `port` of the loopback address now."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections are still in TIME_WAIT can be listened on.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
