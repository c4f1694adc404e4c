"""`python -m streamer.watch.hear HOST:PORT`: says in words what Alertmanager tells it there, until SIGTERM."""

import argparse
import signal

import typer

from streamer.watch.receiver import Receiver


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError where the address cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m streamer.watch.hear", description=__doc__)
    parser.add_argument("address", type=_address, metavar="HOST:PORT", help="where Alertmanager's webhooks come")
    address = parser.parse_args(arguments).address
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # before the threads, which inherit it
    with Receiver(typer.echo, address):
        signal.sigwait(ends)


if __name__ == "__main__":
    main()
