"""Surveys: sent, and then answered by some, the very pleased and the very displeased more often than the others."""

from datetime import UTC, datetime
from typing import Final

from streamer.producers.simulator.centre import HOUR_MS, MINUTE_MS, SECOND_MS, SurveyForm
from streamer.producers.simulator.engine import Steps
from streamer.producers.simulator.pool import Agent
from streamer.producers.simulator.world import Customer, World

_ANSWER_MS: Final = 18 * MINUTE_MS
_COMPLETION_MS: Final = 50 * SECOND_MS
_QUIET_MS: Final = HOUR_MS  # no second invitation so soon after another
_DECLINES: Final = 0.06
_MISREADS: Final = 0.08  # on a scale where 1 is best
_CORRECTS: Final = 0.02  # answers that are sent a second time
_SHOWN: Final = 0.3
_DETRACTOR_MAX: Final = 6
_FEELS_RESOLVED: Final = 0.5
_COMMENT_TOPICS: Final = ("waiting", "tone", "price", "knowledge", "solution")


def stamp(time_ms: int) -> str:
    """Return a time as RFC 3339 in UTC, with milliseconds."""
    second, ms = divmod(time_ms, SECOND_MS)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"


def invite(
    world: World, form: SurveyForm, customer: Customer, mood: float, about: str, labels: dict[str, object]
) -> Steps[bool]:
    """Send one survey and see what becomes of it; True when its answer is that of an NPS detractor.

    `mood` is 0 (furious) to 1 (delighted); `labels` are the common fields of the contact `about`.
    """
    now = world.engine.now
    if customer.surveyed_ms and now - customer.surveyed_ms < _QUIET_MS:
        return False
    customer.surveyed_ms = now
    subject = world.new_id("survey")
    data = labels | _named(form, about) | {"customer": customer.id, "department": form.department}
    world.tell("survey", "sent", subject, data)
    if world.chance(_DECLINES):
        yield world.around(_ANSWER_MS)
        world.tell("survey", "declined", subject, {"customer": customer.id})
        return False
    delay = world.around(_ANSWER_MS)
    if delay >= world.centre.survey_expiry_ms or not world.chance(_response_share(mood)):
        yield world.centre.survey_expiry_ms
        world.tell("survey", "expired", subject, {"customer": customer.id})
        return False
    yield delay
    score = _answer(world, form, subject, customer.id, mood, about, delay)
    if world.chance(_CORRECTS):
        yield world.around(_COMPLETION_MS)
        score = _answer(world, form, subject, customer.id, mood, about, delay)
    return form.kind == "nps" and score <= _DETRACTOR_MAX


def intercept(world: World, form: SurveyForm, customer: Customer) -> Steps[None]:
    """Show some visitors of the web site a survey, which a few answer at once."""
    subject = world.new_id("survey")
    shown = world.chance(_SHOWN)
    world.tell("survey", "offered", subject, {"customer": customer.id, "channel": "web", "shown": shown})
    if shown and world.chance(0.4):
        delay = world.around(_COMPLETION_MS)
        customer.busy += 1
        yield delay
        customer.busy -= 1
        _answer(world, form, subject, customer.id, world.rng.betavariate(4, 2), "", delay)


def pulse(world: World, form: SurveyForm, agent: Agent) -> Steps[None]:
    """Ask an employee, under an id of its own, how they find their work."""
    subject = world.new_id("survey")
    data = {"customer": agent.employee, "team": agent.team, "department": form.department}
    world.tell("survey", "sent", subject, data | _named(form))
    delay = world.around(_ANSWER_MS)
    yield delay
    _answer(world, form, subject, agent.employee, world.rng.betavariate(5, 2), "", delay)


def _named(form: SurveyForm, about: str = "") -> dict[str, object]:
    named: dict[str, object] = {"survey": form.name, "kind": form.kind}
    return named | {"about": about} if about else named


def _response_share(mood: float) -> float:
    return 0.22 + 0.6 * abs(mood - 0.6)


def _answer(world: World, form: SurveyForm, subject: str, customer: str, mood: float, about: str, since_ms: int) -> int:
    """Emit an answer and return its score."""
    rng = world.rng
    felt = min(1.0, max(0.0, rng.gauss(mood, 0.12)))
    inverted = form.best == "low" and not world.chance(_MISREADS)
    score = _score(form, felt, inverted=inverted)
    data: dict[str, object] = _named(form, about) | {
        "customer": customer,
        "score": score,
        "scale_min": form.low,
        "scale_max": form.high,
        "started_at": stamp(world.engine.now - min(world.around(_COMPLETION_MS), since_ms)),
    }
    if form.best != "high":
        data["best"] = form.best
    if form.ratings:
        data["ratings"] = {
            name: _score(form, min(1.0, max(0.0, rng.gauss(felt, 0.15))), inverted=inverted) for name in form.ratings
        }
    if about and world.chance(0.7):
        data["resolved"] = felt > _FEELS_RESOLVED
    if world.chance(0.25 + 0.3 * (1 - felt)):
        data["has_comment"] = True
        data["comment_topics"] = rng.sample(_COMMENT_TOPICS, rng.randrange(1, 3))
        data["comment_sentiment"] = round(2 * felt - 1, 2)
    world.tell("survey", "answered", subject, data)
    return score


def _score(form: SurveyForm, felt: float, *, inverted: bool) -> int:
    score = form.low + round(felt * (form.high - form.low))
    return form.low + form.high - score if inverted else score
