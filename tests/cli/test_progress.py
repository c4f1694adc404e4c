"""Progress is for a person who waits at a terminal."""

import io

import pytest

from streamer import progress


class Terminal(io.StringIO):
    def __init__(self, *, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.mark.parametrize(("terminal", "quiet_s", "shown"), [(True, 0, True), (True, 60, False), (False, 0, False)])
def test_it_shows_on_a_terminal_after_a_while(terminal, quiet_s, shown, monkeypatch):
    stderr = Terminal(terminal=terminal)
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setattr(progress, "_QUIET_S", quiet_s)
    monkeypatch.setenv("TERM", "xterm")

    with progress.Progress("events") as counting:
        for _ in range(1_000):
            counting.advance()

    assert ("events" in stderr.getvalue()) is shown


@pytest.mark.parametrize(("live_s", "shown"), [(0, "30,000 events, 5,000/s"), (60, "30,720 events, 12/s")])
def test_the_rate_is_that_of_the_last_seconds(live_s, shown, monkeypatch):
    stderr = Terminal(terminal=True)
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setenv("TERM", "xterm")
    now = 0.0

    with progress.Progress("events", clock=lambda: now) as counting:
        for step_s, events in [(1 / 8, 625)] * 48 + [(1 / 4, 3)] * (4 * live_s):  # hours of the past, then as time goes
            now += step_s
            counting.advance(events)

    assert shown in stderr.getvalue()
