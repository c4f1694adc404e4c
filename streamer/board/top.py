"""`streamer top`: the wall in the terminal, from a running board."""

import http.client
import json
import signal
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import suppress
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from streamer.board.answer import NAMES, Answer, read
from streamer.board.wall import frame
from streamer.errors import DependencyError, UsageError
from streamer.options import ConfigOption
from streamer.progress import waiting
from streamer.settings import load_settings

_EVERY_SECONDS = 1.0
_ANSWER_SECONDS = 5.0
#: off a terminal there is no size to ask for
_WIDTH, _HEIGHT = 80, 24


def ask(url: str) -> dict[str, Any]:
    """Return what the board at `url` says. Raises DependencyError where it does not answer, or not with numbers."""
    address = f"{url.rstrip('/')}/api/metrics?{urllib.parse.urlencode([('name', name) for name in NAMES])}"
    try:
        with urllib.request.urlopen(address, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 (http, checked by `top`)
            said = json.load(answer)
    except urllib.error.HTTPError as error:
        raise DependencyError("board", f"{url} has no numbers yet: {error.read(500).decode().strip()}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        words = getattr(reason, "strerror", None) or reason  # without the number of an OSError: lines are short
        raise DependencyError("board", f"{url} does not answer: {words}") from error
    if not isinstance(said, dict):
        raise DependencyError("board", f"{url} is not a board")
    return said


def top(
    url: Annotated[str | None, typer.Option(help="Where the board answers; default: what [board] says.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Print one frame and end.")] = False,  # noqa: FBT002 (a flag)
    config: ConfigOption = None,
) -> None:
    """Show the headline numbers in the terminal, refreshed each second, until Ctrl-C."""
    if url is None:
        board = load_settings(config).board
        host = "127.0.0.1" if board.host in ("0.0.0.0", "::", "") else board.host  # noqa: S104 (where it listens, not us)
        url = f"http://{host}:{board.port}"
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--url: {url} must begin with http:// or https://")
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH, height=_HEIGHT)
    if once:
        with waiting(f"the board at {url}", _ANSWER_SECONDS):
            answer = read(ask(url))
        console.print(frame(answer, console.width, console.height))
        return
    signal.signal(signal.SIGTERM, _end)  # the screen is restored on the way out
    with suppress(KeyboardInterrupt):
        _watch(url, console)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _watch(url: str, console: Console) -> None:
    answer = Answer({}, {})
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            started = time.monotonic()
            try:
                answer = read(ask(url))
            except DependencyError as error:
                answer = answer._replace(away=f"{error}; trying again")
            live.update(frame(answer, console.width, console.height), refresh=True)
            time.sleep(max(0.0, _EVERY_SECONDS - (time.monotonic() - started)))
