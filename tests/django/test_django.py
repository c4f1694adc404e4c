"""A real help desk, django-helpdesk of PyPI: what people do on its pages gives the right numbers at the other end."""

import datetime as dt
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from streamer.replay import exposition, read_all
from streamer.settings import Settings
from tests.conftest import missing
from tests.emitter.kit import KEY, arrived, make_topics

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".services" / "django"
LOCK = ROOT / "requirements" / "django.lock"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
MINUTE = 60


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False, **options)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@pytest.fixture(scope="session")
def helpdesk_python():
    """Give the Python of an environment of its own with the help desk and the SDK's dependencies, made at first use."""
    python, stamp = HOME / "bin" / "python", HOME / "installed.lock"
    if not stamp.exists() or stamp.read_bytes() != LOCK.read_bytes():
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        try:
            run(sys.executable, "-m", "venv", "--clear", str(HOME))
            run(*pip, "-r", str(LOCK))
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            missing(f"django-helpdesk cannot be installed: {error}")
        stamp.write_bytes(LOCK.read_bytes())
    return str(python)


@pytest.fixture(scope="module")
def lived(kafka, helpdesk_python, tmp_path_factory):
    """Give the start of the help desk's hour, and the events that Kafka then has."""
    folder = tmp_path_factory.mktemp("helpdesk")
    (folder / "key").write_text(f"{KEY}\n")
    make_topics(kafka.bootstrap)
    source = f"helpdesk-{uuid.uuid4()}"
    start = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0) - dt.timedelta(hours=1)
    paths = (ROOT, ROOT / "examples" / "django_helpdesk", Path(__file__).parent)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "DJANGO_SETTINGS_MODULE": "project",
        "HELPDESK_FOLDER": str(folder),
        "HELPDESK_SOURCE": source,
        "HELPDESK_BOOTSTRAP": kafka.bootstrap,
    }
    run(helpdesk_python, str(Path(__file__).parent / "drive.py"), start.isoformat(), cwd=folder, env=environment)
    return start, [(record, event) for record, event in arrived(kafka.bootstrap, source)]


def numbers(lived, folder, minutes):
    """Give the series of all tickets at so many minutes after the start."""
    start, found = lived
    path = folder / "events.jsonl"
    path.write_bytes(b"".join(record.value + b"\n" for record, _ in found))
    refused = []
    settings = Settings()
    at = int((start + dt.timedelta(minutes=minutes)).timestamp() * 1000)
    text = exposition(settings, read_all(settings, [str(path)], refused), at)
    assert refused == []
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_every_act_is_one_event_and_what_was_rolled_back_is_none(lived):
    start, found = lived
    told = sorted(
        (
            int(event["subject"]),
            (dt.datetime.fromisoformat(event["time"]) - start).total_seconds() / 60,
            event["type"].removeprefix("support.ticket."),
            event["data"].get("status") or event["data"].get("author") or event["data"].get("into") or "",
            event["data"].get("public", True),
        )
        for _, event in found
    )
    lamp, bulb, wire, fuse, spam = 1, 2, 3, 4, 5
    assert told == [
        (lamp, 0, "created", "", True),
        (lamp, 5, "assigned", "", True),
        (lamp, 5, "message", "agent", False),
        (lamp, 10, "message", "agent", True),
        (lamp, 12, "message", "customer", True),
        (lamp, 16, "message", "agent", True),
        (lamp, 30, "message", "agent", True),
        (lamp, 30, "status_changed", "solved", True),
        (lamp, 40, "status_changed", "open", True),
        (lamp, 50, "status_changed", "solved", True),
        (bulb, 0, "created", "", True),
        (bulb, 20, "message", "agent", True),
        (wire, 2, "created", "", True),
        (wire, 16, "status_changed", "on_hold", True),
        (fuse, 2, "created", "", True),
        (fuse, 20, "merged", str(wire), True),
        (spam, 2, "created", "", True),
        (spam, 16, "deleted", "", True),
    ]
    assert {event["data"]["queue"] for _, event in found} == {"billing"}


def test_no_address_login_or_text_leaves_the_help_desk(lived):
    sent = b"".join(record.key + record.value for record, _ in lived[1]).lower()
    for secret in (b"@", b"ann", b"example", b"bob", b"lamp", b"broken", b"among us"):
        assert secret not in sent


# Reckoned by hand from drive.py: (minutes, new, open, on_hold, first responses, resolutions first, resolutions full).
HOURS = [
    (9, 5, 0, 0, [], [], []),
    (11, 5, 0, 0, [10], [], []),
    (18, 3, 0, 1, [10], [], []),
    (31, 1, 0, 1, [10, 20], [30], [30]),
    (41, 1, 1, 1, [10, 20], [30], []),
    (55, 1, 0, 1, [10, 20], [30], [50]),
]


@pytest.mark.parametrize(("minutes", "new", "opened", "held", "responses", "first", "full"), HOURS)
def test_first_response_resolution_and_backlog(lived, tmp_path, minutes, new, opened, held, responses, first, full):
    seen = numbers(lived, tmp_path, minutes)
    labels = 'by="all",channel=""'

    def value(name, extra="", window=',window="1h"'):
        return seen.get(f'support_{name}{{{labels}{extra},queue="",team=""{window}}}', 0)

    def state(name):
        return seen.get(f'support_tickets_backlog{{{labels},queue="",state="{name}",team=""}}', 0)

    assert (state("new"), state("open"), state("on_hold"), state("pending")) == (new, opened, held, 0)
    for name, kind, expected in (
        ("first_response", "", responses),
        ("resolution", ',kind="first"', first),
        ("resolution", ',kind="full"', full),
    ):
        assert value(f"{name}_samples", kind) == len(expected), name
        if expected:
            assert value(f"{name}_mean_seconds", kind) == MINUTE * sum(expected) / len(expected), name
