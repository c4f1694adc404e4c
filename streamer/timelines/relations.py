"""Facts about contacts as such: repeat contact, first-contact resolution, episodes, attempts, recovery, coverage.

They are a function of the customer's kept list of contacts. `relate` computes them anew when the list changes and applies
the difference; nothing searches for what to retract. A time-made fact whose time has passed is final and stays.
"""

from bisect import bisect_right
from typing import Any

from streamer.facts import GROUP_UNIT, Fact, cell, moved, retracted
from streamer.metrics.catalogue import row
from streamer.metrics.catalogue.customers import DAYS
from streamer.timelines.context import Context
from streamer.timelines.state import (
    R_CONTACT,
    R_COVERED,
    R_FCR_1D,
    R_FCR_3D,
    R_FCR_7D,
    R_FOLLOW,
    R_PURCHASE,
    R_RECOVERED,
    R_REPEAT,
    SOLVED,
    Contact,
    State,
    Ticket,
    Work,
)

DAY = 86_400_000
#: repeat and first-contact resolution are told for these; also the longest gap inside an episode
LIMITS = (DAY, 3 * DAY, 7 * DAY)
_GAPS = ("1d", "3d", "7d", "none")
_KEPT = 90 * DAY
#: contacts of a customer, surveys, carts; of more, the finished contacts, surveys and carts longest without an event go
KEPT_MAX = 500

#: cells of group 0: these are made anew at each end of a contact, and a group is one addition; the rows below are not
_CONTACTS = cell(row("contacts"), 0)
_REPEAT = tuple(cell(row("repeat", gap=g), 0) for g in _GAPS)
_FOLLOW = tuple(cell(row("follow", gap=g), 0) for g in _GAPS)
_FOLLOW_REOPENED = cell(row("follow", gap="reopened"), 0)
_FCR = tuple(cell(row("fcr_ratio", within=w), 0, time_made=True) for w in _GAPS[:3])
_COVERED = cell(row("survey_coverage_ratio"), 0, time_made=True)

_PURCHASE = tuple(row("contacts_after_purchase", days=d) for d in DAYS)
_PURCHASE_ENDS = (DAY, 7 * DAY, 30 * DAY)
_ATTEMPTS = row("abandoned_attempts")
_RECOVERED = row("abandoned_recovered_ratio")
#: places of the facts that the end of a contact makes ahead of time
_MADE = (R_FCR_1D, R_FCR_3D, R_FCR_7D, R_COVERED)
_SOLUTION = row("time_to_solution")


def contacts_of(state: State) -> list[Work]:
    """Return the customer's contacts with a known start, by start, then by the order of their first events."""
    found: list[Work] = [w for w in state.tickets.values() if w.start]
    found += [w for w in state.contacts.values() if w.start and not w.outbound]
    if len(found) > 1:
        found.sort(key=_by_start)
    return found


def _by_start(work: Work) -> tuple[int, int]:
    return work.start, work.order


def relate(state: State, ctx: Context, now: int, started: Work | None = None) -> None:
    """Bring all facts about contacts as such up to date at the event time `now`; `started` is a contact that is new."""
    contacts = contacts_of(state)
    for i, work in enumerate(contacts):
        if not work.relations:
            work.relations = [None] * (R_COVERED + 1)
        place = work.start_group * GROUP_UNIT
        _put(ctx, work, R_CONTACT, (_CONTACTS + place, work.start, 1, 1))
        if not state.customer:
            _attempts(ctx, work, contacts)
            continue
        before = contacts[i - 1].start if i else 0
        if before < state.forgotten_start <= work.start:
            before = state.forgotten_start
        gap = _gap(work.start - before) if before else 3
        _put(ctx, work, R_REPEAT, (_REPEAT[gap] + place, work.start, 1, 1))
        _ends(ctx, work, contacts, now)
        if work.last_abandon:
            _attempts(ctx, work, contacts)
            _recovery(ctx, work, now)
    if started is not None and started.relations:
        _after_purchase(state, ctx, started)
    if state.customer:
        _episodes(state, ctx, contacts)


def relate_end(state: State, ctx: Context, work: Work, now: int) -> None:
    """Do what `relate` does where nothing but the end, answer or abandon of this one contact is new."""
    if not work.relations:  # not in the list
        return
    contacts = contacts_of(state)
    if work.last_abandon:
        _attempts(ctx, work, contacts)
    if not state.customer:
        return
    _ends(ctx, work, contacts, now)
    if work.last_abandon:
        _recovery(ctx, work, now)
    _episodes(state, ctx, contacts)


def _next_start(contacts: list[Work], work: Work) -> int:
    """Return the first start after the end of `work` among the contacts behind it, 0 if there is none."""
    end = work.end
    if end and contacts[-1].start > end:
        own = _by_start(work)
        for other in contacts:
            if other.start > end and _by_start(other) > own:
                return other.start
    return 0


def _put(ctx: Context, work: Work, place: int, fact: Fact | None) -> None:
    old = work.relations[place]
    if old == fact:
        return
    if old is not None:
        ctx.facts.append(retracted(old))
    if fact is not None:
        ctx.facts.append(fact)
    work.relations[place] = fact


def _put_made(ctx: Context, work: Work, place: int, fact: Fact | None, now: int) -> None:
    """Replace a time-made fact, unless its time has passed: then it is final, and only a later one may follow it."""
    old = work.relations[place]
    if old is not None and old[1] < now:
        if fact is not None and fact[1] == old[1]:
            return
        work.relations[place] = old = None
    if fact is not None:
        if fact[1] < now:
            fact = None
        elif old is not None and old[1] == fact[1] == now:  # only a change strictly before it moves it
            fact = moved(fact, old[0] // GROUP_UNIT)
    _put(ctx, work, place, fact)


def _gap(gap: int) -> int:
    for i, limit in enumerate(LIMITS):
        if gap <= limit:
            return i
    return 3


def _after_purchase(state: State, ctx: Context, work: Work) -> None:
    bought = max((t for t in state.purchases if t <= work.start), default=0)
    if bought and state.customer:
        days = bisect_right(_PURCHASE_ENDS, work.start - bought)
        _put(ctx, work, R_PURCHASE, (cell(_PURCHASE[days], work.start_group), work.start, 1, 1))


def _ends(ctx: Context, work: Work, contacts: list[Work], now: int) -> None:
    """State what follows the end of an answered contact or solved ticket."""
    end = work.end
    if not (end and work.answered):
        if work.relations[R_FOLLOW] is not None:
            _put(ctx, work, R_FOLLOW, None)
        for place in _MADE:
            if work.relations[place] is not None:
                _put_made(ctx, work, place, None, now)
        return
    follower = _next_start(contacts, work)
    gap = _gap(follower - end) if follower else 3
    place, good = work.group * GROUP_UNIT, -1 if work.reopened else gap
    for i, limit in enumerate(LIMITS):
        _put_made(ctx, work, R_FCR_1D + i, (_FCR[i] + place, end + limit, int(good > i), 1), now)
    follow = _FOLLOW_REOPENED if work.reopened else _FOLLOW[gap]
    _put(ctx, work, R_FOLLOW, (follow + work.end_group * GROUP_UNIT + work.end_made, end, 1, 1))
    at = end + ctx.surveys.coverage
    covered = any(work.start <= sent <= at for sent in work.surveyed)
    _put_made(ctx, work, R_COVERED, (_COVERED + place, at, int(covered), 1), now)


def _attempts(ctx: Context, work: Work, contacts: list[Work]) -> None:
    starts = [c.start for c in contacts]
    stated = []
    for at, group, old in work.attempts:
        tries = bisect_right(starts, at) - bisect_right(starts, at - DAY) + (work.start <= at - DAY)  # itself always
        fact = (cell(_ATTEMPTS, group), at, tries, 1)
        if fact != old:
            if old is not None:
                ctx.facts.append(retracted(old))
            ctx.facts.append(fact)
        stated.append((at, group, fact))
    work.attempts = tuple(stated)


def _recovery(ctx: Context, work: Work, now: int) -> None:
    recovery: Fact | None = None
    if not work.answered:
        at = work.last_abandon + DAY
        recovered = work.last_abandon < work.recovered <= at
        recovery = (cell(_RECOVERED, work.group, time_made=True), at, int(recovered), 1)
    _put_made(ctx, work, R_RECOVERED, recovery, now)


def answered_elsewhere(state: State, ctx: Context, t: int) -> None:
    """Note that the customer was answered at `t`, which recovers what was abandoned elsewhere."""
    for contact in state.contacts.values():
        if contact.last_abandon and not contact.answered and not contact.recovered:
            contact.recovered = t
            if state.customer and contact.relations:
                _recovery(ctx, contact, t)


def follow_up(state: State, ctx: Context, t: int) -> None:
    """A human got back to the customer: every detractor's answer that waits is followed up now."""
    for survey in state.surveys.values():
        if survey.detractor and survey.follow_up is None:
            fact = survey.follow_up = (cell(_FOLLOW_UP, survey.answer_group), t, t - survey.answered, 1)
            ctx.facts.append(fact)


_FOLLOW_UP = row("detractor_follow_up")


def move_relations(work: Work, ctx: Context, now: int) -> None:
    """Move a contact's time-made facts that lie after `now` to its new group."""
    for place, fact in enumerate(work.relations):
        if fact is not None and fact[0] & 1 and fact[1] > now:
            _put(ctx, work, place, moved(fact, work.group))


def remove(work: Work, ctx: Context, now: int) -> None:
    """Take a contact out of the list: its facts go, but for time-made ones that are final."""
    for place, fact in enumerate(work.relations):
        if fact is not None and not (fact[0] & 1 and fact[1] < now):
            _put(ctx, work, place, None)
    work.start = work.end = 0


def _episodes(state: State, ctx: Context, contacts: list[Work]) -> None:
    """State time_to_solution of every episode in which all contacts have ended and something was answered or solved."""
    facts: dict[str, Fact] = {}
    still_open = solved = False
    first = last = contacts[0] if contacts else None
    for work in contacts:
        assert first is not None
        assert last is not None
        # An open contact has no latest end yet: whatever starts while it is open belongs to the episode.
        if work is not first and not still_open and work.start > last.end + LIMITS[2]:
            if solved:
                facts[str(first.order)] = _solution(first, last)
            first, last, solved = work, work, False
        if not work.end:
            still_open = True
        elif not last.end or (work.end, work.end_order) > (last.end, last.end_order):
            last = work
        solved = solved or work.answered
    if solved and not still_open and first is not None and last is not None:
        facts[str(first.order)] = _solution(first, last)
    if facts == state.episodes:
        return
    for key, old in state.episodes.items():
        if facts.get(key) != old:
            ctx.facts.append(retracted(old))
    ctx.facts += [fact for key, fact in facts.items() if state.episodes.get(key) != fact]
    state.episodes = facts


def _solution(first: Work, last: Work) -> Fact:
    return (cell(_SOLUTION, last.end_group, time_made=last.end_made), last.end, last.end - first.start, 1)


def forget(state: State, now: int) -> None:
    """Forget contacts that are finished 90 days after their last event, and what is past `KEPT_MAX`.

    Surveys and carts are no contacts: a detractor may wait, an answer come, and a cart be bought, after longer.
    """
    if not state.forget_from:  # the first event: what it brings is younger than that for 90 days
        state.forget_from = now + _KEPT + 1
        return
    kept = (state.tickets, state.contacts)
    if now >= state.forget_from:
        limit = now - _KEPT
        for items in kept:
            for key in [k for k, item in items.items() if item.last_event < limit and _finished(item, now)]:
                _forget(state, items, key)
        oldest = min((item.last_event for items in kept for item in items.values()), default=now)
        state.forget_from = max(oldest + _KEPT, now) + 1
    excess = len(state.tickets) + len(state.contacts) - KEPT_MAX
    if excess > 0:
        done = [(w.last_event, w.order, k, d) for d in kept for k, w in d.items() if _finished(w, now)]
        for _, _, key, items in sorted(done, key=lambda entry: entry[:2])[:excess]:
            _forget(state, items, key)
    for others in (state.surveys, state.carts):
        if (excess := len(others) - KEPT_MAX) > 0:
            for key in sorted(others, key=lambda key: others[key].last_event)[:excess]:
                del others[key]


def _forget(state: State, works: dict[str, Any], key: str) -> None:
    work = works.pop(key)
    if not (isinstance(work, Contact) and work.outbound):
        state.forgotten_start = max(state.forgotten_start, work.start)


def _finished(work: Work, now: int) -> bool:
    """Tell whether a ticket or contact is over."""
    return work.status >= SOLVED if isinstance(work, Ticket) else 0 < work.end <= now
