"""Connections have a limit and a time: senders that are slow or too many keep nobody else out."""

import asyncio
import contextlib
import socket

import pytest

from tests.ingest.test_ingress import BODY, Kept, post, running, settings_of, zendesk


@pytest.mark.slow
async def test_slow_senders_are_cut_and_those_over_the_limit_refused_then_others_get_in(tmp_path):
    settings = settings_of(tmp_path, request_timeout="1s", connections=200)
    async with running(settings, Kept()) as client:
        slow = [await asyncio.open_connection("127.0.0.1", client.port) for _ in range(200)]
        for number, (_, writer) in enumerate(slow):
            head = b"POST /in/zendesk HTTP/1.1\r\nHost: x\r\n"
            writer.write(head + b"Content-Length: 99\r\n\r\n{" if number % 2 else head)
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        assert (await reader.readline()).startswith(b"HTTP/1.1 503")
        writer.close()
        for reader, writer in slow:
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()
        while client.guard.open:  # noqa: ASYNC110 (the product has no event for it)
            await asyncio.sleep(0.01)

        assert (await post(client, "/in/zendesk", BODY, zendesk(BODY)))[0] == 200
        assert client.guard.refused == 1


def burst(port, number):
    """Return so many sockets that connect at once."""
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", port))
    return sockets


async def test_a_burst_of_connections_gets_no_more_than_the_limit(tmp_path):
    settings = settings_of(tmp_path, connections=200)
    async with running(settings, Kept()) as client:
        sockets = await asyncio.to_thread(burst, client.port, 800)
        counts = []
        async with asyncio.timeout(60):
            # Of the others the kernel may have dropped some itself.
            while client.guard.refused < 100 or len(counts) < 10:
                await asyncio.sleep(0.01)
                counts.append(len(client.guard.open))
        assert max(counts) == counts[-1] == 200
        for one in sockets:
            one.close()
        async with asyncio.timeout(60):
            while client.guard.open:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

        assert await post(client, "/in/zendesk", BODY, zendesk(BODY)) == (200, {"events": 1})


async def test_a_connection_that_never_comes_to_be_gives_its_place_back(tmp_path):
    async with running(settings_of(tmp_path, request_timeout="1s", connections=1), Kept()) as client:
        client.guard()  # asyncio made the protocol, and the connection was gone
        assert len(client.guard.open) == 1
        async with asyncio.timeout(60):
            while client.guard.open:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

        assert (await post(client, "/in/zendesk", BODY, zendesk(BODY)))[0] == 200


@pytest.mark.slow
async def test_the_time_of_a_connection_begins_anew_with_each_answer(tmp_path):
    async with running(settings_of(tmp_path, request_timeout="1s"), Kept()) as client:
        request = b"GET /live HTTP/1.1\r\nHost: x\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        for _ in range(6):  # longer than the 2 s that one request may take
            writer.write(request + b"\r\n")
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(0.5)
        with contextlib.suppress(ConnectionError):
            for byte in request + b"X: " + b"x" * 1_000:  # a byte each 50 ms: never whole
                writer.write(bytes((byte,)))
                await asyncio.sleep(0.05)
                if reader.at_eof():
                    break
        assert reader.at_eof()
        writer.close()
