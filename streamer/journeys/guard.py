"""May a customer be surveyed now? Pure: what they were sent, the rules and the instant in, a verdict out.

The rules are those of the metrics: a survey is refused that `survey_overlaps` would count, or that would put the customer among
`survey_fatigued_customers`. Imported by the SDK, so only the standard library is.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RECENT: Final = "recent_survey"
FATIGUE: Final = "fatigue_limit"
_MS: Final = dt.timedelta(milliseconds=1)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Rules(Protocol):
    """`[surveys]` of the settings, as far as the guard needs it; windows in ms."""

    @property
    def fatigue_limit(self) -> int:
        """How many surveys within the window are not too many. The guard takes 0 as 1, or nobody could be asked."""

    @property
    def fatigue_window(self) -> int:
        """How long a survey counts."""

    @property
    def overlap_window(self) -> int:
        """How long nobody else is to send one."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that speaks against a survey, until it no longer does.

    `reason` is recent_survey (somebody has sent one within `overlap_window`) or fatigue_limit (`fatigue_limit` of them within
    `fatigue_window`); `department` (None: not stated) sent that survey, or the last one, at `sent`. `same_department` says
    whether that is the one that asks (None: none did).
    """

    reason: str
    department: str | None
    sent: dt.datetime
    until: dt.datetime
    same_department: bool | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a customer may be surveyed: True, False, or None where nobody knows. Only True is true as a condition.

    `refusals` say why not, the longest first: ask again at `refusals[0].until`. Everything that was flushed until `as_of` is
    known. What speaks against a survey does so however old that is; that nothing does, only recent knowledge tells.
    """

    allowed: bool | None
    refusals: tuple[Refusal, ...]
    as_of: dt.datetime | None

    def __bool__(self) -> bool:
        return self.allowed is True


def instant(ms: int) -> dt.datetime:
    """Return milliseconds since the epoch as a time in UTC, exactly."""
    return _EPOCH + ms * _MS


def ms(time: dt.datetime) -> int:
    """Return a time as milliseconds since the epoch, exactly."""
    return (time - _EPOCH) // _MS


def refusals(sends: Sequence[tuple[int, str]], rules: Rules) -> list[Refusal]:
    """Return what the surveys sent, (ms, department) in order of time, speak against, now and later; longest first."""
    # A survey sent exactly `overlap_window` later is still counted as an overlap, one sent exactly `fatigue_window` later
    # no longer towards fatigue (metrics.md: at most 7 d after; in (T - 30 d, T]).
    found = [
        Refusal(RECENT, department or None, instant(at), instant(at + rules.overlap_window + 1))
        for at, department in sends
    ]
    limit = max(rules.fatigue_limit, 1)
    if len(sends) >= limit:
        last, department = sends[-1]
        until = instant(sends[-limit][0] + rules.fatigue_window)
        found.append(Refusal(FATIGUE, department or None, instant(last), until))
    return sorted(found, key=lambda refusal: refusal.until, reverse=True)


def judge(
    known: Iterable[Refusal], as_of: int | None, now: int, stale_limit: int, department: str | None = None
) -> Verdict:
    """Return the verdict at `now`, for the department that asks, of what was known at `as_of` (None: nothing is); in ms."""
    at = instant(now)
    left = tuple(
        refusal if department is None else replace(refusal, same_department=refusal.department == department)
        for refusal in known
        if refusal.until > at
    )
    fresh = as_of is not None and now - as_of <= stale_limit
    return Verdict(False if left else (True if fresh else None), left, None if as_of is None else instant(as_of))


def as_data(refusal: Refusal) -> dict[str, Any]:
    """Return a refusal as plain data, times RFC 3339."""
    data = {
        "reason": refusal.reason,
        "department": refusal.department,
        "sent": text(refusal.sent),
        "until": text(refusal.until),
    }
    asked = refusal.same_department
    return data if asked is None else {**data, "same_department": asked}


def as_answer(verdict: Verdict, customer: str) -> dict[str, Any]:
    """Return a verdict as /api/survey-guard says it."""
    return {
        "customer": customer,
        "allowed": verdict.allowed,
        "reasons": [as_data(refusal) for refusal in verdict.refusals],
        "as_of": None if verdict.as_of is None else text(verdict.as_of),
    }


def unpacked(value: bytes | None) -> list[Refusal]:
    """Return what is under a guard key; an absent one holds nothing."""
    return [
        Refusal(
            said["reason"],
            said["department"],
            dt.datetime.fromisoformat(said["sent"]),
            dt.datetime.fromisoformat(said["until"]),
        )
        for said in json.loads(value or b"[]")
    ]


def oldest(positions: Iterable[bytes]) -> int | None:
    """Return the instant (ms) until which everything is in the model; None where some partition has not been read."""
    times = [int(json.loads(position)["time"]) for position in positions]
    return min(times, default=0) or None


def text(time: dt.datetime) -> str:
    """Return a time in UTC as RFC 3339."""
    return time.isoformat().replace("+00:00", "Z")
