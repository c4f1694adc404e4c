"""The fact: a signed contribution to one number, and the integer that says to which.

A fact is the tuple ``(cell, at, value, sign)``:

* ``cell`` names the number: a catalogue row, a group, and whether the fact is time-made (see `cell`);
* ``at`` is event time in integer milliseconds since the epoch, possibly in the future;
* ``value`` is an integer: milliseconds, millionths, 0 or 1 for a ratio, whatever the row says;
* ``sign`` is +1, or -1 for a contribution that a later event takes back.

Timelines emit facts, panes add them up. Neither needs to know the other.
"""

from typing import TypeAlias

Fact: TypeAlias = tuple[int, int, int, int]

#: 13 bits of group (5,000 and the overflow group), 14 of row (some 300 fixed ones and the open labels), 1 of time-made:
#: a cell fits in 28 bits, so that a slice number and a cell share one int64 when a batch of facts is sorted.
ROW_BITS = 14
GROUP_BITS = 13
CELL_BITS = 1 + ROW_BITS + GROUP_BITS
ROW_LIMIT = 1 << ROW_BITS
GROUP_LIMIT = 1 << GROUP_BITS
#: Multiply a group number by this.
GROUP_UNIT = 1 << (1 + ROW_BITS)


def cell(row: int, group: int, *, time_made: bool = False) -> int:
    """Return the cell of a catalogue row and a group number; `time_made` where the fact's time is no event's time."""
    return group * GROUP_UNIT + row * 2 + time_made


def retracted(fact: Fact) -> Fact:
    """Return the fact that takes `fact` back."""
    return (fact[0], fact[1], fact[2], -fact[3])


def moved(fact: Fact, group: int) -> Fact:
    """Return the same contribution in another group."""
    return (fact[0] % GROUP_UNIT + group * GROUP_UNIT, *fact[1:])
