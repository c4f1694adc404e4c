"""`python -m bench core|worker|scrape`: measure, and print medians; without arguments the core."""

import argparse
import sys

from bench import core, scrape, worker

EVENTS = 100_000
CUSTOMERS = 10_000


def main() -> None:
    """Read the arguments and run one measurement."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the product; see bench/README.md.")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--events", type=int, default=EVENTS, help="the first so many of the input")
    shared.add_argument("--customers", type=int, default=CUSTOMERS, help="size of the population")
    commands = parser.add_subparsers(dest="command", required=True)
    pure = commands.add_parser("core", parents=[shared], help="one partition in memory, no I/O")
    pure.add_argument("--runs", type=int, default=5)
    pure.add_argument("--cut", type=int, default=core.CUT, help="events between two calls of changes()")
    pure.add_argument("--profile", action="store_true", help="one run under cProfile instead, its first 15 functions")
    real = commands.add_parser("worker", parents=[shared], help="a worker process on a real broker, both pinned")
    real.add_argument("--runs", type=int, default=3)
    shown = commands.add_parser("scrape", parents=[shared], help="evaluation and text of the board")
    shown.add_argument("--scrapes", type=int, default=200)
    arguments = parser.parse_args(sys.argv[1:] or ["core"])
    if arguments.command == "core":
        core.main(arguments.events, arguments.customers, arguments.runs, arguments.cut, profile=arguments.profile)
    elif arguments.command == "worker":
        worker.main(arguments.events, arguments.customers, arguments.runs)
    else:
        scrape.main(arguments.events, arguments.customers, arguments.scrapes)


if __name__ == "__main__":
    main()
