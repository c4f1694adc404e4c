"""`python -m bench.job CONFIG`: a worker with the state of one job; CONFIG is JSON. Prints `MARK events` on its way."""

import json
import logging
import os
import sys
from collections.abc import Callable

from bench.states import FLUSHED, STATES
from bench.tickets import PARTITIONS, TOPIC
from streamer.processor.config import WorkerConfig
from streamer.processor.worker import run_worker


def config(bootstrap: str, job: str, app: str, port: int | None = None) -> WorkerConfig:
    """Return the worker's settings: the product's own, but for the job's topic and tables."""
    return WorkerConfig(
        bootstrap=bootstrap,
        app_id=app,
        configuration="bench",
        partitions=PARTITIONS,
        sources=(TOPIC,),
        tables=STATES[job].tables,
        dead_letters=f"{app}-dead-letters",
        port=port,
    )


def ticker(every: int) -> Callable[[int], None]:
    """Return what counts the events of all partitions and prints a mark after every so many."""
    seen = 0

    def tick(number: int) -> None:
        nonlocal seen
        before, seen = seen, seen + number
        if before // every != seen // every:
            os.write(1, b"MARK %d\n" % seen)

    return tick


def main() -> None:
    """Run until SIGTERM."""
    logging.basicConfig(level=logging.WARNING)
    arguments = json.loads(sys.argv[1])
    state, tick = STATES[arguments["job"]], ticker(arguments["every"])
    settings = config(arguments["bootstrap"], arguments["job"], arguments["app"], arguments["port"])
    run_worker(settings, lambda _: state(tick), {FLUSHED: ("Events in committed flushes.", ())})


if __name__ == "__main__":
    main()
