"""`streamer emit`: what is sent, what is refused, and what is said about it."""

import json

import msgspec
import pytest

from streamer import cli
from streamer.producers import emit as emit_module
from streamer.producers import kafka

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
        {**EVENT, "id": "2", "recordedtime": "2026-01-02T00:00:00Z", "more": [1]},
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
    assert [json.loads(value)["id"] for value in out.splitlines()] == ["b:queued", "b:answered"]
    assert "refused wrong_type: $.data.waited_seconds: line 2\n" in err


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

        def send(self, event):
            sent.append(event)

    monkeypatch.setattr(kafka, "KafkaSender", Sender)

    code, out, _ = emit(f"{line()}\n{{\n{line(id='2')}\n", "--bootstrap", "there:9092")

    assert (code, out, used) == (65, "", ["there:9092"])
    stamped = {**EVENT, "recordedtime": EVENT["time"]}
    assert sent == [stamped, {**stamped, "id": "2"}, "flushed"]


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
    fitting = line(data={"customer": "x", "note": ""})
    room = 65_536 - len(msgspec.json.encode({**json.loads(fitting), "recordedtime": EVENT["time"]}))

    for extra, code in ((room, 0), (room + 1, 65)):
        assert emit(line(data={"customer": "x", "note": "n" * extra}), "--dry-run")[0] == code
