"""Theory through the whole program: the exposition of a simulated M/M/c+M queue gives the Erlang-A formula's numbers."""

import json
from statistics import stdev

import pytest

from streamer.producers.simulator import erlang_a, simulate
from streamer.replay import exposition, read_all
from streamer.settings import Settings
from tests.theory.erlang_a import Performance
from tests.theory.test_erlang_a import HOUR_MS, SMALL, START_MS, TARGET_S, _batches

HOURS = 200
METRICS = ("abandon_ratio", "service_level_ratio", "answer_wait", "abandon_wait")


@pytest.mark.slow
def test_the_program_gives_the_formula_s_numbers_within_the_sampling_error(tmp_path):
    """Within four standard errors, taken from batch means of the same events."""
    centre = erlang_a(arrivals=SMALL.arrivals, service=SMALL.service, agents=SMALL.agents, impatience=SMALL.impatience)
    events = list(simulate(centre, start_ms=START_MS, duration_ms=HOURS * HOUR_MS, seed=2))
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    settings = Settings.model_validate({"metrics": {name: {"windows": ["30d"]} for name in METRICS}})
    refused = []
    text = exposition(settings, read_all(settings, [str(path)], refused), START_MS + HOURS * HOUR_MS)
    assert refused == []

    def shown(family, **own):
        """The one series of all groups with these labels."""
        labels = {"by": "all", "channel": "", "queue": "", "team": "", "window": "30d", **own}
        inside = ",".join(f'{name}="{labels[name]}"' for name in sorted(labels))
        return float(next(line for line in text.splitlines() if line.startswith(f"{family}{{{inside}}} ")).split()[-1])

    measured = Performance(
        abandoned=shown("support_abandon_ratio", short="included"),
        answered_within=shown("support_service_level_ratio", formula="offered"),
        answered_wait=shown("support_answer_wait_mean_seconds"),
        abandoned_wait=shown("support_abandon_wait_mean_seconds"),
    )
    batches = _batches(events, HOURS, 20)
    for name, theory, seen, parts in zip(
        Performance._fields, SMALL.by_density(TARGET_S), measured, zip(*batches, strict=True), strict=True
    ):
        error = stdev(parts) / len(parts) ** 0.5
        assert error < 0.06 * theory, f"{name}: too few calls to tell"
        assert seen == pytest.approx(theory, abs=4 * error), name
