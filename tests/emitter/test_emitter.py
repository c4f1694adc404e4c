"""The emitter beside a broker that is there: what it sends and refuses, in threads and in forks."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kafka.partitioner.default import murmur2

import streamer
from streamer.errors import SettingsError
from streamer.events import InvalidEvent
from streamer.producers import emitter_methods
from streamer.producers.identity import Identity, looks_personal
from tests.emitter.kit import KEY, arrived, first_arrivals, make_emitter, make_topics, partitions
from tests.services.process import wait_until

IDENTITY = Identity(KEY.encode())
HASH = 32


@pytest.fixture
def source(kafka):
    make_topics(kafka.bootstrap)
    return f"helpdesk-{uuid.uuid4().hex}"


@pytest.fixture
def emitter(kafka, tmp_path, source):
    with make_emitter(tmp_path, kafka.bootstrap, source) as emitter:
        yield emitter


def test_events_have_their_topic_key_partition_and_hashed_ids(kafka, emitter, source):
    emitter.ticket_created("T1", customer="ann@example.com", queue="billing", agent=None)
    emitter.ticket_assigned("T1", customer="ann@example.com", agent="bob")
    emitter.ticket_assigned("T1", customer="ann@example.com", agent="")
    emitter.call_queued("call-1", queue="billing")
    emitter.customer_purchased("ann@example.com", amount=5, currency="EUR")
    emitter.agent_status_changed("bob", status="away", queues=["billing"])
    emitter.survey_answered(
        "S1", customer="ann@example.com", survey="post-chat", score=4, scale_min=1, scale_max=5, about="T1"
    )
    emitter.flush()
    ann, bob = IDENTITY.customer("ann@example.com"), IDENTITY.agent("bob")
    topics = ("support.tickets", "support.calls", "support.customers", "support.agents", "support.surveys")
    found = arrived(kafka.bootstrap, source, topics)
    expected = {
        ("support.tickets", "created", ann, "T1"),
        ("support.tickets", "assigned", ann, "T1"),
        ("support.calls", "queued", "call-1", "call-1"),
        ("support.customers", "purchased", ann, ann),
        ("support.agents", "status_changed", bob, bob),
        ("support.surveys", "answered", ann, "S1"),
    }
    assert {(r.topic, e["type"].split(".")[2], r.key.decode(), e["subject"]) for r, e in found} == expected
    assert {e["data"].get("survey") for _, e in found} == {None, "post-chat"}
    assert [e["data"].get("agent") for r, e in found if r.topic == "support.tickets"] == [None, bob, ""]
    assert len({e["id"] for _, e in found}) == len(found) == 7
    assert not any(b"ann@" in r.value or b'"bob"' in r.value for r, _ in found)
    for record, _ in found:
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % partitions(kafka.bootstrap, record.topic)
    assert emitter.counts()[:4] == (7, emitter.counts().spooled, 0, 0)


@pytest.mark.parametrize(
    ("method", "subject", "fields", "says"),
    [
        ("ticket_status_changed", "T", {"customer": "c", "status": "opened"}, r"at \$\.data\.status, expected one of "),
        ("ticket_created", "T", {"customer": ""}, r"\$\.data\.customer, expected string, at least 1 long"),
        ("ticket_created", "T", {"customer": 5}, r"\$\.data\.customer, expected string"),
        ("ticket_created", "T" * 129, {"customer": "c"}, r"\$\.subject, expected string, at least 1 long, at most 128"),
        ("ticket_created", "T", {"customer": "c", "queue": "q" * 70_000}, "too_large at"),
        ("ticket_created", "T", {"customer": "c", "queue": object()}, r"wrong_type at \$"),
        ("call_queued", "\ud800", {}, r"wrong_type at \$"),
        ("ticket_message", "T", {"customer": "c", "author": None}, r"missing_attribute at \$\.data\.author"),
        ("survey_answered", "S", {"customer": "c", "score": 9, "scale_min": 1, "scale_max": 5}, "score_out_of_scale"),
        ("survey_answered", "S", {"customer": "c", "score": 9}, "no_scale"),
        (
            "ticket_created",
            "ann@example.com",
            {"customer": "c"},
            r"at \$\.subject, expected no e-mail address and no ph",
        ),
        ("call_queued", "0151 1234567", {}, r"at \$\.subject, expected no e-mail"),
        (
            "ticket_created",
            "T",
            {"customer": "c", "queue": "+49 151 1234567"},
            r"at \$\.data\.queue, expected no e-mail",
        ),
        (
            "agent_status_changed",
            "a",
            {"status": "away", "queues": ["q", "a@b.de"]},
            r"at \$\.data\.queues, expected no",
        ),
        ("ticket_created", "T", {"customer": "c", "id": "ann@example.com/1"}, r"at \$\.id, expected no e-mail"),
    ],
)
def test_what_the_processor_would_not_accept_is_refused_with_the_path(emitter, method, subject, fields, says):
    with pytest.raises(InvalidEvent, match=says) as caught:
        getattr(emitter, method)(subject, **fields)
    assert "opened" not in str(caught.value)
    assert emitter.counts().refused == 1


def test_a_field_that_there_is_not_is_refused(emitter):
    with pytest.raises(TypeError, match="'qeue'"):
        emitter.ticket_created("T", customer="c", qeue="billing")


def test_a_batch_is_in_kafka_or_on_the_disk_when_it_ends(kafka, emitter, source):
    wait_until(lambda: emitter.counts().direct, 30)
    with emitter.batch() as batch:
        for number in range(2_000):
            batch.ticket_created(f"{number:08d}", customer=f"c{number % 7}")
    counts = emitter.counts()
    assert counts.sent + counts.spooled >= 2_000
    emitter.flush()
    orders = first_arrivals(kafka.bootstrap, source)
    assert sum(map(len, orders.values())) == 2_000
    assert all(order == sorted(order) for order in orders.values())


def test_threads_share_an_emitter_and_keep_each_customer_s_order(kafka, emitter, source):
    def work(thread):
        for number in range(0, 100, 10):
            with emitter.batch() as batch:
                for place in range(number, number + 9):
                    batch.ticket_created(f"{place:08d}", customer=f"c{thread}")
            emitter.ticket_created(f"{number + 9:08d}", customer=f"c{thread}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    emitter.flush()
    orders = first_arrivals(kafka.bootstrap, source)
    assert orders == {IDENTITY.customer(f"c{n}"): [f"{place:08d}" for place in range(100)] for n in range(8)}


def test_a_fork_under_load_gives_the_child_a_spool_and_ids_of_its_own(kafka, emitter, source, tmp_path):
    """Threads of the parent emit all the while, so that the fork meets its locks held."""
    stop = threading.Event()

    def work():
        while not stop.is_set():
            emitter.ticket_created("parent", customer="p")

    def emit_and_close(subject):
        emitter.ticket_created(subject, customer="c")
        emitter.close()
        return 0 if emitter.counts().waiting == 0 else 3

    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(work) for _ in range(2)]
        try:
            for number in range(5):
                assert in_child(lambda number=number: emit_and_close(f"child-{number}")) == 0
        finally:
            stop.set()
        for thread in running:
            thread.result()
    emitter.flush()
    found = arrived(kafka.bootstrap, source)
    assert len({e["id"] for _, e in found}) == emitter.counts().sent + 5
    subjects = [e["subject"] for _, e in found]
    assert sorted(s for s in set(subjects) if s != "parent") == [f"child-{n}" for n in range(5)]


def test_a_fork_with_a_closed_emitter_harms_neither_another_nor_a_file_with_its_number(kafka, emitter, tmp_path):
    """Applications and tests keep closed emitters; a fork once closed their lock again, and then left the others' held."""
    closed = [make_emitter(tmp_path, kafka.bootstrap) for _ in range(3)]
    for one in closed:
        one.close()
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(Path(os.devnull).open()) for _ in closed]

        def emit_and_look():
            emitter.ticket_created("child", customer="c")
            return 0 if all(os.fstat(other.fileno()) for other in others) else 3

        assert in_child(emit_and_look) == 0


def in_child(work):
    """Give what `work()` returns in a fork, 4 for an error there; one that hangs is ended by a signal after a minute."""
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(60)
        try:
            status = work()
        except BaseException:  # noqa: BLE001 (the child must not come back into pytest)
            status = 4
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_the_hash_is_keyed_opaque_and_the_same_everywhere(tmp_path):
    first, other = Identity(b"a" * 16), Identity(b"b" * 16)
    # RFC 2104 by another implementation: printf 'customer\0ann' | openssl dgst -sha256 -hmac aaaaaaaaaaaaaaaa
    assert first.customer("ann") == openssl(b"customer\0ann", "a" * 16)[:HASH]
    assert len({first.customer("ann"), first.agent("ann"), first.customer("Ann"), other.customer("ann")}) == 4
    with pytest.raises(SettingsError, match="cannot be read"):
        Identity.from_file(tmp_path / "missing")
    (tmp_path / "short").write_text("short\n")
    with pytest.raises(SettingsError, match="shorter than 16 bytes"):
        Identity.from_file(tmp_path / "short")


@pytest.mark.parametrize(
    "text",
    [
        *("jane@example.com", "ask jane%40example.com", "sip:100@pbx", "+49 151 1234567", "+4915112345678"),
        *("tel:+4915112345678", "call +1 (555) 123-4567 now", "(+49) 151 1234567", "0151 1234567", "0151-1234567 Jane"),
        *("(030) 1234567", "030/1234567", "01 23 45 67 89", "01.23.45.67.89", "555-123-4567", "1-800-555-1234"),
        *("555 123 4567", "Jane, 0151 1234567."),
    ],
)
def test_addresses_and_phone_numbers_are_known(text):
    assert looks_personal(text)


@pytest.mark.parametrize(
    "text",
    [
        *("00123456789", "4915112345678", "1767225600.123", "990101-AA0101-33116", "2026-01-03", "01.12.2026"),
        *("Sale 01/12/2026", "2026-01-03 10:00:00", "2024-0001234", "ticket-0123-456789", "192.168.100.100", "@acme"),
        *("550e8400-e29b-41d4-a716-446655440000", "01234567-1234-4123-8123-123456789012", "Windows 2000 2003"),
        *("T-1:ticket.message:2026-01-03T00:00:00.123456+01:00:2", "0" * 24 + "-123", "Ann at home", "", "SIP/100-1a2"),
    ],
)
def test_ids_and_labels_are_no_addresses_or_phone_numbers(text):
    assert not looks_personal(text)


def openssl(message, key):
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", key], input=message, capture_output=True, check=True, timeout=20
    )
    return done.stdout.decode().split()[-1]


def test_the_methods_say_what_the_event_classes_say():
    assert emitter_methods.drift() == []


def test_importing_it_imports_no_faust_numpy_or_kafka():
    program = "import sys; from streamer import Emitter; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert not loaded & {"faust", "mode", "aiokafka", "numpy", "kafka", "pydantic", "asyncio"}
    assert "streamer.producers.emitter" in loaded
    assert not hasattr(streamer, "nothing")
