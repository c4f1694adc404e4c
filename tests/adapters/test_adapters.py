"""Every adapter, on payloads written from the vendors' public documentation: what comes out, and what never does."""

import contextlib
import copy
import json
from pathlib import Path

import msgspec
import pytest

from streamer.events import Decoder
from streamer.ingest.adapters import ADAPTERS
from streamer.ingest.adapters.base import Delivery, RefusedError, Source, UnknownTypeError
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


def adapt(name, payload, headers=None, **options):
    delivery = Delivery(payload, headers or {}, NOW, "digest")
    return ADAPTERS[name].adapt(delivery, Source(name, KEY, **options), None)


def one(name, number):
    case = next(case for n, i, case in CASES if (n, i) == (name, number))
    return adapt(name, case["payload"], case.get("headers"), names={"98738": "billing", "814865": "tier-1"})


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
    events = adapt(name, case["payload"], case.get("headers"))

    assert [f"support.{what}" for what in case["expect"]] == [event["type"] for event in events]
    for event in events:
        topic, key = address(event)
        Decoder({}).decode(topic, key.encode(), msgspec.json.encode(event), NOW)


@each_case
def test_the_same_delivery_gives_the_same_events(name, case):
    first, second = (adapt(name, case["payload"], case.get("headers")) for _ in range(2))

    assert first == second


@each_case
@pytest.mark.parametrize("canary", CANARIES)
def test_a_canary_in_any_field_of_the_payload_or_a_header_comes_out_nowhere(name, case, canary):
    headers = case.get("headers") or {}
    tried = [(put(case["payload"], path, canary), headers) for path in leaves(case["payload"])]
    tried += [(case["payload"], {**headers, header: canary}) for header in headers]
    for payload, with_headers in tried:
        try:
            out = json.dumps(adapt(name, payload, with_headers))
        except (RefusedError, UnknownTypeError) as error:
            out = str(error)
        assert canary not in out
        assert canary.lower() not in out.lower()


@each_case
@pytest.mark.parametrize("new", [None, [], {}, "", -1, 1e308, True, "\ud800", "9" * 400])
def test_a_field_of_another_type_is_refused_or_tolerated_never_an_accident(name, case, new):
    for path in leaves(case["payload"]):
        try:
            adapt(name, put(case["payload"], path, new), case.get("headers"))
        except (RefusedError, UnknownTypeError):
            continue


def test_zendesk_maps_the_fields():
    [created] = one("zendesk", 1)
    [message] = one("zendesk", 2)
    [held] = one("zendesk", 3)
    [assigned] = one("zendesk", 4)

    assert created["subject"] == message["subject"] == assigned["subject"] == "zendesk:35436"
    assert created["data"]["customer"] == message["data"]["customer"] == assigned["data"]["customer"]
    labels = {name: created["data"][name] for name in ("channel", "queue", "team", "priority", "created_by")}
    assert labels == {
        "channel": "web",
        "queue": "billing",
        "team": "billing",
        "priority": "high",
        "created_by": "customer",
    }
    assert (message["data"]["author"], message["data"]["public"], message["time"]) == (
        "agent",
        True,
        "2026-11-24T06:05:00.250Z",
    )
    assert held["data"]["status"] == "on_hold"
    assert len(assigned["data"]["agent"]) == 32


def test_a_rating_is_about_its_ticket():
    [answer] = one("zendesk", 7)

    assert answer["data"]["about"] == one("zendesk", 1)[0]["subject"]
    assert (answer["data"]["score"], answer["data"]["has_comment"]) == (0, True)


def test_intercom_maps_the_fields():
    [created], [bot], [closed], [rated], [away] = (one("intercom", number) for number in range(1, 6))

    assert created["time"] == "2026-11-24T05:59:50.000Z"
    assert (created["data"]["channel"], created["data"]["team"]) == ("email", "tier-1")
    assert (bot["data"]["author"], bot["data"]["automated"]) == ("bot", True)
    assert closed["data"]["status"] == "solved"
    assert (rated["data"]["score"], rated["data"]["scale_max"]) == (4, 5)
    assert away["data"]["status"] == "away"


def test_a_label_passes_only_if_it_is_listed_or_all_may():
    payload = CASES[0][2]["payload"]
    headers = CASES[0][2]["headers"]

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
