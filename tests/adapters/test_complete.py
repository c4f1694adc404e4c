"""No word of a source is read without a fixture: take any one away, and some fixture gives something else than it says.

Words stand in the tables of an adapter's module, and in its functions, where they are compared with. A fixture says the
types, times and data of its events, and as `who` the ids that "#" stands for, as they are before they are hashed.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil

import pytest

from streamer.ingest import adapters
from streamer.ingest.adapters import ADAPTERS, base
from streamer.ingest.adapters.base import RefusedError, UnknownTypeError
from streamer.producers.identity import Identity
from tests.adapters.test_adapters import CASES, KEY, adapt, of, shown

#: the tables of words that come from a source
TABLES = {
    "amazon_connect": {"_AGENT_EVENTS", "_BY", "_DIRECTION", "_ENTITY", "_EVENTS"},
    "chatwoot": {"_ASSIGNED", "_AUTHOR", "_CHANNEL", "_PRIORITY", "_STATUS", "_TEMPLATE"},
    "cloudevents": {"_CHANNELS", "_FREE_REASON", "_IDS", "_LABELS", "_NAME_LISTS", "_WORDS"},
    "delighted": {"_KINDS", "_RESPONSES"},
    "freshdesk": {"_CHANNEL", "_PRIORITY", "_STATUS"},
    "genesys": {"_BY", "_ENTITY", "_OUTCOME"},
    "helpscout": {"_NAMED", "_SCORE"},
    "intercom": {"_AGENT", "_ASSIGNED", "_CHANNEL", "_CREATED", "_NOTES", "_RATED", "_REPLIED", "_STATUS", "_TICKET_STATE"},
    "rocketchat": {"_BY", "_TYPES"},
    "surveymonkey": {"_NOTICES"},
    "survicate": {"_WORDS_OF_NPS"},
    "twilio": {"_ACTIVITY", "_EVENTS"},
    "typeform": {"_SCORED"},
    "zammad": {"_AUTHOR", "_CHANNEL", "_GONE", "_PRIORITY", "_STATUS"},
    "zendesk": {"_AGENT", "_CHANNEL", "_DELETED", "_PRIORITY", "_SCORE", "_STATUS"},
}  # fmt: skip
#: the tables that are made of the contract's types
OTHERS = {"base": {"KINDS"}, "cloudevents": {"TYPES", "_KNOWN"}}
#: entries that say what is done with an unknown word too: they stand there to be read
AS_UNKNOWN = {
    ("freshdesk", "_STATUS", "2"),
    ("zammad", "_STATUS", "open"),
    ("zendesk", "_AGENT", "away"),
    ("zendesk", "_AGENT", "transfers_only"),
}
#: deliveries that give no event but a certain error, which no fixture can say
ERRORS = [
    ("amazon-connect", {"ContactId": "5a1b3c2d", "Channel": "VOICE", "Agent": {"ARN": "arn:a/agent/a1"}}, UnknownTypeError),
    ("delighted", {"event_type": "unsubscribe.created", "event_data": {"id": "1", "person": "42", "survey_type": "nps",
                   "score": 9, "created_at": 1795500000}}, UnknownTypeError),
    ("freshdesk", {"freshdesk_webhook": {"ticket_id": 4711}, "data": {"ticket": {"id": 4711, "requester_id": 6001,
                   "created_at": "2026-11-24T06:00:00Z"}}}, RefusedError),
    ("surveymonkey", {"event_type": "response_completed", "object_id": "1"}, RefusedError),
    ("surveymonkey", {"event_type": "response_updated", "object_id": "1"}, RefusedError),
    ("surveymonkey", {"id": "1", "survey_id": "2", "recipient_id": "4711", "response_status": "partial", "date_created":
                      "2026-11-24T06:00:00Z", "pages": [{"questions": [{"id": "3", "answers": [{"simple_text": "9"}]}]}]},
     UnknownTypeError),
    ("twilio", {"EventType": "task-queue.entered", "Timestamp": "1795500000", "TaskChannelUniqueName": "chat",
                "TaskSid": "WT00000000000000000000000000000001", "TaskAttributes": "{}"}, RefusedError),
]  # fmt: skip
MODULES = {name: inspect.getmodule(adapter.adapt) for name, adapter in ADAPTERS.items()}
each_adapter = pytest.mark.parametrize("name", sorted(ADAPTERS))


def tables(module):
    """Return the module's own tables by their names."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, (dict, set, frozenset)) and not name.startswith("__")
        if module is base or getattr(base, name, None) is not value
    }


def compared(tree):
    """Return the nodes of the words that functions compare with, or look up in a table without a name."""
    places = []
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            match node:
                case ast.Compare():
                    places += [node.left, *node.comparators]
                case ast.Set():
                    places.append(node)
                case ast.Attribute(value=ast.Dict() as table) | ast.Subscript(value=ast.Dict() as table):
                    places += table.keys
                case ast.Call(func=ast.Attribute(attr="startswith" | "endswith" | "removeprefix")):
                    places += node.args
    words = [one for place in places for one in getattr(place, "elts", [place])]
    return [one for one in words if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def given(event, who):
    """Return what a fixture says of an event: its type, time and data, and whether the people are those it names."""
    people = {name: getattr(Identity(KEY), name)(raw) for name, raw in who.items()}
    right = all(event["data"].get(name) in (None, "", people.get(name)) for name in ("customer", "agent"))
    return event["type"].removeprefix("support."), event["time"], shown(event["data"]), right


def wrong(name):
    """Give the numbers of an adapter's fixtures whose events are not what they say, and the errors that do not come."""
    for _, number, case in (one for one in CASES if one[0] == name):
        said = [(*one, True) for one in zip(case["expect"], case["times"], case["data"], strict=True)]
        try:
            if said == [given(event, case.get("who", {})) for event in of(name, case)]:
                continue
        except (RefusedError, LookupError):
            pass
        yield number
    for _, payload, error in (one for one in ERRORS if one[0] == name):
        try:
            adapt(name, payload)
        except (RefusedError, LookupError) as raised:
            if type(raised) is error:
                continue
        yield error.__name__


def unnoticed(name):
    """Tell whether all fixtures of an adapter still give what they say."""
    return next(wrong(name), None) is None


def test_every_table_is_in_one_of_the_lists():
    found = {}
    for info in pkgutil.iter_modules(adapters.__path__):
        found[info.name] = set(tables(importlib.import_module(f"{adapters.__name__}.{info.name}")))

    listed = {name: TABLES.get(name, set()) | OTHERS.get(name, set()) for name in found}
    assert found == listed
    assert not [name for name in TABLES if TABLES[name] & OTHERS.get(name, set())]


@each_adapter
def test_every_fixture_says_what_comes_out(name):
    assert list(wrong(name)) == []


@each_adapter
def test_every_entry_of_a_table_has_a_fixture(name, monkeypatch):
    module = MODULES[name]
    file = module.__name__.rpartition(".")[2]
    survivors = set()
    for table in TABLES[file]:
        value = getattr(module, table)
        for key in value:
            less = {k: v for k, v in value.items() if k != key} if isinstance(value, dict) else value - {key}
            with monkeypatch.context() as patch:
                patch.setattr(module, table, less)
                if unnoticed(name):
                    survivors.add((file, table, key))

    assert survivors == {one for one in AS_UNKNOWN if one[0] == file}


@each_adapter
def test_every_word_that_is_compared_with_has_a_fixture(name, monkeypatch):
    module = MODULES[name]
    tree = ast.parse(inspect.getsource(module))
    survivors = []
    for node in compared(tree):
        word, node.value = node.value, "\0"
        changed = {"__name__": module.__name__}
        exec(compile(tree, module.__file__, "exec"), changed)  # the adapter without the word
        node.value = word
        with monkeypatch.context() as patch:
            patch.setitem(ADAPTERS, name, ADAPTERS[name]._replace(adapt=changed["adapt"]))
            if unnoticed(name):
                survivors.append((word, f"line {node.lineno}"))

    assert survivors == []
