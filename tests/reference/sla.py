"""sla_met_ratio{target} and sla_open{target} of one ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .book import Book
    from .config import Config
    from .tickets import Life, Solve


def put_sla(life: Life, config: Config, book: Book, *, erased: bool) -> None:
    for target in life.targets:
        due = target.start + config.targets[target.kind]
        if target.done is not None and target.done.time <= due:
            book.put("sla_met_ratio", target.done_group, target.done.time, 1, target=target.kind)
            continue
        end = target.done or target.stopped
        # A miss is put at the due time if the work is still open then, and stays; still running at the solve: no
        # sample.
        # An event at the very due time is not after it: a solve there stops the target.
        if (end is None and due <= life.horizon) or (end is not None and end.time > due):
            book.put("sla_met_ratio", life.dims.before(due), due, 0, timed=True, target=target.kind)
        if end is None and not erased:
            # running and breached targets until the work is done
            book.open("sla_open", life.dims.group(), target.start, due, target=target.kind)
    if life.created is not None:
        _resolution(life, life.created.time, config, book, erased=erased)


def _resolution(life: Life, created: int, config: Config, book: Book, *, erased: bool) -> None:
    """The state at the due time decides: met at the last solve up to then, else missed; later events change nothing."""
    due = created + config.targets["resolution"]
    decided = min(due, life.horizon)
    solves = [s for s in life.solves if s.event.time <= decided]
    standing = _standing(solves, decided)
    gone_then = life.gone_event is not None and life.gone_event.time <= decided
    if standing is not None:
        if not standing.stub:
            book.put("sla_met_ratio", standing.group, standing.event.time, 1, target="resolution")
    elif not gone_then and due <= life.horizon:
        book.put("sla_met_ratio", life.dims.before(due), due, 0, timed=True, target="resolution")
    if life.finished or erased:
        return
    # Open until the work is done; a reopen starts no new target.
    if due > life.horizon or (standing is None and not any(s.event.time > due for s in life.solves)):
        book.open("sla_open", life.dims.group(), created, due, target="resolution")


def _standing(solves: list[Solve], at: int) -> Solve | None:
    """The last solve up to `at`, unless a reopen up to `at` took it back."""
    if not solves:
        return None
    last = solves[-1]
    return None if last.reopen is not None and last.reopen.time <= at else last
