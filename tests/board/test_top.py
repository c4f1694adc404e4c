"""The wall in a terminal."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from streamer.board.answer import NAMES, read
from streamer.board.api import families
from streamer.board.merge import Merge
from streamer.board.top import ask, top
from streamer.board.wall import frame
from streamer.board.words import percent, spoken
from streamer.errors import DependencyError
from streamer.settings import Settings
from tests.board.changelog import START, Cluster, simulated

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def said():
    settings = Settings()
    cluster, merge = Cluster(settings, 2), Merge(settings)
    for arrival, event, time in simulated(minutes=30):
        cluster.accept(arrival, event, time)
    for number, rows in cluster.cut(0):
        merge.apply(number, dict(rows))
    blocks = merge.evaluate(START + 25 * 60_000)
    found = families(blocks, settings.dimensions.names, names=frozenset(NAMES), by=None, window=None)
    return {
        "as_of": "2026-01-05T08:25:00Z",
        "zone": "Europe/Berlin",
        "reasons": [],
        "targets": {"csat_ratio": 0.8},
        "min_samples": 5,
        "families": found,
    }


def lines(answer, width=80, height=24):
    console = Console(width=width, height=height, highlight=False, no_color=True)
    with console.capture() as captured:
        console.print(frame(answer, width, height))
    return captured.get().splitlines()


def test_the_wall_fits_80_x_24_with_five_tiles_and_the_queues(said):
    shown = lines(read(said))
    assert len(shown) <= 24
    assert max(map(len, shown)) <= 80
    text = "\n".join(shown)
    for word in (
        "waiting now",
        "service level",
        "formula offered",
        "abandonment",
        "first response",
        "CSAT",
        "NPS",
        "p90",
    ):
        assert word in text
    for queue in ("accounts", "billing", "orders", "sales", "technical"):
        assert queue in text
    assert "Mon 09:25:00 CET" in text


@pytest.mark.parametrize("size", [(40, 24), (60, 40), (80, 18), (132, 50)])
def test_the_wall_follows_the_terminal(said, size):
    shown = lines(read(said), *size)
    assert max(map(len, shown)) <= size[0]
    assert "accounts" in "\n".join(shown) or "more" in "\n".join(shown)


def test_queues_past_their_target_come_first(said):
    labels = {"by": "queue", "channel": "", "team": ""}
    samples = [{"labels": {**labels, "queue": f"q{i:02}"}, "value": 1.0} for i in range(30)]
    over = [{**s, "value": 4.0 if s["labels"]["queue"] == "q17" else 0.0} for s in samples]
    made = [
        {"name": "support_queue_waiting", "samples": samples},
        {"name": "support_queue_waiting_over_target", "samples": over},
    ]
    shown = lines(read({**said, "families": made}))
    rows = [line.split()[0] for line in shown if line.strip().startswith("q")]
    assert rows[:2] == ["queue,", "q17"]
    assert len(shown) <= 24
    assert "more" in "\n".join(shown)
    assert "▲ 4" in "\n".join(shown)


def test_few_answers_are_no_alarm(said):
    assert "few answers" in "\n".join(lines(read({**said, "min_samples": 1000})))


def test_old_numbers_say_so_over_the_whole_width(said):
    shown = lines(read({**said, "reasons": ["partition 2: no news for 42 s"]}))
    assert "no news for 42 s" in shown[1]
    away = lines(read(said)._replace(away="board: http://x does not answer: refused; trying again"))
    assert "does not answer" in away[1]
    assert "CSAT" in "\n".join(away)


def test_why_the_numbers_are_old_is_not_cut(said):
    reasons = [f"partition {number}: no worker has written yet" for number in range(4)]
    shown = lines(read({**said, "reasons": reasons}))
    assert max(map(len, shown)) <= 80
    assert len(shown) <= 24
    assert "; ".join(reasons) in " ".join(" ".join(shown).split())
    many = lines(read({**said, "reasons": reasons * 20}))
    assert len(many) <= 24
    assert "…" in "".join(many)


def test_a_board_that_is_away_is_told_in_one_line_of_80():
    with pytest.raises(DependencyError) as caught:
        ask("http://127.0.0.1:1")
    shown = lines(read({}, f"{caught.value}; trying again"))
    assert shown[1].strip() == "board: http://127.0.0.1:1 does not answer: Connection refused; trying again"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (38.4, "38 s"), (250, "4 min 10 s"), (3600, "1 h"), (7500, "2 h 5 min"), (360_000, "4 d 4 h")],
)
def test_durations_are_said_as_people_say_them(seconds, text):
    assert spoken(seconds) == text


def test_shares_have_three_digits_at_most():
    assert [percent(x) for x in (0, 0.0463, 0.8125, 1.0, 2.0)] == ["0 %", "4.63 %", "81.2 %", "100 %", "200 %"]


@pytest.fixture
def served(said):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(said).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_once_prints_a_frame(served):
    app = typer.Typer()
    app.command()(top)
    result = CliRunner().invoke(app, ["--once", "--url", served])
    assert result.exit_code == 0
    assert "service level" in result.stdout


def test_a_board_that_is_away_is_named(served):
    with pytest.raises(DependencyError, match=r"http://127.0.0.1:1 does not answer"):
        ask("http://127.0.0.1:1")
