"""Faults, each as long as its caller wants: short in `make test`, long in `make chaos`."""

import asyncio
import os
import random
import signal
import time
from pathlib import Path

from aiokafka import AIOKafkaProducer

from streamer.embedded import free_port
from tests.processor.kit import READY, assert_exact, http_get
from tests.services.process import wait_until


def start_all(group, workers, static=True, hooks=None):
    for number in range(workers):
        group.start(number, hooks, **({"instance_id": f"w{number}"} if static else {}))


def restart_dead(group, static=True, hooks=None):
    """Start again what ended; gives how many that were."""
    dead = [number for number, worker in group.workers.items() if not worker.alive]
    for number in dead:
        group.start(number, hooks, **({"instance_id": f"w{number}"} if static else {}))
    return len(dead)


def kill_at_random(group, workers, kills, pause, static=True):
    """Kill -9 one of the workers at random moments and start it again.

    Without static membership each death and each start is a rebalance. Before and after every other kill all workers are
    waited for, so that rebalances come to their end; the other kills fall into them.
    """
    start_all(group, workers, static)
    seen = {}
    for number in range(kills):
        awaited = not number or (number % 2 and not static)
        if awaited:
            wait_for_all(group, seen)
        time.sleep(random.uniform(*pause))
        victim = random.randrange(workers)
        assert group.workers[victim].alive, group.workers[victim].log()[-3000:]
        seen = {name: worker.count(READY) for name, worker in group.workers.items()}
        group.workers[victim].kill9()
        restart_dead(group, static)
        if awaited and number:
            wait_for_all(group, seen)
    if not static:
        assert group.rebalances() >= kills // 2
    return assert_exact(group, 90)


def wait_for_all(group, seen):
    """Wait until every worker has been given its partitions once more than it was `seen` to be."""
    for name, worker in group.workers.items():
        worker.wait_for(READY, seen.get(name, 0) + 1)


def storm(group, workers, steps, pause):
    """Workers join, leave and die at random; at the end one is there."""
    group.start(0)
    for step in range(1, steps + 1):
        time.sleep(random.uniform(*pause))
        alive = [worker for worker in group.workers.values() if worker.alive]
        if not alive or (len(alive) < workers and random.random() < 0.5):
            group.start(step)
        elif random.random() < 0.5:
            leaver = random.choice(alive)
            # The signal ends a worker that has not come to listen for it.
            wanted = {0} if leaver.count(READY) else {0, -signal.SIGTERM}
            assert (code := leaver.stop()) in wanted, (code, leaver.log()[-3000:])
        else:
            random.choice(alive).kill9()
    group.start(steps + 1)
    return assert_exact(group, 120)


def die_in_flushes(group, kills, chance):
    """Restart a worker that kills itself at random points of its flushes, then let it finish."""
    deaths, deadline = 0, time.monotonic() + 15 * kills
    group.start(0, {"crash": chance}, instance_id="w0")
    while deaths < kills:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        deaths += restart_dead(group, hooks={"crash": chance})
    group.workers[0].kill9()
    restart_dead(group)
    assert group.workers[0].count("SELF-KILL") == kills
    return assert_exact(group, 90)


def freeze(group, where, past=8.0):
    """Stop one of two workers (at a point of a flush, or anywhere) until the other has taken over, then let it go on."""
    flag = group.folder / "nap"
    hooks = {"nap_file": str(flag), "nap_at": where} if where else None
    victim, other = group.start(0, hooks), group.start(1)
    victim.wait_for(READY)
    other.wait_for(READY)
    # Both have their share: the second one's join gave both another assignment.
    wait_until(lambda: "partitions [0, 1, 2, 3]" not in last_ready(victim) + last_ready(other), 30)
    if where:
        flag.touch()
        wait_until(lambda: not flag.exists(), 20)
    else:
        victim.signal(signal.SIGSTOP)
    wait_until(lambda: stopped(victim.process.pid), 10)
    wait_until(lambda: "partitions [0, 1, 2, 3]" in last_ready(other), 40)
    time.sleep(past - 6.0)
    victim.signal(signal.SIGCONT)
    wait_until(lambda: "partitions [0, 1, 2, 3]" not in last_ready(other), 40)
    assert victim.alive
    assert other.alive
    return assert_exact(group, 90)


def last_ready(worker):
    lines = [line for line in worker.log().splitlines() if READY in line]
    return lines[-1] if lines else "none"


def stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def break_broker(group, broker, rounds, frozen=0.0):
    """Kill -9 the broker and start it again, or freeze it, with two workers; they go on by themselves."""
    port = free_port()
    group.start(0, instance_id="w0", port=port)
    group.start(1, instance_id="w1")
    group.workers[0].wait_for(READY)
    group.workers[1].wait_for(READY)
    for _ in range(rounds):
        time.sleep(random.uniform(1, 3))
        if frozen:
            os.kill(broker.pid, signal.SIGSTOP)
            wait_until(lambda: http_get(port, "/ready")[0] == 503, 15)
            assert http_get(port, "/live")[0] == 200
            time.sleep(frozen)
            assert http_get(port, "/live")[0] == 200
            os.kill(broker.pid, signal.SIGCONT)
        else:
            broker.kill9()
            time.sleep(random.uniform(0, 2))
            broker.start()
    audit = assert_exact(group, 120)
    assert all(worker.alive for worker in group.workers.values())
    wait_until(lambda: http_get(port, "/ready")[0] == 200, 30)
    return audit


def intrude(group, times):
    """Somebody else initialises a partition's transactional id while all is well."""
    worker = group.start(0)
    worker.wait_for(READY)

    async def intruder(partition):
        producer = AIOKafkaProducer(
            bootstrap_servers=group.config.bootstrap, transactional_id=f"{group.config.app_id}-{partition}"
        )
        await producer.start()
        await producer.stop()

    for number in range(times):
        time.sleep(1)
        asyncio.run(intruder(number % group.config.partitions))
        worker.wait_for(READY, number + 2)
    audit = assert_exact(group)
    assert worker.alive
    assert worker.count(" lost: ") >= times
    return audit
