"""The parts of the processor without I/O."""

import random
from dataclasses import replace
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from faust.types import TP

from streamer.processor.clock import End, Fetched, Progress, arrival_clock, release_limit
from streamer.processor.config import WorkerConfig
from streamer.processor.errors import (
    BrokenChangelogError,
    ConfigurationChangedError,
    InvalidConfigError,
    LogTruncatedError,
)
from streamer.processor.mark import MARK, Mark, decode_mark, encode_mark, is_control
from streamer.processor.owned import Owned
from streamer.processor.partition import Changes, DeadLetter
from streamer.processor.restore import _Log, _resume_sources, _settle, _take
from streamer.processor.transport import MAX_ROUND, Chunk, ChunkConsumer
from tests.processor.counting import CountingState


def records(*arrivals, start=10):
    return [SimpleNamespace(offset=start + i, timestamp=t) for i, t in enumerate(arrivals)]


class Spy:
    def __init__(self):
        self.applied, self.dirty, self.clocks = [], False, []

    def apply(self, topic, rows):
        self.applied += [(topic, row.offset) for row in rows]

    def changes(self, clock):
        self.clocks.append(clock)
        return Changes({"timelines": [(b"k", b"v"), (b"gone", None)]}, [DeadLetter(b"k", b"bad", [("code", b"x")])])


def owned(**offsets):
    return Owned(3, Spy(), offsets=dict(offsets))


class TestClock:
    def test_the_slowest_topic_is_the_clock(self):
        behind = Progress(5, 1_000, End(9, 5_000, 9))
        assert arrival_clock([behind, Progress(9, 2_000, End(9, 5_000, 9))]) == 1_000

    def test_a_topic_read_to_its_end_counts_as_the_moment_it_was_seen(self):
        assert arrival_clock([Progress(9, 1_000, End(9, 5_000, 9)), Progress(0, 0, End(0, 4_990, 0))]) == 4_990

    def test_a_topic_of_which_nothing_is_known_holds_the_clock(self):
        assert arrival_clock([Progress(0, 0, None), Progress(9, 1_000, End(9, 5_000, 9))]) == 0

    def test_a_record_stamped_after_the_end_was_seen_moves_the_clock(self):
        assert arrival_clock([Progress(9, 5_003, End(9, 5_000, 9))]) == 5_003


class TestRelease:
    """Each topic: the arrivals of what is fetched, and whether there is more of it to be read."""

    @pytest.mark.parametrize(
        ("topics", "limit"),
        [
            pytest.param([([100, 300], False), ([], False)], 300, id="all is here: it goes out"),
            pytest.param([([100, 300], True), ([50, 200], True), ([900], False)], 200, id="up to the slowest"),
            pytest.param([([100, 300], True), ([200, 900], False)], 300, id="one that is all here holds nobody"),
            pytest.param([([100, 300], False), ([], True)], None, id="one is not fetched yet"),
            pytest.param([([], False), ([], False)], None, id="nothing"),
            pytest.param([([300, 100], True), ([200], False)], 300, id="stamps that go back"),
            pytest.param([([1, 3, 5, 7], True), ([2, 4, 6], False)], 6, id="no more than five or so"),
        ],
    )
    def test_what_goes_out_is_all_that_came_up_to_then(self, topics, limit):
        assert release_limit([Fetched(records(*arrivals), more) for arrivals, more in topics], 5) == limit

    @pytest.mark.parametrize(
        ("until", "now", "later"),
        [
            (300, Chunk(8, 15, [10, 11, 12]), None),
            (299, Chunk(8, 12, [10, 11]), Chunk(12, 15, [12])),
            (100, Chunk(8, 11, [10]), Chunk(11, 15, [11, 12])),
            (99, None, Chunk(8, 15, [10, 11, 12])),
            (None, None, Chunk(8, 15, [10, 11, 12])),
        ],
    )
    def test_a_chunk_is_split_by_arrival(self, until, now, later):
        chunk = Chunk(8, 15, records(100, 200, 300))
        got = [c and Chunk(c.start, c.end, [r.offset for r in c.records]) for c in chunk.until(until)]
        assert got == [now, later]

    def test_a_chunk_of_control_records_is_never_held(self):
        assert Chunk(8, 15, ()).until(0) == (Chunk(8, 15, ()), None)


class Parts:
    """Stands for `Partitions`: one partition, and what was handed out is applied at once."""

    def __init__(self, names):
        self.owned = owned(**dict.fromkeys(names, 0))

    def topics(self, partition):
        return [TP(topic, partition) for topic in self.owned.offsets]


def consumer_of(logs, monkeypatch):
    """Return a consumer of partition 3 without a broker: `logs` has the topics, whose ends it knows."""
    consumer = object.__new__(ChunkConsumer)
    consumer.app = SimpleNamespace(partitions=Parts(logs))
    consumer._pending, consumer._handed = {}, {TP(topic, 3): 0 for topic in logs}
    monkeypatch.setattr(ChunkConsumer, "end", lambda _, tp: End(len(logs[tp.topic]), 0, len(logs[tp.topic])))
    return consumer


@pytest.mark.parametrize("seed", range(20))
def test_of_too_many_records_so_many_go_out_as_by_sorting_all(seed):
    draw = random.Random(seed)
    stamps = [sorted(draw.randrange(draw.choice((3, 1_000))) for _ in range(draw.randrange(1, 30))) for _ in range(4)]
    topics = [Fetched([SimpleNamespace(timestamp=stamp) for stamp in topic], more=False) for topic in stamps]
    everything = sorted(stamp for topic in stamps for stamp in topic)
    for most in range(len(everything)):
        assert release_limit(topics, most) == everything[most]


def test_a_backlog_is_handed_out_by_arrival(monkeypatch):
    """Two topics of one partition, one ten times as dense: nothing is applied before what arrived before it, and all is."""
    logs = {
        "calls": records(*range(0, 5_000_000, 500), start=0),
        "surveys": records(*range(0, 5_000_000, 5_000), start=0),
    }
    consumer = consumer_of(logs, monkeypatch)
    part = consumer.app.partitions.owned
    fetched = dict.fromkeys(logs, 0)
    rounds = []
    while part.offsets != {topic: len(log) for topic, log in logs.items()}:
        assert len(rounds) < 40  # not one by one
        for topic, log in logs.items():
            start = fetched[topic]
            if TP(topic, 3) not in consumer._pending and start < len(log):
                end = fetched[topic] = min(len(log), start + 600)
                consumer._pending[TP(topic, 3)] = Chunk(start, end, log[start:end])
        for round_ in consumer._release():
            rounds.append(round_)
            for tp, chunk in round_:
                part.apply(tp.topic, chunk)
            consumer._handed.update({tp: chunk.end for tp, chunk in round_})
            unread = [
                log[part.offsets[topic]].timestamp for topic, log in logs.items() if part.offsets[topic] < len(log)
            ]
            assert max(part.arrivals.values()) <= min(unread, default=5_000_000)
    assert len(part.state.applied) == sum(map(len, logs.values()))


def test_a_large_round_is_divided(monkeypatch):
    """Eight topics, each with 5,000 records of the same seconds: some 5,000 are applied at a time."""
    logs = {f"t{i}": records(*range(5_000), start=0) for i in range(8)}
    consumer = consumer_of(logs, monkeypatch)
    consumer._pending = {TP(topic, 3): Chunk(0, len(log), log) for topic, log in logs.items()}
    sizes = []
    while consumer._pending:
        sizes += [sum(len(chunk.records) for _, chunk in round_) for round_ in consumer._release()]
        assert len(sizes) < 50
    assert sum(sizes) == 40_000
    assert max(sizes) <= MAX_ROUND + len(logs)


def test_a_topic_that_is_not_fetched_yet_holds_the_others(monkeypatch):
    logs = {"calls": records(100, start=0), "surveys": records(50, start=0)}
    consumer = consumer_of(logs, monkeypatch)
    calls, surveys = TP("calls", 3), TP("surveys", 3)
    consumer._pending = {calls: Chunk(0, 1, logs["calls"])}
    assert consumer._release() == []
    consumer._pending[surveys] = Chunk(0, 1, logs["surveys"])
    assert consumer._release() == [[(calls, Chunk(0, 1, logs["calls"])), (surveys, Chunk(0, 1, logs["surveys"]))]]


class TestRecovery:
    CONFIG = WorkerConfig(bootstrap="h:1", app_id="app", configuration="c1", sources=("calls",))

    def logs(self, *tails):
        part = Owned(3, CountingState(("calls",)))
        logs = []
        for table, rows in zip(("timelines", "panes"), tails, strict=True):
            log = _Log(TopicPartition(f"app-{table}", 3), table, part, 0)
            for batch in rows:
                assert _take(log, [SimpleNamespace(key=key, value=value) for key, value in batch]) == len(batch)
            logs.append(log)
        return part, logs

    def mark(self, offset=8, time=4, configuration="c1"):
        mark = Mark(offsets={"calls": offset}, arrivals={"calls": 2}, clock=3, time=time, configuration=configuration)
        return (MARK, encode_mark(mark))

    def test_it_goes_on_from_the_newest_mark(self):
        old, new = self.mark(5, 1), self.mark()
        part, logs = self.logs(
            [[(b"a", b"1"), (b"b", b"2"), old, (b"a", b"3")], [(b"b", None), new]], [[old], [(b"q", b"1"), new]]
        )
        _settle(logs, self.CONFIG)
        assert part.state.tables == {"timelines": {b"a": b"3"}, "panes": {b"q": b"1"}}
        assert (part.offsets, part.arrivals, part.clock) == ({"calls": 8}, {"calls": 2}, 3)
        _resume_sources({TopicPartition("calls", 3): (0, 20)}, self.CONFIG, part)
        assert part.offsets == {"calls": 8}

    def test_a_new_partition_begins_at_the_sources_start(self):
        part, logs = self.logs([], [])
        _settle(logs, self.CONFIG)
        _resume_sources({TopicPartition("calls", 3): (7, 20)}, self.CONFIG, part)
        assert (part.offsets, part.mark) == ({"calls": 7}, None)

    @pytest.mark.parametrize(
        "tails",
        [
            lambda m: ([[m(), (b"a", b"1")]], [[m()]]),
            lambda m: ([[m()], [(b"a", b"1")]], [[m()]]),
            lambda m: ([[m()]], [[m(9, 5)]]),
            lambda m: ([[m()]], []),
            lambda m: ([[(b"a", b"1")]], []),
        ],
    )
    def test_changelogs_that_do_not_end_in_one_mark_are_refused(self, tails):
        _, logs = self.logs(*tails(self.mark))
        with pytest.raises(BrokenChangelogError):
            _settle(logs, self.CONFIG)

    def test_without_transactions_a_torn_flush_goes_back_to_the_older_mark(self):
        part, logs = self.logs([[self.mark(9, 5)]], [[self.mark(8, 4)]])
        _settle(logs, replace(self.CONFIG, fencing="none"))
        assert part.offsets == {"calls": 8}

    def test_another_configuration_is_refused(self):
        _, logs = self.logs([[self.mark(configuration="c0")]], [[self.mark(configuration="c0")]])
        with pytest.raises(ConfigurationChangedError, match="streamer rebuild"):
            _settle(logs, self.CONFIG)

    def test_a_source_that_was_made_anew_is_refused(self):
        part = owned(calls=8)
        with pytest.raises(LogTruncatedError, match="streamer rebuild"):
            _resume_sources({TopicPartition("calls", 3): (0, 7)}, self.CONFIG, part)

    def test_what_retention_took_is_named_and_skipped(self, caplog):
        part = owned(calls=8)
        _resume_sources({TopicPartition("calls", 3): (9, 20)}, self.CONFIG, part)
        assert part.offsets == {"calls": 9}
        assert "deleted before they were read" in caplog.text


class TestApplying:
    def test_a_chunk_moves_the_offset_over_control_records(self):
        part = owned(calls=8)
        assert part.apply("calls", Chunk(8, 15, records(100, 200))) == 2
        assert part.offsets == {"calls": 15}
        assert part.arrivals == {"calls": 200}

    def test_what_was_applied_is_not_applied_again(self):
        part = owned(calls=11)
        assert part.apply("calls", Chunk(8, 15, records(100, 200))) == 1
        assert part.state.applied == [("calls", 11)]
        assert part.apply("calls", Chunk(8, 15, records(100, 200))) == 0

    def test_a_lost_chunk_is_noticed(self):
        assert owned(calls=8).missing("calls", Chunk(9, 15, ()))
        assert not owned(calls=8).missing("calls", Chunk(8, 15, ()))

    def test_an_arrival_out_of_order_does_not_go_back(self):
        part = owned(calls=8)
        part.apply("calls", Chunk(8, 12, records(300, 200)))
        part.apply("calls", Chunk(12, 13, records(100, start=12)))
        assert part.arrivals == {"calls": 200}


class TestCut:
    CHANGELOGS = {"app-timelines": "timelines", "app-panes": "panes"}  # noqa: RUF012

    def cut(self, part, ends):
        return part.cut(ends, self.CHANGELOGS, "dead", "c1")

    def test_every_changelog_ends_in_the_mark(self):
        part = owned(calls=8)
        cut = self.cut(part, {"calls": End(8, 77, 8)})
        assert [key for key, _, _ in cut.rows["app-timelines"]] == [b"k", b"gone", MARK]
        assert [key for key, _, _ in cut.rows["app-panes"]] == [MARK]
        assert cut.rows["dead"] == [(b"k", b"bad", [("code", b"x")])]
        assert decode_mark(cut.rows["app-panes"][-1][1]) == cut.mark
        assert (cut.mark.offsets, cut.mark.clock, cut.mark.configuration) == ({"calls": 8}, 77, "c1")

    def test_the_clock_does_not_go_back(self):
        part = owned(calls=8)
        self.cut(part, {"calls": End(8, 77, 8)})
        assert self.cut(part, {"calls": End(9, 99, 9)}).mark.clock == 77
        assert part.state.clocks == [77, 77]

    def test_a_mark_is_what_it_was(self):
        mark = Mark(offsets={"a": 1}, arrivals={}, clock=3, time=4, configuration="c")
        assert decode_mark(encode_mark(mark)) == mark
        assert is_control(MARK)
        assert not is_control(b"customer")
        assert not is_control(None)


class TestConfig:
    CONFIG = WorkerConfig(bootstrap="h:1, i:2", app_id="app", configuration="c")

    @pytest.mark.parametrize(
        "change",
        [{"bootstrap": ""}, {"app_id": ""}, {"configuration": ""}, {"partitions": 0}, {"fencing": "maybe"},
         {"sources": ()}, {"flush_interval_ms": 0}],
    )  # fmt: skip
    def test_an_impossible_setting_is_named(self, change):
        with pytest.raises(InvalidConfigError, match=next(iter(change))):
            replace(self.CONFIG, **change)

    def test_names_follow_from_the_application(self):
        assert self.CONFIG.bootstrap_servers == ["h:1", "i:2"]
        assert self.CONFIG.changelogs == {"app-timelines": "timelines", "app-panes": "panes"}
