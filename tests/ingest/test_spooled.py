"""The ingress with a spool, on a real Kafka: what is answered 200 arrives, also when the broker was away meanwhile."""

import asyncio
import json

import pytest

from streamer.ingest.deliver import FullError
from streamer.ingest.spooled import SpoolDeliver
from tests.emitter.kit import arrived, make_topics
from tests.ingest.test_ingress import TICKET, post, readiness, running, scraped, settings_of, value, zendesk
from tests.services.kafka import Kafka


def settings_for(broker, folder, **ingest):
    settings = settings_of(folder, **ingest)
    return settings.model_copy(update={"kafka": settings.kafka.model_copy(update={"bootstrap": broker.bootstrap})})


async def send(client, name):
    body = json.dumps({**TICKET, "id": name}).encode()
    return (await post(client, "/in/zendesk", body, zendesk(body)))[0]


async def test_a_broker_that_goes_away_is_bridged_by_the_disk(services, tmp_path):
    broker = services.start(Kafka)
    make_topics(broker.bootstrap)
    settings = settings_for(broker, tmp_path)
    deliver = SpoolDeliver(settings, tmp_path / "spool", patience_s=0.5)
    async with running(settings, deliver) as client:
        first = await asyncio.gather(*(send(client, f"a{number}") for number in range(40)))
        broker.kill9()
        away = await asyncio.gather(*(send(client, f"b{number}") for number in range(40)))
        spooled = value(await scraped(client), "support_ingest_spooled_events")
        assert await readiness(client) == 200
    await asyncio.to_thread(deliver.close)
    assert first + away == [200] * 80

    again = SpoolDeliver(settings, tmp_path / "spool")  # what a crash or an end has left is sent by the next start
    try:
        assert again.spooled() == spooled >= 40
        await asyncio.to_thread(broker.start)
        await asyncio.to_thread(again._courier.flush, 60)
        async with asyncio.timeout(60):
            while again.spooled():  # noqa: ASYNC110 (another thread's)
                await asyncio.sleep(0.01)
    finally:
        await asyncio.to_thread(again.close)

    found = await asyncio.to_thread(arrived, broker.bootstrap, "ingest/zendesk")
    assert len({event["id"] for _, event in found}) == 80


async def test_more_than_may_wait_is_429(kafka, tmp_path):
    deliver = SpoolDeliver(settings_for(kafka, tmp_path, unacknowledged=1), tmp_path / "spool")
    try:
        with pytest.raises(FullError):
            await deliver.deliver([TICKET, TICKET])
    finally:
        await asyncio.to_thread(deliver.close)


async def test_a_spool_that_is_full_is_429_and_not_ready(services, tmp_path):
    broker = services.start(Kafka)
    make_topics(broker.bootstrap)
    settings = settings_for(broker, tmp_path)
    broker.kill9()
    room = settings.ingest.body_bytes
    deliver = SpoolDeliver(settings, tmp_path / "spool", patience_s=0.1, bytes_max=room + 1_000)
    async with running(settings, deliver) as client:
        assert await readiness(client) == 200
        event = {**TICKET, "type": "support.ticket.created", "subject": "t", "data": {"customer": "c" * 1_000}}
        await deliver.deliver([event])
        assert await readiness(client) == 503
        with pytest.raises(FullError):
            await deliver.deliver([event] * 1_100)
    await asyncio.to_thread(deliver.close)
