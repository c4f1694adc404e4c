"""A customer's story for the tests of journeys: satisfied, then a bad call and a reopened ticket, then not."""

import datetime as dt

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def rfc(at):
    return dt.datetime.fromtimestamp(at / 1000, dt.UTC).isoformat().replace("+00:00", "Z")


def event(number, at, name, subject, customer, **data):
    return {
        "specversion": "1.0",
        "id": f"{customer}-{number}",
        "source": "test",
        "type": f"support.{name}",
        "time": rfc(at),
        "recordedtime": rfc(at),
        "subject": subject,
        "data": {"customer": customer, **data},
    }


def story(start, customer="ada", hour=HOUR):
    """33 hours of a customer from `start` (ms) on, in order of time; an hour may be shorter."""
    five = {"kind": "csat", "scale_min": 1, "scale_max": 5}
    told = [
        (0, "customer.purchased", customer, {"amount": 20, "currency": "EUR"}),
        (1 * hour, "ticket.created", "T-1", {"queue": "orders"}),
        (1 * hour + hour // 6, "ticket.message", "T-1", {"author": "agent"}),
        (2 * hour, "ticket.status_changed", "T-1", {"status": "solved"}),
        (3 * hour, "survey.sent", "S-1", {"kind": "csat", "about": "T-1"}),
        (4 * hour, "survey.answered", "S-1", {**five, "score": 5, "about": "T-1"}),
        (5 * hour, "survey.answered", "S-2", {"kind": "nps", "score": 9, "scale_min": 0, "scale_max": 10}),
        (20 * hour, "call.queued", "C-1", {"queue": "billing"}),
        (20 * hour + hour // 15, "call.abandoned", "C-1", {}),
        (21 * hour, "ticket.created", "T-2", {"queue": "billing", "topic": "refund"}),
        (26 * hour, "ticket.message", "T-2", {"author": "agent"}),
        (27 * hour, "ticket.status_changed", "T-2", {"status": "solved"}),
        (28 * hour, "ticket.status_changed", "T-2", {"status": "open"}),
        (30 * hour, "ticket.status_changed", "T-2", {"status": "solved"}),
        (31 * hour, "survey.answered", "S-3", {**five, "score": 2, "about": "T-2"}),
        (32 * hour, "survey.answered", "S-4", {**five, "score": 1.5}),
        (33 * hour, "survey.sent", "S-5", {"kind": "csat"}),
    ]
    return [event(i, start + at, name, subject, customer, **data) for i, (at, name, subject, data) in enumerate(told)]
