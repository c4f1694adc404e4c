"""Numbers to the Prometheus text format, joined from the lines of the last time.

prometheus-client renders 20,000 series in 390 ms, this in a fraction; a property test holds both equal byte for byte.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from streamer.metrics.catalogue import Metric
from streamer.metrics.evaluate import Block
from streamer.panes.histogram import Ints

Mask = npt.NDArray[np.bool_]
#: numbers whose texts are kept: of those that change in a second 80 to 95 % were shown before, many of them counts
_NUMBERS_MAX = 50_000


def render(blocks: Iterable[Block], names: tuple[str, ...]) -> str:
    """Return the exposition text of some blocks; `names` are the dimensions. Families come in the catalogue's order.

    The blocks are of the same places, which keep the lines for the next time: few numbers are others a second later.
    """
    families: dict[str, list[Block]] = {}
    for block in blocks:
        families.setdefault(block.family, []).append(block)
    if not families:
        return ""
    sorted_ = [block for members in families.values() for block in members]
    places = sorted_[0].places
    places.lines = kept = _Lines(sorted_, names, places.lines)
    lines: list[str] = []
    first = 0
    for family, members in families.items():
        lines.append(f"# HELP {family} {help_of(members[0].metric, family)}")
        lines.append(f"# TYPE {family} {type_of(members[0])}")
        for of_block in kept.lines[first : first + len(members)]:
            lines += of_block
        first += len(members)
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


class _Lines:
    """The lines of some blocks; those of the blocks `before` whose numbers are the same bits are taken from there."""

    def __init__(self, blocks: Sequence[Block], names: tuple[str, ...], before: "_Lines | None") -> None:
        self.width = width = len(blocks[0].shown)
        if before is not None and before.width > width:
            before = None  # these numbers are older: written again
        self.shown = np.concatenate([block.shown for block in blocks]).reshape(-1, width)
        values = np.concatenate([block.values for block in blocks]).astype(np.float64)
        self.bits = values.view(np.int64).reshape(-1, width)
        self.rows = {(block.family, block.labels): row for row, block in enumerate(blocks)}
        known = np.full(len(blocks), -1, dtype=np.int64)
        if before is not None:  # a block that is there twice finds itself once: no list is in two places
            known[:] = [before.rows.pop((block.family, block.labels), -1) for block in blocks]
        same, changed = self._compared(known, before)
        #: by block: its lines
        self.lines: list[list[str]] = []
        #: by block: what stands before the value of each place; empty until it is shown
        self.prefixes: list[list[str]] = []
        counts = np.count_nonzero(self.shown, axis=1).tolist()
        for old, is_same, count in zip(known.tolist(), same.tolist(), counts, strict=True):
            self.lines.append(before.lines[old] if before and is_same else [""] * count)
            prefixes = before.prefixes[old] if before and old >= 0 else []
            self.prefixes.append(prefixes if len(prefixes) == width else prefixes + [""] * (width - len(prefixes)))
        self._write(blocks, names, changed)

    def _compared(self, known: Ints, before: "_Lines | None") -> tuple[Mask, Mask]:
        """Return which blocks show the same places as before, and which cells are to be written."""
        found = known >= 0
        shown, bits = np.zeros_like(self.shown), np.zeros_like(self.bits)
        if before is not None:
            shown[found, : before.width] = before.shown[known[found]]
            bits[found, : before.width] = before.bits[known[found]]
        same = found & (shown == self.shown).all(axis=1)
        return same, self.shown & ((bits != self.bits) | ~same[:, np.newaxis])

    def _write(self, blocks: Sequence[Block], names: tuple[str, ...], changed: Mask) -> None:
        order = blocks[0].order
        place_in_block = np.cumsum(self.shown[:, order], axis=1) - 1
        rows, columns = np.nonzero(changed[:, order])
        places = order[columns]
        numbers = map(_NUMBERS.__getitem__, self.bits[rows, places].view(np.float64).tolist())
        for row, place, at, text in zip(
            rows.tolist(), places.tolist(), place_in_block[rows, columns].tolist(), numbers, strict=True
        ):
            prefixes = self.prefixes[row]
            if not prefixes[place]:
                prefixes[place] = _prefix(blocks[row], place, names)
            self.lines[row][at] = prefixes[place] + text


def _prefix(block: Block, place: int, names: tuple[str, ...]) -> str:
    labels = labels_of(*block.places.labels[place], block.labels, names)
    inside = ",".join(f'{name}="{_escaped(labels[name])}"' for name in sorted(labels))
    return f"{block.family}{{{inside}}} "


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


class _Numbers(dict[float, str]):
    """The texts of numbers, as they come."""

    def __missing__(self, value: float) -> str:
        text = number(value)
        if value:  # 0.0 and -0.0 are the same key
            if len(self) >= _NUMBERS_MAX:
                self.clear()
            self[value] = text
        return text


_NUMBERS = _Numbers()
