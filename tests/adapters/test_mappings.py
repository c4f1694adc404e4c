"""What becomes of each vendor's own fields: which event, at what time, with what score and whose id."""

import itertools

import pytest

from streamer.ingest.adapters import ADAPTERS
from streamer.ingest.adapters.base import Delivery, RefusedError, Source, UnknownTypeError
from streamer.producers.identity import Identity
from tests.adapters.test_adapters import CASES, FIXTURES, KEY, NOW, Remembered, adapt, one, put

STRUCTURED = {"content-type": "application/cloudevents+json"}
BINARY = {"content-type": "application/json", "ce-specversion": "1.0", "ce-id": "a 5", "ce-source": "s",
          "ce-type": "support.ticket.created", "ce-time": "2026-11-24T06:00:00Z"}  # fmt: skip


def test_zendesk_maps_the_fields():
    [created] = one("zendesk", 1)
    [message] = one("zendesk", 2)
    [held] = one("zendesk", 3)
    [assigned] = one("zendesk", 4)

    assert created["subject"] == message["subject"] == assigned["subject"] == "zendesk:35436"
    assert created["data"]["customer"] == message["data"]["customer"] == assigned["data"]["customer"]
    labels = {name: created["data"][name] for name in ("channel", "queue", "team", "priority", "created_by")}
    assert labels == {
        "channel": "web",
        "queue": "billing",
        "team": "billing",
        "priority": "high",
        "created_by": "customer",
    }
    assert (message["data"]["author"], message["data"]["public"], message["time"]) == (
        "agent",
        True,
        "2026-11-24T06:05:00.250Z",
    )
    assert held["data"]["status"] == "on_hold"
    assert len(assigned["data"]["agent"]) == 32


def test_a_rating_is_about_its_ticket():
    [answer] = one("zendesk", 7)

    assert answer["data"]["about"] == one("zendesk", 1)[0]["subject"]
    assert (answer["data"]["score"], answer["data"]["has_comment"]) == (0, True)


def test_a_rating_that_is_given_again_counts_each_time():
    def rating(score, updated_at):
        ticket = {"id": "35436", "requester_id": "20978392", "updated_at": updated_at}
        return {"ticket": {**ticket, "satisfaction_rating": {"score": score}}}

    scores = (("Good", "2026-11-24T06:00Z"), ("Bad", "2026-11-24T06:05Z"), ("Good", "2026-11-24T06:09Z"))
    given = [rating(*one) for one in scores]
    answers = [adapt("zendesk", one)[0] for one in given]

    assert len({answer["id"] for answer in answers}) == 3
    assert len({answer["subject"] for answer in answers}) == 1
    assert [answer["data"]["score"] for answer in answers] == [1, 0, 1]
    assert answers[2]["time"] == "2026-11-24T06:09:00.000Z"
    assert adapt("zendesk", given[2], before=given)[0] == answers[2]


@pytest.mark.parametrize(
    ("text", "score", "highest", "commented"),
    [
        ("Good, I'm satisfied", 1, 1, False),
        ("good_with_comment", 1, 1, True),
        ("Bad with comment", 0, 1, True),
        ("1", 1, 5, False),
        ("5 - Very satisfied", 5, 5, False),
    ],
)
def test_zendesk_s_ways_to_write_a_rating(text, score, highest, commented):
    rating = {"id": "1", "requester_id": "2", "satisfaction_rating": {"score": text}}
    [answer] = adapt("zendesk", {"ticket": rating})

    data = answer["data"]
    assert (data["score"], data["scale_max"], data["has_comment"]) == (score, highest, commented)


@pytest.mark.parametrize("text", ["0", "6", "4.5", "55", "excellent", ""])
def test_what_is_no_rating_of_zendesk_s_is_refused(text):
    with pytest.raises(RefusedError, match="score"):
        adapt("zendesk", {"ticket": {"id": "1", "requester_id": "2", "satisfaction_rating": {"score": text}}})


def test_intercom_maps_the_fields():
    [created], [bot], [closed], [rated], [away] = (one("intercom", number) for number in range(1, 6))

    assert created["time"] == "2026-11-24T05:59:50.000Z"
    assert (created["data"]["channel"], created["data"]["team"]) == ("email", "tier-1")
    assert (bot["data"]["author"], bot["data"]["automated"]) == ("bot", True)
    assert closed["data"]["status"] == "solved"
    assert (rated["data"]["score"], rated["data"]["scale_max"]) == (4, 5)
    assert away["data"]["status"] == "away"
    [begun], [note] = one("intercom", 6), one("intercom", 7)
    assert begun["data"]["created_by"] == "agent"
    assert begun["data"]["customer"] == created["data"]["customer"]
    assert (note["data"]["author"], note["data"]["public"]) == ("agent", False)
    assert note["data"]["agent"] == away["data"]["agent"]


def test_freshdesk_maps_the_fields():
    [created], [solved], [assigned], [message] = (one("freshdesk", number) for number in range(1, 5))

    assert (created["data"]["channel"], created["data"]["team"], created["data"]["priority"]) == (
        "email",
        "billing",
        "high",
    )
    assert (solved["data"]["status"], solved["time"]) == ("solved", "2026-11-24T07:00:00.000Z")
    assert len(assigned["data"]["agent"]) == 32
    assert (message["data"]["author"], message["data"]["customer"]) == ("agent", created["data"]["customer"])
    with pytest.raises(RefusedError, match="requester_id"):
        adapt("freshdesk", next(case["payload"] for n, i, case in CASES if (n, i) == ("freshdesk", 4)))


def test_twilio_s_two_ways_mean_the_same_and_an_unknown_type_spoils_no_batch():
    [form] = one("twilio", 3)
    [streamed] = one("twilio", 11)

    assert form["time"] == "2026-11-24T06:00:00.250Z"
    assert form["data"]["agent"] == streamed["data"]["agent"]
    assert form["data"]["queue"] == streamed["data"]["queue"] == "billing"
    assert one("twilio", 5)[0]["data"]["kind"] == "consult"
    assert one("twilio", 12)[0]["data"]["customer"] == form["data"]["customer"]


def test_amazon_connect_reads_names_in_any_case():
    assert one("amazon-connect", 1) == one("amazon-connect", 6)
    assert one("amazon-connect", 1)[0]["time"] == "2026-11-24T06:00:05.123Z"
    assert one("amazon-connect", 3)[0]["data"]["by"] == "customer"
    assert one("amazon-connect", 8)[0]["data"]["status"] == "away"


def test_genesys_durations_are_ms_and_a_contact_keeps_its_customer():
    offered, missed = one("genesys", 5)
    [queued], [ended] = one("genesys", 1), one("genesys", 7)

    assert (offered["time"][17:], missed["time"][17:], missed["data"]["ring_seconds"]) == ("48.000Z", "00.500Z", 12.5)
    assert ended["data"]["customer"] == queued["data"]["customer"]
    assert [event["time"][17:] for event in one("genesys", 6)] == ["45.500Z", "00.500Z"]
    assert one("genesys", 10)[0]["data"]["direction"] == "callback"


def test_chatwoot_accepts_both_ways_of_times_and_types():
    [customer], [agent], [template] = (one("chatwoot", number) for number in (2, 3, 4))

    assert (customer["time"], customer["data"]["author"]) == ("2020-03-03T13:05:57.000Z", "customer")
    assert (agent["data"]["author"], agent["data"]["customer"]) == ("agent", customer["data"]["customer"])
    assert (template["data"]["author"], template["data"]["automated"]) == ("system", True)


def test_zammad_s_snapshots_become_what_changed():
    [message], [opened, assigned], [closed] = (one("zammad", number) for number in (2, 3, 4))

    assert (message["data"]["author"], message["data"]["public"]) == ("agent", True)
    assert (opened["data"]["status"], closed["data"]["status"]) == ("open", "solved")
    assert assigned["data"]["agent"] == message["data"]["agent"]


def zammad(number, at, **ticket):
    """Return the delivery of an article of ticket 81."""
    of = {"id": 301 + number, "sender": "Agent" if number else "Customer", "created_at": at}
    base = {"id": 81, "customer_id": 17, "group": "Users", "owner_id": 1, "article_count": number + 1}
    base |= {"state": "new", "created_at": "2026-11-24T06:00:00Z", "updated_at": at}
    return {"ticket": base | ticket, "article": of}


ZAMMAD = (
    zammad(0, "2026-11-24T06:00:00Z"),
    zammad(0, "2026-11-24T06:01:00Z", owner_id=4, state="open"),
    zammad(1, "2026-11-24T06:10:00Z", owner_id=4, state="open"),
    zammad(2, "2026-11-24T06:20:00Z", owner_id=4, state="closed"),
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(ZAMMAD)))), ids=str)
def test_zammad_s_deliveries_in_any_order_tell_one_creation_and_every_reply(order):
    state, events = Remembered(), []
    for number in (*order, *order):  # and each again
        delivery = Delivery(ZAMMAD[number], {}, NOW, f"digest{number}")
        events += ADAPTERS["zammad"].adapt(delivery, Source("zammad", KEY), state)
    by_id = {event["id"]: event for event in events}
    of = {name: [e for e in by_id.values() if e["type"] == f"support.ticket.{name}"] for name in ("created", "message")}

    assert [(e["time"], e["data"]["created_by"]) for e in of["created"]] == [("2026-11-24T06:00:00.000Z", "customer")]
    replies = sorted((e["time"][11:16], e["data"]["author"]) for e in of["message"])
    assert replies == [("06:10", "agent"), ("06:20", "agent")]
    last = {event["type"]: event["data"] for event in sorted(by_id.values(), key=lambda event: event["time"])}
    assert last["support.ticket.status_changed"]["status"] == "solved"
    assert last["support.ticket.assigned"]["agent"] == Identity(KEY).agent("zammad:4")


def test_a_zammad_ticket_s_creation_is_not_told_again_by_a_late_change():
    [closed] = adapt("zammad", zammad(0, "2026-12-24T06:00:00Z", state="closed"), before=ZAMMAD[:1])

    assert closed["type"] == "support.ticket.status_changed"


def test_what_a_survey_tool_sends_besides_answers_is_no_error():
    answer = next(case["payload"] for n, i, case in CASES if (n, i) == ("delighted", 2))
    ignored = [
        {"event_type": "unsubscribe.created", "event_id": "e", "event_data": {"id": "1", "email": "a@b.example"}}
    ]
    ignored += [{"event_type": [], "event_data": {}}, put(answer, ("event_data", "survey_type"), "smileys")]
    for payload in ignored:
        with pytest.raises(UnknownTypeError):
            adapt("delighted", payload)
    with pytest.raises(RefusedError, match="survey_type"):
        adapt("delighted", {"event_type": "survey_response.created", "event_data": {"id": "1"}})
    with pytest.raises(UnknownTypeError):
        adapt("surveymonkey", {"event_type": []})


def test_survey_scores_and_their_scales():
    answers = [one(name, number)[0]["data"] for name, number in (("delighted", 2), ("helpscout", 1), ("helpscout", 2))]

    assert [(one["score"], one["scale_max"], one["kind"]) for one in answers] == [
        (3, 10, "nps"), (2, 2, "csat"), (9, 10, "nps"),
    ]  # fmt: skip
    assert "scale_max" not in one("delighted", 3)[0]["data"]
    assert one("typeform", 3)[0]["data"]["kind"] == "ces"


def test_help_scout_s_surveys_are_on_the_scale_of_their_kind():
    nps, faces, thumbs = (one("helpscout", number)[0]["data"] for number in (2, 3, 4))

    assert [(a["survey"], a["kind"], a["score"], a["scale_max"]) for a in (nps, faces, thumbs)] == [
        ("helpscout-survey", "nps", 9, 10), ("helpscout-faces", "csat", 1, 2), ("helpscout-thumbs", "csat", 1, 1),
    ]  # fmt: skip
    assert nps["customer"] == faces["customer"] == Identity(KEY).customer("helpscout:500")
    [case] = [case for name, number, case in CASES if (name, number) == ("helpscout", 2)]
    without_id = put(case["payload"], ("_embedded", "customer", "id"), None)
    assert adapt("helpscout", without_id)[0]["data"]["customer"] == Identity(KEY).customer("jane@example.com")
    for response in ({"comment": "only words"}, {"name": "Woman in Lotus Position", "value": "x"}, {"value": "Blue"}):
        with pytest.raises(UnknownTypeError):
            adapt("helpscout", {"response": {**response, "timestamp": "2026-11-24T06:00:00Z"}})


def test_rocket_chat_s_chats_are_legs_with_their_times():
    [queued], [again], [answered], [customer], [agent] = (one("rocketchat", number) for number in range(1, 6))
    [forwarded] = one("rocketchat", 7)
    transferred, taken = one("rocketchat", 8)
    closing = one("rocketchat", 9)

    assert (queued["time"], answered["time"]) == ("2026-11-24T06:00:00.000Z", "2026-11-24T06:00:40.000Z")
    assert {event["data"]["queue"] for event in (queued, again, answered)} == {"billing"}
    assert again["id"] != queued["id"]
    assert [event["data"]["author"] for event in (customer, agent)] == ["customer", "agent"]
    assert answered["data"]["agent"] == agent["data"]["agent"] != taken["data"]["agent"]
    assert (forwarded["data"]["to_queue"], transferred["data"]["to_queue"]) == ("tech", "billing")
    assert taken["time"] == transferred["time"] == "2026-11-24T06:05:00.000Z"
    # What was told already comes with the same ids when the chat is over, so nothing counts twice.
    assert [event["id"] for event in closing[:2]] == [customer["id"], agent["id"]]
    assert (closing[2]["data"]["by"], closing[2]["time"]) == ("agent", "2026-11-24T06:09:00.000Z")
    assert {event["data"]["customer"] for event in closing} == {Identity(KEY).customer("rocketchat:JvL5ePjtCFsx9Ryv7")}


def test_survicate_s_words_are_scores_where_they_are_listed():
    nps, words, number = (one("survicate", n)[0] for n in range(1, 4))

    assert [(one["data"]["kind"], one["data"]["score"]) for one in (nps, words, number)] == [
        ("nps", 9), ("csat", 5), ("ces", 6),
    ]  # fmt: skip
    assert nps["data"]["customer"] == Identity(KEY).customer("survicate:17")
    assert number["data"]["customer"] == Identity(KEY).customer("jane@example.com")
    # Two questions of one response are two answers.
    assert nps["subject"] == words["subject"] != number["subject"]
    [case] = [case for name, n, case in CASES if (name, n) == ("survicate", 2)]
    with pytest.raises(UnknownTypeError):
        adapt("survicate", case["payload"])


def test_surveymonkey_s_notice_has_no_score_and_says_so():
    [listed], [first], [stated] = (one("surveymonkey", number) for number in (1, 2, 3))

    assert (stated["data"]["kind"], stated["data"]["score"], stated["data"]["scale_max"]) == ("nps", 9, 10)
    assert (listed["data"]["kind"], listed["data"]["score"], listed["data"]["scale_max"]) == ("nps", 9, 10)
    assert (first["data"]["kind"], first["data"]["score"], first["data"]["survey"]) == ("csat", 4, "post-chat")
    assert (listed["data"]["has_comment"], listed["data"]["started_at"]) == (True, "2026-11-24T06:00:00.000Z")
    notice = {"name": "w", "event_type": "response_completed", "event_id": "1", "object_type": "survey",
              "resources": {"survey_id": "1234567890", "respondent_id": "5007154401"}}  # fmt: skip
    with pytest.raises(RefusedError, match="no score"):
        adapt("surveymonkey", notice)
    with pytest.raises(UnknownTypeError):
        adapt("surveymonkey", {**notice, "event_type": "collector_created"})


def test_a_contact_record_of_amazon_connect_is_no_event_and_no_error():
    record = {"AWSContactTraceRecordFormatVersion": "2017-03-10", "ContactId": "5a1b3c2d", "Channel": "VOICE"}
    with pytest.raises(UnknownTypeError):
        adapt("amazon-connect", {**record, "Agent": {"ARN": "arn:a/agent/a1", "AgentInteractionDuration": 9}})


def test_cloudevents_by_header_and_by_body_are_the_same_event():
    event = {"specversion": "1.0", "id": "a 5", "source": "/my shop/café", "type": "support.ticket.created"}
    event |= {"time": "2026-11-24T06:00:00Z", "recordedtime": "2026-11-24T06:00:03Z", "subject": 'T "5"'}
    [structured] = adapt(
        "cloudevents",
        {**event, "data": {"customer": "c1", "channel": "email"}},
        {"content-type": "application/cloudevents+json; charset=utf-8"},
    )
    [binary] = one("cloudevents", len((FIXTURES / "cloudevents.jsonl").read_text().splitlines()))

    assert structured == binary
    assert binary["recordedtime"] == "2026-11-24T06:00:03.000Z"
    assert "recordedtime" not in one("cloudevents", 1)[0]
    # Only one round is undone.
    [twice] = adapt("cloudevents", {"customer": "c1"}, {"ce-subject": "100%2525", **BINARY})
    [plain] = adapt("cloudevents", {**event, "subject": "100%25", "data": {"customer": "c1"}}, STRUCTURED)
    assert twice["subject"] == plain["subject"]
    with pytest.raises(RefusedError, match="recordedtime"):
        adapt("cloudevents", {**event, "recordedtime": "soon", "data": {"customer": "c1"}}, STRUCTURED)


def test_amazon_connect_s_hold_is_put_at_the_end_and_no_reason_is_no_guess():
    held, resumed, ended = one("amazon-connect", len((FIXTURES / "amazon-connect.jsonl").read_text().splitlines()))

    assert (resumed["time"], ended["time"]) == (one("amazon-connect", 3)[0]["time"],) * 2
    assert int(resumed["time"][17:19]) - int(held["time"][17:19]) in (15, 15 - 60)
    assert "by" not in ended["data"]
    [case] = [case for n, i, case in CASES if n == "amazon-connect" and len(case["expect"]) == 3]
    later = adapt("amazon-connect", put(case["payload"], ("detail", "eventType"), "COMPLETED"))
    assert [event["id"] for event in later[:2]] == [held["id"], resumed["id"]]
    assert later[2]["type"] == "support.call.wrapped_up"


def test_a_task_that_is_moved_waits_in_the_other_queue():
    [moved] = one("twilio", len((FIXTURES / "twilio.jsonl").read_text().splitlines()))

    assert (moved["type"], moved["data"]["queue"]) == ("support.call.queued", "tech")
