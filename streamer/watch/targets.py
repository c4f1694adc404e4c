"""Targets that alerts compare with: those of `[targets]`, which the page shows too, and no others."""

from typing import Final

TARGET: Final = "support_metric_target"


def target(metric: str) -> str:
    """Return PromQL of a metric's target: nothing where none is set, and so no alert."""
    return f'max({TARGET}{{metric="{metric}"}})'
