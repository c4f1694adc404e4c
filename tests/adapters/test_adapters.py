"""Every adapter, on payloads written from the vendors' public documentation: what comes out, and what never does."""

import contextlib
import copy
import json
from pathlib import Path

import msgspec
import pytest

from streamer.events import Decoder
from streamer.events.scales import Scale
from streamer.ingest.adapters import ADAPTERS
from streamer.ingest.adapters.base import Delivery, RefusedError, Source, UnknownTypeError
from streamer.producers.identity import Identity
from streamer.producers.kafka import address

FIXTURES = Path(__file__).parent / "fixtures"
KEY = b"k" * 32
NOW = 1_800_000_000_000
CANARIES = ("jane.canary@example.com", "+49 151 2345678901", "4915123456789", "Jane Canary")
CASES = [
    (file.stem, number, json.loads(line))
    for file in sorted(FIXTURES.glob("*.jsonl"))
    for number, line in enumerate(file.read_text().splitlines(), start=1)
]
each_case = pytest.mark.parametrize(
    ("name", "case"), [(n, c) for n, _, c in CASES], ids=[f"{n}-{i}" for n, i, _ in CASES]
)


class Remembered(dict):
    def put(self, key, value):
        self[key] = json.loads(json.dumps(value))


def adapt(name, payload, headers=None, before=(), **options):
    """Return the events of a payload after those of `before`, whose state is kept."""
    state, events = Remembered(), []
    for number, one in enumerate((*before, payload)):
        delivery = Delivery(one, headers or {}, NOW, f"digest{number}")
        events = ADAPTERS[name].adapt(delivery, Source(name, KEY, **options), state)
    return events


def of(name, case, payload=None):
    """Return the events of a case, or of a changed payload of it."""
    options = {"names": case.get("names", {})}
    given = case["payload"] if payload is None else payload
    return adapt(name, given, case.get("headers"), case.get("before", ()), **options)


def one(name, number):
    case = next(case for n, i, case in CASES if (n, i) == (name, number))
    names = {"98738": "billing", "814865": "tier-1", **case.get("names", {})}
    return adapt(name, case["payload"], case.get("headers"), case.get("before", ()), names=names)


def shown(data):
    """Return an event's data with # in place of hashed ids."""
    return {name: "#" if name in ("customer", "agent") and value else value for name, value in data.items()}


def leaves(value, path=()):
    """Give the path of everything that is no object and no list."""
    if isinstance(value, (dict, list)):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(below, (*path, key))
    else:
        yield path


def put(value, path, new):
    value = copy.deepcopy(value)
    node = value
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = new
    return value


def test_every_adapter_has_fixtures():
    assert sorted(ADAPTERS) == sorted({name for name, _, _ in CASES})


@each_case
def test_events_are_those_expected_and_the_processor_takes_them(name, case):
    events = of(name, case)
    scales = {survey: Scale(low, high) for survey, (low, high) in case.get("scales", {}).items()}

    assert [f"support.{what}" for what in case["expect"]] == [event["type"] for event in events]
    for event in events:
        topic, key = address(event)
        Decoder(scales).decode(topic, key.encode(), msgspec.json.encode(event), NOW)
    if "data" in case:
        assert case["data"] == [shown(event["data"]) for event in events]


@each_case
def test_the_same_delivery_gives_the_same_events(name, case):
    first, second = (of(name, case) for _ in range(2))

    assert first == second


@each_case
@pytest.mark.parametrize("canary", CANARIES)
def test_a_canary_in_any_field_of_the_payload_or_a_header_comes_out_nowhere(name, case, canary):
    headers = case.get("headers") or {}
    tried = [(put(case["payload"], path, canary), headers) for path in leaves(case["payload"])]
    tried += [(case["payload"], {**headers, header: canary}) for header in headers]
    for payload, with_headers in tried:
        try:
            out = json.dumps(of(name, {**case, "headers": with_headers}, payload))
        except (RefusedError, UnknownTypeError) as error:
            out = str(error)
        assert canary not in out
        assert canary.lower() not in out.lower()


@each_case
@pytest.mark.parametrize("new", [None, [], {}, "", -1, 1e308, True, "\ud800", "9" * 400])
def test_a_field_of_another_type_is_refused_or_tolerated_never_an_accident(name, case, new):
    for path in leaves(case["payload"]):
        try:
            of(name, case, put(case["payload"], path, new))
        except (RefusedError, UnknownTypeError):
            continue


# The case whose customer is another one, and where the customer is named.
OTHER_CUSTOMER = [
    ("zendesk", 3, [("detail", "requester_id")]),
    ("zendesk", 4, [("detail", "ticket_event", "ticket", "requester_id")]),
    ("zendesk", 7, [("ticket", "requester_id")]),
    ("zendesk", 9, [("detail", "requester_id")]),
    ("intercom", 3, [("data", "item", "contacts", "contacts", 0, "id")]),
    ("intercom", 4, [("data", "item", "contacts", "contacts", 0, "id")]),
    ("freshdesk", 2, [("data", "ticket", "requester_id"), ("data", "requester", "id")]),
    ("chatwoot", 2, [("conversation", "meta", "sender", "id"), ("sender", "id")]),
    ("chatwoot", 6, [("meta", "sender", "id")]),
    ("zammad", 4, [("ticket", "customer_id"), ("ticket", "customer", "id")]),
]


@pytest.mark.parametrize(("name", "number", "paths"), OTHER_CUSTOMER)
def test_a_ticket_keeps_its_customer_whoever_a_later_delivery_names(name, number, paths):
    first = next(case["payload"] for n, i, case in CASES if (n, i) == (name, 1))
    later = next(case["payload"] for n, i, case in CASES if (n, i) == (name, number))
    for path in paths:
        later = put(later, path, "4242")
    [created] = adapt(name, first)
    events = adapt(name, later, before=[first])

    assert events
    assert {address(event)[1] for event in events} == {address(created)[1]}
    assert ADAPTERS[name].about(later) == ADAPTERS[name].about(first) is not None  # one at a time


def test_a_label_passes_only_if_it_is_listed_or_all_may():
    case = next(case for name, _, case in CASES if name == "cloudevents")
    payload, headers = case["payload"], case["headers"]

    hidden, listed, passed = (
        adapt("cloudevents", payload, headers, **options)[0]["data"]["queue"]
        for options in ({}, {"names": {"billing": "money"}}, {"pass_names": True})
    )

    assert hidden.startswith("~")
    assert (listed, passed) == ("money", "billing")


@pytest.mark.parametrize("name", sorted(ADAPTERS))
@pytest.mark.parametrize("payload", [None, 5, "x", [], [5], {}])
def test_a_payload_that_is_none_of_the_sources_is_refused(name, payload):
    with contextlib.suppress(RefusedError, UnknownTypeError):
        assert adapt(name, payload, {"content-type": "application/cloudevents-batch+json"}) == []


def test_customers_are_those_of_the_sdk():
    sdk = Identity(KEY)

    assert one("zendesk", 1)[0]["data"]["customer"] == sdk.customer("zendesk:20978392")
    assert one("freshdesk", 1)[0]["data"]["customer"] == sdk.customer("freshdesk:6001")
    assert one("twilio", 1)[0]["data"]["customer"] == sdk.customer("+4915112345678")
    assert one("typeform", 2)[0]["data"]["customer"] == sdk.customer("jane@example.com")
    plain = Source("shop", KEY, plain=True)
    assert (plain.customer("ann"), plain.agent("bob")) == (sdk.customer("ann"), sdk.agent("bob"))


def test_a_survey_tool_s_ids_are_those_of_the_help_desk():
    [case] = [case for name, number, case in CASES if (name, number) == ("typeform", 1)]
    [answer] = adapt("typeform", case["payload"], ids_of="zammad")
    [created] = one("zammad", 1)

    assert answer["data"]["customer"] == created["data"]["customer"]
    assert answer["data"]["about"] == created["subject"]
    assert (answer["data"]["resolved"], answer["data"]["has_comment"]) == (True, True)
