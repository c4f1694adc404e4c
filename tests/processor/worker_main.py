# ruff: noqa: T201
"""A worker process for tests: `worker_main.py CONFIG_JSON`; hooks into its flushes come from HOOKS (JSON).

With `settings` in its configuration its state is the product's, made as `streamer worker` makes it; else it counts.
"""

import asyncio
import json
import logging
import os
import random
import signal
import sys
from pathlib import Path

from aiokafka import AIOKafkaProducer

from streamer.partition import COUNTERS, Partition
from streamer.processor.config import WorkerConfig
from streamer.processor.errors import ProcessorError
from streamer.processor.worker import run_worker
from streamer.settings import Settings
from tests.processor.counting import CountingState

HOOKS = json.loads(os.environ.get("HOOKS", "{}"))
begin, send, commit = (
    AIOKafkaProducer.begin_transaction,
    AIOKafkaProducer.send_batch,
    AIOKafkaProducer.commit_transaction,
)


def die(where):
    print("SELF-KILL", where, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def nap(where):
    """Stop this process at the point, once, if the test asks for it by a file."""
    flag = HOOKS.get("nap_file")
    if flag and HOOKS["nap_at"] == where and Path(flag).exists():
        Path(flag).unlink()
        print("NAP", where, flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
        print("NAP over", flush=True)


async def begin_transaction(self):
    await begin(self)
    chance = HOOKS.get("crash", 0)
    self.fate = random.random() / chance if chance else 9
    nap("begin")


async def send_batch(self, batch, topic, *, partition):
    fate = getattr(self, "fate", 9)
    if fate < 0.25:
        die("before send")
    future = await send(self, batch, topic, partition=partition)
    if fate < 0.5:
        await asyncio.sleep(random.random() * 0.006)
        die("in flight")
    return future


async def commit_transaction(self):
    fate = getattr(self, "fate", 9)
    nap("send")
    if fate < 0.7:
        die("sent, not committed")
    if fate < 0.9:
        task = asyncio.ensure_future(commit(self))
        await asyncio.sleep(random.random() * 0.006)
        die("commit in flight")
        await task
    await commit(self)
    if fate < 1:
        die("committed")


def main():
    logging.basicConfig(
        level=os.environ.get("LOGLEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("aiokafka").setLevel("WARNING")
    if HOOKS:
        AIOKafkaProducer.begin_transaction = begin_transaction
        AIOKafkaProducer.send_batch = send_batch
        AIOKafkaProducer.commit_transaction = commit_transaction
    print("STARTED", flush=True)
    values = json.loads(sys.argv[1])
    plain = values.pop("settings", None)
    config = WorkerConfig(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})
    if HOOKS.get("break_state"):
        CountingState.apply = lambda *_: 1 / 0
    try:
        if plain is None:
            run_worker(config, lambda _: CountingState(config.sources), {"support_events": ("Events.", ("topic",))})
        else:
            settings = Settings.model_validate(plain)
            run_worker(config, lambda number: Partition(settings, number), COUNTERS)
    except ProcessorError as exc:
        print("REFUSED", exc, flush=True)
        sys.exit(3)


if __name__ == "__main__":
    main()
