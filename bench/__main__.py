"""`python -m bench COMMAND`: measure, and print medians; without arguments the core."""

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

from bench import asterisk, core, emitter, ingest, jobs, latency, page, peers, recovery, scrape, spikes, state, worker

EVENTS = 100_000
CUSTOMERS = 10_000
JOB_EVENTS = 1_000_000
PEER_EVENTS = 3_000_000
KNOWN = 1_000_000


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
    three = commands.add_parser("jobs", help="the peers' three jobs, done by this product's processor")
    three.add_argument("--events", type=int, default=JOB_EVENTS)
    three.add_argument("--runs", type=int, default=5)
    others = commands.add_parser("peers", help="the three jobs beside Quix Streams, Kafka Streams and Faust")
    others.add_argument("--peers", type=Path, required=True, help="folder with the peers' programs")
    others.add_argument("--events", type=int, default=PEER_EVENTS, help="for the fast engines; a multiple of 100,000")
    others.add_argument("--runs", type=int, default=5)
    recovered = commands.add_parser("recovery", help="changelog records a second into a worker that starts")
    recovered.add_argument("--customers", type=int, default=KNOWN // 4, help="finished customers in the changelogs")
    recovered.add_argument("--runs", type=int, default=3)
    many = commands.add_parser("state", help="CPU and memory with 10,000 and with a million customers known")
    many.add_argument("--events", type=int, default=EVENTS, help="applied to either state")
    many.add_argument("--customers", type=int, default=KNOWN, help="known in the larger state")
    many.add_argument("--runs", type=int, default=3)
    sdk = commands.add_parser("emitter", parents=[shared], help="the SDK beside kafka-python alone, on a real broker")
    sdk.add_argument("--runs", type=int, default=3)
    flagged = commands.add_parser("spikes", help="incidents that are flagged, and false alarms, over simulated weeks")
    flagged.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    logged = commands.add_parser("asterisk", help="queue_log lines to events")
    logged.add_argument("--lines", type=int, default=100_000)
    logged.add_argument("--runs", type=int, default=5)
    hooks = commands.add_parser("ingest", help="webhooks into a real `streamer ingest` on a core of its own")
    hooks.add_argument("--webhooks", type=int, default=10_000, help="a run of each kind")
    hooks.add_argument("--connections", type=int, default=64)
    hooks.add_argument("--rate", type=float, default=2_000.0, help="a second, for the time that each takes")
    hooks.add_argument("--runs", type=int, default=3)
    _add_board(commands, shared)
    _run(parser.parse_args(sys.argv[1:] or ["core"]))


def _add_board(commands: Any, shared: argparse.ArgumentParser) -> None:
    shown = commands.add_parser("scrape", parents=[shared], help="evaluation and text of the board")
    shown.add_argument("--scrapes", type=int, default=200)
    shown.add_argument("--queues", type=int, default=10, help="more than 10, e.g. 50: with weeks of history too")
    seen = commands.add_parser("latency", help="append to applied by the board, all on this machine")
    seen.add_argument("--rate", type=int, default=5_000, help="events a second")
    seen.add_argument("--seconds", type=float, default=60.0, help="how long, after 10 s to warm up")
    seen.add_argument("--customers", type=int, default=CUSTOMERS, help="size of the population")
    walls = commands.add_parser("page", help="append to the update of the wall page that shows it, 1 and many readers")
    walls.add_argument("--rate", type=int, default=5_000, help="events a second")
    walls.add_argument("--seconds", type=float, default=60.0, help="how long each, after 10 s to warm up")
    walls.add_argument("--customers", type=int, default=CUSTOMERS, help="size of the population")
    walls.add_argument("--readers", type=int, default=200, help="pages that are open")


def _run(given: argparse.Namespace) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # brokers and workers are to end with this
    match given.command:
        case "core":
            core.main(given.events, given.customers, given.runs, given.cut, profile=given.profile)
        case "worker":
            worker.main(given.events, given.customers, given.runs)
        case "scrape":
            scrape.main(given.events, given.customers, given.scrapes, given.queues)
        case "jobs":
            jobs.main(given.events, given.runs)
        case "peers":
            peers.main(given.peers, given.events, given.runs)
        case "recovery":
            recovery.main(given.customers, given.runs)
        case "latency":
            latency.main(given.rate, given.seconds, given.customers)
        case "page":
            page.main(given.rate, given.seconds, given.customers, given.readers)
        case "state":
            state.main(given.events, given.customers, given.runs)
        case "spikes":
            spikes.main(given.seeds)
        case _:
            _run_producer(given)


def _run_producer(given: argparse.Namespace) -> None:
    match given.command:
        case "asterisk":
            asterisk.main(given.lines, given.runs)
        case "ingest":
            ingest.main(given.webhooks, given.connections, given.rate, given.runs)
        case "emitter":
            emitter.main(given.events, given.customers, given.runs)


if __name__ == "__main__":
    main()
