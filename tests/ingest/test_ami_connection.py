"""A connection to Asterisk's manager interface that is lost, slow, or full of garbage; `streamer tail --ami` over it."""

import asyncio
import secrets
import signal
import subprocess

import msgspec
import pytest

from streamer.errors import SettingsError
from streamer.ingest.adapters.base import Source
from streamer.ingest.ami import Parser
from streamer.ingest.ami_client import Client
from streamer.ingest.ami_command import AmiPosition
from streamer.ingest.ami_events import AmiEvents
from streamer.ingest.asterisk_memory import Memory
from streamer.settings._processes import AmiSettings
from tests.cli.test_cli import STREAMER
from tests.emitter.kit import arrived, make_topics
from tests.ingest.ami_kit import (
    SECRET,
    Asterisk,
    T,
    complete,
    connect,
    join,
    leave,
    of_agent,
    picked,
)
from tests.services.kafka import Kafka
from tests.services.process import wait_until

pytestmark = pytest.mark.slow

KEY = b"k" * 32
NOW = T * 1000


class Heard:
    """A listener that remembers; `until` waits for a number of messages."""

    def __init__(self):
        self.messages, self.begun = [], 0
        self._more = asyncio.Event()

    def connected(self):
        self.begun += 1

    def take(self, messages, now_ms):
        assert now_ms > NOW - 10**12
        self.messages += [one["event"] for one in messages if "event" in one and one["event"] != "FullyBooted"]
        self._more.set()

    async def ready(self):
        pass

    async def until(self, condition):
        async with asyncio.timeout(60):
            while not condition(self):
                self._more.clear()
                await self._more.wait()


async def listened(server, condition, **settings):
    """Run a client against a server until the condition holds."""
    heard, stop = Heard(), asyncio.Event()
    options = {"host": "127.0.0.1", "port": server.port, **settings}
    client = Client(AmiSettings.model_validate(options), SECRET, heard)
    running = asyncio.ensure_future(client.run(stop))
    try:
        await asyncio.wait(
            [running, waiting := asyncio.ensure_future(heard.until(condition))], return_when="FIRST_COMPLETED"
        )
        waiting.cancel()
    finally:
        stop.set()
        await running
    return heard, client


async def test_the_login_says_the_secret_to_nobody():
    async with Asterisk([join(1), None]) as server:
        await listened(server, lambda heard: heard.messages)

    assert not any(SECRET in line for line in server.received)
    assert {"Action: Login", "Username: streamer", "Events: agent,call", "Action: QueueStatus"} <= set(server.received)
    assert server.received[-1] == "Action: Logoff"


async def test_a_wrong_secret_ends_it():
    async with Asterisk(secret="another") as server:
        with pytest.raises(SettingsError, match=r"ami\.secret_file"):
            await listened(server, lambda _: False)
    assert server.logins == 0


async def test_a_connection_that_breaks_amid_a_message_is_made_anew():
    half = connect(1).encode()
    scripts = [[join(1), half[:200]], [b"\x00\xff" * 40_000 + b"\r\n\r\n", join(2)], [join(3), None]]
    async with Asterisk(*scripts) as server:
        heard, client = await listened(server, lambda heard: len(heard.messages) == 3)

    assert heard.messages == ["QueueCallerJoin"] * 3
    assert (server.logins, heard.begun, client.connections, client.refused) == (3, 3, 3, 1)


async def test_slow_bytes_are_a_message_at_last():
    text = join(1).encode()
    pieces = [piece for start in range(0, len(text), 40) for piece in (text[start : start + 40], 0.02)]
    async with Asterisk([*pieces, None]) as server:
        heard, _ = await listened(server, lambda heard: heard.messages)
    assert heard.messages == ["QueueCallerJoin"]


async def test_who_is_silent_is_asked_and_who_stays_silent_is_left(monkeypatch):
    monkeypatch.setattr("streamer.ingest.ami_client._PING_S", 0.5)
    monkeypatch.setattr("streamer.ingest.ami_client._DEAD_S", 3.0)
    # The first answers; the second sends bytes for ever, and never a whole message.
    async with Asterisk([None]) as server:
        await listened(server, lambda _: server.received.count("Action: Ping") >= 2)
        assert server.logins == 1
    async with Asterisk([piece for _ in range(600) for piece in (b"X: 1\r\n"[:3], 0.2)], [join(1), None]) as server:
        heard, client = await listened(server, lambda heard: heard.messages)
    assert (client.connections, heard.messages) == (2, ["QueueCallerJoin"])


async def test_who_is_not_there_yet_is_met_later():
    async with Asterisk() as server:
        port = server.port
    heard, stop = Heard(), asyncio.Event()
    client = Client(AmiSettings.model_validate({"port": port}), SECRET, heard)
    running = asyncio.ensure_future(client.run(stop))
    server = Asterisk([join(1), None])
    server.port = port
    await asyncio.sleep(0.1)
    async with server:
        await heard.until(lambda heard: heard.messages)
        stop.set()
        await running


# -- the whole: `streamer tail --ami` and a real Kafka


@pytest.fixture
def house(kafka, tmp_path):
    make_topics(kafka.bootstrap)
    (tmp_path / "key").write_text("k" * 32)
    (tmp_path / "secret").write_text(SECRET)
    return kafka, tmp_path, f"pbx-{secrets.token_hex(4)}"


def command(house, port, *more):
    broker, folder, name = house
    config = folder / "streamer.toml"
    config.write_text(
        f'[kafka]\nbootstrap = "{broker.bootstrap}"\n[ingest]\nkey_file = "{folder / "key"}"\n'
        f'[ami]\nport = {port}\nsecret_file = "{folder / "secret"}"\n'
    )
    return [*STREAMER, "tail", "--position", str(folder / "position"), "--config", str(config), "--source", name, *more]


async def test_everything_that_is_said_arrives_through_lost_connections_and_a_kill(house):
    broker, folder, name = house
    day = []
    for call in range(40):
        day += [join(call), of_agent("AgentCalled", call), picked(call), leave(call), connect(call), complete(call)]
    # The first connection is lost amid a message, the second with the process.
    scripts = [[*day[:80], connect(7)[:99]], [*day[80:160], None], [*day[160:], None]]
    wanted = AmiEvents(Source(name, KEY))

    def ids(texts):
        events = [event for text in texts for m in Parser().feed(text.encode()) for event in wanted.message(m, NOW)]
        return {event["id"] for event in events if event["type"].startswith("support.call.")}

    def came():
        return {event["id"] for _, event in arrived(broker.bootstrap, f"ingest/{name}", ("support.calls",))}

    first, rest = ids(day[:160]), ids(day[160:])
    async with Asterisk(*scripts) as server:
        with (folder / "log").open("wb") as log:
            for until, end in ((first, signal.SIGKILL), (first | rest, signal.SIGTERM)):
                running = await asyncio.create_subprocess_exec(*command(house, server.port, "--ami"), stderr=log)
                try:
                    await asyncio.to_thread(wait_until, lambda until=until: until <= came(), 60)
                finally:
                    running.send_signal(end)
                    code = await asyncio.wait_for(running.wait(), 30)

    assert code == 0
    assert came() == first | rest
    assert server.logins == 3
    assert SECRET not in (folder / "log").read_text()
    assert msgspec.json.decode((folder / "position").read_bytes(), type=AmiPosition).memory.calls


async def test_events_wait_while_kafka_is_away(services, tmp_path):
    broker, name = services.start(Kafka), "pbx"
    make_topics(broker.bootstrap)
    (tmp_path / "key").write_text("k" * 32)
    (tmp_path / "secret").write_text(SECRET)
    gate = asyncio.Event()

    def came():
        return {e["subject"] for _, e in arrived(broker.bootstrap, f"ingest/{name}", ("support.calls",))}

    async with Asterisk([join(1), gate, *(join(call) for call in range(2, 30)), None]) as server:
        given = command((broker, tmp_path, name), server.port, "--ami")
        running = await asyncio.create_subprocess_exec(*given, stderr=subprocess.DEVNULL)
        try:
            await asyncio.to_thread(wait_until, lambda: len(came()) == 1, 60)
            broker.kill9()
            gate.set()
            await asyncio.sleep(1)
            await asyncio.to_thread(broker.start)
            await asyncio.to_thread(wait_until, lambda: len(came()) == 29, 90)
        finally:
            running.terminate()
            code = await asyncio.wait_for(running.wait(), 30)

    assert (code, server.logins) == (0, 1)


async def test_what_cannot_be_has_an_exit_code(house):
    _, folder, _ = house

    def code(*more):
        return asyncio.to_thread(subprocess.run, command(house, server.port, *more), check=False, capture_output=True)

    async with Asterisk(secret="another") as server:
        assert (await code()).returncode == 2
        assert (await code("--ami", "--once")).returncode == 2
        assert (await code("--ami", "/var/log/asterisk/queue_log")).returncode == 2
        refused = await code("--ami")
        assert refused.returncode == 78
        assert SECRET.encode() not in refused.stdout + refused.stderr
        (folder / "position").write_bytes(msgspec.json.encode({"place": {}, "memory": msgspec.to_builtins(Memory())}))
        assert (await code("--ami")).returncode == 65
