"""No personal value in any field of a file gets past `streamer emit` with a key: not what is sent, nor what is said of it.

The examples of all event types are emitted again and again, each time with a canary in another place: in each field that
there is or could be, and in fields that there are not, by name and by value. A name in a label or in a ticket's id is the
only one that is sent, as nothing tells it from a queue's: those places are named here, and get no name.
"""

import csv
import io
import itertools
import json
from pathlib import Path

import msgspec
import pytest

from streamer import cli
from streamer.events import TYPES
from streamer.producers.identity import person_of
from tests.adapters.test_adapters import leaves, put
from tests.adapters.test_canaries import CANARIES, added, each_kind, spellings

EXAMPLES = [
    json.loads(file.read_text()) for file in (Path(__file__).parents[2] / "schemas" / "examples").glob("*.json")
]
KEY = "0123456789abcdef0123456789abcdef"
LABELS = {"channel", "queue", "to_queue", "team", "priority", "brand", "product", "language", "tier", "topic", "survey"}
LABELS |= {"department", "platform", "payment_method", "queues", "comment_topics", "ratings"}
NAMED = LABELS | {"into", "about", "currency", "source"}


def may_have_a_name(event, path):
    """Whether a name at this place cannot be told from what should be there."""
    field = path[1] if path[0] == "data" and len(path) > 1 else path[0]
    free_reason = field == "reason" and event["type"] in ("support.customer.joined", "support.customer.churned")
    return field in NAMED or free_reason or (field == "subject" and not person_of(event["type"]))


def variants(event, kind):
    """Give the event with the canary in each place in turn, by its path."""
    canary = CANARIES[kind]
    yield (), added(event, canary)
    fields = [field.name for field in msgspec.structs.fields(TYPES[event["type"]].__annotations__["data"])]
    lists = [(("data", name), [canary]) for name in ("queues", "comment_topics")]
    keys = [(("data", "ratings"), {canary: 1})]
    plain = [(path, canary) for path in {*leaves(event), *(("data", name) for name in fields), ("recordedtime",)}]
    for path, value in itertools.chain(plain, lists, keys):
        if kind != "name" or not may_have_a_name(event, path):
            yield path, put(event, path, value)


@pytest.fixture
def emit(tmp_path, capsysbinary, monkeypatch):
    """Runs `streamer emit` with a key on a file; gives what was sent, and all that was said about it."""
    monkeypatch.delenv("STREAMER_CONFIG", raising=False)
    (tmp_path / "key").write_text(KEY)

    def run(text, *options, name="events.jsonl"):
        (tmp_path / name).write_text(text)
        said = []
        for more in ((), ("--json",)):
            always = ["--key-file", str(tmp_path / "key"), "--out", str(tmp_path / "out")]
            with pytest.raises(SystemExit) as ended:
                cli.main(["emit", str(tmp_path / name), *always, *options, *more])
            assert ended.value.code in (0, 65, None)
            said += capsysbinary.readouterr()
        return (tmp_path / "out").read_bytes(), b"".join(said)

    return run


def left(kind, *texts):
    """Return the spellings of the canary that are in one of the texts."""
    return [one for one in spellings(CANARIES[kind]) if any(one.encode() in text.lower() for text in texts)]


@each_kind
def test_no_canary_in_json_lines_is_sent_or_shown(emit, kind):
    tried = [event for example in EXAMPLES for _, event in variants(example, kind)]

    sent, said = emit("\n".join(map(json.dumps, tried)))

    assert left(kind, sent, said) == []
    # Wherever a canary is dropped or hashed the event goes, and where it is not, it is refused.
    assert len(EXAMPLES) == len(TYPES)
    assert {json.loads(line)["type"] for line in sent.splitlines()} == set(TYPES)
    assert sent.count(b"\n") > 3 * len(EXAMPLES)
    assert b"refused wrong_type: $.data.author" in said


COLUMNS = {
    "ticket": "T-1",
    "at": "2026-01-03T00:00:00Z",
    "who": "c1",
    "by": "a1",
    "queue": "billing",
    "comment": "",
    "n": "",
}
MAPPING = """
source = "legacy"
subject = "{subject}"
{id}
times = {{ at = {{ text = "{{at}}" }} }}
data = {{ customer = "{{who}}", agent = "{{by}}", queue = "{{queue}}"{more} }}
events = [
  {{ type = "support.{type}", time = "at" }},
  {{ type = "support.ticket.created", time = "at", when = {{ queue = "never" }} }},  # whose customer no agent's event has
]
"""


@each_kind
@pytest.mark.parametrize(
    ("type_", "subject", "more"),
    [
        ("ticket.created", "{ticket}", ""),
        ("customer.joined", "{who}", ""),
        ("agent.status_changed", "{by}", ', status = "away"'),
    ],
)
@pytest.mark.parametrize("own", ["", 'id = "{who}-{by}-{comment}"'])
def test_no_canary_in_a_delimited_file_is_sent_or_shown(emit, tmp_path, kind, type_, subject, more, own):
    (tmp_path / "m.toml").write_text(MAPPING.format(subject=subject, id=own, more=more, type=type_))
    names = [name for name in COLUMNS if kind != "name" or name not in ("ticket", "queue")]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows({**COLUMNS, name: CANARIES[kind]} for name in names)

    sent, said = emit(text.getvalue(), "--mapping", str(tmp_path / "m.toml"), name="rows.csv")

    assert left(kind, sent, said) == []
    assert sent.count(b"\n") >= len(names) - 3
    assert b"refused at is not a time: line " in said
