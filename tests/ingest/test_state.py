"""What the ingress remembers: on disk, after the acknowledgement only, one delivery of a ticket at a time, bounded."""

import asyncio
import hashlib
import hmac
import json
import os
import sqlite3
import subprocess
import sys

import pytest

from streamer.errors import DependencyError, OutputError
from streamer.ingest.adapters.base import Source
from streamer.ingest.route import Route
from streamer.ingest.server import Ingress
from streamer.ingest.state import OWN, Locks, StateStore
from tests.ingest.test_ingress import NOW, Kept, post, running, settings_of

SECRET = b"s3cret"
TICKET = {"id": 81, "customer_id": 17, "article_count": 1, "state": "new", "owner_id": 1, "group": "x"}


def zammad(second, **changes):
    stamp = f"2026-11-24T05:00:{second:02}Z"
    return json.dumps({"ticket": {**TICKET, "created_at": stamp, "updated_at": stamp, **changes}}).encode()


async def send(client, body):
    signature = "sha1=" + hmac.new(SECRET, body, hashlib.sha1).hexdigest()
    return (await post(client, "/in/zammad", body, {"X-Hub-Signature": signature}))[0]


def with_zammad(client):
    client.ingress.routes["zammad"] = Route(Source("zammad", b"k" * 32), "zammad", "hub-sha1", [SECRET])
    return client


def kinds(client):
    return [event["type"].removeprefix("support.ticket.") for event in client.kept.events]


async def test_a_snapshot_is_compared_with_the_last_one_that_was_acknowledged(tmp_path):
    async with running(settings_of(tmp_path), Kept()) as client:
        with_zammad(client)
        assert await send(client, zammad(1)) == 200
        client.kept.error = DependencyError("kafka", "away")
        assert await send(client, zammad(2, state="open")) == 503
        client.kept.error = None
        assert await send(client, zammad(2, state="open")) == 200
        assert await send(client, zammad(2, state="open")) == 200

        assert kinds(client) == ["created", "status_changed"]


async def test_two_snapshots_of_a_ticket_at_once_are_compared_one_after_the_other(tmp_path):
    class Slow(Kept):
        async def deliver(self, events):
            await asyncio.sleep(0.05)
            await super().deliver(events)

    async with running(settings_of(tmp_path), Slow()) as client:
        with_zammad(client)
        await send(client, zammad(1))
        await asyncio.gather(*(send(client, zammad(2, state="open", extra=number)) for number in range(5)))

        assert kinds(client) == ["created", "status_changed"]


async def test_it_outlives_a_restart_and_a_failed_delivery_saves_nothing(tmp_path):
    store = StateStore(tmp_path / "state")
    changes = store.changes("a")
    changes.put("ticket:1", {"status": "open"})
    assert changes.get("ticket:1") == {"status": "open"}
    assert store.changes("a").get("ticket:1") is None
    await changes.save(NOW)
    store.close()

    again = StateStore(tmp_path / "state")
    assert again.changes("a").get("ticket:1") == {"status": "open"}
    assert again.changes("b").get("ticket:1") is None


async def saves(store, *values):
    """Return what became of deliveries that are saved at once."""
    return await asyncio.gather(*(store.save("a", one, NOW) for one in values), return_exceptions=True)


async def test_deliveries_that_are_saved_at_once_share_a_commit_and_are_answered_after_it(tmp_path):
    store = StateStore(tmp_path / "state")
    with sqlite3.connect(tmp_path / "state") as other:
        before = other.execute("PRAGMA data_version").fetchone()
        commits = []
        store._connection.set_trace_callback(lambda said: commits.append(said) if said == "COMMIT" else None)
        waiting = asyncio.create_task(saves(store, *({str(number): number} for number in range(20))))
        await asyncio.sleep(0)
        assert other.execute("PRAGMA data_version").fetchone() == before
        assert await waiting == [None] * 20

        assert commits == ["COMMIT"]
        assert other.execute("SELECT count(*) FROM state").fetchone() == (20,)


async def test_where_the_commit_fails_all_that_share_it_fail_and_the_next_one_may_work(tmp_path):
    store = StateStore(tmp_path / "state")
    store._connection.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(tmp_path / "state", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert [type(one) for one in await saves(store, {"1": 1}, {"2": 2})] == [OutputError] * 2
    other.execute("ROLLBACK")

    assert await saves(store, {"1": 1}) == [None]
    assert [store.get("a", key) for key in ("1", "2")] == [1, None]


async def test_a_delivery_that_waits_no_longer_harms_no_other(tmp_path):
    store = StateStore(tmp_path / "state")
    impatient = asyncio.create_task(store.save("a", {"1": 1}, NOW))
    patient = asyncio.create_task(store.save("a", {"2": 2}, NOW))
    await asyncio.sleep(0)
    impatient.cancel()
    async with asyncio.timeout(10):
        await patient

    assert store.get("a", "2") == 2


async def test_a_row_that_is_no_text_leaves_no_open_transaction():
    store = StateStore()
    assert [type(one) for one in await saves(store, {"1": 1}, {"\ud800": 2})] == [OutputError] * 2

    assert await saves(store, {"2": 2}) == [None]
    assert [store.get("a", key) for key in ("1", "2")] == [None, 2]


async def test_it_is_bounded_by_number_and_by_age(monkeypatch):
    monkeypatch.setattr("streamer.ingest.state._PRUNE_EVERY", 1)
    store = StateStore(rows_max=10, age_max_ms=1_000)
    for number in range(30):
        await store.save("a", {str(number): number}, NOW + number)
    assert [number for number in range(30) if store.get("a", str(number)) is not None] == list(range(20, 30))

    await store.save(OWN, {"last": 1}, NOW)
    await store.save("a", {"new": 1}, NOW + 1_025)
    assert store.get(OWN, "last") == 1
    assert [number for number in range(30) if store.get("a", str(number)) is not None] == list(range(25, 30))


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(OutputError, match="nowhere"):
        StateStore(tmp_path / "nowhere" / "state")


async def test_locks_are_forgotten_when_nobody_holds_them():
    locks = Locks()
    async with locks.of("a", "1"), locks.of("a", "2"), locks.of("a", None):
        assert len(locks._held) == 2
    assert not locks._held


def test_the_ingress_keeps_its_state_in_memory_unless_told_otherwise(tmp_path):
    assert Ingress(settings_of(tmp_path), Kept())._state.get("a", "b") is None


def test_without_a_kafka_no_file_is_left_behind(tmp_path):
    command = [sys.executable, "-m", "streamer", "ingest"]
    environ = {"STREAMER_KAFKA__BOOTSTRAP": "127.0.0.1:1", "STREAMER_INGEST__REQUEST_TIMEOUT": "1s"}
    ended = subprocess.run(command, env=os.environ | environ, cwd=tmp_path, timeout=60, check=False)
    assert (ended.returncode, list(tmp_path.iterdir())) == (69, [])
