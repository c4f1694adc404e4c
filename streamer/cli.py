"""The command line: `streamer COMMAND`. A command's module is imported only when it is asked for: --help is fast."""

from __future__ import annotations

import errno
import importlib
import sys
import traceback
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from streamer import __version__
from streamer.errors import OutputError, StreamerError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "main"]

INTERRUPTED_EXIT_CODE = 130  # 128 + SIGINT, as shells have it


class Command(NamedTuple):
    """One line of the table of commands: its function (`module:function`), and what it does."""

    target: str
    help: str


COMMANDS = {
    "demo": Command("streamer.demo:demo", "Run everything on this machine: broker, simulator, worker, board."),
    "worker": Command("streamer.processor.command:worker", "Process events: Kafka to exact state, until SIGTERM."),
    "board": Command("streamer.board.command:board", "Show the numbers: /metrics and the JSON API, until SIGTERM."),
    "top": Command("streamer.board.top:top", "Show the headline numbers in the terminal, refreshed each second."),
    "explain": Command(
        "streamer.metrics.explain_command:explain", "Say what a metric is: formula, what counts, PromQL."
    ),
    "journey": Command("streamer.board.journey_command:journey", "Show a customer's contacts, answers and purchases."),
    "ingest": Command("streamer.ingest.command:ingest", "Take in webhooks over HTTP: events to Kafka, until SIGTERM."),
    "tail": Command(
        "streamer.ingest.tail:tail", "Send an Asterisk queue_log, or what its AMI says, to Kafka, until SIGTERM."
    ),
    "watch": Command("streamer.watch.command:watch", "Run the demo with Prometheus and Alertmanager; tell its alerts."),
    "emit": Command("streamer.producers.emit:emit", "Send the events of a JSON Lines or CSV file to Kafka."),
    "simulate": Command("streamer.producers.simulator.command:simulate", "Simulate a support centre's events."),
    "replay": Command("streamer.replay:replay", "Print the numbers of recorded events at an instant."),
    "topics": Command("streamer.processor.topics_command:topics", "Show the topics, wanted and actual; make them."),
    "dead-letters": Command(
        "streamer.processor.dead_letters_command:dead_letters", "List what could not be accepted; send it again."
    ),
    "erase": Command("streamer.producers.erase:erase", "Ask for the erasure of a customer's data."),
    "rebuild": Command("streamer.processor.rebuild_command:rebuild", "Begin anew: make the state from the log."),
    "check": Command("streamer.check:check", "Validate a configuration and print what it comes to."),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process: an error of this package is a line on stderr and its own exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        _build(arguments)(arguments, prog_name="streamer")
    except StreamerError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"streamer: {line}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED_EXIT_CODE)
    except Exception as error:  # noqa: BLE001 (a defect has its own exit code: 1 would say that something was checked)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            sys.stderr.write(f"streamer: standard output: {error.strerror}\n")
            sys.exit(OutputError.exit_code)
        traceback.print_exc()
        sys.exit(StreamerError.exit_code)


def _build(arguments: Sequence[str]) -> Any:
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,  # plain help: rich's Markdown alone takes 70 ms to import
        pretty_exceptions_enable=False,  # its tracebacks show local variables, and those hold events
        help="Live customer-service metrics from the events of a support operation.",
    )
    app.callback()(_options)
    for name, command in COMMANDS.items():
        function = _load(command.target) if name in arguments else _not_asked_for
        app.command(name, short_help=command.help)(function)  # what the page of the command says is its docstring
    return typer.main.get_command(app)


def _load(target: str) -> Any:
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(module), function)


def _not_asked_for() -> None:
    raise AssertionError("a command that is not among the arguments was invoked")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"streamer {__version__}")
        raise typer.Exit


def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Take the options that stand before a command."""
