"""The numbers are those of the reference (tests/reference), which shares no code with the program, on any events.

A difference is a mistake of one of the two, or a sentence of the specification with two readings.
"""

import json
from datetime import UTC, datetime, timedelta
from math import isclose

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.events.codec import Decoder, millis
from streamer.metrics.evaluate import evaluate
from streamer.replay import accept, replayed, snapshot_of
from streamer.settings import Settings
from tests import reference
from tests.strategies.events import SCALES, histories
from tests.strategies.weeks import weeks

pytestmark = pytest.mark.slow

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
START_MS = 1_774_684_800_000  # Saturday, 28 March 2026, 08:00 UTC: the day before summer time in Europe

SURVEYS = {
    "scales": {
        name: {key: value for key, value in scale._asdict().items() if value is not None}
        for name, scale in SCALES.items()
    }
}
CONFIGS = {
    "default": {"surveys": SURVEYS},
    "two dimensions": {
        "surveys": SURVEYS,
        "time": {"zone": "Europe/Berlin"},
        "dimensions": {
            "names": ["channel", "queue", "team", "agent"],
            "groupings": [[], ["agent"], ["channel", "queue"], ["queue", "team"]],
        },
    },
    "other rules": {
        "surveys": SURVEYS
        | {"expiry": "1d", "coverage": "4h", "fatigue_limit": 1, "fatigue_window": "3d", "overlap_window": "1d"}
        | {"min_samples": 1},
        "dimensions": {"names": ["team"], "groupings": [[], ["team"]]},
        "metrics": {
            "csat_ratio": {"windows": ["today"]},
            "first_response": {"windows": ["5m", "30d"]},
            "agent_occupancy_ratio": {"windows": ["5m", "7d"]},
            "fcr_ratio": {"windows": ["90d"]},
        },
        "tickets": {
            "first_response_target": "10m",
            "response_target": "1h",
            "resolution_target": "4h",
            "review_age": "1h",
            "reopen_window": "1d",
        },
        "queues": {
            "billing": {"service_target": "5s", "short_abandon": "20s", "max_wait": "1h"},
            "support": {"chat_service_target": "4s", "max_wait": "15m"},
        },
        "customers": {"cart_idle": "5m"},
    },
    "limited": {
        "surveys": SURVEYS,
        "dimensions": {"limit": 2},
        "metrics": {"tickets_created": {"windows": ["15m", "90d"]}},
    },
}
configs = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
#: T after an event
AFTER = (0, SECOND, 5 * MINUTE, HOUR, 4 * HOUR, DAY, 7 * DAY, 30 * DAY, 91 * DAY)
#: from an event to its arrival; later than by the grace of a day it is not applied
DELAYS = (0, 0, 0, 0, 0, 1, MINUTE, DAY, DAY + 1)
#: of each configuration: a third of what the profile asks for
EXAMPLES = settings().max_examples // 3
_encode = msgspec.json.Encoder().encode


def of_the_product(events, at, config):
    checked = Settings.model_validate(config)
    decoder = Decoder(checked.surveys.scales, checked.time.future)
    arrived = [(arrival, event, time) for event, time, arrival in (accept(decoder, _encode(raw)) for raw in events)]
    arrived.sort(key=lambda record: record[0])
    series = {("support_metric_target", (("metric", name),)): value for name, value in checked.targets.items()}
    for block in evaluate(snapshot_of(replayed(checked, arrived, at)), checked, at):
        for place in block.shown.nonzero()[0].tolist():
            by, values = block.places.labels[place]
            labels = {"by": by, **dict(zip(checked.dimensions.names, values, strict=True)), **dict(block.labels)}
            key = (block.family, tuple(sorted(labels.items())))
            assert key not in series
            series[key] = block.values[place].item()
    return series


def differences(events, at, config):
    """Return the series that are not the same: (ours, the reference's), None for one that is not there."""
    ours, theirs = of_the_product(events, at, config), reference.evaluate(events, at, config)
    assert theirs or not ours
    return {
        key: (ours.get(key), theirs.get(key))
        for key in sorted(ours.keys() | theirs.keys())
        if key not in ours or key not in theirs or not isclose(ours[key], theirs[key], rel_tol=1e-9, abs_tol=1e-12)
    }


@configs
@settings(max_examples=EXAMPLES)
@given(st.data())
def test_any_history_has_the_numbers_of_the_reference(config, data):
    history = data.draw(histories().filter(bool))
    at = millis(data.draw(st.sampled_from(history)).time) + data.draw(st.sampled_from(AFTER))
    if data.draw(st.integers(0, 3)) == 3:
        history += weeks(max(millis(event.time) for event in history) + 1)
    assert differences(arrived(data.draw, history), -(-at // SECOND) * SECOND, config) == {}


def arrived(draw, history):
    """Return the events as they are recorded, in order of arrival: most at once, some at the border of the grace."""
    delays = draw(st.lists(st.sampled_from(DELAYS), min_size=len(history), max_size=len(history)))
    events = [
        msgspec.structs.replace(event, recordedtime=event.time + timedelta(milliseconds=delay)) if delay else event
        for event, delay in zip(history, delays, strict=True)
    ]
    events.sort(key=lambda event: event.recordedtime or event.time)
    return [json.loads(_encode(event)) for event in events]


def call(what, at, subject="call", **data):
    return happened(f"call.{what}", subject, at, **data)


def happened(what, subject, at, *, source="pbx", **data):
    """Return the event `support.<what>` of Ada's, `at` ms after the start."""
    time = datetime.fromtimestamp((START_MS + at) / 1000, tz=UTC).isoformat()
    envelope = {
        "specversion": "1.0",
        "source": source,
        "id": f"{what} {subject} {at}",
        "subject": subject,
        "time": time,
    }
    return envelope | {"type": f"support.{what}", "data": {"customer": "ada"} | data}


def status(subject, at, status_, **data):
    return happened("ticket.status_changed", subject, at, status=status_, **data)


def says(author, at, entity="ticket", **data):
    return happened(f"{entity}.message", "t", at, author=author, **data)


# Found by somebody who wrote the numbers a third time, from the page alone.
FOUND = {
    # "unanswered per responder": a bot answers for anyone, also on a solved ticket that is reopened later
    "a bot's reply on a solved ticket": [
        happened("ticket.created", "t", 0, created_by="agent"),
        status("t", MINUTE, "solved"),
        says("customer", 2 * MINUTE),
        says("bot", 3 * MINUTE),
        status("t", 4 * MINUTE, "open"),
        says("agent", 10 * MINUTE),
    ],
    "a bot's reply in a chat that has ended": [
        happened("chat.queued", "t", 0),
        happened("chat.answered", "t", MINUTE),
        happened("chat.ended", "t", 2 * MINUTE),
        says("customer", 3 * MINUTE, "chat"),
        says("bot", 4 * MINUTE, "chat"),
        happened("chat.queued", "t", 5 * MINUTE),
        says("agent", 10 * MINUTE, "chat"),
    ],
    # the group of the later end in order
    "an episode whose last tickets end together": [
        happened("ticket.created", "a", 0),
        happened("ticket.created", "b", MINUTE),
        status("a", HOUR, "solved", queue="qa"),
        status("b", HOUR, "solved", queue="qb"),
    ],
    "an episode whose ticket and call end together": [
        happened("ticket.created", "a", 0),
        call("queued", MINUTE),
        status("a", HOUR, "solved"),
        call("ended", HOUR),
    ],
    # "sent from their start to end + 1 h"
    "a survey sent as its call begins": [
        happened("survey.sent", "v", 0, about="call", kind="csat"),
        call("queued", 0),
        call("answered", MINUTE),
        call("ended", 5 * MINUTE),
    ],
    # "when it last became so"
    "a survey sent as another leaves the 30 days": [
        happened("survey.sent", f"v{day}", day * DAY, kind="csat") for day in (0, 1, 2, 30)
    ],
    # only contacts are forgotten after 90 days
    "a detractor who waits for more than 90 days": [
        happened("survey.answered", "v", 0, kind="nps", score=0, scale_min=0, scale_max=10),
        happened("customer.purchased", "ada", 95 * DAY, amount=1, currency="EUR"),
    ],
    "an answer after more than 90 days": [
        happened("survey.sent", "v", 0, kind="nps", channel="web"),
        happened("survey.answered", "v", 91 * DAY, score=10, scale_min=0, scale_max=10),
    ],
    "a cart that is bought again after more than 90 days": [
        happened("cart.purchased", "cart", 0),
        happened("cart.purchased", "cart", 91 * DAY),
    ],
    # "legs left by callback"
    "a contact that is left by callback twice": [
        call("queued", 0, queue="a"),
        call("left_queue", MINUTE, reason="callback"),
        call("queued", 2 * MINUTE, queue="b"),
        call("left_queue", 3 * MINUTE, reason="callback"),
    ],
    # starts at one instant are in the order of the events that they are, not of the tickets' first ones
    "a ticket whose created comes late, at the start of another": [
        happened("ticket.assigned", "t0", 0, agent="x"),
        happened("ticket.created", "a", HOUR, channel="phone"),
        happened("ticket.created", "t0", HOUR),
    ],
    # its first `queued` was lost: another one, hours later, starts neither the first wait nor the first response
    "a chat that begins with a message and a leg whose queued was not seen": [
        says("customer", 0, "chat"),
        happened("chat.offered", "t", 0),
        happened("chat.queued", "t", HOUR, queue="billing"),
        happened("chat.answered", "t", HOUR + 5 * SECOND),
        says("agent", HOUR + MINUTE, "chat"),
    ],
    # a contact is another one after the erasure, and its first `queued` another
    "an erasure between two queueds, the second with a left_queue": [
        call("queued", 0),
        happened("customer.erased", "ada", 0),
        call("queued", 1),
        call("left_queue", 1, reason="timeout"),
    ],
    # the leg gives the chat an end, and with it the episode: when the leg is lost
    "a chat without a leg that gets one of which only the ring is seen": [
        call("answered", 0, waited_seconds=0),
        says("customer", MINUTE, "chat"),
        call("ended", 2 * MINUTE),
        happened("chat.not_answered", "t", HOUR),
        happened("customer.purchased", "ada", DAY, amount=1, currency="EUR"),
    ],
    # the place of a contact is that of its `queued`, also where what it explains sorts before it; the last event orders anew
    "a contact whose first queued comes at the instant of its end, behind another's": [
        call("left_queue", 0, "b", reason="timeout", source="s"),
        call("queued", 0, "a", queue="a"),
        call("queued", 0, "b", source="s"),
        happened("ticket.deleted", "t", 0),
    ],
}

#: ms from the start to the next midnight
MIDNIGHT = -START_MS % DAY
#: what needs windows of its own
FOUND_IN = {
    # the top 10 where the longest window has begun anew at midnight
    "topics of the last hour of yesterday": (
        [happened("ticket.created", f"t{n}", MIDNIGHT - HOUR // 2, topic=topic) for n, topic in enumerate("xy")],
        45 * MINUTE,
        {"metrics": {"tickets_by_topic": {"windows": ["1h", "today"]}}},
    ),
    # "another contact start ... before it": also of one that is forgotten
    "a repeat of a contact that is forgotten": (
        [
            call("queued", 0, "a"),
            call("answered", MINUTE, "a"),
            call("ended", 2 * MINUTE, "a"),
            happened("ticket.created", "b", DAY),
            status("b", 60 * DAY, "solved"),
            call("queued", 90 * DAY + 5 * HOUR, "n"),
        ],
        HOUR,
        {"metrics": {"repeat_contact_ratio": {"windows": ["90d"]}}},
    ),
}


@pytest.mark.parametrize("events", FOUND.values(), ids=FOUND)
@pytest.mark.parametrize("after", [MINUTE, 2 * HOUR])
def test_what_was_found_has_the_numbers_of_the_reference(events, after):
    last = max(millis(datetime.fromisoformat(event["time"])) for event in events)
    assert differences(events, last + after, {}) == {}


# "`queue_waiting` and `callback_pending` have the leg's group": that of the event that opened the leg.
def test_the_group_of_a_leg_that_waits_while_its_team_changes():
    events = [call("queued", 0, queue="billing"), call("offered", MINUTE, team="red")]
    assert differences(events, START_MS + 2 * MINUTE, {}) == {}


def test_the_group_of_a_callback_whose_team_changed_while_it_waited():
    events = [
        call("queued", 0, queue="billing"),
        call("offered", MINUTE, team="red"),
        call("left_queue", 2 * MINUTE, reason="callback"),
    ]
    assert differences(events, START_MS + 3 * MINUTE, {}) == {}


@pytest.mark.parametrize(("events", "after", "config"), FOUND_IN.values(), ids=FOUND_IN)
def test_what_was_found_in_other_windows_has_the_numbers_of_the_reference(events, after, config):
    last = max(millis(datetime.fromisoformat(event["time"])) for event in events)
    assert differences(events, last + after, config) == {}


def test_a_contact_that_500_others_pushed_out_is_still_what_the_next_one_repeats():
    """The reference forgets none of them: its episode begins with the first, and that is all the difference."""
    events = [
        event
        for n in range(502)
        for event in (
            call("queued", n * MINUTE, f"c{n}"),
            call("answered", n * MINUTE + 5 * SECOND, f"c{n}"),
            call("ended", n * MINUTE + 10 * SECOND, f"c{n}"),
        )
    ]
    found = differences(events, START_MS + 503 * MINUTE, {})
    assert {family for family, _ in found} <= {
        "support_time_to_solution_seconds", "support_time_to_solution_mean_seconds",
    }  # fmt: skip


@pytest.mark.parametrize("groupings", [[["queue", "channel"]], [["channel", "queue"], ["queue", "team"]]])
def test_groupings_of_two_dimensions_only(groupings):
    events = [happened("ticket.created", "a", 0, queue="billing", channel="phone")]
    assert differences(events, START_MS + HOUR, {"dimensions": {"groupings": groupings}}) == {}


def test_a_label_that_is_a_dimension_too_is_shown_once():
    """By topic, a number that has a label `topic` of its own would stand there twice: that grouping is left out."""
    events = [
        happened("ticket.created", "a", 0, topic="x", team="red"),
        happened("ticket.categorized", "a", MINUTE, topic="y"),
        happened("ticket.created", "b", 2 * MINUTE, topic="y"),
    ]
    config = {"dimensions": {"names": ["team", "topic"], "groupings": [[], ["topic"], ["team", "topic"]]}}
    series = of_the_product(events, START_MS + HOUR, config)
    by = {dict(labels)["by"] for family, labels in series if family == "support_tickets_by_topic"}
    assert by == {"all"}
    assert ("support_tickets_created", (("by", "topic"), ("team", ""), ("topic", "y"), ("window", "1h"))) in series
