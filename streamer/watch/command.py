"""`streamer watch`: the demo, beside it Prometheus and Alertmanager with the settings of this repository, alerts in words."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from streamer.embedded import free_port
from streamer.errors import DependencyError, InputMissingError
from streamer.watch.receiver import Receiver
from streamer.watch.rules import RUNBOOK

_ROOT = Path(__file__).parents[2]
_SETTINGS = ("prometheus", "alertmanager")
#: where alertmanager.yml has its receivers
_RECEIVERS = "127.0.0.1:9095"
_ALERTMANAGER = (
    "--config.file=alertmanager/alertmanager.yml",
    "--storage.path=alerts",
    "--cluster.listen-address=",
    "--log.level=warn",
)
_PROMETHEUS = ("--config.file=prometheus/prometheus.yml", "--storage.tsdb.path=numbers", "--log.level=warn")
_STOP_SECONDS = 25.0  # the demo gives each of its children 20
_POLL_SECONDS = 0.2
_WORKER = re.compile(r"worker's own at http://([^/]+)/metrics")


@contextmanager
def _running(
    command: Sequence[str], folder: Path, output: IO[bytes] | int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in `folder`; SIGTERM at the end, SIGKILL if that is not enough."""
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, start_new_session=True, env=dict(os.environ)
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


def _program(*names: str) -> str:
    """Return the path of the first of `names` that is installed. Raises DependencyError."""
    # Debian keeps daemons in sbin, which is not on everyone's PATH.
    places = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    for name in names:
        if found := shutil.which(name, path=places):
            return found
    raise DependencyError("watch", f"{' or '.join(names)} is not installed (Debian: apt-get install {names[0]})")


def _prepare(folder: Path, addresses: dict[str, str]) -> None:
    """Copy the committed settings into `folder`, with the addresses of board, worker, alertmanager and receiver.

    The board's is that of the runbook, too, to which the alerts' links lead.
    """
    for name in _SETTINGS:
        if not (_ROOT / name).is_dir():
            raise InputMissingError(str(_ROOT / name), "is not there: watch runs in a clone of the repository")
        shutil.copytree(_ROOT / name, folder / name)
    for name in ("board", "worker", "alertmanager"):
        (folder / "prometheus" / "targets" / f"{name}.yml").write_text(f'- targets: ["{addresses[name]}"]\n')
    rules = folder / "prometheus" / "rules.yml"
    rules.write_text(rules.read_text().replace(RUNBOOK, f"http://{addresses['board']}/runbook"))
    routes = folder / "alertmanager" / "alertmanager.yml"
    routes.write_text(routes.read_text().replace(_RECEIVERS, addresses["receiver"]))


def _worker_of(demo: subprocess.Popen[bytes]) -> str:
    """Pass on what the demo says until it names the worker's address, and return that. Raises DependencyError at its end."""
    assert demo.stdout is not None
    for line in demo.stdout:
        sys.stdout.buffer.write(line)
        sys.stdout.flush()
        if found := _WORKER.search(line.decode()):
            return found[1]
    raise DependencyError("demo", "ended before it was ready")


def _pass_on(output: IO[bytes]) -> None:
    for line in output:
        sys.stdout.buffer.write(line)
        sys.stdout.flush()


def watch(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Where the board answers.")] = 8080,
    incident: Annotated[
        str | None,
        typer.Option(
            metavar="QUEUE@+DELAY", help="The incident that is simulated; empty for none. Default: the demo's."
        ),
    ] = None,
    broker: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="A Kafka of your own, instead of the embedded broker.")
    ] = None,
) -> None:
    """Run the demo with Prometheus and Alertmanager beside it; alerts are told here in words. Ctrl-C ends everything."""
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    prometheus, alertmanager = _program("prometheus"), _program("prometheus-alertmanager", "alertmanager")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="streamer-watch-")))
        options = ["--port", str(port)]
        for name, value in (("--incident", incident), ("--broker", broker)):
            options += [] if value is None else [name, value]
        demo = stack.enter_context(
            _running([sys.executable, "-m", "streamer", "demo", *options], Path.cwd(), subprocess.PIPE)
        )
        worker = _worker_of(demo)
        receiver = stack.enter_context(Receiver(typer.echo))
        numbers, alerts = (f"127.0.0.1:{free_port()}" for _ in range(2))
        addresses = {"board": f"127.0.0.1:{port}", "worker": worker, "alertmanager": alerts}
        _prepare(folder, addresses | {"receiver": receiver.address})
        commands = (
            [alertmanager, *_ALERTMANAGER, f"--web.listen-address={alerts}"],
            [prometheus, *_PROMETHEUS, f"--web.listen-address={numbers}"],
        )
        processes = [demo, *(stack.enter_context(_running(command, folder)) for command in commands)]
        assert demo.stdout is not None
        threading.Thread(target=_pass_on, args=(demo.stdout,), daemon=True).start()
        typer.echo(f"streamer: Prometheus at http://{numbers}/alerts, Alertmanager at http://{alerts}")
        while all(process.poll() is None for process in processes):
            time.sleep(_POLL_SECONDS)
        ended = next(process for process in processes if process.poll() is not None)
        raise DependencyError("watch", f"process {ended.pid} ended with {ended.returncode}")
