"""The spikes among the headline numbers: of each metric the segment it comes from, and who is most of it. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from streamer.board.words import THIN, amount

#: what stands in words, and the family that holds the last 15 minutes, with its own labels; None: nothing so short
_COMPARED: Final[dict[str, tuple[str, str, str | None, dict[str, str]]]] = {
    "tickets_created": ("new tickets", "count", "tickets_created", {}),
    "queue_legs": ("chats and calls", "count", "queue_legs", {}),
    "answer_wait": ("wait", "seconds", "answer_wait_mean_seconds", {}),
    "abandon_ratio": ("abandonment", "ratio", "abandon_ratio", {"short": "included"}),
    "first_response": ("first response", "seconds", "first_response_mean_seconds", {}),
    "replies_per_resolution": ("replies per resolution", "score", "replies_per_resolution_mean", {}),
    "reopen_ratio": ("reopens", "ratio", None, {}),
    "csat_ratio": ("CSAT", "ratio", None, {}),
    "nps_score": ("NPS", "score", None, {}),
}
_WINDOW: Final = "15m"
#: a baseline of a count is of an hour
_WINDOWS_AN_HOUR: Final = 4
#: the finest first: a queue says more than a team, that more than a channel
_SEGMENTS: Final = ("queue", "team", "channel")
#: below it, the largest contributor is not "mostly"
_MOSTLY: Final = 0.5

Family = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Spike(msgspec.Struct, omit_defaults=True, frozen=True):
    """A metric that is far above the usual in a segment: `by` and `value` name it (all: everywhere).

    `what` says the metric and `text` all of it in words, `mostly` names the segment of another dimension that has most of
    the excess.
    """

    metric: str
    by: str
    value: str
    score: float
    what: str
    text: str
    mostly: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells one spike from another."""
        return self.metric, self.by, self.value


def spikes(samples: Mapping[str, Family]) -> list[Spike]:
    """Return the spikes that are set, one a metric and segment of the finest kind that has it, worst first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for (by, labels), value in samples.get("spike_confirmed", {}).items():
        own = dict(labels)
        if value and own.get("metric") in _COMPARED:
            found.setdefault(own["metric"], []).append((by, own.get(by, "")))
    shown = [
        _spike(samples, metric, by, value) for metric, segments in found.items() for by, value in _finest(segments)
    ]
    return sorted(shown, key=lambda spike: (-spike.score, spike.key))


def _finest(segments: list[tuple[str, str]]) -> list[tuple[str, str]]:
    for kind in _SEGMENTS:
        if chosen := [(by, value) for by, value in segments if by == kind and value]:
            return chosen
    return segments


def _spike(samples: Mapping[str, Family], metric: str, by: str, value: str) -> Spike:
    words, unit, family, own = _COMPARED[metric]
    group = {by: value} if value else {}

    def look(name: str, **labels: str) -> float | None:
        return samples.get(name, {}).get((by, frozenset((group | labels).items())))

    now = None
    if metric == "queue_legs":  # all outcomes together
        legs = [v for (b, labels), v in samples.get("queue_legs", {}).items() if _is(b, labels, by, group)]
        now = sum(legs) if legs else None
    elif family is not None:
        now = look(family, window=_WINDOW, **own)
    usual = look("metric_baseline", metric=metric)
    if usual is not None and unit == "count":
        usual /= _WINDOWS_AN_HOUR
    score = look("metric_deviation_score", metric=metric)
    where = value if by == "queue" else f"{by} {value}" if value else "everywhere"
    text = f"{where}: {words}"
    text += " far above the usual" if now is None else f" {amount(now, unit, THIN)}"
    if usual is not None:
        text += f", usual {amount(usual, unit, THIN)}"
    return Spike(metric, by, value, score or 0.0, words, text, _mostly(samples, metric, by, group))


def _is(by_of: str, labels: frozenset[tuple[str, str]], by: str, group: Mapping[str, str]) -> bool:
    own = dict(labels)
    return by_of == by and own.get("window") == _WINDOW and all(own.get(key) == value for key, value in group.items())


def _mostly(samples: Mapping[str, Family], metric: str, by: str, group: Mapping[str, str]) -> str:
    """Return the segment of another dimension that has most of the excess; a queue's team says less than the channel."""

    def shares() -> Iterator[tuple[bool, float, str]]:
        for (by_of, labels), share in samples.get("spike_contributor_ratio", {}).items():
            own: dict[str, Any] = dict(labels)
            ours = by_of == by and own.get("metric") == metric and group.items() <= own.items()
            if ours and own.get("dimension") != by and share >= _MOSTLY:
                yield own.get("dimension") == "channel", share, own.get("value", "")

    return max(shares(), default=(False, 0.0, ""))[2]
