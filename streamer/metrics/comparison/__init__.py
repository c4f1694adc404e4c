"""Comparison: baselines, spikes, drivers and shifts, from panes. A pure function of panes, settings and T."""

from streamer.metrics.comparison.numbers import Comparison

__all__ = ["Comparison"]
