"""An incident in the simulator is one notification that names its queue; who is told what; what is silenced."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamer.demo import TARGETS
from streamer.events.codec import Decoder
from streamer.producers.simulator import demo, parse_incident, simulate
from streamer.replay import accept, exposition
from streamer.settings import Settings
from streamer.watch.rules import ALERTS, RUNBOOK
from tests.services.process import wait_until
from tests.watch.chain import SETTINGS, Board, Page, Receiver, Watching, post, routes, suppressed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Services
    from tests.services.alertmanager import Alertmanager

MINUTE = 60_000
START = 1_767_600_000_000 + 180 * MINUTE
#: alerts of the ten minutes into five times the contacts
INCIDENT = {"LongestWait", "Abandonment", "ServiceLevel", "CreatedSpike", "ContactSpike"}
#: generous: several processes on a busy machine, and what takes two seconds there is not what is tested
SECONDS = 60


def test_alertmanager_takes_the_settings(amtool: str) -> None:
    done = subprocess.run([amtool, "check-config", str(SETTINGS)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("team", "severity", "receivers"),
    [
        ("operations", "critical", "operations-page,operations"),
        ("operations", "warning", "operations"),
        ("quality", "warning", "quality"),
        ("platform", "critical", "platform-page,platform"),
        ("platform", "warning", "platform"),
        ("nobody", "warning", "operations"),
    ],
)
def test_who_is_told(amtool: str, team: str, severity: str, receivers: str) -> None:
    command = [amtool, "config", "routes", "test", f"--config.file={SETTINGS}", f"team={team}", f"severity={severity}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == receivers


@pytest.fixture(scope="module")
def numbers() -> dict[str, str]:
    """What a board shows before, in and after an hour's incident in `billing`, five times its contacts for 12 minutes."""
    settings = Settings.model_validate({"targets": TARGETS})
    centre = replace(demo(), incidents=(parse_incident("billing@+60m/12m", START),))
    decoder = Decoder(settings.surveys.scales, settings.time.future)
    events = []
    for raw in simulate(centre, start_ms=START, duration_ms=126 * MINUTE, seed=1):
        event, time, _ = accept(decoder, json.dumps(raw).encode())
        events.append((time, event, time))
    minutes = {"before": 55, "during": 70, "after": 125}
    return {name: exposition(settings, events, START + minute * MINUTE) for name, minute in minutes.items()}


class Chain:
    """Two boards and a worker as pages, Prometheus, Alertmanager, receiver."""

    def __init__(
        self, board: Board, other: Board, worker: Page, receiver: Receiver, alertmanager: Alertmanager
    ) -> None:
        self.board, self.other, self.worker = board, other, worker
        self.receiver, self.alertmanager = receiver, alertmanager

    def show(self, text: str) -> None:
        self.board.text = self.other.text = text


@pytest.fixture
def chain(
    services: Services, alertmanager: Callable[..., Alertmanager], numbers: dict[str, str], tmp_path: Path
) -> Iterator[Chain]:
    before = numbers["before"]
    with Board(before) as board, Board(before) as other, Page("") as worker, Receiver() as receiver:
        told = alertmanager(routes(tmp_path, receiver.address))
        boards = [board.address, other.address]
        watching = services.start(Watching, boards=boards, worker=worker.address, alertmanager=told.address)
        # What is to be silent must have been looked at.
        wait_until(lambda: len(watching.query("up == 1")) == 3, SECONDS)
        wait_until(lambda: bool(watching.query("support_queue_waiting")), SECONDS)
        yield Chain(board, other, worker, receiver, told)
        watching.stop()
        told.stop()


@pytest.mark.slow
def test_an_incident_is_one_notification_that_names_the_queue_and_ends(chain: Chain, numbers: dict[str, str]) -> None:
    receiver = chain.receiver
    assert receiver.about("operations", "firing") == []
    chain.show(numbers["during"])
    wait_until(lambda: bool(receiver.about("operations", "firing", queue="billing")), SECONDS)
    (told,) = receiver.about("operations", "firing", queue="billing")
    assert told["groupLabels"] == {"team": "operations", "queue": "billing"}
    assert {alert["labels"]["alertname"] for alert in told["alerts"]} == INCIDENT
    for alert in told["alerts"]:
        assert alert["annotations"]["description"].startswith("Queue billing: ")
        assert alert["annotations"]["runbook_url"] == f"{RUNBOOK}#{alert['labels']['alertname'].lower()}"
    (spike,) = (alert for alert in told["alerts"] if alert["labels"]["alertname"] == "CreatedSpike")
    assert "First topic: double charge" in spike["annotations"]["description"]
    # Who is called is told of what is critical alone.
    wait_until(lambda: bool(receiver.about("operations-page", "firing", queue="billing")), SECONDS)
    (called,) = receiver.about("operations-page", "firing", queue="billing")
    assert {alert["labels"]["alertname"] for alert in called["alerts"]} == {"LongestWait"}

    chain.show(numbers["after"])
    wait_until(lambda: bool(receiver.about("operations", "resolved", queue="billing")), SECONDS)
    # A flush may fall between two alerts that end: then what ended first is told a flush earlier.
    ended = {
        alert["labels"]["alertname"]
        for name, told in receiver.told
        for alert in told["alerts"]
        if name == "operations" and alert["status"] == "resolved" and alert["labels"]["queue"] == "billing"
    }
    assert ended == INCIDENT
    assert not {name for name, _ in receiver.told} & {"platform", "platform-page"}


@pytest.mark.slow
def test_without_workers_only_that_is_told(chain: Chain, numbers: dict[str, str]) -> None:
    receiver = chain.receiver
    chain.worker.down = True
    wait_until(lambda: bool(receiver.about("platform-page", "firing")), SECONDS)
    chain.show(numbers["during"])
    wait_until(lambda: {(name, "billing") for name in INCIDENT} <= suppressed(chain.alertmanager.url), SECONDS)
    assert {alert["labels"]["alertname"] for _, told in receiver.told for alert in told["alerts"]} == {"WorkersDown"}
    # And when it is over, what still holds is told.
    chain.worker.down = False
    wait_until(lambda: bool(receiver.about("operations", "firing", queue="billing")), SECONDS)
    wait_until(lambda: bool(receiver.about("platform-page", "resolved")), SECONDS)


@pytest.mark.slow
def test_one_stale_board_silences_nobody_and_all_of_them_silence_the_numbers(
    chain: Chain, numbers: dict[str, str]
) -> None:
    receiver = chain.receiver
    chain.other.age = 600
    wait_until(lambda: bool(receiver.about("platform", "firing")), SECONDS)
    chain.board.text = numbers["during"]
    wait_until(lambda: bool(receiver.about("operations", "firing", queue="billing")), SECONDS)
    assert "platform-page" not in {name for name, _ in receiver.told}
    # Now nobody knows how it goes on: that is told, and not that it is over.
    chain.board.age = 600
    wait_until(lambda: bool(receiver.about("platform-page", "firing")), SECONDS)
    wait_until(lambda: ("BoardStale", chain.board.address) in suppressed(chain.alertmanager.url), SECONDS)
    chain.board.age = 0
    wait_until(lambda: bool(receiver.about("platform-page", "resolved")), SECONDS)
    assert not [
        alert["labels"]["alertname"]
        for name, told in receiver.told
        for alert in told["alerts"]
        if name.startswith("operations") and alert["status"] == "resolved"
    ]


EVERY = {alert.name: alert for alerts in ALERTS.values() for alert in alerts}
NUMBERS = {name for name, alert in EVERY.items() if alert.team != "platform"}
SILENCED = {
    "WorkersDown": NUMBERS | {"BoardsStale", "BoardStale", "ConsumerLag", "SourceSilent", "ProcessDown"},
    "BoardsDown": NUMBERS | {"ProcessDown"},
    "BoardsStale": NUMBERS | {"BoardStale"},
    "BoardStale": set(),
    "ProcessDown": set(),
}


@pytest.mark.slow
@pytest.mark.parametrize("source", SILENCED)
def test_what_an_alert_silences(source: str, alertmanager: Callable[..., Alertmanager], tmp_path: Path) -> None:
    """All fire but for those that silence something themselves; told is what is not silenced, and nothing else."""
    others = {name for name, silenced in SILENCED.items() if silenced} - {source} - SILENCED[source]
    firing = EVERY.keys() - others
    with Receiver() as receiver:
        server = alertmanager(routes(tmp_path, receiver.address))
        post(server.url, [EVERY[name] for name in firing])
        assert {name for name, _ in suppressed(server.url)} == SILENCED[source]
        wait_until(
            lambda: (
                firing - SILENCED[source]
                == {alert["labels"]["alertname"] for _, told in receiver.told for alert in told["alerts"]}
            ),
            SECONDS,
        )
        server.stop()
