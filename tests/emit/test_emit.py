"""`streamer emit`: what is sent, what is refused, and what is said about it."""

import json
import os
import signal
import subprocess
import time

import msgspec
import pytest

from streamer import cli
from streamer.producers import emit as emit_module
from streamer.producers import kafka
from streamer.replay import exposition, read_all
from streamer.settings import Settings
from tests.cli.test_cli import STREAMER, interruptible

__all__ = ["interruptible"]  # a fixture

EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "s",
    "type": "support.call.queued",
    "time": "2026-01-01T10:00:00+01:00",
    "subject": "c1",
    "data": {"queue": "a", "customer": "x"},
}


def line(**changes):
    event = {**EVENT, **changes}
    return json.dumps({name: value for name, value in event.items() if value is not None})


@pytest.fixture
def emit(tmp_path, capsysbinary, monkeypatch):
    """Runs `streamer emit` on a text; gives the exit code, stdout and stderr."""
    monkeypatch.delenv("STREAMER_CONFIG", raising=False)

    def run(text, *options, name="events.jsonl"):
        file = tmp_path / name
        file.write_text(text)
        with pytest.raises(SystemExit) as ended:
            cli.main(["emit", str(file), *options])
        out, err = capsysbinary.readouterr()
        return ended.value.code or 0, out.decode(), err.decode()

    return run


def test_events_are_stamped_with_the_files_arrival_or_their_own_time(emit):
    code, out, err = emit(f"{line()}\n{line(id='2', recordedtime='2026-01-02T00:00:00Z', more=[1])}\n", "--out", "-")

    assert code == 0
    assert [json.loads(value) for value in out.splitlines()] == [
        {**EVENT, "recordedtime": EVENT["time"]},
        {**EVENT, "id": "2", "recordedtime": "2026-01-02T00:00:00Z"},
    ]
    assert err == "2 lines, 2 events, 0 lines without an event\n"


def test_refused_lines_are_named_by_reason_and_number_and_the_rest_is_sent(emit):
    lines = [line(), "{", line(type="support.call.nix"), line(type=["x"]), line(time=None), line(data=5), "[]"]
    lines += [line(time="2026-01-01T10:10:01Z", recordedtime="2026-01-01T10:05:00Z"), line(id="2"), line(subject=7)]
    lines += [line(id=10**40)]

    code, out, err = emit("\n".join(lines), "--out", "-")

    assert code == 65
    assert out.count("\n") == 2
    assert err.splitlines() == [
        "11 lines, 2 events, 0 lines without an event",
        "refused not_json: line 2, 7",
        "refused unknown_type: $.type: line 3",
        "refused wrong_type: $.type: line 4",
        "refused missing_attribute: $.time: line 5",
        "refused wrong_type: $.data: line 6",
        "refused future_time: $.time: line 8",
        "refused wrong_type: $.subject: line 10",
        "refused wrong_type: $.id: line 11",
        f"streamer: {err.split('streamer: ')[1].split(': ')[0]}: 9 of 11 lines were refused",
    ]


def test_no_value_of_a_refused_line_is_shown(emit):
    lines = [
        line(data={"customer": "canary", "queue": 5}),
        line(type="canary"),
        line(subject="canary" * 50),
        '{"canary',
    ]

    code, out, err = emit("\n".join(lines), "--out", "-")

    assert (code, out) == (65, "")
    assert "canary" not in err


def test_the_summary_as_json(emit):
    code, out, _ = emit(f"{line()}\n" + "{\n" * 15, "--json", "--dry-run")

    assert code == 65
    assert json.loads(out) == {
        "lines": 16,
        "events": 1,
        "lines_without_event": 0,
        "refused": 15,
        "refusals": [{"reason": "not_json", "lines": 15, "first": list(range(2, 12))}],
    }


def test_reasons_without_end_do_not_fill_the_memory():
    report = emit_module.Report()
    for number in range(1_000):
        report.refuse(number, f"reason {number}")

    assert report.refused == 1_000
    assert len(report.reasons) == 101
    assert report.counts["other reasons"] == 900


@pytest.mark.parametrize(
    ("options", "name", "message"),
    [
        (["--json", "--out", "-"], "e.jsonl", "--json and --out - both need standard output"),
        ([], "e.txt", "say --format jsonl or csv"),
        ([], "e.tsv.gz", "a delimited file needs a --mapping"),
        (["--format", "jsonl", "--mapping", "m"], "e.csv", "--mapping is for delimited files"),
    ],
)
def test_what_cannot_be_meant_is_bad_usage(options, name, message, emit):
    code, out, err = emit("", *options, name=name)

    assert (code, out) == (2, "")
    assert message in err


def test_an_output_that_cannot_be_written(emit, tmp_path):
    code, _, err = emit(line(), "--out", str(tmp_path / "nix" / "out"))

    assert code == 73
    assert err.endswith("nix/out: No such file or directory\n")


def test_history_whose_rows_are_not_in_order_is_sorted_where_the_mapping_says_so(emit, tmp_path):
    mapping = tmp_path / "m.toml"
    text = """
source = "t"
subject = "{id}"
order = "ORDER"
times = { at = { text = "{at}" } }
events = [{ type = "support.agent.heartbeat", time = "at", data = { agent = "{id}" } }]
"""
    rows = "id,at\na,2026-01-03T00:00:00Z\nb,2026-01-02T01:00:00+02:00\nc,2026-01-02T00:00:00Z\n"
    for order, expected in (("time", "bca"), ("file", "abc")):
        mapping.write_text(text.replace("ORDER", order))
        code, out, _ = emit(rows, "--mapping", str(mapping), "--out", "-", name="rows.csv")
        assert code == 0
        assert "".join(json.loads(value)["subject"] for value in out.splitlines()) == expected


def test_a_row_is_taken_whole_or_not_at_all(emit, tmp_path):
    mapping = tmp_path / "m.toml"
    mapping.write_text("""
source = "t"
subject = "{id}"
times = { at = { text = "{at}" } }
[[events]]
type = "support.call.queued"
time = "at"
[[events]]
type = "support.call.answered"
time = "at"
data = { waited_seconds = { value = "{w}", number = true } }
""")

    code, out, err = emit(
        "id,at,w\na,2026-01-01T00:00:00Z,-1\nb,2026-01-01T00:00:00Z,1\n",
        *("--mapping", str(mapping), "--out", "-"),
        name="rows.csv",
    )

    assert code == 65
    assert [json.loads(value)["id"] for value in out.splitlines()] == [
        "b:call.queued:2026-01-01T00:00:00+00:00",
        "b:call.answered:2026-01-01T00:00:00+00:00",
    ]
    assert "refused wrong_type: $.data.waited_seconds: line 2\n" in err


def test_a_mistake_in_a_mapping_is_one_of_the_configuration(emit, tmp_path):
    mapping = tmp_path / "m.toml"
    mapping.write_text("""
source = "t"
subject = "T{Ticket"
times = { at = { text = "{at}", format = "%Q" } }
[[events]]
type = "support.ticket.created"
time = "at"
data = { customer = "{c}", agnet = "{Agent}" }
""")

    code, out, err = emit(
        "Ticket,at,c,Agent\n1,2026-01-01,c,a\n", *("--mapping", str(mapping), "--dry-run"), name="r.csv"
    )

    assert (code, out) == (78, "")
    assert err.splitlines() == [
        "streamer: m.toml:3 subject: 'T{Ticket' has a brace that belongs to no {column}",
        "streamer: m.toml:4 times.at.format: strptime cannot read '%Q': 'Q' is a bad directive in format '%Q'",
        "streamer: m.toml:8 events[0].data.agnet: is not a field of support.ticket.created (did you mean 'agent'?)",
    ]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_enough_is_no_failure(unbuffered, tmp_path):
    file = tmp_path / "events.jsonl"
    file.write_text("".join(f"{line(id=str(number))}\n" for number in range(2_000)))
    environ = {**os.environ, "PYTHONUNBUFFERED": unbuffered}

    with subprocess.Popen(
        [*STREAMER, "emit", file, "--out", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
    ) as process:
        process.stdout.read(1)
        process.stdout.close()
        err = process.stderr.read()

    assert (process.returncode, err) == (0, b"")


def test_a_survey_needs_its_scale_from_the_configuration(emit, tmp_path):
    answer = line(type="support.survey.answered", data={"customer": "x", "survey": "post-chat", "score": 9})
    config = tmp_path / "c.toml"
    config.write_text("[surveys.scales.post-chat]\nmin = 1\nmax = 10\n")

    assert emit(answer, "--dry-run")[0] == 65
    assert emit(answer, "--dry-run", "--config", str(config))[0] == 0


def test_what_is_accepted_goes_to_the_sender(emit, monkeypatch):
    sent, used = [], []

    class Sender:
        def __init__(self, settings, *, tell):
            used.append(settings.kafka.bootstrap)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            sent.append("flushed")

        def send_record(self, topic, key, value):
            sent.append((topic, key, json.loads(value)))

    monkeypatch.setattr(kafka, "KafkaSender", Sender)

    code, out, _ = emit(f"{line()}\n{{\n{line(id='2')}\n", "--bootstrap", "there:9092")

    assert (code, out, used) == (65, "", ["there:9092"])
    stamped = {**EVENT, "recordedtime": EVENT["time"]}
    assert sent == [("support.calls", b"x", event) for event in (stamped, {**stamped, "id": "2"})] + ["flushed"]


def test_the_rate_is_held(monkeypatch):
    now, slept = [100.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(emit_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(emit_module.time, "sleep", sleep)

    assert list(emit_module._paced(iter("abcd"), 10)) == list("abcd")
    assert slept == pytest.approx([0.1, 0.1, 0.1])


def test_an_event_of_every_size_is_checked_as_it_is_sent(emit):
    time = "2026-01-01T10:00:00.5+01:00"  # is sent as .500000, in `time` and `recordedtime`
    fitting = line(time=time, data={"customer": "x", "queue": ""})
    room = 65_536 - len(msgspec.json.encode({**json.loads(fitting), "recordedtime": time})) - 10

    for extra, code in ((room, 0), (room + 1, 65)):
        ended, out, _ = emit(line(time=time, data={"customer": "x", "queue": "n" * extra}), "--out", "-")
        assert (ended, len(out)) == ((0, 65_537) if code == 0 else (65, 0))


REPLIES = """ticket,at,who,what
T-1,2026-01-03T00:00:00Z,,new
T-1,2026-01-03T00:00:00Z,customer,
T-1,2026-01-03T00:10:00Z,agent,
T-1,2026-01-03T00:10:00Z,agent,
T-1,2026-01-03T00:11:00Z,,solved
T-1,2026-01-03T01:11:00Z,,open
T-1,2026-01-03T02:11:00Z,,solved
"""
REPLIES_MAPPING = """
source = "legacy"
subject = "{ticket}"
times = { at = { text = "{at}" } }
data = { customer = "c" }
[[events]]
type = "support.ticket.message"
time = "at"
when = { who = { not = "" } }
data = { author = "{who}" }
[[events]]
type = "support.ticket.created"
time = "at"
when = { what = "new" }
[[events]]
type = "support.ticket.status_changed"
time = "at"
when = { what = { not = ["", "new"] } }
data = { status = "{what}" }
"""


def test_replies_and_a_reopening_of_one_ticket_all_count_and_once(emit, tmp_path):
    mapping, sent = tmp_path / "m.toml", tmp_path / "sent.jsonl"
    mapping.write_text(REPLIES_MAPPING)
    options = ("--mapping", str(mapping), "--out", str(sent))

    assert emit(REPLIES, *options, name="rows.csv")[0] == 0
    once = sent.read_bytes()
    assert emit(REPLIES, *options, name="rows.csv")[0] == 0
    again = sent.read_bytes()

    assert once == again
    assert len({json.loads(value)["id"] for value in once.splitlines()}) == 7
    for lines in (once, once + again):
        sent.write_bytes(lines)
        assert 'support_tickets_backlog{by="all",channel="",queue="",state="open",team=""} 1.0' in replayed(sent, 2)
        replies = 'support_replies_per_resolution_mean{by="all",channel="",queue="",team="",window="24h"} 2.0'
        assert replies in replayed(sent, 3)


def replayed(file, hour):
    settings = Settings()
    at = 1_767_398_400_000 + hour * 3_600_000  # of January 3rd
    return exposition(settings, read_all(settings, [str(file)], []), at).splitlines()


def test_ctrl_c_says_how_many_events_went_out(tmp_path, interruptible):
    """The rate leaves hours to interrupt it in."""
    source, out = tmp_path / "events.jsonl", tmp_path / "out"
    large = {"customer": "x", "queue": "q" * 10_000}  # no buffer of a file keeps it
    source.write_text("".join(f"{line(id=str(number), data=large)}\n" for number in range(4)))
    os.mkfifo(out)
    arguments = [*STREAMER, "emit", str(source), "--at-rate", "0.001", "--out", str(out)]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            with out.open("rb") as file:
                assert json.loads(file.readline())["id"] == "0"
                time.sleep(0.5)  # it waits for the second one's time by then
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=60)
        finally:
            process.kill()

    assert process.returncode == 130
    assert err == "streamer: interrupted; so far:\n2 lines, 1 events, 0 lines without an event\n"
