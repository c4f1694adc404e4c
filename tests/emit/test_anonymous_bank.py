"""Real calls: what pandas computes from the table is what the emitted events say."""

import json
from pathlib import Path

import pandas as pd
import pytest

from streamer import cli

ROOT = Path(__file__).parents[2]
MAPPING = ROOT / "examples" / "anonymous_bank.toml"
THREE_DAYS = ROOT / "tests" / "data" / "anonymous_bank_1999_01_01-03.tsv"
QUEUES = {
    "PS": "regular",
    "PE": "regular_english",
    "IN": "internet",
    "NE": "stock_exchange",
    "NW": "new_customers",
    "TT": "callback",
}


def emitted(source, target):
    """The events of the file, by the command."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["emit", str(source), "--mapping", str(MAPPING), "--out", str(target)])
    assert ended.value.code in (0, None)
    return [json.loads(line) for line in target.read_text().splitlines()]


@pytest.fixture(scope="module")
def three_days(tmp_path_factory):
    """The events of three days, which no test changes."""
    return emitted(THREE_DAYS, tmp_path_factory.mktemp("bank") / "calls.jsonl")


def calls_of_events(events):
    """One row a call, from nothing but its events."""
    calls = {}
    for event in events:
        call = calls.setdefault(event["subject"], {"outcome": None, "agent": None})
        what = event["type"].removeprefix("support.call.")
        call[what] = pd.Timestamp(event["time"])
        call["queue"] = event["data"]["queue"]
        call["customer"] = event["data"].get("customer")
        if what in ("answered", "abandoned"):
            call["outcome"] = what
            call["agent"] = event["data"].get("agent")
            waited_s = event["data"].get("waited_seconds")
            call["wait_s"] = (call[what] - call["queued"]).total_seconds() if waited_s is None else waited_s
        elif what == "ended":
            call["talk_s"] = (call["ended"] - call["answered"]).total_seconds() if "answered" in call else 0.0
    return pd.DataFrame.from_dict(calls, orient="index").sort_index()


def calls_of_table(source):
    """One row a call that was offered to an agent, from the table as it is."""
    table = pd.read_csv(source, sep="\t", dtype=str)
    queued = table["q_start"].str.strip() != "0:00:00"
    agent = table["outcome"] == "AGENT"
    table = table[agent | ((table["outcome"] == "HANG") & queued)]
    customer = table["customer_id"]
    calls = pd.DataFrame(
        {
            "outcome": (table["outcome"] == "AGENT").map({True: "answered", False: "abandoned"}),
            "queue": table["type"].map(QUEUES),
            "customer": customer.where(customer != "0", None),
            "agent": table["server"].where((table["server"] != "NO_SERVER") & (table["outcome"] == "AGENT"), None),
            "wait_s": table["q_time"].astype(float),
            "talk_s": table["ser_time"].astype(float).where(table["outcome"] == "AGENT", 0.0),
        }
    )
    return calls.set_index(table["date"] + "-" + table["vru+line"] + "-" + table["call_id"]).sort_index()


def assert_equal(calls, expected):
    columns = ["outcome", "queue", "customer", "agent", "wait_s", "talk_s"]
    pd.testing.assert_frame_equal(
        expected[columns].fillna("-"), calls[columns].fillna("-"), check_names=False, check_dtype=False
    )


def test_three_days_of_calls_say_what_the_table_says(three_days):
    calls = calls_of_events(three_days)

    assert_equal(calls, calls_of_table(THREE_DAYS))
    answered = calls[calls["outcome"] == "answered"]
    # The same by awk over the table.
    assert (len(calls), len(answered)) == (2_817, 2_610)
    assert (answered["wait_s"].sum(), answered["talk_s"].sum()) == (56_198, 451_521)


@pytest.mark.slow
def test_the_month_has_the_calls_that_its_table_offers(shared, tmp_path):
    source = shared / "data" / "anonymous_bank_1999_01.tsv.xz"
    events = emitted(source, tmp_path / "calls.jsonl")
    calls = calls_of_events(events)

    assert_equal(calls, calls_of_table(source))
    assert len(calls) == 30_161
    assert round((calls["outcome"] == "abandoned").mean(), 4) == 0.1028
    assert sum("waited_seconds" in event["data"] for event in events) == 13_475
    assert [event["time"] for event in events] == [event["recordedtime"] for event in events]
    times = [pd.Timestamp(event["time"]) for event in events]
    assert times == sorted(times)


def test_calls_over_midnight_end_on_the_next_day(three_days):
    calls = calls_of_events(three_days)

    over = calls[calls["ended"].dt.date > calls["answered"].dt.date]
    assert len(over) == 6
    assert (calls["ended"] - calls["queued"].fillna(calls["answered"])).max() < pd.Timedelta(hours=2)


def test_no_call_in_the_table_is_counted_twice_or_lost(three_days):
    assert len({(event["source"], event["id"]) for event in three_days}) == len(three_days)
    assert len({event["subject"] for event in three_days}) == 2_817
