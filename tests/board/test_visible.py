"""How long events took to be seen, from what marks say."""

from streamer.board.visible import Visible
from streamer.processor.mark import Mark


def mark(time, offset, arrival):
    return Mark(offsets={"t": offset}, arrivals={"t": arrival}, clock=0, time=time, configuration="")


def counts(visible):
    return dict(visible.buckets())


def test_events_between_two_marks_are_spread_between_flush_and_newest():
    visible = Visible()
    visible.flushed(0, mark(10_000, 100, 9_900), 10_050, sample=True)
    assert counts(visible)["+Inf"] == 0  # nothing is known about what came before the first mark
    visible.flushed(0, mark(11_000, 104, 10_800), 11_200, sample=True)
    # appended at 10.2, 10.4, 10.6 and 10.8 s, seen at 11.2 s
    assert counts(visible)["+Inf"] == 4
    assert counts(visible)["0.5"] == 1
    assert counts(visible)["1.0"] == 4
    assert abs(visible.sum - 2.8) < 1e-9


def test_a_backlog_counts_from_the_append():
    visible = Visible()
    visible.flushed(0, mark(100_000, 0, 50_000), 100_000, sample=True)
    visible.flushed(0, mark(101_000, 1_000, 60_000), 101_000, sample=True)
    assert counts(visible)["30.0"] == 0
    assert counts(visible)["60.0"] == 1_000


def test_an_idle_topic_and_a_start_are_no_samples():
    visible = Visible()
    visible.flushed(0, mark(1_000, 5, 900), 1_000, sample=False)
    visible.flushed(0, mark(2_000, 9, 1_900), 9_000, sample=False)
    visible.flushed(0, mark(6_000, 9, 1_900), 6_100, sample=True)
    assert counts(visible)["+Inf"] == 0
