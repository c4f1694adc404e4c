"""Surveys: one step function, from an event of an invitation to signed facts. Rules and names: metrics.md, Surveys."""

from msgspec import UNSET

from streamer.events import Event, SurveyAnswered, SurveyOffered, SurveySent
from streamer.events.codec import millis
from streamer.facts import Fact, cell, retracted
from streamer.metrics.catalogue import row
from streamer.metrics.catalogue.surveys import ANY_KIND, TOPICS
from streamer.timelines.context import Context
from streamer.timelines.customers import satisfaction
from streamer.timelines.drivers import driver_facts
from streamer.timelines.relations import relate
from streamer.timelines.scores import DETRACTOR_MAX, Place, score_facts, sentiment_class
from streamer.timelines.state import Contact, State, Survey, Ticket

_SENT = {k: row("surveys_sent", kind=k) for k in ANY_KIND}
_ANSWERED = {k: row("surveys_answered", kind=k) for k in ANY_KIND}
_RESPONSE = {k: row("survey_response_ratio", kind=k) for k in ANY_KIND}
_DECIDED = {k: row("survey_decided_response_ratio", kind=k) for k in ANY_KIND}
_COMMENT = {k: row("survey_comment_ratio", kind=k) for k in ANY_KIND}
_STATED = row("stated_resolution_ratio")
_DELAY = row("survey_delay")
_COMPLETION = row("survey_completion")
_SHOWN = row("intercept_shown_ratio")
_OVERLAP = {same: row("survey_overlaps", same_department=same) for same in ("true", "false")}


def step(state: State, ctx: Context, event: Event, t: int) -> int:
    """Apply one survey event at time `t`; append its facts to `ctx.facts`, return its group."""
    survey = state.surveys.get(event.subject)
    if survey is None:
        stub = not isinstance(event, (SurveyOffered, SurveySent))
        if event.what not in ("sent", "offered"):
            ctx.note("unknown")
        survey = state.surveys[event.subject] = Survey(own=[None] * len(ctx.names), stub=stub)
    data = event.data
    survey.last_event = t
    survey.own = ctx.own_values(survey.own, data)
    about = survey.about
    if isinstance(event, (SurveySent, SurveyAnswered)):
        _describe(survey, event)
        if survey.sent and survey.about != about:
            _moved_to(state, ctx, survey, about, t)
    group = _group(state, ctx, survey)
    pending = survey.decision
    if pending is not None and pending[1] > t:
        survey.decision = (cell(_DECIDED[survey.kind], group, time_made=True), *pending[1:])
        ctx.facts += (retracted(pending), survey.decision)
    if isinstance(event, SurveyOffered):
        ctx.facts.append((cell(_SHOWN, group), t, int(event.data.shown), 1))
    elif isinstance(event, SurveySent):
        _sent(state, survey, ctx, group, t)
    elif isinstance(event, SurveyAnswered):
        _answered(state, survey, ctx, event, group, t)
    else:
        _decide(survey, ctx, group, t, answered=False)
    return group


def _describe(survey: Survey, event: SurveySent | SurveyAnswered) -> None:
    """A later event changes only the fields it has."""
    data = event.data
    if data.survey is not UNSET:
        survey.name = data.survey
    if data.kind is not UNSET:
        survey.kind = data.kind
    if data.about is not UNSET:
        survey.about = data.about
    if data.department is not UNSET:
        survey.department = data.department


def _about(state: State, id_: str) -> Ticket | Contact | None:
    return state.tickets.get(id_) or state.contacts.get(id_)


def _moved_to(state: State, ctx: Context, survey: Survey, before: str, t: int) -> None:
    """The survey is now about another contact than `before`: it may cover that one."""
    old, new = _about(state, before), _about(state, survey.about)
    if old is not None and survey.sent in old.surveyed:
        first = old.surveyed.index(survey.sent)
        old.surveyed = old.surveyed[:first] + old.surveyed[first + 1 :]
    if new is not None:
        new.surveyed += (survey.sent,)
    relate(state, ctx, t)


def _group(state: State, ctx: Context, survey: Survey) -> int:
    work = _about(state, survey.about)
    return ctx.filled(survey.own, work.group if work else 0)


def _sent(state: State, survey: Survey, ctx: Context, group: int, t: int) -> None:
    if survey.sent:
        return
    emit, kind = ctx.facts.append, survey.kind
    survey.sent = t
    emit((cell(_SENT[kind], group), t, 1, 1))
    fact = survey.sent_fact = (cell(_RESPONSE[kind], group), t, int(survey.answered > 0), 1)
    emit(fact)
    if not (survey.decided or survey.stub):
        expired = survey.decision = (cell(_DECIDED[kind], group, time_made=True), t + ctx.surveys.expiry, 0, 1)
        emit(expired)
    work = _about(state, survey.about)
    if work is not None:
        if 0 < work.end <= t and not (work.end_made and work.end == t):
            emit((cell(_DELAY, group), t, t - work.end, 1))
        work.surveyed += (t,)
        if work.start:
            relate(state, ctx, t)
    if kind != "esat":
        _register(state, survey, ctx, group, t)


def _register(state: State, survey: Survey, ctx: Context, group: int, t: int) -> None:
    """Enter the invitation into the customer's register: overlap with earlier ones, and fatigue."""
    rules = ctx.surveys
    recent = [(at, department) for at, department in state.sends if at >= t - rules.overlap_window]
    if recent:
        same = any(department == survey.department for _, department in recent)
        ctx.facts.append((cell(_OVERLAP["true" if same else "false"], group), t, 1, 1))
    keep = max(rules.overlap_window, rules.fatigue_window)
    state.sends = [entry for entry in state.sends if entry[0] >= t - keep]
    state.sends.append((t, survey.department))
    inside = sorted(at for at, _ in state.sends if at > t - rules.fatigue_window)
    if len(inside) > rules.fatigue_limit:
        if t > state.fatigued_until:  # at that instant this one takes the place of the one that leaves the window
            state.fatigued_since = t
        state.fatigued_until = inside[-1 - rules.fatigue_limit] + rules.fatigue_window
        state.fatigued_group = group


def _decide(survey: Survey, ctx: Context, group: int, t: int, *, answered: bool) -> None:
    """The first of answered, declined, expired, sent + expiry decides; an event at the very expiry goes before it."""
    if survey.decided or survey.stub:
        return
    old = survey.decision
    if old is not None and old[1] < t:
        survey.decided, survey.decision = True, None
        return
    if old is not None:
        ctx.facts.append(retracted(old))
    ctx.facts.append((cell(_DECIDED[survey.kind], group), t, int(answered), 1))
    survey.decided, survey.decision = True, None


def _answered(state: State, survey: Survey, ctx: Context, event: SurveyAnswered, group: int, t: int) -> None:
    data = event.data
    first = not survey.answered
    if first:
        _decide(survey, ctx, group, t, answered=True)
        fact = survey.sent_fact
        if fact is not None and t - fact[1] <= ctx.surveys.expiry:
            ctx.facts += (retracted(fact), (fact[0], fact[1], 1, 1))
    survey.sent_fact = None
    ctx.facts += [retracted(fact) for fact in survey.answer_facts]
    if survey.follow_up is not None:
        ctx.facts.append(retracted(survey.follow_up))
    kind = survey.kind
    place = Place.of(data, data.score, ctx.surveys.scales)
    survey.score = place.rounded(1_000_000)
    facts: list[Fact] = [
        (cell(_ANSWERED[kind], group), t, 1, 1),
        (cell(_COMMENT[kind], group), t, int(data.has_comment is True), 1),
    ]
    facts += score_facts(survey, ctx, data, place, group, t)
    if data.resolved is not UNSET:
        facts.append((cell(_STATED, group), t, int(data.resolved), 1))
    if data.started_at is not UNSET:
        facts.append((cell(_COMPLETION, group), t, ctx.duration(t - millis(data.started_at)), 1))
    detractor = kind == "nps" and place.tenths() <= DETRACTOR_MAX
    graded = kind in ("csat", "relationship", "experience")
    at_risk = graded and sentiment_class(place) == "at_risk"
    if (detractor or at_risk) and data.comment_topics is not UNSET:
        topics = sorted(set(data.comment_topics))
        facts += [(cell(ctx.open_rows.row(TOPICS, topic), group), t, 1, 1) for topic in topics]
    work = _about(state, survey.about)
    if graded and work is not None:
        facts += driver_facts(state, ctx, work, group, t, low=at_risk)
    ctx.facts += facts
    survey.answer_facts = facts
    survey.answered, survey.answer_group = t, group
    survey.detractor, survey.follow_up = detractor, None
    was_graded, survey.graded, survey.at_risk = survey.graded, state.events if graded else 0, at_risk
    if graded or was_graded:
        # A second answer may be of another kind: the last satisfaction answer is then one before it.
        last = max(state.surveys.values(), key=lambda other: other.graded)
        satisfaction(state, ctx, last.answer_group, t, at_risk=last.at_risk)
