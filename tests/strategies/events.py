"""Hypothesis strategies for events: few customers, entities, names and instants, so that things meet and tie.

`events()` draws any one valid event; `histories()` draws what happened to a few customers and agents, about half of it
as life goes and half of it in any order. An entity's events always carry the same customer, or all of them none.
Every event that comes out of here is accepted by `Decoder(SCALES)`.
"""

import datetime as dt
from functools import cache
from typing import Any, Literal, get_args, get_origin

import msgspec
from hypothesis import strategies as st

from streamer.events import TYPES, Event, Scale

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
# Saturday, 28 March 2026, 00:00 UTC: the next day is the one on which Europe changes to summer time.
START_MS = 1_774_656_000_000

CUSTOMERS = ("ada", "bob", "eve")
AGENTS = ("agent-1", "agent-2")
SOURCES = ("crm", "pbx")
QUEUES = ("", "billing", "support")
TEAMS = ("", "red", "blue")
TOPICS_OF_PROBLEMS = ("", "login", "refund")
SURVEYS = ("post-chat", "inverted", "unnamed")
# `unnamed` is not configured: its answers bring their scale along.
SCALES = {"post-chat": Scale(1, 10, "high", 7), "inverted": Scale(1, 5, "low")}

# Nothing, the smallest step, both sides of the limits of metrics.md, and lengths that add up to ties.
GAPS_MS = (
    *(0, 0, 0, 1, 4 * SECOND, 5 * SECOND, 20 * SECOND, 20 * SECOND + 1, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR),
    *(HOUR + 1, 4 * HOUR, DAY - HOUR, DAY, DAY, 3 * DAY, 7 * DAY),
)
MOMENTS_MS = tuple(
    START_MS + days * DAY + minutes * MINUTE + ms
    for days in (0, 1, 7, 8)
    for minutes in (0, 1, 15, 60, 1439)
    for ms in (0, 1, 30_000)
)

_NAMES: dict[str, tuple[str, ...]] = {
    "queue": QUEUES,
    "to_queue": QUEUES,
    "team": TEAMS,
    "topic": TOPICS_OF_PROBLEMS,
    "channel": ("email", "web", ""),
    "agent": (*AGENTS, ""),
    "survey": SURVEYS,
    "currency": ("EUR", "JPY"),
    "department": ("sales", "care"),
    "reason": ("price", "moved"),
}
_NUMBERS: dict[str, tuple[float, ...]] = {
    "score": (1, 2, 3.5, 5),
    "amount": (0, 0.1, 19.99, 250, 1e9),
    "shipping_cost": (0, 4.9),
    "reach": (0, 9, 1e6),
    "sentiment": (-1, -0.25, 0, 0.3, 1),
    "comment_sentiment": (-1, -0.5, 0, 0.5, 1),
    "waited_seconds": (0, 4.999, 20, 21.5, 3600),
    "ring_seconds": (0, 12),
}
_RARE = {"priority": "high", "brand": "acme", "product": "plan", "language": "pt-BR", "tier": "gold"}
# What an event may say besides its own fields. Drawn whole, so that it takes one draw; the first is the simplest.
LABELS: tuple[dict[str, str], ...] = (
    *({}, {}, {}, {"queue": "billing"}, {"queue": "support"}, {"queue": ""}, {"team": "red"}, {"team": ""}),
    *({"channel": "web"}, {"agent": "agent-1"}, {"agent": "agent-2", "team": "blue"}, {"agent": ""}),
    *({"topic": "login"}, {"queue": "support", "team": "red", "agent": "agent-1"}, {"topic": "", "team": "blue"}),
    *({"channel": "email", "queue": "billing", "team": "blue", "topic": "refund"}, {"agent": "agent-1", **_RARE}),
)
_COMMON = ("channel", "queue", "team", "topic", "agent", *_RARE)
# Without these two an answer is on a configured scale; the strategy for answers decides, not the one for fields.
_SCALE = ("scale_min", "scale_max")


def moment(ms: int) -> dt.datetime:
    """Return ms since the epoch as an instant in UTC, exactly."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=ms)


def data_class(name: str) -> type[msgspec.Struct]:
    """Return the class of the type's `data`."""
    return next(field.type for field in msgspec.structs.fields(TYPES[name]) if field.name == "data")


def build(name: str, ms: int, subject: str, data: dict[str, Any], *, id: str = "1", source: str = "crm") -> Event:  # noqa: A002
    """Return the event of the type at ms since the epoch; its `data` is made of the given fields."""
    return TYPES[name](
        specversion="1.0", id=id, source=source, time=moment(ms), subject=subject, data=data_class(name)(**data)
    )


def subject_of(entity: str, customer: str | None, number: int) -> str:
    """Return the id of the customer's `number`-th ticket, chat, ...: it tells the customer, so the two never differ."""
    return customer if entity == "customer" and customer else f"{entity}-{customer or 'unknown'}-{number}"


@st.composite
def datas(draw: st.DrawFn, name: str, customer: str | None) -> dict[str, Any]:
    """Draw valid fields for the type's `data`."""
    data = dict(draw(_fields(name)))
    if customer is not None:
        data["customer"] = customer
        if "about" in data:
            entity = draw(st.sampled_from(("ticket", "chat", "call")))
            data["about"] = subject_of(entity, customer, draw(st.integers(0, 1)))
    if name == "support.survey.answered":
        _put_on_a_scale(draw, data)
    return data


@st.composite
def events(draw: st.DrawFn, names: tuple[str, ...] = tuple(sorted(TYPES))) -> Event:
    """Draw any valid event of the types, some of them with the time at which they were recorded."""
    name = draw(st.sampled_from(names))
    customer = _customer(draw, TYPES[name].entity)
    subject = _subject(draw, TYPES[name].entity, customer)
    event = build(
        name,
        draw(st.sampled_from(MOMENTS_MS)),
        subject,
        draw(datas(name, customer)),
        id=str(draw(st.integers(0, 9))),
        source=draw(st.sampled_from(SOURCES)),
    )
    if draw(st.integers(0, 3)):
        return event
    recorded = event.time + dt.timedelta(milliseconds=draw(st.sampled_from(GAPS_MS)))
    return msgspec.structs.replace(event, recordedtime=recorded)


@st.composite
def histories(draw: st.DrawFn, max_events: int = 40) -> list[Event]:
    """Draw up to `max_events` events with unique (source, id): a life, or any events of one entity, after another.

    They come in the order in which they were drawn, which is not that of time: sort or permute them.
    """
    drawn: list[tuple[int, str, str, dict[str, Any]]] = []
    threads = draw(st.integers(1, max(1, max_events // 4)))
    for _ in range(threads):
        name = draw(st.sampled_from(_ENTITIES))
        start_ms = draw(st.sampled_from(MOMENTS_MS))
        drawn += draw(lives(name, start_ms) if draw(st.booleans()) else scraps(name, start_ms))
    # Neighbours share an id under two sources: only the pair is unique.
    return [
        build(name, ms, subject, data, id=str(number // 2), source=SOURCES[number % 2])
        for number, (ms, name, subject, data) in enumerate(drawn[:max_events])
    ]


@st.composite
def scraps(draw: st.DrawFn, entity: str, start_ms: int) -> list[tuple[int, str, str, dict[str, Any]]]:
    """Draw some events of one entity, in any order and number: what is lost, late or makes no sense."""
    names = [name for name, cls in TYPES.items() if cls.entity == entity]
    customer = _customer(draw, entity)
    subject = _subject(draw, entity, customer)
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=6))
    ms = [start_ms + draw(st.sampled_from(GAPS_MS)) for _ in chosen]
    return [(at, name, subject, draw(datas(name, customer))) for at, name in zip(ms, chosen, strict=True)]


@st.composite
def lives(draw: st.DrawFn, entity: str, start_ms: int) -> list[tuple[int, str, str, dict[str, Any]]]:
    """Draw the events of one entity as life goes: from its opening to an end, or to where it stands now."""
    plot = draw(_PLOTS[entity])
    customer = _customer(draw, entity)
    subject = _subject(draw, entity, customer)
    ms, told = start_ms, []
    for step, said in plot:
        name = f"support.{entity}.{step}"
        data = draw(datas(name, customer)) | said
        if step not in _SETS_QUEUE:
            data.pop("queue", None)
        told.append((ms, name, subject, data))
        ms += draw(st.sampled_from(GAPS_MS))
    return told


# In a sensible life, work changes its queue here and nowhere else.
_SETS_QUEUE = ("created", "assigned", "queued")

Plot = list[tuple[str, dict[str, Any]]]


def _one_of(*plots: Plot) -> st.SearchStrategy[Plot]:
    return st.sampled_from(plots)


def _some(*steps: tuple[str, dict[str, Any]], most: int = 4) -> st.SearchStrategy[Plot]:
    return st.lists(st.sampled_from(steps), max_size=most)


def _in_turn(*parts: st.SearchStrategy[Plot]) -> st.SearchStrategy[Plot]:
    return st.tuples(*parts).map(lambda plots: [step for plot in plots for step in plot])


_AGENT = ("message", {"author": "agent", "public": True, "automated": False})
_ASKS = ("message", {"author": "customer", "automated": False})
_SAYS = ("message", {"author": "agent", "automated": False})
_BOT = ("message", {"author": "bot"})
_SOLVED = ("status_changed", {"status": "solved"})
_OPEN = ("status_changed", {"status": "open"})
_WORK = (
    *(_AGENT, _ASKS, _BOT, _OPEN, ("assigned", {}), ("categorized", {}), ("suggested", {})),
    *(("status_changed", {"status": "pending"}), ("status_changed", {"status": "on_hold"})),
    ("message", {"author": "agent", "public": False}),
)
_TICKET = _in_turn(
    _one_of([("created", {})], [("created", {"created_by": "agent"})]),
    _some(*_WORK),
    _one_of([], [_AGENT, _SOLVED], [_SOLVED, _OPEN, _AGENT, _SOLVED], [_SOLVED, _ASKS, _OPEN]),
    _one_of([], [], [("status_changed", {"status": "closed"})], [("merged", {})], [("deleted", {})]),
)
_RINGS = [("offered", {})]
_MISSED = [("offered", {}), ("not_answered", {})]


def _contact(
    talk: st.SearchStrategy[Plot], before: st.SearchStrategy[Plot], direction: dict[str, Any]
) -> st.SearchStrategy[Plot]:
    ring = _one_of([], _RINGS, _MISSED, [*_MISSED, *_RINGS])
    leave = _one_of([], [("abandoned", {})], [("left_queue", {})], [("ended", {})])
    answered = _in_turn(st.just([("answered", {})]), talk)
    further = _one_of([], [], [("transferred", {})], [("transferred", {}), ("queued", {}), *_RINGS, ("answered", {})])
    end = _one_of([], [("ended", {})], [("ended", {}), ("wrapped_up", {})])
    return _in_turn(before, st.just([("queued", direction)]), ring, leave | _in_turn(answered, further, talk, end))


_HOLD = [("held", {}), ("resumed", {})]
_DIRECTIONS: tuple[dict[str, Any], ...] = ({}, {}, {"direction": "outbound"}, {"direction": "callback"})
_JOINED = ("joined", {})
_BOUGHT = ("purchased", {})
_STEPS = [("stepped", {"step": step}) for step in ("items", "shipping", "payment", "review")]

_PLOTS: dict[str, st.SearchStrategy[Plot]] = {
    "ticket": _TICKET,
    "chat": st.sampled_from(_DIRECTIONS).flatmap(
        lambda direction: _contact(_some(_ASKS, _SAYS, _BOT, *_HOLD), _some(_ASKS, _BOT, most=2), direction)
    ),
    "call": st.sampled_from(_DIRECTIONS).flatmap(
        lambda direction: _contact(_one_of([], _HOLD, _HOLD[:1]), st.just([]), direction)
    ),
    "survey": _in_turn(
        _one_of([], [("offered", {})]),
        st.just([("sent", {})]),
        _one_of(
            *([], [("answered", {})], [("declined", {})], [("expired", {})]),
            *([("answered", {}), ("answered", {})], [("expired", {}), ("answered", {})]),
        ),
    ),
    "customer": _in_turn(
        _one_of([], [_JOINED], [_JOINED, _BOUGHT, _BOUGHT]),
        _some(_BOUGHT, most=2),
        _one_of([], [("churned", {})], [("churned", {}), _JOINED], [("erased", {})]),
    ),
    "cart": st.integers(0, len(_STEPS)).flatmap(
        lambda steps: _in_turn(
            st.just([("opened", {}), *_STEPS[:steps]]),
            _one_of([], [_BOUGHT], [("abandoned", {})], [("abandoned", {}), _BOUGHT]),
        )
    ),
    "mention": _some(("posted", {}), most=2),
    "agent": _some(
        *(("status_changed", {"status": status}) for status in ("available", "on_contact", "wrap_up", "offline")),
        ("heartbeat", {}),
        most=6,
    ),
}
# Tickets, chats and calls twice: most metrics are about them.
_ENTITIES = ("ticket", "chat", "call", *_PLOTS)


def _customer(draw: st.DrawFn, entity: str) -> str | None:
    if entity == "agent" or (entity == "call" and draw(st.integers(0, 4)) == 0):
        return None
    return draw(st.sampled_from(CUSTOMERS))


def _subject(draw: st.DrawFn, entity: str, customer: str | None) -> str:
    return draw(st.sampled_from(AGENTS)) if entity == "agent" else subject_of(entity, customer, draw(st.integers(0, 1)))


@cache
def _fields(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for the fields that the type itself has; a new field is found here or fails the tests."""
    # One draw for each field, and one for all the common ones: a history has hundreds of fields.
    own: dict[str, st.SearchStrategy[Any]] = {}
    for field in msgspec.structs.fields(data_class(name)):
        if field.name not in {"customer", *_SCALE} and (field.required or field.name not in _COMMON):
            own[field.name] = _values(field.name, field.type, absent=not field.required)
    return st.tuples(st.sampled_from(LABELS), st.fixed_dictionaries(own)).map(
        lambda drawn: drawn[0] | {key: value for key, value in drawn[1].items() if value is not msgspec.UNSET}
    )


def _values(name: str, kind: Any, *, absent: bool) -> st.SearchStrategy[Any]:
    values: tuple[Any, ...]
    part = next(part for part in _alternatives(kind) if part is not msgspec.UnsetType)
    if get_origin(part) is Literal:
        values = get_args(part)
    elif get_origin(part) is list:
        names = QUEUES if name == "queues" else TOPICS_OF_PROBLEMS
        values = ([], [names[1]], list(names), [names[2], names[2]])
    elif get_origin(part) is dict:
        values = ({}, {"tone": 1.0}, {"tone": 4.0, "speed": 2.5})
    else:
        values = {
            bool: (False, True),
            dt.datetime: tuple(map(moment, MOMENTS_MS)),
            float: _NUMBERS.get(name, (0,)),
            str: _NAMES.get(name, ("one", "two")),
        }[part]
    return st.sampled_from((msgspec.UNSET, *values) if absent else values)


def _alternatives(kind: Any) -> list[Any]:
    """Return the types of a union without their annotations."""
    if hasattr(kind, "__metadata__"):
        return _alternatives(kind.__origin__)
    if get_origin(kind) in {list, dict, Literal} or not get_args(kind):
        return [kind]
    return [part for member in get_args(kind) for part in _alternatives(member)]


def _put_on_a_scale(draw: st.DrawFn, data: dict[str, Any]) -> None:
    """Give the answer a scale of its own, or leave it to the configured one; the drawn scores fit all of them."""
    own = draw(st.sampled_from(((1, 5), (0, 10), (1, 10), None)))
    if own is not None:
        data["scale_min"], data["scale_max"] = own
    elif data.get("survey") not in SCALES:
        data["survey"] = draw(st.sampled_from(sorted(SCALES)))
