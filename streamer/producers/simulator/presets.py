"""Centres to begin with: `demo` shows everything, `bench` is large and even, `erlang_a` is a textbook's queue."""

import math
from dataclasses import replace
from typing import Final

from streamer.producers.simulator.centre import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    Centre,
    Queue,
    Shape,
    SurveyForm,
)

_FORMS: Final = (
    SurveyForm(name="call-rating", kind="csat", low=1, high=5, about=("call",)),
    SurveyForm(name="post-chat", kind="csat", low=1, high=10, about=("chat",)),
    SurveyForm(name="ticket-grade", kind="csat", low=1, high=6, best="low", about=("ticket",)),
    SurveyForm(name="recommend", kind="nps", low=0, high=10, department="marketing"),
    SurveyForm(name="effort", kind="ces", low=1, high=7),
    SurveyForm(name="experience", kind="experience", low=1, high=5, ratings=("tone", "helpfulness", "speed")),
    SurveyForm(name="yearly", kind="relationship", low=1, high=10, about=(), department="marketing"),
    # A thumb, up or down: of five stars visitors give too few for any target.
    SurveyForm(name="intercept", kind="csat", low=0, high=1, about=(), department="web"),
    SurveyForm(name="pulse", kind="esat", low=1, high=5, about=(), department="people"),
)
# Never quiet: whoever looks at the demo at night shall see numbers too.
_DEMO_HOURS: Final = (
    *(0.55, 0.5, 0.5, 0.5, 0.55, 0.6, 0.7, 0.85, 1.0, 1.15, 1.25, 1.2),
    *(1.1, 1.15, 1.2, 1.15, 1.1, 1.0, 0.95, 0.9, 0.8, 0.75, 0.65, 0.6),
)
_DEMO_DAYS: Final = (1.1, 1.05, 1.0, 1.0, 1.0, 0.8, 0.75)
_EXITS: Final = (("callback", 0.12), ("voicemail", 0.08), ("key", 0.05))
# Measured, with carts, after the first minutes of event time: test_the_bench_keeps_its_rate holds it.
_BENCH_EVENTS_PER_CONTACT: Final = 11.1


def staffing(per_hour: float, busy_ms: float, spare: float = 0.6) -> int:
    """Return the agents for a load by the square-root rule: the load in Erlang, and `spare` times its root more."""
    load = per_hour * busy_ms / HOUR_MS
    return math.ceil(load + spare * math.sqrt(load))


def demo(*, customers: int = 3000) -> Centre:
    """Return a small lively centre: about six events a second, everything happens within the first hours."""
    shape = Shape(hours=_DEMO_HOURS, days=_DEMO_DAYS)
    return Centre(
        queues=(
            _demo_queue(
                *("billing", "finance", 240, 80, 50, 2.5, shape.peak),
                topics=("invoice", "refund", "payment method", "address", "tariff"),
                incident_topic="double charge",
                # Short calls, and few idle: an incident is felt soon.
                spare=1.5,
            ),
            _demo_queue(
                *("technical", "engineers", 90, 90, 55, 4.0, shape.peak),
                topics=("no connection", "slow", "setup", "password", "update", "noise"),
                incident_topic="outage",
            ),
            _demo_queue(
                *("orders", "shop", 100, 110, 40, 2.7, shape.peak),
                topics=("where is it", "return", "damaged", "change order"),
                incident_topic="late parcels",
            ),
            _demo_queue(
                *("sales", "shop", 60, 100, 10, 3.0, shape.peak),
                topics=("offer", "availability", "upgrade"),
                incident_topic="broken voucher",
                open_hours=(5, 23),
            ),
            _demo_queue(
                *("accounts", "care", 50, 110, 25, 3.0, shape.peak),
                topics=("sign-in", "cancel", "personal data"),
                incident_topic="locked out",
            ),
        ),
        customers=customers,
        shape=shape,
        forms=_FORMS,
        survey_share=0.45,
        intercepts_per_hour=30,
        relationship_per_hour=8,
        carts_per_hour=260,
        mentions=0.04,
        repeat=0.5,
        churn=0.08,
        established_ms=60 * DAY_MS,
        breaks=0.03,
    )


def at_midmorning(centre: Centre, now_ms: int) -> Centre:
    """Return the centre with its day moved so that it is ten o'clock of an ordinary day at `now_ms`.

    Who watches it live shall see the same whatever the hour: at night an incident of so many times the normal is small.
    """
    ahead = 10 - now_ms % DAY_MS // HOUR_MS
    hours = tuple(centre.shape.hours[(hour + ahead) % 24] for hour in range(24))
    queues = tuple(replace(queue, open_hours=(0, 24)) for queue in centre.queues)
    return replace(centre, shape=Shape(hours=hours), queues=queues)


def _demo_queue(
    name: str,
    team: str,
    calls: float,
    chats: float,
    tickets: float,
    minutes: float,
    peak: float,
    *,
    topics: tuple[str, ...],
    incident_topic: str,
    open_hours: tuple[int, int] = (0, 24),
    spare: float = 1.9,
) -> Queue:
    """Return one queue of the demo with the staff for its busiest hour, so many that chance alone sets off no alert."""
    talk_ms = round(minutes * MINUTE_MS)
    chat_ms = round(1.3 * minutes * MINUTE_MS)
    wrap_up_ms = 30 * SECOND_MS
    busy_ms = (calls * talk_ms + chats * chat_ms) / (calls + chats) + wrap_up_ms + 25 * SECOND_MS
    return Queue(
        name=name,
        team=team,
        calls_per_hour=calls,
        chats_per_hour=chats,
        tickets_per_hour=tickets,
        agents=staffing(peak * (calls + chats) * 1.1, busy_ms, spare),
        desk_agents=staffing(peak * tickets * 2.1, 4.4 * MINUTE_MS, spare=0.9),
        talk_ms=talk_ms,
        chat_ms=chat_ms,
        wrap_up_ms=wrap_up_ms,
        ring_ms=4 * SECOND_MS,
        patience_ms=150 * SECOND_MS,
        chat_patience_ms=210 * SECOND_MS,
        max_wait_ms=10 * MINUTE_MS,
        overflow_at=200,  # a rush stays where it is: alerts name one queue
        exits=_EXITS,
        open_hours=open_hours,
        miss=0.02,
        hold=0.18,
        transfer=0.07,
        bot=0.35,
        solved=0.78,
        topics=topics,
        incident_topic=incident_topic,
    )


def bench(*, queues: int = 10, teams: int = 5, customers: int = 10_000, rate: float = 1000.0) -> Centre:
    """Return a large even centre: `queues` x `teams` x 3 channels groups, about `rate` events a second of event time.

    The rate is reached once contacts end as fast as they begin: after some 15 minutes of event time.
    """
    per_hour = rate * 3600 / _BENCH_EVENTS_PER_CONTACT / (queues * teams * 3)
    talk_ms, wrap_up_ms = 60 * SECOND_MS, 10 * SECOND_MS
    return Centre(
        queues=tuple(
            Queue(
                name=f"queue-{queue:02d}",
                team=f"team-{team:02d}",
                calls_per_hour=per_hour,
                chats_per_hour=per_hour,
                tickets_per_hour=per_hour,
                agents=staffing(2 * per_hour * 1.1, talk_ms + wrap_up_ms),
                desk_agents=staffing(per_hour * 1.9, 2 * MINUTE_MS, spare=1.0),
                talk_ms=talk_ms,
                chat_ms=talk_ms,
                work_ms=2 * MINUTE_MS,
                wrap_up_ms=wrap_up_ms,
                patience_ms=2 * MINUTE_MS,
                chat_patience_ms=2 * MINUTE_MS,
                hold=0.1,
                transfer=0.05,
                solved=0.85,
                topics=tuple(f"topic-{topic:02d}" for topic in range(20)),
            )
            for queue in range(queues)
            for team in range(teams)
        ),
        customers=customers,
        forms=_FORMS,
        survey_share=0.4,
        carts_per_hour=0.4 * per_hour * queues * teams,
        mentions=0.02,
        repeat=0.3,
        churn=0.02,
    )


def erlang_a(*, arrivals: float, service: float, agents: int, impatience: float) -> Centre:
    """Return the M/M/c+M queue: Poisson calls, exponential service and patience, rates a second, nothing else."""
    queue = Queue(
        name="erlang",
        team="erlang",
        calls_per_hour=arrivals * 3600,
        agents=agents,
        talk_ms=round(SECOND_MS / service),
        patience_ms=round(SECOND_MS / impatience),
    )
    return Centre(queues=(queue,), agent_events=False)
