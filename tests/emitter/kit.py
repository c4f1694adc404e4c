"""What the tests of the emitter share: an emitter, topics of the broker, and what has arrived."""

import json

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from streamer import Emitter
from streamer.events import TOPICS

KEY = "0123456789abcdef0123456789abcdef"
PARTITIONS = 3


def make_topics(bootstrap):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    names = set(admin.list_topics())
    if missing := [NewTopic(name, PARTITIONS, 1) for name in TOPICS if name not in names]:
        admin.create_topics(missing)
    admin.close()


def make_emitter(folder, bootstrap, source="helpdesk", **options):
    key_file = folder / "key"
    key_file.write_text(f"{KEY}\n")
    return Emitter(source, key_file=key_file, bootstrap=bootstrap, spool=folder / "spool", **options)


def partitions(bootstrap: str, topic: str) -> int:
    """How many partitions a topic has: another test may have made the shared broker's topics, with another number."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap)
    found = consumer.partitions_for_topic(topic)
    consumer.close()
    return len(found)


def arrived(bootstrap, source, topics=("support.tickets",)):
    """Give (record, event) of a source for all that is in the topics now, each partition in its order."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000)
    places = [TopicPartition(topic, number) for topic in topics for number in consumer.partitions_for_topic(topic)]
    consumer.assign(places)
    ends = {place: end for place, end in consumer.end_offsets(places).items() if end}
    found = []
    while any(consumer.position(place) < end for place, end in ends.items()):
        record = next(consumer)
        # Tests that share the broker write other things too, some of them no JSON.
        if f'"source":"{source}"'.encode() in record.value:
            found.append((record, json.loads(record.value)))
    consumer.close()
    return found


def first_arrivals(bootstrap, source):
    """Give the subjects of each customer in the order of their first arrival, as the processor sees them."""
    seen, subjects = set(), {}
    for _, event in arrived(bootstrap, source):
        if event["id"] not in seen:
            seen.add(event["id"])
            subjects.setdefault(event["data"]["customer"], []).append(event["subject"])
    return subjects
