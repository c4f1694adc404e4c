"""Writes the dashboards: `python -m streamer.watch.dashboards [FOLDER] [--check] [--runbook URL]`."""

import argparse
import sys
from pathlib import Path
from typing import Final

from streamer.watch.dashboards.journey import JOURNEY
from streamer.watch.dashboards.queues import QUEUES
from streamer.watch.dashboards.satisfaction import SATISFACTION
from streamer.watch.dashboards.tickets import TICKETS
from streamer.watch.dashboards.trust import TRUST
from streamer.watch.dashboards.wall import WALL
from streamer.watch.rules import RUNBOOK

FOLDER: Final = Path("grafana") / "dashboards"
PAGES: Final = (WALL, QUEUES, TICKETS, SATISFACTION, JOURNEY, TRUST)


def texts(runbook: str = RUNBOOK) -> dict[str, str]:
    """Return name of file -> dashboard; `runbook` is where the links to it lead."""
    return {f"{page.uid.removeprefix('streamer-')}.json": page.text(runbook) for page in PAGES}


def main(arguments: list[str] | None = None) -> int:
    """Write the dashboards, or with --check only compare; return 1 if a file differed, lacked or was too many then."""
    parser = argparse.ArgumentParser(prog="python -m streamer.watch.dashboards", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of date")
    parser.add_argument("--runbook", default=RUNBOOK, metavar="URL", help="where the runbook is read, for the links")
    options = parser.parse_args(arguments)
    folder: Path = options.folder
    wanted = texts(options.runbook)
    there = {file.name: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.json"))}
    differing = [name for name in sorted(wanted.keys() | there.keys()) if wanted.get(name) != there.get(name)]
    for name in differing:
        file = folder / name
        if options.check:
            sys.stderr.write(f"{file}: out of date\n")
        elif name not in wanted:
            file.unlink()
            sys.stdout.write(f"{file}: removed\n")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            file.write_text(wanted[name], encoding="utf-8")
            sys.stdout.write(f"{file}: written\n")
    return int(options.check and bool(differing))


if __name__ == "__main__":
    sys.exit(main())
