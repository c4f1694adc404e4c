"""`streamer explain METRIC`: what a metric is, from the catalogue."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamer.errors import UsageError
from streamer.metrics.catalogue import METRICS, OWN
from streamer.metrics.explain import explanation, find, origin, unknown
from streamer.options import JsonOption

#: lines longer than this are hard to read
_WIDTH_MAX = 110


def explain(
    metric: Annotated[
        str | None,
        typer.Argument(help="A metric or one of its families, with or without support_. Without it: all metrics."),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002 (a flag)
) -> None:
    """Say what a metric is: definition, formula, what counts, the events it needs, windows, edge cases, PromQL."""
    if metric is None:
        _list(as_json=as_json)
        return
    found = find(metric)
    if found is None:
        raise UsageError(f"{unknown(metric)}\nall metrics: streamer explain")
    known = explanation(found)
    if as_json:
        typer.echo(json.dumps(known, indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        typer.echo(f"{known['name']}: {known['definition']}")
        for title, lines in entries(known):
            typer.echo("\n".join(f"{title}: {line}" for line in lines))
        return
    console.print(Text(known["name"], "bold"))
    console.print(known["definition"], soft_wrap=False, width=min(console.width, _WIDTH_MAX), markup=False)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    shown = dict(entries(known))
    reads = shown.pop("PromQL")
    for title, lines in shown.items():
        grid.add_row(title, Text("\n".join(lines)))
    console.print(grid, soft_wrap=False, width=min(console.width, _WIDTH_MAX))
    for line in reads:  # not wrapped: they are there to be copied
        console.print(Text(line))


def _list(*, as_json: bool) -> None:
    known = {metric.name: metric.about for metric in (*METRICS, *OWN)}
    width = max(map(len, known))
    lines = [f"{name:{width}}  {definition}" for name, definition in known.items()]
    typer.echo(json.dumps(known, indent=2, ensure_ascii=False) if as_json else "\n".join(lines))


def entries(known: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Return the titles and lines of an explanation, in the order in which they are shown; none that is empty."""
    found = {
        "Kind": [known["kind"]],
        "Formula": [known["formula"]],
        "Counts": [known["counted"]],
        "Does not count": [known["not_counted"]],
        "Counted at": [known["counted_at"]],
        "Needs": [
            need["type"] + (f" ({', '.join(need['fields'])})" if need["fields"] else "") for need in known["needs"]
        ],
        "Windows": [" ".join(known["windows"])],
        "Labels": [_label(key, values) for key, values in known["labels"].items()],
        "Families": [f"{name} ({kind})" for name, kind in known["families"].items()],
        "Exposed by": [f"the {known['exposed_by']}"],
        "Edge cases": known["edge_cases"],
        "Elsewhere": [known["elsewhere"]],
        "Asked for by": [known["asked_for_by"]],
        "PromQL": [f"{query['query']}  # {query['reads']}" for query in known["promql"]],
    }
    return ((title, lines) for title, lines in found.items() if any(lines))


def _label(key: str, values: list[str]) -> str:
    return f"{key}: {' '.join(value or '(empty)' for value in values) or origin(key)}"
