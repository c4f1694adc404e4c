"""One rule of the key: the processor, a producer that has a plain event, and the replay agree about every event."""

import json

import pytest

from streamer.events import TYPES, Decoder, partition_key
from streamer.producers.kafka import address
from streamer.replay import accept
from tests.events.test_schemas import EXAMPLES, NAMES, NOW_MS
from tests.strategies.events import SCALES

DECODER = Decoder(SCALES)
# An agent's event has no customer: one that is there all the same is an unknown field, and moves nothing.
CASES = [(name, {"customer": "somebody"}) for name in NAMES]
CASES += [(name, {}) for name in NAMES if TYPES[name].entity in ("agent", "call")]  # the others need one


@pytest.mark.parametrize(("name", "customer"), CASES)
def test_every_event_gets_the_key_that_the_processor_expects(name, customer):
    data = {field: value for field, value in EXAMPLES[name]["data"].items() if field != "customer"} | customer
    event = EXAMPLES[name] | {"data": data}
    line = json.dumps(event).encode()

    topic, key = address(event)

    found, _, _ = DECODER.decode(topic, key.encode(), line, NOW_MS)
    assert partition_key(found) == key
    assert accept(DECODER, line)[0] == found
