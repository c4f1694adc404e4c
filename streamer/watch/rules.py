"""The rules of Prometheus, made from the tables of alerts: `python -m streamer.watch.rules [FILE] [--check]`."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from streamer.watch.alert import Alert
from streamer.watch.operations import OPERATIONS
from streamer.watch.platform import PLATFORM
from streamer.watch.quality import QUALITY
from streamer.watch.targets import DEFAULTS, TARGET, recorded

__all__ = ["ALERTS", "FILE", "main", "runbook_url", "text"]

FILE: Final = Path("prometheus") / "rules.yml"
RUNBOOK: Final = "docs/runbook.md"
ALERTS: Final = {"platform": PLATFORM, "operations": OPERATIONS, "quality": QUALITY}

_HEAD: Final = """\
# Made by `python -m streamer.watch.rules` from the tables in streamer/watch; do not edit it.
# Needs Prometheus 2.42 or newer (keep_firing_for).
groups:
"""


def runbook_url(alert: Alert, runbook: str = RUNBOOK) -> str:
    """Return the address of an alert's section in the runbook, as Markdown renderers name it."""
    return f"{runbook}#{alert.name.lower()}"


def text(runbook: str = RUNBOOK) -> str:
    """Return the rules as YAML; the same tables give the same bytes. `runbook` is where the runbook can be read."""
    parts = [_HEAD, "  - name: support-targets\n    rules:\n"]
    for metric in sorted(DEFAULTS):
        parts += _lines("record", TARGET, [("expr", recorded(metric))], {"labels": {"metric": metric}})
    for group, alerts in ALERTS.items():
        parts.append(f"  - name: support-{group}\n    rules:\n")
        for alert in alerts:
            parts += _alert(alert, runbook)
    return "".join(parts)


def _alert(alert: Alert, runbook: str) -> Iterator[str]:
    times = [(key, value) for key, value in (("for", alert.hold), ("keep_firing_for", alert.keep)) if value != "0s"]
    tables = {
        "labels": {"severity": alert.severity.value, "team": alert.team.value},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": runbook_url(alert, runbook),
        },
    }
    yield from _lines("alert", alert.name, [("expr", alert.expr), *times], tables)


def _lines(kind: str, name: str, values: list[tuple[str, str]], tables: dict[str, dict[str, str]]) -> Iterator[str]:
    yield f"      - {kind}: {name}\n"
    for key, value in values:
        if "\n" in value:
            yield f"        {key}: |-\n"
            yield from (f"          {line}\n" for line in value.splitlines())
        else:
            yield f"        {key}: {_scalar(value)}\n"
    for key, table in tables.items():
        yield f"        {key}:\n"
        yield from (f"          {label}: {_scalar(value)}\n" for label, value in table.items())


def _scalar(value: str) -> str:
    """Return a string as YAML: plain where it can be, else in the quotes that need no escapes, else as JSON."""
    if value.replace("_", "").isalnum():
        return value
    return f"'{value}'" if '"' in value and "'" not in value else json.dumps(value)


def main(arguments: list[str] | None = None) -> int:
    """Write the rules, or with --check only compare; return 1 if they differed from the tables then."""
    parser = argparse.ArgumentParser(prog="python -m streamer.watch.rules", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=FILE)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file is out of date")
    parser.add_argument("--runbook", default=RUNBOOK, metavar="URL", help="where the runbook is read, for the links")
    options = parser.parse_args(arguments)
    file: Path = options.file
    wanted = text(options.runbook)
    if file.is_file() and file.read_text(encoding="utf-8") == wanted:
        return 0
    if options.check:
        sys.stderr.write(f"{file}: out of date\n")
        return 1
    file.write_text(wanted, encoding="utf-8")
    sys.stdout.write(f"{file}: written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
