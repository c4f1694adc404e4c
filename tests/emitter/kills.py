"""Kill -9 of the producer and of the broker in turn: what was acknowledged arrives, each customer's events in order."""

import random
import subprocess
import sys
import time
import uuid
from pathlib import Path

from tests.emitter.kit import first_arrivals, make_emitter
from tests.services.process import wait_until

ROOT = Path(__file__).parents[2]
SPARE = 1_000_000  # numbers of one life of the producer: more than it can emit


def kill_in_turn(broker, folder, rounds):
    """Kill `rounds` times, the producer and the broker in turn."""
    source, lives = f"kills-{uuid.uuid4().hex}", []
    process, out = begin(broker, folder, source, lives)
    for number in range(rounds):
        seen = out.stat().st_size
        wait_until(lambda: out.stat().st_size > seen, 60, lambda: process.poll() is None)  # noqa: B023 (called here)
        time.sleep(random.uniform(0.2, 1.5))
        assert process.poll() is None, (folder / "producer.log").read_text()[-3000:]
        if number % 2:
            broker.kill9()
            time.sleep(random.uniform(0, 2))
            if random.random() < 0.5:  # the producer dies too, with a spool that nobody drains
                process = end(process)
                process, out = begin(broker, folder, source, lives)
                time.sleep(random.uniform(0, 1))
            broker.start()
        else:
            process = end(process)
            process, out = begin(broker, folder, source, lives)
    end(process)
    with make_emitter(folder, broker.bootstrap, source) as emitter:
        emitter.flush(300)  # at a load of 13 the last life had 130,000 to send
        assert emitter.counts().waiting == 0
    check(broker, source, lives)


def begin(broker, folder, source, lives):
    out = folder / f"acknowledged-{len(lives)}"
    with out.open("wb") as stdout, (folder / "producer.log").open("ab") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.emitter.producer_main",
             str(folder), broker.bootstrap, source, str(len(lives) * SPARE)],
            cwd=ROOT, stdout=stdout, stderr=stderr, start_new_session=True,
        )  # fmt: skip
    lives.append(out)
    return process, out


def end(process):
    process.kill()
    process.wait(10)


def check(broker, source, lives):
    subjects = first_arrivals(broker.bootstrap, source)
    there = {int(subject) for order in subjects.values() for subject in order}
    # the last line may be cut
    acknowledged = {int(line) for out in lives for line in out.read_text().split("\n")[:-1]}
    assert len(acknowledged) > len(lives)
    assert not acknowledged - there
    for order in subjects.values():
        assert order == sorted(order)
