"""Numbers to the Prometheus text format, joined from cached label strings.

prometheus-client renders 20,000 series in 390 ms, this in a fraction; a property test holds both equal byte for byte.
"""

from collections.abc import Iterable

from streamer.metrics.catalogue import Metric
from streamer.metrics.evaluate import Block

#: own label sets whose texts are kept: about 3,000 are in use; open label values come and go
_TEXTS_MAX = 20_000


def render(blocks: Iterable[Block], names: tuple[str, ...]) -> str:
    """Return the exposition text of some blocks; `names` are the dimensions. Families come in the catalogue's order."""
    families: dict[str, list[Block]] = {}
    for block in blocks:
        families.setdefault(block.family, []).append(block)
    lines: list[str] = []
    for family, members in families.items():
        lines.append(f"# HELP {family} {help_of(members[0].metric, family)}")
        lines.append(f"# TYPE {family} {type_of(members[0])}")
        lines.extend(_lines(block, names) for block in members)
    lines.append("")
    return "\n".join(lines)


def type_of(block: Block) -> str:
    """Return the type of a block's family."""
    return "summary" if any(key == "quantile" for key, _ in block.labels) else "gauge"


def help_of(metric: Metric, family: str) -> str:
    """Return the HELP text of a family, escaped."""
    text = f"{metric.about} {metric.formula[:1].upper()}{metric.formula[1:]}."
    if family.endswith("_samples"):
        text = f"Number of samples behind {metric.name}."
    elif family.endswith("_oldest_age_seconds"):
        text = f"Age of the oldest of {metric.name}."
    elif family.endswith("_over_target"):
        text = f"How many of {metric.name} are past their due time."
    elif family.endswith("_at_risk"):
        text = f"How many of {metric.name} fall due within 15 minutes."
    return text.replace("\\", r"\\").replace("\n", r"\n")


class Texts:
    """What is kept of one family's own label set: what stands before each place's value, and the lines made last."""

    __slots__ = ("lines", "prefixes", "shown", "values")

    def __init__(self) -> None:
        self.prefixes: list[str] = []
        self.shown = b""
        self.values = b""
        self.lines = ""


def _lines(block: Block, names: tuple[str, ...]) -> str:
    """Return the lines of a block; most numbers are what they were a second ago."""
    places = block.places
    key = (block.family, block.labels)
    texts = places.texts.get(key)
    if texts is None:
        if len(places.texts) >= _TEXTS_MAX:
            places.texts.clear()
        texts = places.texts[key] = Texts()
    chosen = places.order[block.shown[places.order]]
    found = block.values[chosen].astype(float)
    shown, values = chosen.tobytes(), found.tobytes()
    if texts.shown != shown or texts.values != values:
        prefixes = _prefixes(texts.prefixes, block, names)
        numbers = map(number, found.tolist())
        texts.lines = "\n".join(prefixes[p] + value for p, value in zip(chosen.tolist(), numbers, strict=True))
        texts.shown, texts.values = shown, values
    return texts.lines


def _prefixes(prefixes: list[str], block: Block, names: tuple[str, ...]) -> list[str]:
    """Return what stands before the value in each place's line, with those of new places added."""
    for by, values in block.places.labels[len(prefixes) :]:
        labels = labels_of(by, values, block.labels, names)
        inside = ",".join(f'{name}="{_escaped(labels[name])}"' for name in sorted(labels))
        prefixes.append(f"{block.family}{{{inside}}} ")
    return prefixes


def labels_of(
    by: str, values: tuple[str, ...], own: tuple[tuple[str, str], ...], names: tuple[str, ...]
) -> dict[str, str]:
    """Return all labels of a series."""
    return {"by": by, **dict(zip(names, values, strict=True)), **dict(own)}


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(value: float) -> str:
    """Return a number as prometheus-client writes it (floatToGoString)."""
    text = repr(value)
    # prometheus-client switches to Go's exponent from seven digits before the point on.
    if value >= 1e6 and (point := text.find(".")) > 6:  # noqa: PLR2004 (prometheus-client's own limit)
        mantissa = f"{text[0]}.{text[1:point]}{text[point + 1 :]}".rstrip("0.")
        return f"{mantissa}e+{point - 1:02d}"
    return text
