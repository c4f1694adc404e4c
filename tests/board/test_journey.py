"""A customer's journey: a pure function of the state, and over HTTP from a board beside a worker on a real broker."""

import json
import secrets
import subprocess
import sys
import time
from contextlib import ExitStack
from urllib.parse import quote

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from kafka import KafkaProducer

from streamer.board.journey import _search
from streamer.board.journey_command import line, lines
from streamer.embedded import EmbeddedBroker, free_port
from streamer.events.codec import Decoder
from streamer.partition import TIMELINES, Partition
from streamer.processor.config import WorkerConfig
from streamer.replay import accept
from streamer.settings import Settings
from streamer.timelines.journey import journey
from streamer.timelines.timeline import Timeline
from tests.board.changelog import START
from tests.board.journeys import DAY, HOUR, MINUTE, event, story
from tests.services.kafka import Kafka
from tests.services.process import wait_until
from tests.whole.test_whole import ROOT, Process, get

PARTITIONS = 2
TOPIC = {"ticket": "tickets", "call": "calls", "chat": "chats", "survey": "surveys", "customer": "customers"}


def told(events, settings=None):
    """The journey of ada after these events, from the timeline as it is written and read again."""
    settings = settings or Settings()
    partition, decoder = Partition(settings), Decoder(settings.surveys.scales, settings.time.future)
    for raw in events:
        accepted, at, arrival = accept(decoder, json.dumps(raw).encode())
        partition.accept(accepted, at, arrival)
    record = dict(partition.changes(0).tables[TIMELINES])[b"c:ada"]
    return journey(Timeline.load(record, partition.context, customer=True).state, partition.context)


def test_contacts_answers_and_purchases_come_in_order_with_scores():
    found = told(story(START))
    assert [(m.what, m.id) for m in found.moments] == [
        ("purchase", ""),
        ("ticket", "T-1"),
        ("survey", "S-1"),
        ("survey", "S-2"),
        ("call", "C-1"),
        ("ticket", "T-2"),
        ("survey", "S-3"),
        ("survey", "S-4"),
        ("survey", "S-5"),
    ]
    by_id = {m.id: m for m in found.moments}
    assert [by_id[f"S-{i}"].score for i in (1, 3, 4, 5)] == [1_000_000, 250_000, 125_000, -1]
    assert by_id["S-2"].details["class"] == "promoter"
    assert by_id["S-1"].details["sent_ms_before"] == HOUR
    assert by_id["S-5"].details["answered"] is False
    assert by_id["C-1"].details == {"answered": False, "abandons": 1}
    assert by_id["C-1"].until == START + 20 * HOUR + 4 * MINUTE
    assert by_id["C-1"].place == {"channel": "phone", "queue": "billing"}
    assert by_id["T-2"].details == {
        "status": "solved",
        "replies": 1,
        "topic": "refund",
        "first_response_ms": 5 * HOUR,
        "missed": ["first_response"],
        "reopened": True,
    }
    assert (by_id["T-2"].at, by_id["T-2"].until) == (START + 21 * HOUR, START + 30 * HOUR)
    assert found.at_risk
    assert not found.churned


def test_the_largest_drop_is_named_with_what_lay_between():
    """csat fell by 0.75 from S-1 to S-3 and by 0.125 to S-4; the NPS answer between is no csat."""
    drop = told(story(START)).drop
    assert (drop.kind, drop.before.id, drop.after.id) == ("csat", "S-1", "S-3")
    assert drop.before.score - drop.after.score == 750_000
    assert [m.id for m in drop.between] == ["S-2", "C-1", "T-2"]


def test_the_contact_that_the_low_answer_is_about_belongs_to_it_even_if_it_was_over():
    answer = {"kind": "csat", "score": 1, "scale_min": 1, "scale_max": 5, "about": "T-1"}
    events = [*story(START)[:6], event("low", START + 6 * HOUR, "survey.answered", "S-9", "ada", **answer)]
    assert [m.id for m in told(events).drop.between] == ["T-1"]


def test_what_was_deleted_or_lost_before_is_not_what_lay_between():
    scale = {"kind": "csat", "scale_min": 1, "scale_max": 5}
    events = [
        event("1", START, "ticket.created", "SPAM", "ada"),
        event("2", START + MINUTE, "ticket.deleted", "SPAM", "ada"),
        event("3", START, "chat.queued", "LOST", "ada", queue="billing"),
        event("4", START + 10 * DAY, "survey.answered", "S-1", "ada", score=5, **scale),
        event("5", START + 10 * DAY + HOUR, "chat.queued", "WAITS", "ada", queue="billing"),
        event("6", START + 10 * DAY + 2 * HOUR, "survey.answered", "S-2", "ada", score=1, **scale),
    ]
    found = told(events)
    assert [m.id for m in found.drop.between] == ["WAITS"]
    lost = START + Settings().queue("billing").max_wait
    assert {m.id: m.until for m in found.moments if m.what != "survey"} == {
        "SPAM": START + MINUTE,
        "LOST": lost,
        "WAITS": 0,
    }


def test_scores_that_do_not_fall_are_no_drop():
    assert told(story(START)[:10]).drop is None


def test_open_work_has_no_end():
    ticket, call = story(START)[1], story(START)[7]
    found = told([ticket, call])
    assert [m.until for m in found.moments] == [0, 0]


def test_an_erased_customer_has_no_journey_and_a_new_one_begins_anew():
    events = [*story(START), event("e", START + 40 * HOUR, "customer.erased", "ada", "ada")]
    assert told(events) is None
    again = event("n", START + 41 * HOUR, "ticket.created", "T-9", "ada")
    assert [m.id for m in told([*events, again]).moments] == ["T-9"]


def test_the_state_that_is_folded_tells_the_same():
    """An event 5 days later folds all before it into the base: the story is as before."""
    later = event("later", START + 5 * DAY, "customer.joined", "ada", "ada")
    assert told([*story(START), later]) == told(story(START))


async def test_the_newest_record_is_found_however_far_back_it_lies(kafka, monkeypatch):
    """Blocks of 3 offsets, then of 12: a record of the last block, of an older one, a deleted and a missing one."""
    monkeypatch.setattr("streamer.board.journey._BLOCK", 3)
    config = WorkerConfig(bootstrap=kafka.bootstrap, app_id=f"journey-{secrets.token_hex(4)}", configuration="c")
    topic = config.changelog(TIMELINES)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1)])
    await admin.close()
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all")
    for i in range(40):
        key = {0: b"c:old", 2: b"c:gone", 20: b"c:twice", 30: b"c:gone", 39: b"c:twice"}.get(i, b"c:other")
        producer.send(topic, None if i == 30 else b"%d" % i, key, partition=i % 2)
    producer.flush()
    producer.close()
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, fetch_max_wait_ms=100)
    await consumer.start()
    try:
        found = {
            key: await _search(consumer, config, [0, 1], f"c:{key}".encode()) for key in ("old", "twice", "gone", "no")
        }
    finally:
        await consumer.stop()
    newest = {key: record and (record.partition, record.value) for key, record in found.items()}
    assert newest == {"old": (0, b"0"), "twice": (1, b"39"), "gone": (0, None), "no": None}


class House:
    """A worker and a board as processes on a broker."""

    def __init__(self, stack, folder, bootstrap, **environment):
        self.bootstrap, self.folder = bootstrap, folder
        self.worker_port, self.board_port = free_port(), free_port()
        self.environment = {
            "STREAMER_KAFKA__BOOTSTRAP": bootstrap,
            "STREAMER_KAFKA__PARTITIONS": str(PARTITIONS),
            "STREAMER_WORKER__PORT": str(self.worker_port),
            "STREAMER_BOARD__PORT": str(self.board_port),
            "STREAMER_LOGS__LEVEL": "warning",
            **environment,
        }
        for command, port in (("worker", self.worker_port), ("board", self.board_port)):
            stack.callback(Process(folder, self.environment, command).stop)
            wait_until(lambda port=port: get(port, "/ready")[0] == 200, 60, lambda: True)

    def send(self, events):
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        for raw in events:
            entity = raw["type"].split(".")[1]
            producer.send(f"support.{TOPIC[entity]}", json.dumps(raw).encode(), raw["data"]["customer"].encode())
        producer.flush()
        producer.close()

    def ask(self, customer):
        return get(self.board_port, f"/api/journey/{quote(customer, safe='')}")

    def wait_for(self, customer, holds, seconds=60):
        wait_until(lambda: holds(*self.ask(customer)), seconds, lambda: True)

    def command(self, *arguments):
        return subprocess.run(
            [sys.executable, "-m", "streamer", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture(scope="module", params=["kafka", "embedded"])
def house(request, services, tmp_path_factory):
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("journey")
        if request.param == "kafka":
            yield House(stack, folder, services.start(Kafka).bootstrap)
        else:
            request.getfixturevalue("embedded_broker")  # skips where there is none
            broker = stack.enter_context(EmbeddedBroker())
            yield House(stack, folder, broker.bootstrap, STREAMER_KAFKA__FENCING="none")


CUSTOMER = "a/b ü?"  # an id is opaque


def complete(status, text):
    """The last event of each topic is in it: a story's flushes may come between them."""
    moments = {m["id"]: m for m in json.loads(text)["moments"]} if status == 200 else {}
    ticket = moments.get("T-2", {"details": {}})
    return len(moments) == 9 and moments["C-1"]["until"] and "reopened" in ticket["details"] and ticket["until"]


@pytest.mark.timeout(300)
def test_the_board_answers_for_a_customer_and_forgets_an_erased_one(house):
    quarter = HOUR // 4  # all of it within the grace: topics are not read in step
    start = int(time.time()) * 1000 - 34 * quarter
    others = [e for i in range(50) for e in story(start, f"other-{i}", quarter)]
    house.send([*story(start, CUSTOMER, quarter), *others])
    house.wait_for(CUSTOMER, complete)
    _, text = house.ask(CUSTOMER)
    found = json.loads(text)
    assert found["customer"] == CUSTOMER
    assert [m["id"] for m in found["largest_drop"]["between"]] == ["S-2", "C-1", "T-2"]
    assert found["largest_drop"]["by"] == 0.75
    assert {m["id"]: m["group"] for m in found["moments"]}["T-2"] == {"channel": "email", "queue": "billing"}

    url = f"http://127.0.0.1:{house.board_port}"
    shown = house.command("journey", CUSTOMER, "--board", url)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "largest drop: csat 100 % -> 25 % between" in shown.stdout
    assert json.loads(house.command("journey", CUSTOMER, "--board", url, "--json").stdout) == found

    assert house.ask("nobody") == (404, "nothing is known of this customer: no events yet, or erased\n")
    nobody = house.command("journey", "nobody", "--board", url)
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert nobody.stderr == "nothing is known of this customer: no events yet, or erased\n"

    house.send([event("gone", int(time.time()) * 1000, "customer.erased", CUSTOMER, CUSTOMER)])
    house.wait_for(CUSTOMER, lambda status, _: status == 404)
    house.wait_for("other-7", complete)


def test_lines_for_people():
    moment = {
        "at": "2026-01-05T08:00:00.250Z", "until": "2026-01-05T09:00:00Z", "what": "ticket", "id": "T-1",
        "group": {"channel": "email", "queue": "billing"}, "score": None, "about": None,
        "details": {"status": "on_hold", "replies": 2, "first_response_seconds": 600.0, "missed": ["first_response"],
                    "reopened": True},
    }  # fmt: skip
    assert line(moment) == (
        "2026-01-05 08:00:00Z  ticket T-1, email billing, status on hold, replies 2, first response 10 min,"
        " missed first response, reopened, until 2026-01-05 09:00:00Z"
    )
    found = {"moments": [moment], "largest_drop": None, "churned": True, "at_risk": True}
    assert lines(found)[1:] == ["", "now: churned, at risk"]
