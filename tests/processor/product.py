"""Workers with the product's own state, on the product's topics, and what they must come to.

What is recovered from the changelogs, as a board does it, has to be what the acknowledged events give offline: the same
panes, cell by cell, also those that nobody shows, and the same exposition text, line by line. Nothing is left out and
nothing is rounded. (How many repeats and late events came is not there: the workers count those for their own /metrics,
since they started.)
"""

import asyncio
import random
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from math import isclose

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from streamer.board.merge import Merge
from streamer.events.codec import Decoder
from streamer.facts import GROUP_UNIT, ROW_LIMIT
from streamer.metrics.catalogue import FIXED_ROWS
from streamer.metrics.evaluate import evaluate
from streamer.metrics.exposition import render
from streamer.metrics.plan import Plan
from streamer.panes.histogram import BUCKET_BITS
from streamer.panes.store import EVER, NO_CELLS, SIZES
from streamer.processor.command import worker_config
from streamer.processor.topics import administer
from streamer.producers.kafka import address
from streamer.producers.simulator import demo, simulate
from streamer.producers.simulator.pacing import event_ms
from streamer.replay import accept, replayed, snapshot_of
from streamer.settings import Settings
from tests import reference
from tests.processor.kit import Group

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
#: of a simulated hour: so few that a run of seconds is days, in which windows pass and timelines are folded
EVENTS_PER_HOUR = 320

encode = msgspec.json.Encoder().encode


def centre(customers):
    """The demo's centre with a fortieth of its contacts."""
    whole = demo(customers=customers)
    queues = tuple(
        replace(
            queue, calls_per_hour=queue.calls_per_hour / 40, chats_per_hour=queue.chats_per_hour / 40,
            tickets_per_hour=queue.tickets_per_hour / 40, agents=2, desk_agents=2,
        )
        for queue in whole.queues
    )  # fmt: skip
    return replace(
        whole, queues=queues, intercepts_per_hour=1.5, relationship_per_hour=0.2, carts_per_hour=6.5,
        heartbeat_ms=6 * HOUR, established_ms=0,
    )  # fmt: skip


def history(number, end, customers, seed=7):
    """About `number` events up to `end` (ms) as JSON, in order of arrival: some hours late, some too late, some twice."""
    dice, arrivals = random.Random(seed), []
    duration = number * HOUR // EVENTS_PER_HOUR
    for event in simulate(centre(customers), start_ms=end - duration, duration_ms=duration, seed=seed):
        delay = dice.choices((0, dice.randrange(6 * HOUR), 25 * HOUR), (94, 5, 1))[0]
        arrival = min(event_ms(event) + delay, end)
        event["recordedtime"] = datetime.fromtimestamp(arrival / 1000, UTC).isoformat()
        value = encode(event)
        arrivals.append((arrival, value))
        if dice.random() < 0.05:
            arrivals.append((dice.randrange(arrival, end + 1), value))
    return [value for _, value in sorted(arrivals)]


def expected(settings, values, at):
    """What an evaluation at `at` (ms) reads of some events, by the offline code."""
    decoder = Decoder(settings.surveys.scales, settings.time.future)
    found = [(arrival, event, when) for event, when, arrival in (accept(decoder, value) for value in values)]
    found.sort(key=lambda record: record[0])
    return snapshot_of(replayed(settings, found, at))


def recovered(settings, panes):
    """The same of what is in the panes' changelog, by the board's code; `panes` are its rows by partition."""
    merge = Merge(settings)
    for partition, rows in panes.items():
        merge.apply(partition, rows)
    return merge.snapshot()


def text(settings, snapshot, at):
    return render(evaluate(snapshot, settings, at), settings.dimensions.names)


def different_panes(settings, one, other, now):
    """The (slice size, slice) whose cells differ, of those that are kept at `now` (ms)."""
    lowest = [(now - kept) // size for kept, size in zip(Plan(settings).kept, SIZES, strict=True)]
    kept = {(s, n) for s, n in one.store.panes | other.store.panes if s == EVER or n >= lowest[s]}
    return {pane for pane in kept if cells(one, pane) != cells(other, pane)}


def cells(snapshot, pane):
    """(count, sum) of each cell and the count of each bucket, by what their numbers mean: two states number by themselves."""
    found = snapshot.store.panes.get(pane, NO_CELLS)

    def meaning(cell):
        row = cell // 2 % ROW_LIMIT
        kind = row if row < FIXED_ROWS else snapshot.open_rows[row - FIXED_ROWS]
        return snapshot.groups[cell // GROUP_UNIT], kind, cell % 2

    numbers, counts, totals, buckets, in_buckets = (column.tolist() for column in found)
    sums = {meaning(cell): both for cell, *both in zip(numbers, counts, totals, strict=True) if any(both)}
    spread = {
        (*meaning(bucket >> BUCKET_BITS), bucket % (1 << BUCKET_BITS)): count
        for bucket, count in zip(buckets, in_buckets, strict=True)
        if count
    }
    return sums, spread


def brute_force(settings, values, at):
    """The series that tests/reference gives; targets are configuration, and no state."""
    events = sorted((msgspec.json.decode(value) for value in values), key=lambda event: event["recordedtime"])
    found = reference.evaluate(events, at, settings.model_dump(mode="json", include={"dimensions"}))
    return {key: value for key, value in found.items() if key[0] != "support_metric_target"}


def series(shown):
    """The series of an exposition text as tests/reference gives them."""
    samples = [sample for family in text_string_to_metric_families(shown) for sample in family.samples]
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


class ProductGroup(Group):
    """Workers as `streamer worker` makes them. The topics are emptied: the broker has one such group at a time."""

    def __init__(self, folder, bootstrap, customers=500):
        self.customers = customers
        plain = {
            "kafka": {"bootstrap": bootstrap, "app": f"t{random.randrange(1 << 40):x}", "partitions": 4},
            "worker": {"session_timeout": "6s", "flush_interval": "200ms", "mark_interval": "1s"},
        }
        self.settings = Settings.model_validate(plain)
        config = replace(worker_config(self.settings), port=None)
        asyncio.run(empty(config))
        super().__init__(folder, config, asdict(config) | {"settings": plain})

    def produce(self, number, rate):
        """Send about so many events of a simulated past, at `rate` events a second."""
        self.end = time.time_ns() // 1_000_000 // SECOND * SECOND
        values = history(number, self.end, self.customers)
        records = []
        for value in values:
            topic, key = address(msgspec.json.decode(value))
            records.append((topic, key.encode(), value))
        return self.send(records, rate)

    def assert_same(self, audit):
        at, settings = self.end + MINUTE, self.settings
        values = [value for _, _, value in self.acknowledged]
        found, wanted = recovered(settings, audit.table("panes")), expected(settings, values, at)
        panes = different_panes(settings, found, wanted, time.time_ns() // 1_000_000)
        assert panes == set(), f"{len(panes)} panes: {sorted(panes)[:10]}"
        lines, wanted_lines = (sorted(text(settings, state, at).splitlines()) for state in (found, wanted))
        assert len(wanted_lines) > 1_000
        assert lines == wanted_lines, sorted(set(lines) ^ set(wanted_lines))[:10]

    def assert_as_reference(self, audit):
        """The same against tests/reference, which takes longer; it knows nothing of workers and panes."""
        at, settings = self.end + MINUTE, self.settings
        ours = series(text(settings, recovered(settings, audit.table("panes")), at))
        theirs = brute_force(settings, [value for _, _, value in self.acknowledged], at)
        assert len(ours) > 5_000
        assert ours.keys() == theirs.keys(), sorted(ours.keys() ^ theirs.keys())[:10]
        # The same integers, but floats are made of them in another order: as near as in tests/laws.
        apart = [key for key in ours if not isclose(ours[key], theirs[key], rel_tol=1e-9, abs_tol=1e-12)]
        assert apart == [], [(key, ours[key], theirs[key]) for key in apart[:10]]


async def empty(config):
    """Delete the topics that all applications of a broker share."""
    shared = {*config.sources, config.dead_letters}
    async with administer(config) as admin:
        await admin.delete_topics(list(shared & set(await admin.list_topics())))
        for _ in range(100):
            if not shared & set(await admin.list_topics()):
                return
            await asyncio.sleep(0.1)
    raise TimeoutError("topics are still there 10 s after they were deleted")
