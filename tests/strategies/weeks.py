"""A hundred days of a small centre, told by hand, that end in an incident: enough for every number of the catalogue.

A drawn history is too short for most comparisons: a baseline needs hours before it, a spike thirty events, a shift of
satisfaction a first week. It can be told into these days instead, for they are of the same customers and agents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.strategies.events import DAY, HOUR, MINUTE, SECOND, build, moment, subject_of

if TYPE_CHECKING:
    from streamer.events import Event

KINDS = ("csat", "relationship", "nps", "ces", "experience", "esat", None)
_TEN = {"scale_min": 0, "scale_max": 10}
# What happens, how many ms after what happened before it, and what it says.
Step = tuple[str, int, dict[str, Any]]
# How many ms before the end, of which type, to whom, and what it says.
Told = tuple[int, str, str, dict[str, Any]]


def weeks(end_ms: int) -> list[Event]:
    """Return some 200 events, all before `end_ms`, in no order. Their source is their own: `weeks`."""
    told = [*_customers(), *_tickets(), *_chats(), *_calls(), *_surveys(end_ms), *_carts(), *_agents(), *_crowd()]
    return [
        build(f"support.{name}", end_ms - ago, subject, data, id=str(number), source="weeks")
        for number, (ago, name, subject, data) in enumerate(told)
    ]


def _life(entity: str, customer: str | None, number: int, ago: int, *steps: Step) -> list[Told]:
    """Return the events of the customer's `number`-th entity, which begins `ago` ms before the end."""
    told = []
    subject = subject_of(entity, customer, number)
    for what, after, fields in steps:
        ago -= after
        told.append((ago, f"{entity}.{what}", subject, ({"customer": customer} if customer else {}) | fields))
    assert ago >= 0
    return told


def _says(author: str, after: int, **fields: Any) -> Step:
    return ("message", after, {"author": author, **fields})


def _status(status: str, after: int) -> Step:
    return ("status_changed", after, {"status": status})


def _customers() -> list[Told]:
    joined = [("joined", 0, {"queue": "billing"})]
    pays = {"amount": 19.99, "currency": "EUR", "queue": "billing"}
    return [
        *_life("customer", "ada", 0, 100 * DAY, *joined, ("purchased", 40 * DAY, pays), ("purchased", 40 * DAY, pays)),
        *_life("customer", "bob", 0, 99 * DAY, *joined, ("churned", 94 * DAY, {"reason": "price"})),
        *_life("customer", "eve", 0, 10 * DAY, *joined),
        *_life("mention", "eve", 0, 2 * HOUR, ("posted", 0, {"sentiment": -0.25, "reach": 9})),
    ]


_BILLING = {"queue": "billing", "team": "red", "channel": "email", "topic": "login"}
_SUPPORT = {"queue": "support", "team": "blue", "channel": "web", "topic": "refund"}


def _tickets() -> list[Told]:
    answered = (("created", 0, _BILLING), _says("agent", MINUTE))
    late = (("created", 0, _SUPPORT), _says("agent", 1), _says("customer", 20 * HOUR))
    return [
        # answered thrice, reopened, solved again: a month ago, five weeks after a purchase
        *_life(
            *("ticket", "ada", 0, 25 * DAY),
            *(("created", 0, _BILLING), _says("agent", 2 * HOUR), _says("agent", MINUTE), _says("agent", MINUTE)),
            *(_status("solved", HOUR), _status("open", HOUR), _status("solved", HOUR)),
        ),
        # begun within a day, a week and a month of the second purchase, 20 days ago
        *_life("ticket", "ada", 1, 20 * DAY - HOUR, *answered, _status("solved", 1)),
        *_life("ticket", "ada", 2, 18 * DAY, *answered, _status("solved", 1)),
        *_life("ticket", "ada", 3, 12 * DAY, ("created", 0, _BILLING), _status("solved", HOUR)),
        # of the last day: the first reply comes after days, on hold, a suggestion, solved, reopened, solved
        *_life(
            *("ticket", "eve", 0, 9 * DAY),
            *(("created", 0, _SUPPORT), ("assigned", HOUR, {"agent": "agent-1"}), _status("on_hold", HOUR)),
            *(_says("bot", HOUR), _says("agent", 8 * DAY), ("suggested", HOUR, {"kind": "article"})),
            *(_status("solved", HOUR), _status("open", HOUR), _says("agent", MINUTE), _status("solved", HOUR)),
        ),
        # solved at once: one touch, and every target is met
        *_life(
            *("ticket", "eve", 1, 6 * HOUR),
            *(("created", 0, _SUPPORT), _says("agent", MINUTE), ("suggested", MINUTE, {}), _status("solved", MINUTE)),
        ),
        # open: due in a few minutes, long due, without a reply for days
        *_life("ticket", "eve", 2, 52 * MINUTE, ("created", 0, _BILLING)),
        *_life("ticket", "eve", 3, DAY - 8 * MINUTE, *late),
        *_life("ticket", "zoe", 0, 3 * DAY, ("created", 0, _SUPPORT), _status("open", HOUR)),
        *_life("ticket", "zoe", 1, 3 * DAY, ("created", 0, _SUPPORT), _says("agent", HOUR), _status("pending", 1)),
        *_life("ticket", "zoe", 2, 2 * DAY, ("created", 0, {}), ("categorized", 1, _BILLING), _status("on_hold", 1)),
        *_life("ticket", "zoe", 3, HOUR, ("created", 0, {}), ("merged", 1, {"into": "ticket-zoe-2"})),
        *_life("ticket", "zoe", 4, HOUR, ("created", 0, {}), ("deleted", 1, {"reason": "spam"})),
        # in this hour of the weeks before: what is usual
        *(
            event
            for week in (1, 2, 3)
            for event in _life("ticket", "kim", week, 7 * week * DAY + 2 * MINUTE, *answered)
        ),
        # of the last minutes: what is compared with it
        *_life(
            *("ticket", "kim", 4, 9 * MINUTE),
            *(*answered, _status("solved", MINUTE), _status("open", MINUTE), _status("solved", MINUTE)),
        ),
    ]


def _chats() -> list[Told]:
    return [
        # a bot first, then people; moved, held, and left by the customer while held
        *_life(
            *("chat", "eve", 0, 5 * HOUR),
            *(_says("customer", 0), _says("bot", SECOND), ("queued", SECOND, _SUPPORT), ("offered", 1, {})),
            *(("not_answered", 12 * SECOND, {"ring_seconds": 12}), ("answered", 9 * SECOND, {"agent": "agent-1"})),
            *(_says("agent", 20 * SECOND), _says("customer", SECOND), _says("agent", MINUTE)),
            *(("transferred", MINUTE, {"to_queue": "billing", "kind": "blind"}), ("answered", 3 * SECOND, {})),
            *(("held", MINUTE, {}), ("resumed", MINUTE, {}), ("held", MINUTE, {}), ("ended", 1, {"by": "customer"})),
            ("wrapped_up", MINUTE, {}),
        ),
        *_life("chat", "eve", 1, 4 * HOUR, ("queued", 0, _BILLING), _says("customer", 1), ("ended", MINUTE, {})),
        *_life("chat", "zoe", 0, 3 * HOUR, ("queued", 0, _BILLING), ("left_queue", 9 * MINUTE, {"reason": "overflow"})),
        *_life("chat", "zoe", 1, 10 * MINUTE, ("queued", 0, _SUPPORT)),
    ]


def _calls() -> list[Told]:
    def call(customer: str | None, number: int, ago: int, queue: str, *steps: Step) -> list[Told]:
        return _life("call", customer, number, ago, ("queued", 0, {"queue": queue, "team": "red"}), *steps)

    answered: tuple[Step, ...] = (("answered", 4 * SECOND, {}), ("ended", MINUTE, {}))
    return [
        # waited long, moved; a month ago
        *call(
            *("bob", 0, 25 * DAY - 3 * HOUR, "billing", ("answered", HOUR, {})),
            *(("transferred", 1, {"to_queue": "support"}), ("answered", 1, {}), ("ended", MINUTE, {})),
        ),
        # gave up, came again within the day and was answered
        *call("bob", 1, 3 * DAY, "billing", ("abandoned", MINUTE, {})),
        *call("bob", 2, 3 * DAY - HOUR, "billing", *answered),
        *call(
            *("eve", 0, 8 * HOUR, "billing", ("answered", 4 * SECOND, {})),
            *(("transferred", 1, {"to_queue": "support", "kind": "consult"}), ("answered", MINUTE, {})),
            *(("held", MINUTE, {}), ("resumed", MINUTE, {}), ("ended", MINUTE, {}), ("wrapped_up", MINUTE, {})),
        ),
        *call("eve", 1, 7 * HOUR, "billing", ("abandoned", 2 * SECOND, {})),
        *call("eve", 2, 7 * HOUR, "support", ("abandoned", HOUR, {})),
        *call("eve", 3, 6 * HOUR, "support", ("left_queue", 30 * SECOND, {"reason": "callback"})),
        *call(None, 0, 5 * HOUR, "support"),  # lost after four hours
        *call(None, 1, 5 * MINUTE, "billing"),  # waits
        *call("kim", 0, 8 * MINUTE, "billing", *answered),
    ]


def _survey(customer: str, number: int, ago: int, score: float, kind: str | None, **fields: Any) -> list[Told]:
    """Return a survey about nothing or something, sent `ago` ms before the end and answered an hour later."""
    named = {"kind": kind} if kind else {}
    about = {"about": fields["about"]} if "about" in fields else {}
    department = {"department": "care" if number % 2 else "sales"}
    return _life(
        *("survey", customer, number, ago, ("sent", 0, named | about | department)),
        ("answered", HOUR, named | {"score": score} | _TEN | fields),
    )


def _surveys(end_ms: int) -> list[Told]:
    comment = {"has_comment": True, "comment_topics": ["login"]}
    said = {"resolved": True, "ratings": {"tone": 4.0}, "started_at": moment(end_ms - 11 * HOUR - MINUTE)}
    return [
        # two hours tell how answers vary, those of the last day are others
        *_survey("ada", 10, 25 * DAY - 5 * HOUR, 4, "csat", about="ticket-ada-0"),
        *_survey("bob", 10, 25 * DAY - 3 * HOUR - 3 * MINUTE, 6, "csat", about="call-bob-0"),
        # every kind, each with a comment, in one hour of the last day
        *(
            event
            for number, kind in enumerate(KINDS)
            for event in _survey("zoe", number, 12 * HOUR, 9, kind, **comment, **said)
        ),
        *_survey("eve", 10, 8 * HOUR - 10 * MINUTE, 9, "csat", about="call-eve-0"),
        *_survey("eve", 11, 5 * HOUR, 7, "csat", about="chat-eve-0"),
        *_survey("eve", 12, 4 * HOUR, 1, "csat", about="ticket-eve-0"),
        # of the three classes, and a detractor who was called back and one who was not
        *_survey("ada", 11, 21 * DAY, 2, "nps", comment_topics=["refund"]),
        *_survey("eve", 13, 6 * HOUR, 8, "nps"),
        *_survey("sam", 0, 2 * DAY, 0, "nps", survey="inverted", resolved=True),
        *_survey("kim", 2, HOUR + 3 * MINUTE, 9, "csat"),
        *_survey("kim", 3, HOUR + 2 * MINUTE, 10, "nps"),
        *_life("survey", "kim", 1, DAY, ("offered", 0, {"shown": True}), ("declined", 1, {})),
    ]


def _carts() -> list[Told]:
    return [
        *_life("cart", "eve", 0, 3 * DAY, ("opened", 0, {}), ("abandoned", HOUR, {"reason": "price"})),
        *_life("cart", "eve", 1, 2 * DAY, ("opened", 0, {}), ("stepped", MINUTE, {"step": "payment"})),
        *_life("cart", "ada", 0, DAY, ("opened", 0, {}), ("purchased", MINUTE, {})),
    ]


def _agents() -> list[Told]:
    def agent(number: int, ago: int, *steps: Step) -> list[Told]:
        told = []
        for what, after, fields in steps:
            ago -= after
            serves = {"queues": ["billing", "support"]} if what == "status_changed" else {}
            told.append((ago, f"agent.{what}", f"agent-{number}", serves | fields))
        return told

    return [
        *agent(1, 30 * MINUTE, _status("available", 0), _status("on_contact", 10 * MINUTE)),
        *agent(2, 30 * MINUTE, _status("on_contact", 0), _status("wrap_up", 10 * MINUTE)),
        *agent(3, HOUR, _status("available", 0)),
        *agent(4, HOUR, _status("away", 0)),
        *agent(5, HOUR, _status("offline", 0)),
        *agent(6, HOUR, _status("available", 0), ("heartbeat", MINUTE, {})),  # has been silent since
    ]


def _crowd() -> list[Told]:
    """Forty tickets within the last ten minutes: what nobody is used to."""
    created = ("created", 0, _BILLING)
    return [
        event
        for number in range(40)
        for event in _life("ticket", f"caller-{number % 6}", number, 10 * MINUTE - number * 12 * SECOND, created)
    ]
