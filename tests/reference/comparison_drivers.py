"""driver_lift, driver_samples, driver_low: what the contacts had in common after which customers were unhappy."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import contacts, tickets
from .book import Book
from .config import DAY, HOUR
from .scales import normal, satisfaction_class, scale_of
from .sla import put_sla
from .surveys import CLASSED, _group, invitations, named
from .together import Contact, _abandons, lives
from .windows import pane_of, top

if TYPE_CHECKING:
    from .book import Group
    from .config import Config
    from .expose import Cell, Exposition
    from .order import Event, Timeline

WINDOW = 30 * 24  # 1 h panes
TOP = 10
OPEN = ("channel:", "topic:")  # of these the top 10
CHANNELS = {"ticket": "email", "chat": "chat", "call": "phone"}
REPEAT_WITHIN = 7 * DAY
ABANDONED_WITHIN = DAY
REPLIES = 2


@dataclass
class Answer:
    """One answer about a contact, and that contact's drivers as they were at the answer."""

    group: Group
    low: bool
    drivers: set[str]


def put_drivers(exposition: Exposition, customers: list[Timeline]) -> None:
    config, hour = exposition.config, exposition.at // HOUR
    answers = [answer for timeline in customers for answer in _answers(timeline, config, hour)]
    used = Counter(driver for answer in answers for driver in answer.drivers)
    kept = {d for d in used if not d.startswith(OPEN)}
    for prefix in OPEN:
        kept |= top(Counter({d: n for d, n in used.items() if d.startswith(prefix)}), TOP) - {""}
    least = int(config.toml.get("surveys", {}).get("min_samples", 30))
    by_cell: dict[Cell, list[Answer]] = defaultdict(list)
    for answer in answers:
        for cell in exposition.cells(answer.group):
            by_cell[cell].append(answer)
    for cell, members in by_cell.items():
        for driver in kept:
            _put(exposition, cell, driver, members, least)


def _put(exposition: Exposition, cell: Cell, driver: str, members: list[Answer], least: int) -> None:
    """The two-by-two counts: low or not, with the driver or without."""
    having = [answer for answer in members if driver in answer.drivers]
    others = [answer for answer in members if driver not in answer.drivers]
    if not having:
        return
    label = (("driver", driver),)
    low, other_low = sum(a.low for a in having), sum(a.low for a in others)
    exposition.add("driver_samples", cell, label, len(having))
    exposition.add("driver_low", cell, label, low)
    if len(having) >= least and other_low:
        exposition.add("driver_lift", cell, label, (low / len(having)) / (other_low / len(others)))


def _answers(timeline: Timeline, config: Config, hour: int) -> list[Answer]:
    """The last answers of csat, relationship and experience in the 30 d that are about a known contact."""
    result = []
    everyone = lives(timeline.events, config, timeline.horizon)
    for invitation in invitations(timeline.events):
        answer = invitation.answer
        if answer is None or invitation.said(answer, "kind") not in CLASSED:
            continue
        if not hour - WINDOW < pane_of(answer.time, HOUR, timed=False) <= hour:
            continue
        scale = scale_of(answer.data, config)
        past = [e for e in timeline.events if e.idx < answer.idx]
        then = lives(past, config, answer.time)
        contact = named(then, invitation.said(answer, "about"), answer, config)
        if scale is None or contact is None:
            continue
        low = satisfaction_class(normal(answer.data["score"], scale)) == "at_risk"
        drivers = _drivers(contact, then, answer, config)
        result.append(Answer(_group(invitation, answer, everyone, config), low, drivers))
    return result


def _drivers(contact: Contact, everyone: list[Contact], answer: Event, config: Config) -> set[str]:
    life = contact.life
    held = {
        "waited_over_target": _waited(life, answer, config),
        "transferred": isinstance(life, contacts.Life)
        and any(leg.end_kind in {"blind", "consult"} for leg in life.legs),
        "replies_over_2": len(life.human_replies) > REPLIES,
        "reopened": _reopened(life),
        "repeat_contact": _repeated(contact, everyone, answer),
        "breached": _breached(life, answer, config),
        "abandoned_first": _abandoned_first(contact, everyone),
    }
    drivers = {name for name, yes in held.items() if yes}
    entity = life.events[0].entity
    stated = {"channel": _stated(life, "channel", CHANNELS[entity]), "topic": _stated(life, "topic", "")}
    return drivers | {f"{name}:{value}" for name, value in stated.items() if value}


def _waited(life: tickets.Life | contacts.Life, answer: Event, config: Config) -> bool:
    """A leg of a queue metric waited longer than its queue's target."""
    if isinstance(life, tickets.Life):
        return False
    for leg in life.legs:
        if leg.measured and not leg.stub:
            until = answer.time if leg.waiting else leg.outcome_time
            if until - leg.queued > config.queue(leg.queue, life.kind).target:
                return True
    return False


def _reopened(life: tickets.Life | contacts.Life) -> bool:
    if isinstance(life, tickets.Life):
        return any(solve.reopen is not None for solve in life.solves)
    return bool(life.reopens)


def _repeated(contact: Contact, everyone: list[Contact], answer: Event) -> bool:
    """The customer had another contact start in [start - 7 d, start] before it."""
    start = contact.start
    if start is None:
        return False
    starts = [o.start for o in everyone if o is not contact and o.start is not None and o.here(answer.time)]
    return any(s.idx < start.idx and s.time >= start.time - REPEAT_WITHIN for s in starts)


def _breached(life: tickets.Life | contacts.Life, answer: Event, config: Config) -> bool:
    """A target of the ticket was missed before the answer (at the very due time the work may still be done)."""
    if not isinstance(life, tickets.Life):
        return False
    book = Book()
    put_sla(life, config, book, erased=False)
    return any(f.metric == "sla_met_ratio" and f.value == 0 and f.at < answer.time for f in book.facts)


def _abandoned_first(contact: Contact, everyone: list[Contact]) -> bool:
    """The customer abandoned before: the contact's own first leg, or another contact in the 24 h before its start."""
    own, start = contact.life, contact.life.events[0]
    if isinstance(own, contacts.Life) and own.legs and own.legs[0] in _abandons(own):
        return True
    for other in everyone:
        if other is contact or isinstance(other.life, tickets.Life):
            continue
        events = [leg.outcome_event for leg in _abandons(other.life)]
        if any(e is not None and e.idx < start.idx and e.time >= start.time - ABANDONED_WITHIN for e in events):
            return True
    return False


def _stated(life: tickets.Life | contacts.Life, name: str, default: str) -> str:
    """The last value of a field among the events that count."""
    ignored = life.ignored if isinstance(life, contacts.Life) else set()
    gone = life.gone_event.idx if isinstance(life, tickets.Life) and life.gone_event is not None else None
    value = default
    for event in life.events:
        if event.idx not in ignored and (gone is None or event.idx <= gone) and name in event.data:
            value = str(event.data[name])
    return value
