"""`streamer demo`: everything on one machine, nothing to install: broker, simulator, worker and board as child processes."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated, Final

import typer

from streamer.embedded import EmbeddedBroker, free_port, is_free
from streamer.errors import DependencyError
from streamer.settings import load_settings

#: so that page and alerts have something to compare with; as in docker-compose.yml
TARGETS: Final = {"service_level_ratio": 0.8, "abandon_ratio": 0.1}
#: so many more customers that it is told within two minutes; as in docker-compose.yml
INCIDENT: Final = "billing@+2m/10mx8"
_READY_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.2


@contextmanager
def _child(environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of this program as a child; SIGTERM at the end, SIGKILL if that is not enough."""
    process = subprocess.Popen(
        [sys.executable, "-m", "streamer", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is ours to pass on, in order
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url: str, *processes: subprocess.Popen[bytes]) -> None:
    """Return once `url` answers 200; raise `DependencyError` if a process ends first, or none of it in a minute."""
    limit = time.monotonic() + _READY_SECONDS
    while time.monotonic() < limit:
        _check(*processes)
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 (our own children on the loopback address)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_POLL_SECONDS)
    raise DependencyError("demo", f"{url} did not answer in {_READY_SECONDS:.0f} s")


def _check(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        if process.poll() is not None:
            command = str(process.args[3])  # type: ignore[index]  # a list, as `_child` has it
            raise DependencyError("demo", f"streamer {command} ended with {process.returncode}")


def _targets() -> dict[str, str]:
    """Return variables with the targets of the demo that the configuration leaves open. Raises SettingsError."""
    known = load_settings().targets
    return {f"STREAMER_TARGETS__{name.upper()}": str(value) for name, value in TARGETS.items() if name not in known}


def demo(
    broker: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="A Kafka of your own, instead of the embedded broker.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Where the board answers.")] = 8080,
    incident: Annotated[
        str, typer.Option(metavar="QUEUE@+DELAY", help="The incident that is simulated; empty for none.")
    ] = INCIDENT,
    duration: Annotated[
        float | None, typer.Option(min=0, help="End after so many seconds; Ctrl-C ends it at any time.")
    ] = None,
) -> None:
    """Run everything on this machine: broker, a simulated support centre, worker, board."""
    if not is_free(port):  # else whatever answers there would be taken for our board
        raise DependencyError("demo", f"cannot listen on port {port} (another demo?); elsewhere: --port {free_port()}")
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with ExitStack() as stack:
        environment = dict(os.environ)
        environment.setdefault("STREAMER_LOGS__LEVEL", "warning")
        if broker is None:
            broker = stack.enter_context(EmbeddedBroker()).bootstrap
            environment["STREAMER_KAFKA__FENCING"] = "none"
        worker_port = free_port()
        environment |= _targets() | {
            "STREAMER_KAFKA__BOOTSTRAP": broker,
            "STREAMER_WORKER__PORT": str(worker_port),
            "STREAMER_BOARD__PORT": str(port),
        }
        worker = stack.enter_context(_child(environment, "worker"))
        _wait(f"http://127.0.0.1:{worker_port}/live", worker)
        board = stack.enter_context(_child(environment, "board"))
        arguments = ["simulate", "--live", *(("--incident", incident) if incident else ())]
        simulator = stack.enter_context(_child(environment, *arguments))
        _wait(f"http://127.0.0.1:{port}/ready", worker, board, simulator)
        url = f"http://127.0.0.1:{port}"
        option = "" if port == load_settings().board.port else f" --url {url}"
        typer.echo(f"streamer: the wall at {url}/ (in a terminal: streamer top{option}; numbers: /metrics)")
        typer.echo(f"streamer: the worker's own at http://127.0.0.1:{worker_port}/metrics; Ctrl-C ends everything")
        typer.echo(f"streamer: events of your own: streamer emit FILE --bootstrap {broker}")
        if incident:
            typer.echo(f"streamer: an incident follows: {incident}")
        end = None if duration is None else time.monotonic() + duration
        while end is None or time.monotonic() < end:
            _check(worker, board, simulator)
            time.sleep(_POLL_SECONDS)
