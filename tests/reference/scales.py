"""Survey scales: where they come from, x, satisfied, classes. Exact arithmetic with Fractions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import Config


@dataclass
class Scale:
    low: Fraction
    high: Fraction
    best: str
    satisfied: Fraction | None


def exact(number: Any) -> Fraction:
    """The decimal number as it was written."""
    return Fraction(str(number))


def half_up(value: Fraction) -> int:
    """Rounded half up (toward plus infinity)."""
    return (value * 2 + 1) // 2


def micro(number: Any) -> int:
    """An amount, sentiment or normalised score as integer millionths, rounded half up."""
    return half_up((number if isinstance(number, Fraction) else exact(number)) * 1_000_000)


def scale_of(data: dict[str, Any], config: Config) -> Scale | None:
    """min, max, best come together: from the answer if it has both ends (best then defaults to high), else
    configured."""
    configured = config.scales.get(data.get("survey") or "", {})
    satisfied = exact(configured["satisfied"]) if "satisfied" in configured else None
    if data.get("scale_min") is not None and data.get("scale_max") is not None:
        return Scale(exact(data["scale_min"]), exact(data["scale_max"]), data.get("best") or "high", satisfied)
    if "min" in configured and "max" in configured:
        return Scale(exact(configured["min"]), exact(configured["max"]), configured.get("best", "high"), satisfied)
    return None


def scale_fault(data: dict[str, Any], config: Config) -> bool:
    """An answer with neither scale, or with a score or rating outside it, is dead-lettered."""
    scale = scale_of(data, config)
    if scale is None or scale.low >= scale.high:
        return True
    scores = [data["score"], *(data.get("ratings") or {}).values()]
    return any(not scale.low <= exact(score) <= scale.high for score in scores)


def normal(score: Any, scale: Scale) -> Fraction:
    """x = (score - min)/(max - min), 1 - that where best is low."""
    x = (exact(score) - scale.low) / (scale.high - scale.low)
    return 1 - x if scale.best == "low" else x


def is_satisfied(score: Any, scale: Scale) -> bool:
    """The configured threshold; else 7 on 1-10 and 0-10 (mirrored for low); else x >= 0.75."""
    x = normal(score, scale)
    if scale.satisfied is not None:
        return exact(score) <= scale.satisfied if scale.best == "low" else exact(score) >= scale.satisfied
    if scale.high == 10 and scale.low in {0, 1}:
        return scale.low + x * (scale.high - scale.low) >= 7
    return x >= Fraction(3, 4)


def satisfaction_class(x: Fraction) -> str:
    """1 + 9 x rounded half up: promoter 9-10, satisfied 7-8, at_risk <= 6."""
    grade = half_up(1 + 9 * x)
    return "promoter" if grade >= 9 else "satisfied" if grade >= 7 else "at_risk"


def nps_class(x: Fraction) -> str:
    """Classes 0-6, 7-8, 9-10 of 10 x rounded half up."""
    grade = half_up(10 * x)
    return "promoter" if grade >= 9 else "passive" if grade >= 7 else "detractor"
