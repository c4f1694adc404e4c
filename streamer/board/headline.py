"""The headline numbers: what the wall page and `streamer top` show of all that the board has. Pure: plain data in and out."""

from functools import cached_property
from typing import Any, Final

import msgspec
import numpy as np

from streamer.board.answer import LONG_WINDOWS, WINDOWS, Answer, Labels, first_of
from streamer.board.spikes import Spike, spikes
from streamer.board.words import THIN, amount
from streamer.metrics.formulas import wilson

_SLA_TARGETS: Final = ("first_response", "response", "resolution")
_STATES: Final = ("new", "open", "pending", "on_hold")
#: the shares of a row, and of the tiles, in words
_SHARES: Final = (("level", "service level"), ("abandoned", "abandonment"))
#: what counts who waits: said before any share
_WAITING: Final = ("queue_waiting", "tickets_awaiting_first_response")


class Number(msgspec.Struct, omit_defaults=True, frozen=True):
    """A number with what it must never be shown without. `value` None: no data."""

    metric: str
    value: float | None = None
    #: ratio, seconds (a duration), count, or score
    unit: str = "count"
    window: str = ""
    n: int | None = None
    low: float | None = None
    high: float | None = None
    target: float | None = None
    #: "": as it should be, or nobody said how it should be; few: too few samples to judge by; past: past its target; far:
    #: past it with the whole interval
    state: str = ""
    #: the stock whose oldest items are behind the number
    open: str = ""
    labels: dict[str, str] = {}


class Queue(msgspec.Struct, omit_defaults=True, frozen=True):
    """A row of the table of queues."""

    name: str
    waiting: Number
    longest: Number
    over: int
    level: Number
    abandoned: Number
    agents: dict[str, int]
    #: what is far above the usual here, in words: wait, abandonment
    spiking: list[str] = []


class Past(msgspec.Struct, omit_defaults=True, frozen=True):
    """What is past its target, in words; `by` and `value` name the segment (all: everywhere), `state` is past or far."""

    metric: str
    by: str
    value: str
    state: str
    text: str


class Headline:
    """The headline numbers of an answer; all are made when asked for."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._enough = float(answer.said.get("min_samples", 0))
        self._windows: dict[tuple[str, bool], str] = {}

    def value(self, family: str, by: str = "all", **labels: str) -> float | None:
        """Return one value as it is exposed; None where there is no data."""
        return self._answer.samples.get(family, {}).get((by, frozenset((k, v) for k, v in labels.items() if v)))

    def window(self, family: str, *, long: bool = False) -> str:
        """Return the window of a family that is shown: the first by preference that the board has."""
        known = self._windows.get((family, long))
        if known is None:
            there = {
                value for _, labels in self._answer.samples.get(family, ()) for k, value in labels if k == "window"
            }
            known = self._windows[family, long] = first_of(LONG_WINDOWS if long else WINDOWS, there)
        return known

    def target(self, metric: str) -> float | None:
        """Return the configured target of a metric."""
        found = self._answer.said.get("targets", {}).get(metric)
        return None if found is None else float(found)

    # ---- tiles ----------------------------------------------------------------------------------------------------

    def tiles(self) -> dict[str, Any]:
        """Return the numbers of the five tiles by name."""
        return {
            "waiting": self.stock("queue_waiting"),
            "longest": self.oldest("queue_waiting"),
            "over": self.over("queue_waiting"),
            "level": self.level(),
            "abandoned": self.abandoned(),
            "first": self.quantile("first_response", "0.5"),
            "first_high": self.quantile("first_response", "0.9"),
            "awaiting_over": self.over("tickets_awaiting_first_response"),
            "csat": self.csat(),
            "nps": self.nps(),
        }

    def stock(self, metric: str, by: str = "all", **labels: str) -> Number:
        """Return how much work is open."""
        return Number(metric, self.value(metric, by, **labels), open=metric, labels=labels)

    def oldest(self, metric: str, by: str = "all", **labels: str) -> Number:
        """Return the age of the oldest open work, in seconds."""
        age = self.value(f"{metric}_oldest_age_seconds", by, **labels)
        return Number(metric, age, unit="seconds", open=metric, labels=labels)

    def over(self, metric: str, by: str = "all", **labels: str) -> Number:
        """Return how much open work is over its target."""
        count = self.value(f"{metric}_over_target", by, **labels)
        return Number(metric, count, state="past" if count else "", open=metric, labels=labels)

    def level(self, by: str = "all", **group: str) -> Number:
        """Return the service level by the formula `offered`."""
        return self._share("service_level_ratio", by, group, 1, open_="queue_waiting", formula="offered")

    def abandoned(self, by: str = "all", **group: str) -> Number:
        """Return the abandonment, short ones included."""
        return self._share("abandon_ratio", by, group, -1, open_="queue_waiting", short="included")

    def csat(self) -> Number:
        """Return CSAT with its interval."""
        return self._share("csat_ratio", "all", {}, 1, open_="detractors_awaiting_follow_up", long=True, kind="csat")

    def _share(
        self, metric: str, by: str, group: Labels, good: int, *, open_: str, long: bool = False, **own: str
    ) -> Number:
        """Return a share with its Wilson interval; `good` is 1 where more is better, -1 where less is, 0 where neither."""
        window, labels = self.window(metric, long=long), {**group, **own}
        share = self.value(metric, by, window=window, **labels)
        if share is None:
            return Number(metric, unit="ratio", target=self.target(metric), labels=labels, open=open_)
        n = round(self.value(f"{metric}_samples", by, window=window, **labels) or 0)
        low, high = interval(share, n)
        target = self.target(metric)
        state = ""
        if n < self._enough:
            state = "few"
        elif target is not None and good * share < good * target:
            state = "far" if good * (high if good > 0 else low) < good * target else "past"
        return Number(metric, share, "ratio", window, n, low, high, target, state, open_, labels)

    def quantile(self, metric: str, q: str) -> Number:
        """Return a quantile of a duration."""
        family = f"{metric}_seconds"
        window = self.window(family)
        value = self.value(family, window=window, quantile=q)
        n = round(self.value(f"{metric}_samples", window=window) or 0)
        state = "few" if value is not None and n < self._enough else ""
        return Number(metric, value, "seconds", window, n, state=state, open=f"tickets_awaiting_{metric}")

    def nps(self) -> Number:
        """Return NPS; `low` and `high` are its margin around it."""
        window = self.window("nps_score", long=True)
        score, margin = self.value("nps_score", window=window), self.value("nps_margin", window=window)
        n = round(self.value("nps_score_samples", window=window) or 0)
        state, target = "", self.target("nps_score")
        low, high = (None, None) if score is None or margin is None else (score - margin, score + margin)
        if score is not None and n < self._enough:
            state = "few"
        elif score is not None and target is not None and score < target:
            state = "far" if high is not None and high < target else "past"
        return Number(
            "nps_score", score, "score", window, n, low, high, target, state, open="detractors_awaiting_follow_up"
        )

    # ---- queues ---------------------------------------------------------------------------------------------------

    def queues(self) -> list[Queue]:
        """Return the rows, worst first: spikes, over target, then the longest wait, how many wait, service level."""
        agents = self._agents()
        hot: dict[str, list[str]] = {}
        for spike in self.spikes:
            if spike.by == "queue":
                hot.setdefault(spike.value, []).append(spike.what)
        found = []
        for by, labels in self._answer.samples.get("queue_waiting", ()):
            name = dict(labels).get("queue", "")
            if by != "queue" or not name:
                continue
            row = Queue(
                name,
                self.stock("queue_waiting", "queue", queue=name),
                self.oldest("queue_waiting", "queue", queue=name),
                round(self.value("queue_waiting_over_target", "queue", queue=name) or 0),
                self.level("queue", queue=name),
                self.abandoned("queue", queue=name),
                agents.get(name, {}),
                hot.get(name, []),
            )
            found.append((_badness(row), row))
        return [row for _, row in sorted(found, key=lambda pair: pair[0])]

    def _agents(self) -> dict[str, dict[str, int]]:
        """Return the agents of each queue by status."""
        found: dict[str, dict[str, int]] = {}
        for (_, labels), count in self._answer.samples.get("queue_agents", {}).items():
            own = dict(labels)
            if count and "queue" in own and "status" in own:
                found.setdefault(own["queue"], {})[own["status"]] = round(count)
        return found

    # ---- tickets and satisfaction ----------------------------------------------------------------------------------

    def tickets(self) -> dict[str, Any]:
        """Return backlog by state and age, what comes and goes, and what is at risk."""
        by_state = {state: self.stock("tickets_backlog", state=state) for state in _STATES}
        counts = [number.value for number in by_state.values() if number.value is not None]
        oldest = [self.oldest("tickets_backlog", state=state).value or 0 for state in _STATES]
        total = Number("tickets_backlog", sum(counts) if counts else None, open="tickets_backlog")
        ages = {
            name: Number("tickets_backlog", self.value("tickets_backlog_age_seconds", quantile=q), "seconds")
            for name, q in (("median", "0.5"), ("p90", "0.9"))
        }
        ages["oldest"] = Number("tickets_backlog", max(oldest) or None, "seconds")
        ages = {name: msgspec.structs.replace(age, open="tickets_backlog") for name, age in ages.items()}
        window = self.window("tickets_created")
        created, solved = (
            Number(metric, self.value(metric, window=window, **labels), window=window, labels=labels)
            for metric, labels in (("tickets_created", {}), ("tickets_solved", {"unit": "tickets"}))
        )
        ratio_window = self.window("resolution_ratio", long=True)
        ratio = Number(
            "resolution_ratio",
            self.value("resolution_ratio", window=ratio_window),
            "ratio",
            ratio_window,
            round(self.value("resolution_ratio_samples", window=ratio_window) or 0),
            target=self.target("resolution_ratio"),
            open="tickets_backlog",
        )
        risk = {
            target: {
                "at_risk": Number(
                    "sla_open",
                    self.value("sla_open_at_risk", target=target),
                    open="sla_open",
                    labels={"target": target},
                ),
                "over": self.over("sla_open", target=target),
            }
            for target in _SLA_TARGETS
        }
        return {
            "backlog": total,
            "states": by_state,
            "ages": ages,
            "created": created,
            "solved": solved,
            "ratio": ratio,
            "sla": risk,
        }

    def satisfaction(self) -> dict[str, Any]:
        """Return the three scores, how many answer, who waits for an answer to a complaint, and what drives it."""
        window = self.window("ces_mean", long=True)
        n = round(self.value("ces_mean_samples", window=window) or 0)
        value = self.value("ces_mean", window=window)
        state = "few" if value is not None and n < self._enough else ""
        ces = Number("ces_mean", value, "score", window, n, state=state, open="detractors_awaiting_follow_up")
        return {
            "csat": self.csat(),
            "nps": self.nps(),
            "ces": ces,
            "easy": self._share("ces_easy_ratio", "all", {}, 1, open_="detractors_awaiting_follow_up", long=True),
            "response": self._share(
                "survey_response_ratio", "all", {}, 1, open_="detractors_awaiting_follow_up", long=True, kind="csat"
            ),
            "detractors": self.stock("detractors_awaiting_follow_up"),
            "detractors_over": self.over("detractors_awaiting_follow_up"),
            "driver": self._driver(),
        }

    def _driver(self) -> Number:
        """Return the driver with the largest lift."""
        found = [
            (lift, dict(labels)["driver"])
            for (by, labels), lift in self._answer.samples.get("driver_lift", {}).items()
            if by == "all"
        ]
        if not found:
            return Number("driver_lift")
        lift, driver = max(found)
        n = round(self.value("driver_samples", driver=driver) or 0)
        return Number("driver_lift", lift, "score", "30d", n, labels={"driver": driver})

    # ---- the line at the top ----------------------------------------------------------------------------------------

    @cached_property
    def spikes(self) -> list[Spike]:
        """What is far above the usual, worst first."""
        return spikes(self._answer.samples)

    def past(self, queues: list[Queue], tiles: dict[str, Number]) -> list[Past]:
        """Return what is past its target, worst first: who waits, then shares by how sure that is; one a queue."""
        found = [past for row in queues if (past := _past_in(row))]
        told = {past.metric for past in found}
        if count := tiles["awaiting_over"].value:
            text = f"first response: {amount(count, 'count', THIN)} waiting past target"
            found.append(Past("tickets_awaiting_first_response", "all", "", "past", text))
        for name, words in (*_SHARES, ("csat", "CSAT"), ("nps", "NPS")):
            number = tiles[name]
            if number.metric not in told and (past := _past_target(number, "all", "", words)):
                found.append(past)
        return sorted(found, key=lambda past: (past.metric not in _WAITING, past.state != "far"))


def _past_in(row: Queue) -> Past | None:
    """Return the worst of a queue that is past its target."""
    if row.over:
        longest = "" if row.longest.value is None else f", longest {amount(row.longest.value, 'seconds', THIN)}"
        return Past("queue_waiting", "queue", row.name, "past", f"{row.name}: {row.over} waiting past target{longest}")
    both = (_past_target(getattr(row, name), "queue", row.name, words) for name, words in _SHARES)
    return min((past for past in both if past), key=lambda past: past.state != "far", default=None)


def _past_target(number: Number, by: str, name: str, words: str) -> Past | None:
    if number.state not in ("past", "far") or number.value is None or number.target is None:
        return None
    value, target = (amount(one, number.unit, THIN) for one in (number.value, number.target))
    text = f"{name}: {words} {value}, target {target}" if name else f"{words} {value}, target {target}"
    return Past(number.metric, by, name, number.state, text)


def _badness(row: Queue) -> tuple[bool, float, float, float, float, str]:
    level = 1.0 if row.level.value is None else row.level.value
    return not row.spiking, -row.over, -(row.longest.value or 0), -(row.waiting.value or 0), level, row.name


def interval(share: float, n: int) -> tuple[float, float]:
    """Return the Wilson score interval (95 %) of a share of `n` samples."""
    good, size = np.array([round(share * n)]), np.array([n])
    shown = size > 0
    low, high = (float(wilson(good, size, shown, upper=upper)[0]) for upper in (False, True))
    return low, high


def headline(answer: Answer) -> dict[str, Any]:
    """Return all headline numbers as plain data, as the stream sends them."""
    found = Headline(answer)
    tiles, queues = found.tiles(), found.queues()
    return {
        "tiles": tiles,
        "queues": queues,
        "tickets": found.tickets(),
        "satisfaction": found.satisfaction(),
        "spikes": found.spikes,
        "past": found.past(queues, tiles),
    }
