"""Medians, and how they are printed."""

import sys
from collections.abc import Sequence
from statistics import median


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def show(name: str, values: Sequence[float], unit: str = "") -> None:
    """Print the median of some values, and between what they lie."""
    spread = f"  ({min(values):.2f} to {max(values):.2f}, {len(values)} runs)" if len(values) > 1 else ""
    say(f"{name:<44}{median(values):>12.2f} {unit}{spread}")
