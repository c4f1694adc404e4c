"""A support centre that behaves: a discrete-event simulation that yields CloudEvents."""

from streamer.producers.simulator.centre import Centre, Incident, Queue, Shape, SurveyForm
from streamer.producers.simulator.incident import parse_incident
from streamer.producers.simulator.pacing import pace
from streamer.producers.simulator.presets import bench, demo, erlang_a
from streamer.producers.simulator.simulation import simulate

__all__ = [
    "Centre",
    "Incident",
    "Queue",
    "Shape",
    "SurveyForm",
    "bench",
    "demo",
    "erlang_a",
    "pace",
    "parse_incident",
    "simulate",
]
