"""`streamer rebuild`: state of an older version is refused, taken away, and made again to the same numbers."""

import os
import subprocess
import sys
import time

import pytest

from streamer.producers.kafka import KafkaSender
from tests.cli.test_cli import run
from tests.services.process import wait_until
from tests.whole.test_whole import MINUTE, ROOT, House, Process, get, instant, simulated

pytestmark = [pytest.mark.slow, pytest.mark.service]
# A worker and a board as they were before the meaning of facts changed.
OLDER = "import streamer.processor.command as c; c.FACTS_VERSION -= 1\nfrom streamer.cli import main; main(['{}'])"
OWN = ("support_as_of", "support_event_visible", "support_series", "support_board", "support_store")


@pytest.fixture
def house(services, tmp_path):
    house = House(services, tmp_path)
    yield house
    house.stop()


class Older(Process):
    def __init__(self, house, command):
        self.log = house.folder / f"older-{command}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", OLDER.format(command)],
                cwd=ROOT,
                env={**os.environ, **house.environment, "STREAMER_WORKER__PORT": str(house.worker_port)},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        house.running.append(self)


def numbers(house, at):
    _, text = get(house.board_port, f"/metrics?at={instant(at)}")
    return {line for line in text.splitlines() if line.startswith("support_") and not line.startswith(OWN)}


def worked_off(house):
    """Wait until the worker has read everything, and the board shows it."""
    wait_until(lambda: "support_worker_lag_records" in get(house.worker_port, "/metrics")[1], 60)
    wait_until(
        lambda: all(
            line.endswith(" 0.0")
            for line in get(house.worker_port, "/metrics")[1].splitlines()
            if line.startswith("support_worker_lag_records{")
        ),
        60,
    )
    house.wait_ready(house.board_port)
    time.sleep(2)


def test_state_of_an_older_version_is_made_again_from_the_log_to_the_same_numbers(house):
    events, end = simulated(minutes=30, seed=11)
    at = end + 2 * MINUTE
    worker, board = Older(house, "worker"), Older(house, "board")
    house.wait_ready(house.worker_port)
    with KafkaSender(house.settings) as sender:
        for event in events:
            sender.send(event)
        sender.send_record("support.tickets", b"somebody", b"poison")
        sender.flush()
    worked_off(house)
    before = numbers(house, at)
    assert len(before) > 500
    refused = run("rebuild", "--yes", environ=house.environment)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "1 workers of streamer are running: stop them first" in refused.stderr
    assert worker.stop() == 0
    assert board.stop() == 0

    newer = house.worker()
    assert newer.process.wait(60) == 78
    assert "run `streamer rebuild`" in newer.log.read_text()
    unasked = run("rebuild", environ=house.environment, stdin=subprocess.DEVNULL)
    assert unasked.returncode == 2
    assert "say --yes" in unasked.stderr
    done = run("rebuild", "--yes", environ=house.environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == (
        "streamer-timelines, streamer-panes are empty: start the workers, and restart the boards"
    )
    read_again = sum(int(line.split()[1].replace(",", "")) for line in done.stdout.splitlines()[:-1])
    assert read_again == len(events) + 1

    worker = house.worker()
    house.wait_ready(house.worker_port)
    board = house.board()
    worked_off(house)
    after = numbers(house, at)
    assert sorted(before ^ after)[:20] == []
    # Refused twice, at one place: one letter.
    letters = run("dead-letters", environ=house.environment)
    assert letters.returncode == 0
    assert [line.split() for line in letters.stdout.splitlines() if line.startswith("not_json")] == [
        ["not_json", "1", "0"]
    ]

    # A board that nobody restarts does not mix the new numbers with the old ones: it ends.
    assert worker.stop() == 0
    assert run("rebuild", "--yes", environ=house.environment).returncode == 0
    house.worker()
    assert board.process.wait(60) == 69
    assert "start the board again" in board.log.read_text()
