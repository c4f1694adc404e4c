"""Which events meet: the record's key in Kafka, and the timeline inside a partition."""

from msgspec import UNSET

from streamer.events.registry import Event


def partition_key(event: Event) -> str:
    """Return the key of the event's record: its customer where it has one, otherwise its subject."""
    customer = getattr(event.data, "customer", UNSET)
    return event.subject if customer is UNSET else customer


def timeline_key(event: Event) -> str:
    """Return the timeline that the event belongs to: c: a customer's, a: an agent's, s: that of a call without one.

    The prefixes keep apart a customer, an agent and a call that happen to have the same id.
    """
    customer = getattr(event.data, "customer", UNSET)
    if customer is not UNSET:
        return f"c:{customer}"
    return f"a:{event.subject}" if event.entity == "agent" else f"s:{event.subject}"
