"""`streamer tail` on a real Kafka: every line's events arrive, whoever is killed, and a restart goes on where it was."""

import secrets
import signal
import subprocess

import msgspec
import pytest

from bench.asterisk import lines
from streamer.ingest.adapters.base import Source
from streamer.ingest.asterisk import QueueLog
from streamer.ingest.tail import Position
from tests.cli.test_cli import STREAMER
from tests.emitter.kit import arrived, make_topics
from tests.services.kafka import Kafka
from tests.services.process import wait_until

KEY = "k" * 32
TOPICS = ("support.calls", "support.agents")


@pytest.fixture
def house(kafka, tmp_path):
    return House(kafka, tmp_path)


class House:
    """A broker, a configuration, and the command that follows `queue_log`; a source of its own tells its events."""

    def __init__(self, broker, folder):
        make_topics(broker.bootstrap)
        self.broker, self.log, self.position = broker, folder / "queue_log", folder / "position"
        self.source = f"pbx-{secrets.token_hex(4)}"
        (folder / "key").write_text(KEY)
        config = folder / "streamer.toml"
        config.write_text(
            f'[kafka]\nbootstrap = "{broker.bootstrap}"\n'
            f'[ingest]\nkey_file = "{folder / "key"}"\n'
            '[logs]\nlevel = "warning"\n'
        )
        self.command = [*STREAMER, "tail", str(self.log), "--config", str(config), "--source", self.source]
        self.command += ["--position", str(self.position)]

    def start(self, *options):
        return subprocess.Popen([*self.command, *options], stderr=subprocess.DEVNULL)

    def offset(self):
        return msgspec.json.decode(self.position.read_bytes(), type=Position).place.offset

    def append(self, more):
        with self.log.open("a") as file:
            file.writelines(f"{line}\n" for line in more)

    def records(self):
        return [event for _, event in arrived(self.broker.bootstrap, f"ingest/{self.source}", TOPICS)]

    def ids(self, text):
        log = QueueLog(Source(self.source, KEY.encode()))
        return {event["id"] for line in text for event in log.line(line)}


def test_a_file_is_sent_whole_as_history_then_only_what_is_new(house):
    text = lines(3_000)
    house.append(text[:2_500])
    for _ in range(2):
        assert subprocess.run([*house.command, "--from-start", "--once"], check=False).returncode == 0
    first = house.records()
    house.append(text[2_500:])
    assert subprocess.run([*house.command, "--once"], check=False).returncode == 0
    records = house.records()

    assert {event["id"] for event in first} == house.ids(text[:2_500])
    assert len(first) == len(house.ids(text[:2_500]))
    assert all(event["recordedtime"] == event["time"] for event in first)
    assert {event["id"] for event in records} == house.ids(text)
    old = {event["id"] for event in first}
    assert not any("recordedtime" in event for event in records if event["id"] not in old)


def test_kills_and_a_rotation_lose_nothing(house):
    text = lines(6_000)
    house.append(text[:10])
    written = 10
    for number in range(6):
        running = house.start("--from-start")
        try:
            house.append(text[written : written + 990])
            written += 990
            if number < 5:
                wait_until(lambda: house.position.exists() and house.offset() > 0, 30)
                running.kill()
            else:
                house.append(text[written:])
                wait_until(lambda: house.offset() == house.log.stat().st_size, 30)
                running.send_signal(signal.SIGTERM)
                assert running.wait(20) == 0
        finally:
            running.kill()
            running.wait(20)
        if number == 2:
            house.log.rename(house.log.with_name("queue_log.1"))
            house.log.touch()

    assert {event["id"] for event in house.records()} == house.ids(text)


def test_lines_wait_in_their_file_while_kafka_is_away(services, tmp_path):
    house = House(services.start(Kafka), tmp_path)
    text = lines(500)
    house.append(text[:10])
    running = house.start("--from-start")
    try:
        wait_until(lambda: house.position.exists() and house.offset() == house.log.stat().st_size, 30)
        house.broker.kill9()
        house.append(text[10:])
        house.broker.start()
        wait_until(lambda: house.offset() == house.log.stat().st_size, 90)
    finally:
        running.kill()
        running.wait(20)

    assert {event["id"] for event in house.records()} == house.ids(text)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda house: house.log.unlink(), 66),
        (lambda house: house.position.write_text("{"), 65),
        (lambda house: house.command.extend(["--name", "billing"]), 2),
    ],
)
def test_what_cannot_be_has_an_exit_code(house, change, code):
    house.append(lines(1))
    change(house)

    assert subprocess.run([*house.command, "--once"], check=False, capture_output=True).returncode == code


def test_two_cannot_follow_one_file(house):
    house.append(lines(1))
    running = house.start()
    try:
        wait_until(house.position.exists, 30)
        second = subprocess.run([*house.command, "--once"], check=False, capture_output=True, text=True)
    finally:
        running.kill()
        running.wait(20)

    assert second.returncode == 2
    assert "in use" in second.stderr


def test_the_command_is_listed():
    shown = subprocess.run([*STREAMER, "tail", "--help"], check=True, capture_output=True, text=True)

    assert "queue_log" in shown.stdout
