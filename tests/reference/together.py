"""Facts about the contacts of one customer as such: repeat, resolution, episodes, attempts, recovery, coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import contacts, tickets
from .config import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .book import Book, Group
    from .config import Config
    from .order import Event

WITHIN = {"1d": DAY, "3d": 3 * DAY, "7d": 7 * DAY}
EPISODE_GAP = 7 * DAY
RECOVERED_WITHIN = DAY
KEPT = 90 * DAY


@dataclass
class Contact:
    """A ticket, chat or call; `start` None: no contact (a stub, or begun outbound or as a callback)."""

    life: tickets.Life | contacts.Life
    start: Event | None
    start_group: Group
    deleted: int | None  # when a deleted ticket stopped to be one
    ends: list[tuple[int, bool]] | None = None  # found once

    @property
    def id(self) -> str:
        return self.life.id

    def here(self, at: int) -> bool:
        """A known start, and not deleted up to `at`."""
        return self.start is not None and (self.deleted is None or self.deleted > at)


@dataclass
class End:
    """A (net) solve or an end. event None: time-made."""

    time: int
    event: Event | None
    group: Group
    reopened: bool  # reopened before it
    counts: bool  # as in fcr_ratio: an answered contact or a net-solved ticket

    def is_before(self, event: Event) -> bool:
        return event.idx > self.event.idx if self.event is not None else event.time > self.time


def lives(events: list[Event], config: Config, horizon: int) -> list[Contact]:
    """All of a customer's contacts; a finished one is forgotten 90 d after its last event."""
    own: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        if event.entity in {"ticket", "chat", "call"}:
            own.setdefault((event.entity, event.subject), []).append(event)
    result: list[Contact] = []
    for (kind, _), members in own.items():
        make = _ticket if kind == "ticket" else _contact
        result += [make(stretch, config, horizon) for stretch in _remembered(members, config)]
    return result


def _remembered(events: list[Event], config: Config) -> Iterator[list[Event]]:
    stretch: list[Event] = []
    for event in events:
        if stretch and forgotten(stretch, config, event.time):
            yield stretch
            stretch = []
        stretch.append(event)
    yield stretch


def forgotten(stretch: list[Event], config: Config, at: int) -> bool:
    """Whether an entity of these events is forgotten by an event at `at`."""
    # what follows a merge or a deletion is as if it had not come
    last = next((e for e in stretch if e.what in {"merged", "deleted"}), stretch[-1])
    return at - last.time > KEPT and _finished(stretch, config, at - 1)


def _finished(stretch: list[Event], config: Config, at: int) -> bool:
    if stretch[0].entity == "ticket":
        return tickets.live(stretch, config, at).finished
    return contacts.live(stretch, config, at).end is not None


def _ticket(events: list[Event], config: Config, horizon: int) -> Contact:
    life = tickets.live(events, config, horizon)
    deleted = life.gone_event.time if life.gone_event is not None and life.gone == "deleted" else None
    return Contact(life, life.created, life.created_group, deleted)


def _contact(events: list[Event], config: Config, horizon: int) -> Contact:
    life = contacts.live(events, config, horizon)
    if life.stub or life.begun_out:
        return Contact(life, None, (), None)
    return Contact(life, events[0], life.groups[events[0].idx], None)


def net_end(contact: Contact) -> End | None:
    """The end that stands at the horizon."""
    life = contact.life
    if isinstance(life, tickets.Life):
        if life.net is not None:
            solve = life.net
            return End(solve.event.time, solve.event, solve.group, len(life.solves) > 1, counts=not solve.stub)
        if life.gone == "merged" and life.gone_event is not None:
            # the contact stays and ends there without being a solve
            return End(life.gone_event.time, life.gone_event, life.gone_group, bool(life.solves), counts=False)
        return None
    if life.end is None:
        return None
    at, event = life.end
    return End(at, event, life.end_group(), bool(life.reopens), counts=bool(life.answered_legs))


def final_ends(contact: Contact, after: int, config: Config, horizon: int) -> Iterator[tuple[int, End]]:
    """(at, end) of every end that still stood at `at` = end + after <= horizon; later events change nothing."""
    life = contact.life
    if isinstance(life, tickets.Life):
        for number, solve in enumerate(life.solves):
            at = solve.event.time + after
            if at <= horizon and (solve.reopen is None or solve.reopen.time > at):
                yield at, End(solve.event.time, solve.event, solve.group, number > 0, counts=not solve.stub)
        return
    for time, timed in _candidates(contact, life, config, horizon):
        at = time + after
        if at > horizon:
            continue
        then = contacts.live(life.events, config, at)
        if then.end is not None and (then.end[0], then.end[1] is None) == (time, timed):
            yield at, End(time, then.end[1], (), bool(then.reopens), counts=bool(then.answered_legs))


def _candidates(contact: Contact, life: contacts.Life, config: Config, horizon: int) -> list[tuple[int, bool]]:
    """(time, time-made) of every end that stood at some instant."""
    if contact.ends is None:
        ends: dict[tuple[int, bool], None] = {}
        instants = [e.time for e in life.events]
        # a lost leg ends its contact between events: look just before each next event too
        for instant in sorted({*instants, *(i - 1 for i in instants[1:]), horizon}):
            end = contacts.live(life.events, config, instant).end if instant >= instants[0] else None
            if end is not None:
                ends[end[0], end[1] is None] = None
        contact.ends = list(ends)
    return contact.ends


def put_together(everyone: list[Contact], customer: str, config: Config, horizon: int, book: Book) -> None:
    started = sorted((c for c in everyone if c.here(horizon)), key=_place)
    for contact in started:
        assert contact.start is not None
        book.put("contacts", contact.start_group, contact.start.time)
        if customer:
            _repeat(contact, started, book)
    _attempts(everyone, started, horizon, book)
    if not customer:
        return
    for contact in everyone:
        if contact.start is not None:
            _resolved(contact, everyone, config, horizon, book)
            _recovered(contact, everyone, config, horizon, book)
    _episodes(started, book)


def _place(contact: Contact) -> int:
    assert contact.start is not None
    return contact.start.idx


def _repeat(contact: Contact, started: list[Contact], book: Book) -> None:
    """Contacts whose customer had another contact start in [start - within, start] before it."""
    start = contact.start
    assert start is not None
    for name, within in WITHIN.items():
        before = [
            o
            for o in started
            if o.start is not None and o.start.idx < start.idx and o.start.time >= start.time - within
        ]
        book.put("repeat_contact_ratio", contact.start_group, start.time, int(bool(before)), within=name)


def _follows(contact: Contact, end: End, until: int, everyone: list[Contact], seen: int) -> bool:
    """A contact of the customer started after the end and up to `until`; not one deleted up to `seen`."""
    others = [o.start for o in everyone if o is not contact and o.start is not None and o.here(seen)]
    return any(end.is_before(start) and start.time <= until for start in others)


def _resolved(contact: Contact, everyone: list[Contact], config: Config, horizon: int, book: Book) -> None:
    for name, within in WITHIN.items():
        for at, end in final_ends(contact, within, config, horizon):
            if end.counts and contact.here(at):
                good = not end.reopened and not _follows(contact, end, at, everyone, at)
                book.put("fcr_ratio", contact.life.dims.before(at), at, int(good), timed=True, within=name)
        end = net_end(contact)
        if end is not None and end.counts and contact.here(horizon):
            # the same by the end, failing as soon as a repeat comes
            good = not end.reopened and not _follows(contact, end, end.time + within, everyone, horizon)
            timed = end.event is None
            book.put("fcr_provisional_ratio", end.group, end.time, int(good), timed=timed, within=name)


def _abandons(life: contacts.Life) -> list[contacts.Leg]:
    return [leg for leg in life.legs if leg.measured and leg.outcome in {"abandoned", "abandoned_short"}]


def _attempts(everyone: list[Contact], started: list[Contact], horizon: int, book: Book) -> None:
    """Contacts started in (abandon - 24 h, abandon], the abandoned one included; each abandon gives one."""
    for contact in everyone:
        if isinstance(contact.life, tickets.Life) or contact.start is None:
            continue
        for leg in _abandons(contact.life):
            event = leg.outcome_event
            assert event is not None
            recent = [
                c
                for c in started
                if c is contact or (c.start is not None and c.start.idx < event.idx and c.start.time > event.time - DAY)
            ]
            book.put("abandoned_attempts", leg.outcome_group, event.time, len(recent))


def _recovered(contact: Contact, everyone: list[Contact], config: Config, horizon: int, book: Book) -> None:
    """Abandoned and never answered; was the customer answered (leg, or human ticket reply) within 24 h after the
    last?"""
    life = contact.life
    if isinstance(life, tickets.Life):
        return
    for leg in _abandons(life):
        event = leg.outcome_event
        assert event is not None
        at = event.time + RECOVERED_WITHIN
        if at > horizon:
            continue
        then = contacts.live(life.events, config, at)
        last = _abandons(then)[-1].outcome_event
        if last is not event or then.answered_legs:
            continue
        answered = any(a.idx > event.idx and a.time <= at for a in answers(everyone))
        book.put("abandoned_recovered_ratio", life.dims.before(at), at, int(answered), timed=True)


def answers(everyone: list[Contact]) -> list[Event]:
    """Where the customer was answered: answered legs of any direction, human ticket replies."""
    found = []
    for contact in everyone:
        if isinstance(contact.life, tickets.Life):
            found += contact.life.human_replies
        else:
            found += [leg.answered for leg in contact.life.answered_legs if leg.answered is not None]
    return found


def _episodes(started: list[Contact], book: Book) -> None:
    """Chains of contacts, each starting while an earlier one is open or at most 7 d after the latest end so far."""
    chains: list[list[Contact]] = []
    for contact in started:
        assert contact.start is not None
        ends = [net_end(c) for c in chains[-1]] if chains else []
        if chains and (None in ends or contact.start.time <= max(e.time for e in ends if e) + EPISODE_GAP):
            chains[-1].append(contact)
        else:
            chains.append([contact])
    for chain in chains:
        ends = [net_end(c) for c in chain]
        # put once all have ended; none if nothing in it was answered or solved
        if None in ends or not any(e.counts for e in ends if e):
            continue
        latest = max((e for e in ends if e), key=lambda e: (e.time, e.event.idx if e.event is not None else -1))
        first = chain[0].start
        assert first is not None
        timed = latest.event is None
        book.time("time_to_solution", latest.group, latest.time, latest.time - first.time, timed=timed)


def put_callbacks(everyone: list[Contact], horizon: int, book: Book) -> None:
    """callback_pending: until an answered outbound or callback leg of the customer (all pending ones), or 7 d."""
    chats_and_calls = [c.life for c in everyone if isinstance(c.life, contacts.Life)]
    called = [leg.answered for life in chats_and_calls for leg in life.answered_legs if not leg.measured]
    for life in chats_and_calls:
        for leg in life.legs:
            event = leg.outcome_event
            if leg.outcome != "callback" or not leg.measured or event is None or event.time + 7 * DAY <= horizon:
                continue
            if not any(a is not None and a.idx > event.idx for a in called):
                book.open("callback_pending", leg.group, event.time)
