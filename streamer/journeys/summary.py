"""What a timeline's record tells of a customer: the journey, and what speaks against surveying them. Pure."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from streamer.events.scales import MILLION
from streamer.journeys.guard import Refusal, instant, refusals, text
from streamer.settings import Settings
from streamer.timelines.context import Context
from streamer.timelines.journey import Detail, Drop, Journey, Moment, journey
from streamer.timelines.timeline import Timeline


class Known(NamedTuple):
    """The journey as plain data (None: nothing is known, or they were erased), and the refusals, past ones too."""

    journey: dict[str, Any] | None
    refusals: list[Refusal]


NOTHING: Final = Known(None, [])


def context(settings: Settings, groups: Sequence[tuple[str, ...]]) -> Context:
    """Return what a partition's timelines are read with: its groups, in the order of their numbers there, 0 first."""
    made = Context(settings)
    for number, values in enumerate(groups):
        if number:
            made.groups.restore(number, values)
    return made


def known(customer: str, record: bytes, ctx: Context) -> Known:
    """Return what a record tells. The context must know every group that the partition had numbered with it."""
    state = Timeline.load(record, ctx, customer=True).state
    found = journey(state, ctx)
    shown = None if found is None else {"customer": customer, **_shown(found)}
    return Known(shown, refusals(state.sends, ctx.surveys))


def _shown(known_: Journey) -> dict[str, Any]:
    """Return a journey as the API gives it: times RFC 3339, durations in seconds, scores from 0 to 1."""
    return {
        "churned": known_.churned,
        "at_risk": known_.at_risk,
        "moments": [_moment(moment) for moment in known_.moments],
        "largest_drop": None if known_.drop is None else _drop(known_.drop),
    }


def _moment(moment: Moment) -> dict[str, Any]:
    details = dict(_detail(key, value) for key, value in moment.details.items())
    return {
        "at": text(instant(moment.at)),
        "until": text(instant(moment.until)) if moment.until else None,
        "what": moment.what,
        "id": moment.id,
        "group": moment.place,
        "score": moment.score / MILLION if moment.score >= 0 else None,
        "about": moment.about or None,
        "details": details,
    }


def _detail(key: str, value: Detail) -> tuple[str, Detail | float]:
    return (
        (key.replace("_ms", "_seconds"), int(value) / 1000) if "_ms" in key and isinstance(value, int) else (key, value)
    )


def _drop(drop: Drop) -> dict[str, Any]:
    return {
        "kind": drop.kind,
        "by": (drop.before.score - drop.after.score) / MILLION,
        "before": _moment(drop.before),
        "after": _moment(drop.after),
        "between": [_moment(moment) for moment in drop.between],
    }
