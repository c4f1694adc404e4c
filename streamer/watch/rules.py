"""The rules of Prometheus, made from the tables of alerts: `python -m streamer.watch.rules [FILE] [--check]`.

Without FILE the repository's own are made: its rules, and the runbook as boards serve it.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from streamer.watch import runbook
from streamer.watch.alert import Alert, of_fresh_boards
from streamer.watch.operations import OPERATIONS
from streamer.watch.platform import PLATFORM
from streamer.watch.quality import QUALITY

__all__ = ["ALERTS", "FILE", "main", "runbook_url", "text"]

FILE: Final = Path("prometheus") / "rules.yml"
#: where a board on this machine serves it: `streamer watch` with its defaults, and docker-compose.yml
RUNBOOK: Final = "http://127.0.0.1:8080/runbook"
ALERTS: Final = {"platform": PLATFORM, "operations": OPERATIONS, "quality": QUALITY}

_HEAD: Final = """\
# Made by `python -m streamer.watch.rules` from the tables in streamer/watch; do not edit it.
# Needs Prometheus 2.42 or newer (keep_firing_for).
groups:
"""


def runbook_url(alert: Alert, address: str = RUNBOOK) -> str:
    """Return the address of an alert's section in the runbook, as Markdown renderers name it."""
    return f"{address}#{alert.name.lower()}"


def text(address: str = RUNBOOK) -> str:
    """Return the rules as YAML; the same tables give the same bytes. `address` is where the runbook can be read."""
    parts = [_HEAD]
    for group, alerts in ALERTS.items():
        parts.append(f"  - name: support-{group}\n    rules:\n")
        for alert in alerts:
            parts += _alert(alert, address)
    return "".join(parts)


def _alert(alert: Alert, address: str) -> Iterator[str]:
    times = [(key, value) for key, value in (("for", alert.hold), ("keep_firing_for", alert.keep)) if value != "0s"]
    tables = {
        "labels": {"severity": alert.severity.value, "team": alert.team.value},
        "annotations": {
            "summary": alert.summary,
            "description": of_fresh_boards(alert.description),
            "runbook_url": runbook_url(alert, address),
        },
    }
    yield f"      - alert: {alert.name}\n"
    for key, value in [("expr", of_fresh_boards(alert.expr)), *times]:
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
    """Write what differs, or with --check only compare; return 1 if something differed then."""
    parser = argparse.ArgumentParser(prog="python -m streamer.watch.rules", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=FILE)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file is out of date")
    parser.add_argument("--runbook", default=RUNBOOK, metavar="URL", help="where the runbook is read, for the links")
    options = parser.parse_args(arguments)
    wanted = {options.file: text(options.runbook)}
    if options.file == FILE:
        wanted[runbook.PAGE] = runbook.page(runbook.SOURCE.read_text(encoding="utf-8"))
    outdated = [file for file in wanted if not file.is_file() or file.read_text(encoding="utf-8") != wanted[file]]
    for file in outdated:
        if options.check:
            sys.stderr.write(f"{file}: out of date\n")
        else:
            file.write_text(wanted[file], encoding="utf-8")
            sys.stdout.write(f"{file}: written\n")
    return int(options.check and bool(outdated))


if __name__ == "__main__":
    sys.exit(main())
