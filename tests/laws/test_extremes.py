"""Whatever the contract lets in, at its very limits: nothing raises, and what was read later shows what was live.

A step that raises would end the worker, and again at each restart: the record that did it is not committed.
"""

import datetime as dt
import random

import msgspec
import pytest
from msgspec import inspect

from streamer.board.merge import Merge
from streamer.events import TOPICS, TYPES
from streamer.events.codec import Decoder
from streamer.events.errors import InvalidEvent
from streamer.events.keys import key_of
from streamer.metrics.evaluate import evaluate
from streamer.metrics.exposition import render
from streamer.partition import PANES, TIMELINES, Partition
from streamer.replay import snapshot_of
from streamer.settings import Settings
from streamer.timelines.journey import journey
from streamer.timelines.timeline import Timeline
from tests.strategies.events import DAY, START_MS

pytestmark = pytest.mark.slow

SETS = 60
NOW = START_MS + 5 * DAY
TOPIC_OF = {entity: topic for topic, entities in TOPICS.items() for entity in entities}
DATA = {name: next(f.type for f in inspect.type_info(cls).fields if f.name == "data") for name, cls in TYPES.items()}
TEXTS = ("", "a", "billing", "other", "all", "x" * 128, "é", "\0", '\n"\\', "\u2028", "{}", "\U0001f600")
#: years at which clocks that were never set, or calendars, begin and end
YEARS = ("0001-01-01", "1901-12-13", "1970-01-01", "1970-04-26", "1970-04-27", "2038-01-19", "9999-12-31")
ENDS = (-1e6, -1, 0, 1e-7, 4e-7, 1e-6, 2e-6, 0.5, 1, 5, 10, 1e6)


def instant(draw):
    if draw.random() < 0.3:
        clock = draw.choice(("00:00:00", "17:46:40", "23:59:59.999"))
        return f"{draw.choice(YEARS)}T{clock}{draw.choice(('Z', '+14:00', '-12:00'))}"
    ms = START_MS + draw.choice((0, 1, 999, 60_000, 3_600_000, DAY, 7 * DAY, 91 * DAY)) * draw.randrange(-3, 4)
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat(timespec="milliseconds")


def value(draw, type_):  # noqa: PLR0911 (a kind of type each)
    """Return a value of the type, mostly at its limits."""
    match type_:
        case inspect.UnionType():
            return value(draw, draw.choice([t for t in type_.types if not isinstance(t, inspect.UnsetType)]))
        case inspect.Metadata():
            return value(draw, type_.type)
        case inspect.StrType():
            return draw.choice(TEXTS)
        case inspect.BoolType():
            return draw.random() < 0.5
        case inspect.LiteralType():
            return draw.choice(type_.values)
        case inspect.DateTimeType():
            return instant(draw)
        case inspect.ListType():
            return [value(draw, type_.item_type) for _ in range(draw.choice((0, 1, 2, 60)))]
        case inspect.DictType():
            return {draw.choice(TEXTS): value(draw, type_.value_type) for _ in range(draw.randrange(4))}
        case inspect.FloatType() | inspect.IntType():
            low = -1e6 if type_.ge is None else type_.ge
            high = 1e6 if type_.le is None else type_.le
            number = draw.choice((low, high, low + 1e-7, high - 1e-7, 0, -0.0, 5e-324, 1e-7, 0.5, 1, 5))
            return int(number) if isinstance(type_, inspect.IntType) else number
        case _:
            raise AssertionError(type_)


def raw_event(draw, number):
    """Return an event as a producer might write it; not every one is valid."""
    name = draw.choice(list(TYPES))
    entity, fields = TYPES[name].entity, DATA[name].fields
    data = {f.encode_name: value(draw, f.type) for f in fields if f.required or draw.random() < 0.5}
    if any(f.encode_name == "customer" for f in fields):
        data["customer"] = draw.choice(("ada", "bob"))
    if name == "support.survey.answered":
        low, high = sorted(draw.choice(ENDS) for _ in range(2))
        data |= {"scale_min": low, "scale_max": high, "score": draw.choice((low, high, (low + high) / 2))}
        data["ratings"] = {"tone": draw.choice((low, high))}
    subject = draw.choice(("T", "K", "é", "x" * 128))
    if entity == "customer":
        subject = data["customer"]
    time = instant(draw)
    return {
        "specversion": "1.0",
        "id": str(number),
        "source": draw.choice(("crm", "pbx")),
        "type": name,
        "time": time,
        "recordedtime": time if draw.random() < 0.8 else instant(draw),
        "subject": subject,
        "data": data,
    }


@pytest.mark.parametrize("seed", range(3))
def test_no_valid_event_raises_and_the_board_shows_what_the_partition_has(seed):
    draw, settings, names = random.Random(seed), Settings(), Settings().dimensions.names
    decoder, accepted = Decoder(settings.surveys.scales, settings.time.future), set()
    for _ in range(SETS):
        partition, merge = Partition(settings), Merge(settings)
        for number in range(draw.randrange(1, 60)):
            raw = raw_event(draw, number)
            entity = TYPES[raw["type"]].entity
            key = key_of(entity, raw["subject"], raw["data"].get("customer", msgspec.UNSET))
            try:
                event, time, arrival = decoder.decode(TOPIC_OF[entity], key.encode(), msgspec.json.encode(raw), NOW)
            except InvalidEvent:
                continue
            accepted.add(raw["type"])
            partition.accept(event, time, arrival)
            if draw.random() < 0.1:
                merge.apply(0, dict(partition.changes(NOW).tables[PANES]))
        tables = partition.changes(NOW).tables
        merge.apply(0, dict(tables[PANES]))
        for record_key, record in tables[TIMELINES]:
            if record is not None:
                timeline = Timeline.load(record, partition.context, customer=record_key.startswith(b"c:"))
                journey(timeline.state, partition.context)
        shown = render(evaluate(snapshot_of(partition), settings, NOW), names)
        assert render(merge.evaluate(NOW), names) == shown
    assert accepted == set(TYPES)
