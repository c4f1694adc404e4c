"""No personal value in any argument of any of the emitter's methods gets past it: a real Kafka, its spool, its errors.

Each method is called with its event's example again and again, each time with a canary in another place. A name in a
label or in the id of a ticket or an event is what a caller must not give, as nothing tells it from a queue's.
"""

import itertools
import uuid

from streamer.events import InvalidEvent
from streamer.producers.identity import person_of
from tests.adapters.test_adapters import leaves, put
from tests.adapters.test_canaries import CANARIES, each_kind, spellings
from tests.emit.test_canaries import EXAMPLES, NAMED
from tests.emitter.kit import arrived, make_emitter, make_topics

TOPICS = ("support.tickets", "support.chats", "support.calls", "support.surveys", "support.customers", "support.agents")
COMMON = ("channel", "queue", "team", "priority", "brand", "product", "language", "tier", "agent")


def call(event):
    """Return the method, the subject and the arguments that give an event."""
    person, fields = person_of(event["type"]), dict(event["data"])
    subject = fields.pop(person) if person else event["subject"]
    fields.pop("survey", None)  # the methods have no such argument: their first one is called so
    return "_".join(event["type"].split(".")[1:]), subject, {**fields, "time": event["time"]}


def variants(event, canary, kind):
    """Give the arguments with the canary in each place in turn."""
    method, subject, fields = call(event)
    if kind != "name" or person_of(event["type"]):
        yield method, canary, fields
    names = {name for name in COMMON if name != person_of(event["type"])}
    places = {(name,) for name in ("id", "recordedtime", *names)} | set(leaves(fields))
    lists = [((name,), [canary]) for name in ("queues", "comment_topics") if name in fields]
    keys = [(("ratings",), {canary: 5})] if "ratings" in fields else []
    for path, value in itertools.chain(((path, canary) for path in places), lists, keys):
        free = path[0] in NAMED or path[0] == "id" or (path[0] == "reason" and ".customer." in event["type"])
        if kind != "name" or not free:
            yield method, subject, put(fields, path, value)


@each_kind
def test_no_canary_leaves_the_emitter(kafka, tmp_path, kind, caplog):
    make_topics(kafka.bootstrap)
    source, sent, said = f"canaries-{uuid.uuid4().hex}", 0, []
    with make_emitter(tmp_path, kafka.bootstrap, source) as emitter:
        with emitter.batch() as batch:
            for example in EXAMPLES:
                for method, subject, fields in variants(example, CANARIES[kind], kind):
                    try:
                        getattr(batch, method)(subject, **fields)
                        sent += 1
                    except InvalidEvent as refused:
                        said.append(f"{refused} {refused!r}".encode())
        emitter.flush()
        places = said + [file.read_bytes() for file in (tmp_path / "spool").rglob("*") if file.is_file()]
        places.append(caplog.text.encode())
    found = arrived(kafka.bootstrap, source, TOPICS)
    for record, _ in found:
        places += [record.key, record.value, repr(record.headers).encode()]

    text = b"\n".join(places).lower()
    assert [one for one in spellings(CANARIES[kind]) if one.encode() in text] == []
    assert len(found) == sent > len(EXAMPLES) - 10  # where a canary is hashed
    assert len(said) > len(EXAMPLES)
    assert any(b"no e-mail address and no phone number" in one for one in said) == (kind != "name")
