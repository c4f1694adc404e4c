"""Targets that alerts compare with: the configuration's where it has one, else a default."""

from typing import Final

#: metric -> its target where `[targets]` names none; csat_ratio has one always, and is here for a board that is not there
DEFAULTS: Final = {
    "abandon_ratio": 0.1,
    "csat_ratio": 0.8,
    "service_level_ratio": 0.8,
}
#: PromQL cannot say "or else" inside an alert's description: so it is recorded
TARGET: Final = "support:metric_target:or_default"


def target(metric: str) -> str:
    """Return PromQL of a metric's target."""
    assert metric in DEFAULTS
    return f'{TARGET}{{metric="{metric}"}}'


def recorded(metric: str) -> str:
    """Return PromQL of what is recorded as the metric's target."""
    return f'max(support_metric_target{{metric="{metric}"}}) or vector({DEFAULTS[metric]})'
