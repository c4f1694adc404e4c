"""The rows of the table "Surveys", one invitation at a time and one customer at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import contacts, tickets
from .answers import put_answer
from .scales import normal, nps_class, satisfaction_class, scale_of
from .together import Contact, final_ends, forgotten, net_end

if TYPE_CHECKING:
    from .book import Book, Group
    from .config import Config
    from .order import Event

CLASSED = ("csat", "relationship", "experience")


@dataclass
class Invitation:
    """One survey invitation: its events and what they said so far."""

    events: list[Event]
    own: dict[int, dict[str, str]] = field(default_factory=dict)  # idx -> fields after that event
    sent: Event | None = None
    answers: list[Event] = field(default_factory=list)
    decisions: list[Event] = field(default_factory=list)  # answered, declined, expired
    stub: bool = True

    @property
    def answer(self) -> Event | None:
        """A second answered replaces the first."""
        return self.answers[-1] if self.answers else None

    def said(self, event: Event, name: str) -> str:
        return self.own[event.idx].get(name, "")


def invitations(events: list[Event]) -> list[Invitation]:
    own: dict[str, list[Event]] = {}
    for event in events:
        if event.entity == "survey":
            own.setdefault(event.subject, []).append(event)
    result = []
    for members in own.values():
        invitation = Invitation(members, stub=members[0].what not in {"sent", "offered"})
        fields: dict[str, str] = {}
        for event in members:
            fields.update({k: v for k, v in event.data.items() if isinstance(v, str)})
            invitation.own[event.idx] = dict(fields)
            if event.what == "sent" and invitation.sent is None:
                invitation.sent = event
            if event.what == "answered":
                invitation.answers.append(event)
            if event.what in {"answered", "declined", "expired"}:
                invitation.decisions.append(event)
        result.append(invitation)
    return result


def named(everyone: list[Contact], about: str, event: Event, config: Config) -> Contact | None:
    """The ticket, chat or call that `about` names, as known at the event's place in the order."""
    found = []
    for contact in everyone:
        past = [e for e in contact.life.events if e.idx < event.idx] if about and contact.id == about else []
        if past and not forgotten(past, config, event.time):
            found.append(contact)
    found.sort(key=lambda c: (isinstance(c.life, tickets.Life), c.life.events[0].idx))
    return found[-1] if found else None


def _group(invitation: Invitation, event: Event, everyone: list[Contact], config: Config) -> Group:
    """Each dimension from the survey's own events, one it lacks from the contact that `about` names, as it was then."""
    contact = named(everyone, invitation.said(event, "about"), event, config)
    theirs = (contact.life.dims.at_idx(event.idx) if contact is not None else None) or {}
    own = invitation.own[event.idx]
    return tuple(own.get(name, theirs.get(name, "")) for name in config.names)


def _group_before(invitation: Invitation, at: int, everyone: list[Contact], config: Config) -> Group:
    """The group of a time-made survey fact: as at the last own event strictly before it."""
    event = [e for e in invitation.events if e.time < at][-1]
    return _group(invitation, event, everyone, config)


def put_surveys(
    all_of_them: list[Invitation], everyone: list[Contact], config: Config, horizon: int, book: Book, *, erased: bool
) -> None:
    for invitation in all_of_them:
        for event in invitation.events:
            group = _group(invitation, event, everyone, config)
            book.seen("surveys", group, event.time)
            if event.what == "offered":
                book.put("intercept_shown_ratio", group, event.time, int(bool(event.data["shown"])))
        if invitation.sent is not None:
            _sent(invitation, invitation.sent, everyone, config, book)
        _decided(invitation, everyone, config, horizon, book)
        if invitation.answer is not None:
            answer = invitation.answer
            group = _group(invitation, answer, everyone, config)
            own = invitation.own[answer.idx]
            put_answer(answer, own.get("kind", ""), own.get("survey", ""), group, config, book)
            _follow_up(invitation, answer, group, everyone, config, book, erased=erased)
    _overlaps(all_of_them, everyone, config, book)
    if not erased:
        _fatigued(all_of_them, everyone, config, horizon, book)


def _sent(invitation: Invitation, sent: Event, everyone: list[Contact], config: Config, book: Book) -> None:
    kind = invitation.said(sent, "kind")
    group = _group(invitation, sent, everyone, config)
    book.put("surveys_sent", group, sent.time, kind=kind)
    # answered within expiry (inclusive); whether it was in time is decided by the first answer
    in_time = bool(invitation.answers) and invitation.answers[0].time <= sent.time + config.expiry
    book.put("survey_response_ratio", group, sent.time, int(in_time), kind=kind)
    contact = named(everyone, invitation.said(sent, "about"), sent, config)
    end = _end_then(contact, sent, config) if contact is not None else None
    if end is not None:
        book.time("survey_delay", group, sent.time, sent.time - end)


def _end_then(contact: Contact, sent: Event, config: Config) -> int | None:
    """The contact's end as known at the survey's place in the order."""
    past = [e for e in contact.life.events if e.idx < sent.idx]
    if isinstance(contact.life, tickets.Life):
        life = tickets.live(past, config, sent.time)
        then = net_end(Contact(life, life.created, life.created_group, None))
        return then.time if then is not None else None
    end = contacts.live(past, config, sent.time).end
    if end is None or (end[1] is None and end[0] == sent.time):
        return None  # not ended; or lost at this very instant, where an outcome still counts
    return end[0]


def _decided(invitation: Invitation, everyone: list[Contact], config: Config, horizon: int, book: Book) -> None:
    """By the first of answered, declined, expired, sent + expiry; an event at exactly sent + expiry goes before it."""
    if invitation.stub:
        return
    first = invitation.decisions[0] if invitation.decisions else None
    if invitation.sent is not None:
        limit = invitation.sent.time + config.expiry
        if limit <= horizon and (first is None or first.time > limit):
            kind = invitation.said([e for e in invitation.events if e.time < limit][-1], "kind")
            group = _group_before(invitation, limit, everyone, config)
            book.put("survey_decided_response_ratio", group, limit, 0, timed=True, kind=kind)
            return
    if first is not None:
        group = _group(invitation, first, everyone, config)
        kind = invitation.said(first, "kind")
        book.put("survey_decided_response_ratio", group, first.time, int(first.what == "answered"), kind=kind)


def _follow_up(
    invitation: Invitation,
    answer: Event,
    group: Group,
    everyone: list[Contact],
    config: Config,
    book: Book,
    *,
    erased: bool,
) -> None:
    """Next human reply, or answered outbound or callback leg, after a detractor's last answer; one closes all."""
    scale = scale_of(answer.data, config)
    if invitation.said(answer, "kind") != "nps" or scale is None:
        return
    if nps_class(normal(answer.data["score"], scale)) != "detractor":
        return
    replies = [e for c in everyone for e in c.life.human_replies]
    for contact in everyone:
        if isinstance(contact.life, contacts.Life):
            replies += [
                leg.answered for leg in contact.life.answered_legs if leg.answered is not None and not leg.measured
            ]
    later = sorted((e for e in replies if e.idx > answer.idx), key=lambda e: e.idx)
    if later:
        book.time("detractor_follow_up", group, later[0].time, later[0].time - answer.time)
    elif not erased:
        book.open("detractors_awaiting_follow_up", group, answer.time, answer.time + config.follow_up_target)


def _counted(all_of_them: list[Invitation]) -> list[tuple[Invitation, Event]]:
    """Sent invitations in order, esat left out."""
    sent = [(i, i.sent) for i in all_of_them if i.sent is not None and i.said(i.sent, "kind") != "esat"]
    return sorted(sent, key=lambda pair: pair[1].idx)


def _overlaps(all_of_them: list[Invitation], everyone: list[Contact], config: Config, book: Book) -> None:
    sent = _counted(all_of_them)
    for place, (invitation, event) in enumerate(sent):
        department = invitation.said(event, "department")
        near = [(i, e) for i, e in sent[:place] if e.time >= event.time - config.overlap_window]
        if near:
            same = any(i.said(e, "department") == department for i, e in near)
            group = _group(invitation, event, everyone, config)
            book.put("survey_overlaps", group, event.time, same_department=str(same).lower())


def _fatigued(all_of_them: list[Invitation], everyone: list[Contact], config: Config, horizon: int, book: Book) -> None:
    """More than 2 surveys sent in (T - 30 d, T]; start: when it last became so; group of the latest sent."""
    sent = _counted(all_of_them)

    def many(at: int) -> bool:
        return sum(at - config.fatigue_window < e.time <= at for _, e in sent) > config.fatigue_limit

    if not many(horizon):
        return
    start = horizon
    for moment in sorted({e.time for _, e in sent}, reverse=True):
        # it held from this sending on if it held at every change since; changes down come at sent + 30 d
        downs = [e.time + config.fatigue_window for _, e in sent if moment < e.time + config.fatigue_window <= horizon]
        if many(moment) and all(many(d) for d in downs):
            start = moment
    invitation, latest = sent[-1]
    book.open("survey_fatigued_customers", _group(invitation, latest, everyone, config), start)


def put_coverage(
    all_of_them: list[Invitation], everyone: list[Contact], config: Config, horizon: int, book: Book
) -> None:
    """Ended contacts (as in fcr_ratio) with a survey about them sent from their start to end + 1 h; final then."""
    for contact in everyone:
        if contact.start is None:
            continue
        for at, end in final_ends(contact, config.coverage, config, horizon):
            if end.counts and contact.here(at):
                covered = any(_covers(i, contact, at) for i in all_of_them)
                book.put("survey_coverage_ratio", contact.life.dims.before(at), at, int(covered), timed=True)


def _covers(invitation: Invitation, contact: Contact, at: int) -> bool:
    sent = invitation.sent
    if sent is None or contact.start is None or not contact.start.time <= sent.time <= at:
        return False
    known = [e for e in invitation.events if e.time <= at]
    return invitation.said(known[-1], "about") == contact.id


def last_class(
    all_of_them: list[Invitation], everyone: list[Contact], config: Config
) -> tuple[str, Event, Group] | None:
    """Class, event and group of the customer's last csat, relationship or experience answer."""
    last = None
    for invitation in all_of_them:
        answer = invitation.answer
        if answer is None or invitation.said(answer, "kind") not in CLASSED:
            continue
        scale = scale_of(answer.data, config)
        if scale is not None and (last is None or answer.idx > last[1].idx):
            grade = satisfaction_class(normal(answer.data["score"], scale))
            last = (grade, answer, _group(invitation, answer, everyone, config))
    return last
