"""`streamer erase`: ask for the erasure of customers' data, as their right is."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

import msgspec
import typer

from streamer.errors import UsageError
from streamer.events.codec import Decoder
from streamer.events.errors import InvalidEvent
from streamer.options import ConfigOption
from streamer.producers.kafka import KafkaSender, address
from streamer.settings import load_settings

_SOURCE = "streamer-erase"


def erase(
    customer: Annotated[
        str, typer.Argument(help="The customer's id as events carry it; - reads one a line from standard input.")
    ],
    config: ConfigOption = None,
) -> None:
    """Send `support.customer.erased`: facts made stay, open work closes, and nothing else remains of the customer.

    The state forgets at once; the changelogs are free of the id once the grace has passed and Kafka has compacted them,
    the source and dead-letter topics at the end of their retention.
    """
    settings = load_settings(config)
    decoder = Decoder({})
    events = []
    for number, id_ in enumerate(_ids(customer), 1):
        event = _event(id_)
        topic, key = address(event)
        try:
            decoder.decode(topic, key.encode(), msgspec.json.encode(event), 1 << 45)
        except (InvalidEvent, UnicodeEncodeError) as error:  # the id itself is personal: its number will do
            raise UsageError(f"customer {number} is no id that an event may carry ({type(error).__name__})") from None
        events.append(event)
    with KafkaSender(settings, tell=True) as sender:
        for event in events:
            sender.send(event)
    typer.echo(f"sent {len(events):,} erasures")


def _ids(customer: str) -> Iterator[str]:
    if customer != "-":
        yield customer
        return
    for line in sys.stdin:
        if id_ := line.rstrip("\r\n"):
            yield id_


def _event(customer: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": _SOURCE,
        "type": "support.customer.erased",
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),  # noqa: TID251 (the edge: it happens now)
        "subject": customer,
        "data": {"customer": customer},
    }
