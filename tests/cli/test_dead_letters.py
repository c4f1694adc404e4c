"""`streamer dead-letters`: counted, listed, shown, and sent again when what was wrong is mended."""

import json
from datetime import UTC, datetime

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from tests.cli.test_cli import run
from tests.services.process import wait_until
from tests.whole.test_whole import PARTITIONS, House, get

pytestmark = [pytest.mark.slow, pytest.mark.service]
SCALE = {"STREAMER_SURVEYS__SCALES": json.dumps({"post-chat": {"min": 1, "max": 5}})}


@pytest.fixture
def house(services, tmp_path):
    house = House(services, tmp_path)
    yield house
    house.stop()


def answer(number, customer, survey="post-chat", source="shop\x1b[31m"):
    return json.dumps(
        {
            "specversion": "1.0",
            "id": f"a{number}",
            "source": source,
            "type": "support.survey.answered",
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "subject": f"s{number}",
            "data": {"customer": customer, "survey": survey, "kind": "csat", "score": 4},
        }
    ).encode()


def dead_letters(house, *arguments, **environ):
    return run("dead-letters", *arguments, environ={**house.environment, **environ})


def listed(house, *arguments, **environ):
    result = dead_letters(house, *arguments, "--json", **environ)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def records(house, topic):
    consumer = KafkaConsumer(bootstrap_servers=house.kafka.bootstrap, enable_auto_commit=False)
    tps = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(tps)
    consumer.seek_to_beginning(*tps)
    ends, found = consumer.end_offsets(tps), []
    while any(consumer.position(tp) < ends[tp] for tp in tps):
        for some in consumer.poll(timeout_ms=200).values():
            found += some
    consumer.close()
    return found


def worker_counts(house, line):
    return line in get(house.worker_port, "/metrics")[1]


def test_letters_are_counted_shown_and_sent_again_once_the_settings_are_mended(house):
    worker = house.worker()
    house.wait_ready(house.worker_port)
    none = dead_letters(house, STREAMER_LOGS__LEVEL="info")
    assert (none.stdout, none.stderr) == ("CODE  SOURCE  LETTERS  ACCEPTABLE NOW\n", "")
    producer = KafkaProducer(bootstrap_servers=house.kafka.bootstrap, acks="all")
    for number in range(3):
        headers = [("trace", b"\xff%d" % number), ("streamer_error_code", b"forged")]
        producer.send("support.surveys", key=b"ada", value=answer(number, "ada"), headers=headers)
    producer.send("support.surveys", key=b"ben", value=answer(9, "ben", survey="other-scale", source="crm"))
    producer.send("support.tickets", key=None, value=b"no json")
    producer.flush()
    producer.close()
    wait_until(lambda: listed(house)["letters"] == 5, 60)

    found = listed(house, **SCALE)
    assert {(kind["code"], kind["source"]): (kind["letters"], kind["acceptable_now"]) for kind in found["kinds"]} == {
        ("no_scale", "shop\x1b[31m"): (3, 3),
        ("no_scale", "crm"): (1, 0),
        ("not_json", ""): (1, 0),
    }
    assert len(listed(house, "--last", "2")["newest"]) == 2
    assert listed(house, "--code", "not_json")["letters"] == listed(house, "--source", "crm")["letters"] == 1
    assert "value" not in found["newest"][0]
    table = dead_letters(house)
    assert "\x1b" not in table.stdout
    assert "shop\\x1b[31m" in table.stdout
    (place,) = [letter["place"] for letter in found["newest"] if letter["source"] == "crm"]
    (shown,) = listed(house, "show", place)["newest"]
    assert json.loads(shown["value"])["id"] == "a9"
    assert shown["key"] == "ben"

    # Nothing is mended: nothing is sent.
    unmended = dead_letters(house, "replay")
    assert (unmended.returncode, unmended.stdout) == (65, "0 letters sent again\n")
    assert "4 no_scale: $.data.score" in unmended.stderr
    dry = dead_letters(house, "replay", "--dry-run", "--source", "shop\x1b[31m", **SCALE)
    assert (dry.returncode, dry.stdout) == (0, "3 letters would be sent again\n")
    assert len(records(house, "support.surveys")) == 4

    assert worker.stop() == 0
    house.environment |= SCALE
    run("rebuild", "--yes", environ=house.environment)  # scales are rules
    house.worker()
    house.wait_ready(house.worker_port)
    wait_until(lambda: worker_counts(house, 'topic="support.surveys"} 3.0'), 60)
    sent = dead_letters(house, "replay", "--code", "no_scale")
    assert (sent.returncode, sent.stdout) == (65, "3 letters sent again\n")
    everything = [r for r in records(house, "support.surveys") if r.key == b"ada"]
    first, again = everything[:3], everything[3:]
    assert [(r.key, r.value, r.partition) for r in again] == [(r.key, r.value, r.partition) for r in first]
    assert [r.headers for r in again] == [[("trace", b"\xff%d" % number)] for number in range(3)]
    # The rebuild has counted them already: repeats.
    wait_until(lambda: worker_counts(house, "support_events_duplicate_total{") and worker_counts(house, "} 3.0"), 60)


def test_bad_usage_and_brokers_that_do_not_answer():
    assert run("dead-letters", "list", "--dry-run").returncode == 2
    assert run("dead-letters", "burn").returncode == 2
    assert run("dead-letters", environ={"STREAMER_KAFKA__BOOTSTRAP": "127.0.0.1:1"}).returncode == 69
