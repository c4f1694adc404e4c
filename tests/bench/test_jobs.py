"""The benchmark's jobs, without Kafka: what their states write is what a plain computation says."""

import json
from types import SimpleNamespace

import pytest

from bench.jobs import JOBS
from bench.processes import Mark, steady
from bench.states import STATES
from bench.tickets import events, plain

pytestmark = pytest.mark.slow

EVENTS, CHUNK, CUT = 40_000, 700, 2_100


def work_off(job, values):
    """Give the values to a state in chunks, with cuts in between; gives the changelogs and the state recovered from them."""
    state, tables = STATES[job](lambda _: None), {}
    for first in range(0, len(values), CHUNK):
        state.apply("", [SimpleNamespace(value=value) for value in values[first : first + CHUNK]])
        if first % CUT == 0 or first + CHUNK >= len(values):
            for table, rows in state.changes(0).tables.items():
                tables.setdefault(table, {}).update(rows)
    fresh = STATES[job](lambda _: None)
    for table, rows in tables.items():
        fresh.restore_many(table, list(rows.items()))
    fresh.restored()
    return fresh.result()


@pytest.mark.parametrize("job", JOBS)
def test_a_job_gives_the_results_of_a_plain_computation(job):
    expected = plain(EVENTS)[JOBS.index(job)]
    found = work_off(job, [json.dumps(event).encode() for event in events(EVENTS)])
    assert {key[1:]: count for key, (count, _) in found.items()} == expected if job == "j1" else found == expected


def test_a_tickets_first_event_may_come_last():
    values = [json.dumps(event).encode() for event in events(EVENTS)]
    assert work_off("j3", values[::-1]) == plain(EVENTS)[2]


def test_the_cost_is_counted_from_a_third_on():
    marks = [Mark(0, 0, 0, 0), Mark(100, 10, 5, 150), Mark(300, 20, 6, 300)]
    assert steady(marks) == (1.0 / 200 * 1e6, 20.0, 0.75, 6.0 / 300 * 1e6)
    assert steady(marks[:1]) is None
