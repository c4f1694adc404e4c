"""Keeping the model, in one process: a board's view and writer on a real Kafka and a real Redis, flushes made by hand."""

import asyncio
import contextlib
import json
import secrets
from dataclasses import replace

import msgspec
import pytest
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from streamer.board.journey import Journeys, _Found
from streamer.board.read_model import Writer
from streamer.board.view import View, now_ms
from streamer.errors import DependencyError
from streamer.events.codec import Decoder
from streamer.journeys.store import Change, LeaseLostError, Position, Store
from streamer.journeys.summary import Known, known
from streamer.partition import PANES, TIMELINES, Partition
from streamer.processor.command import worker_config
from streamer.processor.mark import MARK, Mark, encode_mark
from streamer.processor.topics import administer, create, ensure_topics, remove
from streamer.processor.writer import PartitionWriter
from streamer.replay import accept
from streamer.settings import Settings
from tests.board.journeys import DAY, HOUR, event, story
from tests.services.redis_server import RedisServer

SECONDS = 30


async def until(holds):
    async with asyncio.timeout(SECONDS):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


class Log:
    """One partition, flushed as a worker does it, and a board's view that has applied what it is told to."""

    def __init__(self, broker, redis_server):
        app = f"model-{secrets.token_hex(4)}"
        self.settings = Settings.model_validate(
            {"kafka": {"bootstrap": broker.bootstrap, "app": app, "partitions": 1}, "redis": {"url": redis_server.url}}
        )
        # its sources too are its own: another number of partitions is refused
        self.config = replace(worker_config(self.settings), sources=(f"{app}-source",), dead_letters=f"{app}-dead")
        self.begin()

    def begin(self):
        """A board that starts, and a worker without any state."""
        self.partition, self.view = Partition(self.settings), View(self.settings)
        self.view.marks[0] = None

    def store(self):
        return Store(self.settings, Counter("outages", "Outages.", registry=None))

    def flush(self, events):
        """Return the rows of a flush of these events, and its mark."""
        decoder = Decoder(self.settings.surveys.scales, self.settings.time.future)
        for raw in events:
            made, at, arrival = accept(decoder, json.dumps(raw).encode())
            self.partition.accept(made, at, arrival)
        mark = Mark(offsets={}, arrivals={}, clock=0, time=now_ms(), configuration=self.config.configuration)
        return self.partition.changes(mark.time).tables, mark

    async def write(self, events):
        tables, mark = self.flush(events)
        last = (MARK, encode_mark(mark), [])
        writer = PartitionWriter(self.config, 0)
        await writer.fence()
        rows = {self.config.changelog(t): [*((k, v, []) for k, v in rows), last] for t, rows in tables.items()}
        await writer.write(rows, mark.time)
        await writer.stop()
        await self.view.apply(0, dict(tables[PANES]), mark)
        self.view.waiting = ""

    @contextlib.asynccontextmanager
    async def keeping(self):
        """A board's task that keeps the model."""
        store = self.store()
        task = asyncio.create_task(Writer(self.config, self.view, store).run())
        try:
            yield store
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await store.close()


@pytest.fixture
async def redis(redis_server):
    async with Redis.from_url(redis_server.url) as client:
        yield client


def ticket(customer, number=1, queue="billing"):
    return event(number, now_ms(), "ticket.created", f"T-{number}", customer, queue=queue)


async def test_a_model_is_gone_on_with_and_made_anew_where_the_log_is_another_one_or_it_was_away_too_long(
    broker, redis_server, redis
):
    log = Log(broker, redis_server)
    names = log.store().names
    await ensure_topics(log.config)
    await log.write([ticket("ada")])
    async with log.keeping():
        await until(lambda: redis.exists(names.journey("ada")))
    assert not await redis.exists(names.writer)  # who ends in order keeps nobody waiting

    await redis.set(names.journey("planted"), "{}")
    await log.write([ticket("ada", 2)])
    async with log.keeping() as store:
        await until(lambda: holds_two(redis, names))
        assert await redis.exists(names.journey("planted"))
        ((position, seen),) = [(p, p.time) for p in (await store.positions()).values()]
    assert seen == log.view.marks[0].time

    old = msgspec.structs.replace(position, since=now_ms() - DAY)
    await redis.hset(names.positions, "0", msgspec.json.encode(old))
    async with log.keeping():
        await until(lambda: gone(redis, names.journey("planted")))
        await until(lambda: holds_two(redis, names))

    async with administer(log.config) as admin:  # as `streamer rebuild`
        await remove(admin, log.config.changelogs)
        await create(admin, log.config)
    log.begin()
    await log.write([ticket(f"bob-{i}") for i in range(9)])  # longer than the log that was
    async with log.keeping():
        await until(lambda: redis.exists(names.journey("bob-8")))
    assert not await redis.exists(names.journey("ada"))


async def holds_two(redis, names):
    value = await redis.get(names.journey("ada"))
    return value is not None and len(json.loads(value)["moments"]) == 2


async def gone(redis, key):
    return not await redis.exists(key)


async def test_a_full_redis_stops_the_model_and_nothing_else_and_no_customer_is_logged(
    broker, services, capsys, caplog
):
    """It refuses writes, and redis-py puts the refused command into the error."""
    server = services.start(RedisServer)
    log = Log(broker, server)
    await ensure_topics(log.config)
    await log.write([ticket("ada")])
    async with Redis.from_url(server.url) as client:
        async with log.keeping() as store:
            await until(lambda: client.exists(store.names.journey("ada")))
            await client.config_set("maxmemory", 1)
            await log.write([ticket("canary")])

            async def failed():
                return store.up is False

            await until(failed)
            assert await store.journey("ada") == (None, None)  # it stands still: the log is asked
            await client.config_set("maxmemory", 0)
            await until(lambda: client.exists(store.names.journey("canary")))
        store = log.store()
        assert await store.acquire()
        await client.config_set("maxmemory", 1)
        told = [Change("canary", Known({"customer": "canary"}, []), now_ms())]
        with pytest.raises(RedisError) as refused:
            await store.write(told, {0: Position(0, 0, 0)}, now_ms())
        assert "canary" in str(refused.value)
        store.failed(refused.value)
        await store.close()
    said = capsys.readouterr().out + caplog.text  # one of them, as the tests before it have set up the logs or not
    assert said.count("redis fails") == 2
    assert said.count("OutOfMemory") == 2
    assert "canary" not in said


async def test_who_has_lost_the_lease_writes_nothing(broker, redis_server, redis):
    log = Log(broker, redis_server)
    first, second = log.store(), log.store()
    position, told = {0: Position(5, 7, 7)}, [Change("ada", Known({"customer": "ada"}, []), now_ms())]
    assert await first.acquire()
    assert not await second.acquire()
    await first.write(told, position, now_ms())
    assert json.loads((await first.journey("ada"))[0]) == {"customer": "ada"}
    await redis.pexpire(first.names.writer, 1)  # it was frozen for longer than the lease
    await until(second.acquire)
    with pytest.raises(LeaseLostError):
        await first.write([Change("ada", Known(None, []), now_ms())], {0: Position(6, 8, 8)}, now_ms())
    with pytest.raises(LeaseLostError):
        await first.clear(position)
    await first.release()  # not its own any more
    assert await second.positions() == position
    assert (await redis.get(second.names.writer), await redis.exists(second.names.journey("ada"))) == (second._me, 1)
    await first.close()
    await second.close()


async def test_a_record_is_read_only_once_the_board_knows_its_groups(broker, redis_server):
    """The numbers of groups are the partition's: read too early, one of them is another group."""
    log = Log(broker, redis_server)
    start = now_ms() - 40 * HOUR
    first, mark = log.flush(story(start)[:5])
    await log.view.apply(0, dict(first[PANES]), mark)
    second, _ = log.flush([event("a", start + 6 * HOUR, "ticket.created", "N-1", "ada", queue="new-1")])
    third, _ = log.flush([event("b", now_ms(), "ticket.created", "N-2", "ada", queue="new-2")])
    mark = msgspec.structs.replace(mark, time=mark.time + 10_000)
    record = dict(third[TIMELINES])[b"c:ada"]
    expected = known("ada", record, log.partition.context)
    journeys, writer = Journeys(log.view), Writer(log.config, log.view, log.store())
    assert journeys._decode("ada", 0, record) != expected  # N-1, in the base, would be of new-2

    assert not writer._covers(0, [Stamp(mark.time)])
    asked = asyncio.create_task(journeys._applied(_Found(0, record, mark.time)))
    await asyncio.sleep(0.2)
    assert not asked.done()
    await log.view.apply(0, {**dict(second[PANES]), **dict(third[PANES])}, mark)
    await asked
    assert writer._covers(0, [Stamp(mark.time)])
    assert journeys._decode("ada", 0, record) == expected


class Stamp(msgspec.Struct):
    """As much of a record as is asked for its flush."""

    timestamp: int


async def test_a_board_that_stays_behind_a_record_says_so(broker, redis_server, monkeypatch):
    monkeypatch.setattr("streamer.board.journey._APPLIED_SECONDS", 0.1)
    log = Log(broker, redis_server)
    with pytest.raises(DependencyError, match="has not read as far"):
        await Journeys(log.view)._applied(_Found(0, b"", now_ms()))


async def test_a_cancellation_that_redis_py_swallows_ends_the_task_all_the_same(broker, redis_server, monkeypatch):
    """Its `wait_for` does so on Python 3.11, when the answer and the cancellation come together."""
    log, inside = Log(broker, redis_server), asyncio.Event()
    await ensure_topics(log.config)
    await log.write([ticket("ada")])

    async def publish(_store, _headline):
        inside.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(SECONDS)

    monkeypatch.setattr(Store, "publish", publish)
    store = log.store()
    task = asyncio.create_task(Writer(log.config, log.view, store).run())
    await asyncio.wait_for(inside.wait(), SECONDS)
    task.cancel()
    await asyncio.wait([task], timeout=SECONDS)
    assert task.cancelled()
    await store.close()


async def test_without_redis_a_log_that_nobody_writes_refuses_but_allows_nothing(broker, redis_server):
    log = Log(broker, redis_server)
    await ensure_topics(log.config)
    sent = event("s", now_ms() - DAY, "survey.sent", "S-1", "ada", kind="csat", department="sales")
    await log.write([sent])
    journeys = Journeys(log.view)
    fresh = {name: (await journeys.may_survey(name, None)).allowed for name in ("ada", "bob")}
    log.view.clock = lambda: now_ms() + 60_000
    stale = {name: (await journeys.may_survey(name, None)).allowed for name in ("ada", "bob")}
    assert (fresh, stale) == ({"ada": False, "bob": True}, {"ada": False, "bob": None})
