"""A server process of a test: started on a loopback port, waited for, ended by its pid; every wait has an end."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_POLL_SECONDS = 0.05
_STOP_SECONDS = 20.0


class ServiceMissingError(RuntimeError):
    """The machine does not have the program; `make services` installs it."""


class ServiceFailedError(RuntimeError):
    """The program was started and did not come up, or did not do what it was told."""


def find_program(*names: str) -> str:
    """Return the path of the first of `names` that is installed. Raises ServiceMissingError."""
    for name in names:
        # Debian keeps daemons in sbin, which is not on everyone's PATH.
        found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
        if found:
            return found
    raise ServiceMissingError(f"{' or '.join(names)} is not installed: make services")


class Service:
    """A server that can be started, stopped and killed again and again on the same port and data.

    A subclass gives the command and says when it is ready. `start` returns once it is; it raises ServiceFailedError
    with the end of the server's log where that takes longer than `start_seconds`.
    """

    start_seconds = 30.0

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """The `host:port` of the server."""
        return f"127.0.0.1:{self.port}"

    @property
    def log_path(self) -> Path:
        """The file with everything that the server printed, over all its starts."""
        return self.folder / "log"

    @property
    def pid(self) -> int:
        """The process id of the last start."""
        if self._process is None:
            raise ServiceFailedError("was never started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process lives (a stopped one, SIGSTOP, lives)."""
        return self._process is not None and self._process.poll() is None

    def command(self) -> Sequence[str]:
        """Return the program and its arguments."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Return what the program needs in its environment beside the test's own."""
        return {}

    def ready(self) -> bool:
        """Tell whether the server answers; called again and again, and must return within a few seconds."""
        raise NotImplementedError

    def start(self) -> Self:
        """Start the server and return once it answers. Does nothing when it runs."""
        if self.running:
            return self
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_until(self.ready, self.start_seconds, lambda: self.running)
        except BaseException as error:
            self.kill9()
            if isinstance(error, TimeoutError):
                raise ServiceFailedError(f"{type(self).__name__}: {error}\n{self._log_tail()}") from None
            raise
        return self

    def stop(self) -> None:
        """Ask the server to end (SIGTERM), and kill it where it has not within 20 s. Does nothing when it has ended."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill9()

    def kill9(self) -> None:
        """End the server at once (SIGKILL), as a crash does. Does nothing when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_STOP_SECONDS)

    def _log_tail(self) -> str:
        return self.log_path.read_text(errors="replace")[-4000:]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def wait_until(ready: Callable[[], bool], seconds: float, alive: Callable[[], bool] = lambda: True) -> None:
    """Return once `ready()`. Raises TimeoutError after `seconds`, or as soon as it is no longer `alive()`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if not alive():
            raise TimeoutError("ended at its start")
        if time.monotonic() > deadline:
            raise TimeoutError(f"not ready after {seconds:.0f} s")
        time.sleep(_POLL_SECONDS)


def answers_ok(address: str, path: str) -> bool:
    """Tell whether `GET path` at `host:port` is answered with 200 within 2 s."""
    connection = http.client.HTTPConnection(address, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
