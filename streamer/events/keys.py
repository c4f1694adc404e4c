"""Which events meet: the record's key in Kafka, and the timeline inside a partition."""

from msgspec import UNSET

from streamer.events.registry import Event


def key_of(entity: str, subject: object, customer: object) -> str:
    """Return the key of a record by what its event says: the customer where there is one (else UNSET), or the subject.

    An agent's event has no customer: one that somebody puts there is an unknown field, and moves nothing.
    """
    return str(subject if customer is UNSET or entity == "agent" else customer)


def partition_key(event: Event) -> str:
    """Return the key of the event's record."""
    return key_of(event.entity, event.subject, getattr(event.data, "customer", UNSET))


def timeline_key(event: Event) -> str:
    """Return the timeline that the event belongs to: c: a customer's, a: an agent's, s: that of a call without one.

    The prefixes keep apart a customer, an agent and a call that happen to have the same id.
    """
    customer = getattr(event.data, "customer", UNSET)
    if customer is not UNSET:
        return f"c:{customer}"
    return f"a:{event.subject}" if event.entity == "agent" else f"s:{event.subject}"
