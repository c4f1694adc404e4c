"""The read model as it runs: real Kafka and Redis, a worker, two boards that keep the model and one that has none."""

import json
import time
from contextlib import ExitStack
from urllib.parse import quote

import pytest
from redis import Redis

from streamer import SurveyGuard
from streamer.embedded import free_port
from streamer.errors import DependencyError
from streamer.journeys.guard import FATIGUE, RECENT
from streamer.producers.identity import Identity
from tests.board.journeys import DAY, HOUR, event, story
from tests.board.test_journey import PARTITIONS, House
from tests.services.process import wait_until
from tests.services.redis_server import RedisServer
from tests.whole.test_whole import Process, get

pytestmark = pytest.mark.slow
MODEL = "streamer:streamer"
WRITES = "support_board_journeys_timestamp_seconds "


def now():
    return time.time_ns() // 1_000_000


class Home(House):
    """`boards` keep the model; `board_port` is that of the board without Redis, which answers from the changelog."""

    def __init__(self, stack, folder, broker, redis):  # (not House's)
        self.stack, self.folder = stack, folder
        self.bootstrap = broker.bootstrap
        self.redis = redis
        self.client = Redis.from_url(self.redis.url)
        self.environment = {
            "STREAMER_KAFKA__BOOTSTRAP": self.bootstrap,
            "STREAMER_KAFKA__PARTITIONS": str(PARTITIONS),
            "STREAMER_LOGS__LEVEL": "warning",
        }
        worker_port = free_port()
        self.start("worker", worker_port)
        self.board_port = free_port()
        self.start("board", self.board_port)
        self.boards = {}
        self.add_board()
        self.add_board()
        for port in (self.board_port, *self.boards):
            self.ready(port)
        wait_until(lambda: self.as_of() > 0, 60)

    def start(self, command, port, **environment):
        environment = {**self.environment, f"STREAMER_{command.upper()}__PORT": str(port), **environment}
        process = Process(self.folder, environment, command)
        self.stack.callback(process.stop)
        return process

    def add_board(self):
        port = free_port()
        self.boards[port] = self.start("board", port, STREAMER_REDIS__URL=self.redis.url)
        return port

    def ready(self, port):
        wait_until(lambda: get(port, "/ready")[0] == 200, 60)

    def as_of(self):
        times = [json.loads(value)["time"] for value in self.client.hvals(f"{MODEL}:positions")]
        return min(times, default=0)

    def caught_up(self, since):
        """Everything flushed until then is in the model."""
        wait_until(lambda: self.as_of() > since, 60)

    def settled(self):
        """What was sent before is in the model: it is flushed within a second or so, and a flush is seen to have passed."""
        self.caught_up(now() + 1_500)

    def kept(self, what, customer):
        value = self.client.get(f"{MODEL}:{what}:{customer}")
        return None if value is None else json.loads(value)

    def writer(self):
        """The one board that keeps the model."""
        found = []

        def one():
            found[:] = [port for port in self.boards if WRITES in get(port, "/metrics")[1]]
            return len(found) == 1

        wait_until(one, 30)
        return found[0]

    def says(self, port, what, customer, query=""):
        status, text = get(port, f"/api/{what}/{quote(customer, safe='')}{query}")
        return status, json.loads(text) if status == 200 else text


@pytest.fixture(scope="module")
def home(broker, services, tmp_path_factory):
    with ExitStack() as stack:
        yield Home(stack, tmp_path_factory.mktemp("journeys"), broker, services.start(RedisServer))


def survey(customer, number, at, **data):
    return event(f"survey-{number}", at, "survey.sent", f"{customer}-{number}", customer, kind="csat", **data)


CUSTOMER = "a/b ü?"


def test_the_journey_in_redis_is_that_of_the_changelog_and_an_erased_customer_leaves_it(home):
    quarter = HOUR // 4
    home.send(story(now() - 34 * quarter, CUSTOMER, quarter))
    home.wait_for(CUSTOMER, lambda status, text: status == 200 and len(json.loads(text)["moments"]) == 9)
    wait_until(lambda: len((home.kept("journey", CUSTOMER) or {"moments": ()})["moments"]) == 9, 30)
    expected = home.says(home.board_port, "journey", CUSTOMER)
    assert home.kept("journey", CUSTOMER) == expected[1]
    assert [home.says(port, "journey", CUSTOMER) for port in home.boards] == [expected, expected]
    left = home.client.pttl(f"{MODEL}:journey:{CUSTOMER}")
    assert 89 * DAY < left <= 90 * DAY
    # Where the answer comes from: what only Redis has, only a board with Redis says.
    home.client.set(f"{MODEL}:journey:planted", b'{"customer":"planted"}')
    assert [home.says(port, "journey", "planted")[0] for port in (*home.boards, home.board_port)] == [200, 200, 404]

    assert home.kept("guard", CUSTOMER) is not None
    home.send([event("gone", now(), "customer.erased", CUSTOMER, CUSTOMER)])
    wait_until(lambda: home.kept("journey", CUSTOMER) is None, 30)
    assert home.kept("guard", CUSTOMER) is None
    assert [home.says(port, "journey", CUSTOMER)[0] for port in home.boards] == [404, 404]
    assert [home.says(port, "survey-guard", CUSTOMER)[1]["allowed"] for port in home.boards] == [True, True]


def test_the_guard_says_why_not_and_until_when_with_and_without_redis(home):
    at = now()
    home.send(
        [
            survey("recent", 1, at - 2 * DAY, department="sales"),
            survey("tired", 1, at - 12 * DAY, department="sales"),
            survey("tired", 2, at - 10 * DAY, department="support"),
            survey("rested", 1, at - 31 * DAY),
            survey("rested", 2, at - 8 * DAY),
        ]
    )
    wait_until(lambda: home.kept("guard", "recent") and home.kept("guard", "tired"), 60)
    home.settled()
    for port in (*home.boards, home.board_port):
        _, recent = home.says(port, "survey-guard", "recent", "?department=sales")
        (reason,) = recent["reasons"]
        assert (recent["customer"], recent["allowed"], reason["reason"]) == ("recent", False, RECENT)
        assert (reason["department"], reason["same_department"]) == ("sales", True)
        _, tired = home.says(port, "survey-guard", "tired", "?department=sales")
        (reason,) = tired["reasons"]
        assert (tired["allowed"], reason["reason"]) == (False, FATIGUE)
        assert (reason["department"], reason["same_department"]) == ("support", False)
        _, rested = home.says(port, "survey-guard", "rested")
        assert (rested["allowed"], rested["reasons"]) == (True, [])
        assert home.says(port, "survey-guard", "nobody")[1]["allowed"] is True
    # a key goes with the last thing that speaks against a survey
    assert home.client.pexpiretime(f"{MODEL}:guard:recent") == at - 2 * DAY + 7 * DAY + 1
    assert home.client.pexpiretime(f"{MODEL}:guard:tired") == at - 12 * DAY + 30 * DAY
    assert home.client.exists(f"{MODEL}:guard:rested") == 0


def test_the_sdk_asks_by_the_sources_own_id(home, tmp_path):
    key = tmp_path / "key"
    key.write_bytes(b"0123456789abcdef")
    hashed = Identity.from_file(key).customer("ann@example.com")
    home.send([survey(hashed, 1, now() - 2 * DAY, department="sales")])
    wait_until(lambda: home.kept("guard", hashed), 60)
    with SurveyGuard(home.redis.url, key_file=key) as guard:
        verdict = guard.may_survey("ann@example.com", department="support")
        assert verdict.allowed is False
        (refusal,) = verdict.refusals
        assert (refusal.reason, refusal.department, refusal.same_department) == (RECENT, "sales", False)
        home.settled()
        bob = guard.may_survey("bob@example.com")
        assert bob
        assert bob.refusals == ()
    with SurveyGuard(home.redis.url, key_file=key, app="another") as guard:
        assert guard.may_survey("bob@example.com").allowed is None
    with (
        SurveyGuard(f"redis://127.0.0.1:{free_port()}", key_file=key) as guard,
        pytest.raises(DependencyError, match="redis"),
    ):
        guard.may_survey("bob@example.com")


def test_two_boards_publish_the_headline_once(home):
    with home.client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(f"{MODEL}:headline")
        said = []
        deadline = time.monotonic() + 60
        while len(said) < 4 and time.monotonic() < deadline:
            message = channel.get_message(timeout=1)
            if message is not None:
                said.append(message["data"])
    as_of = [json.loads(one)["as_of"] for one in said]
    assert len(as_of) == 4
    assert as_of == sorted(set(as_of))
    assert json.loads(said[-1])["tiles"]["waiting"]["metric"] == "queue_waiting"
    assert json.loads(home.client.get(f"{MODEL}:headline"))["as_of"] >= as_of[-1]
    assert home.writer() in home.boards


def tickets(names, what, at):
    kinds = {"created": {}, "status_changed": {"status": "solved"}}
    return [event(what, at, f"ticket.{what}", f"T-{name}", name, **kinds[what]) for name in names]


def solved(home, names):
    found = [home.kept("journey", name) for name in names]
    return sum(one is not None and one["moments"][0]["details"]["status"] == "solved" for one in found)


def test_a_killed_board_is_followed_by_the_other_which_goes_on_where_it_was(home):
    names = [f"kill-{i}" for i in range(300)]
    home.client.set(f"{MODEL}:journey:kept", b"{}")  # a model that is made anew loses it
    writer = home.writer()
    home.send(tickets(names, "created", now()))
    wait_until(lambda: home.kept("journey", names[0]), 60)
    home.boards.pop(writer).kill9()
    home.send(tickets(names, "status_changed", now()))
    wait_until(lambda: solved(home, names) == len(names), 60)
    assert home.client.exists(f"{MODEL}:journey:kept")
    # and the board that is alone, killed and started again
    writer = home.writer()
    home.boards.pop(writer).kill9()
    names = [f"again-{i}" for i in range(300)]
    home.send([*tickets(names, "created", now()), *tickets(names, "status_changed", now() + 1)])
    home.add_board()
    wait_until(lambda: solved(home, names) == len(names), 60)
    assert home.client.exists(f"{MODEL}:journey:kept")


def test_without_redis_the_board_goes_on_and_afterwards_the_model_is_whole_again(home):
    (port,) = home.boards
    home.ready(port)
    home.send(tickets(["before"], "created", now()))
    wait_until(lambda: home.kept("journey", "before"), 60)
    home.redis.stop()
    wait_until(lambda: "support_board_redis_outages_total 1.0" in get(port, "/metrics")[1], 30)
    home.send([*tickets(["meanwhile"], "created", now()), survey("meanwhile", 1, now(), department="sales")])
    wait_until(lambda: home.says(port, "journey", "meanwhile")[0] == 200, 30)
    assert home.says(port, "journey", "before")[0] == 200
    assert home.says(port, "survey-guard", "before")[1]["allowed"] is True
    wait_until(lambda: home.says(port, "survey-guard", "meanwhile")[1]["allowed"] is False, 30)
    assert get(port, "/ready")[0] == 200
    home.redis.start()  # empty
    wait_until(lambda: home.kept("journey", "before") and home.kept("journey", "meanwhile"), 60)
    wait_until(lambda: home.kept("guard", "meanwhile"), 60)
    home.caught_up(0)
    assert "support_board_redis_outages_total 1.0" in get(port, "/metrics")[1]
    assert home.boards[port].log.read_text().count("redis fails") == 1
