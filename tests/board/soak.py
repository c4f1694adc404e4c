"""Hours of the wall in minutes of yours: `python -m tests.board.soak [--minutes 10] [--pages 200]`.

A board in this process whose queues fill and empty, one real Chromium, and other readers of the stream in a process of
their own. Prints what the page holds (heap after a collection, nodes, listeners), the board's memory and its share of a
core; ends with 1 if the page or the board has grown by more than a fifth since the end of the first quarter.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout, TCPConnector

from tests.board.browser import opened
from tests.board.walls import START, Wall, story
from tests.services.chromium import Chromium

_EVERY_SECONDS = 15
_GROWTH = 1.2
_MINUTES_BEFORE = 60


async def read(url, pages):
    """Read the stream as so many pages do, until ended."""

    async def one(session):
        async with session.get(f"{url}api/stream") as answer:
            async for _ in answer.content.iter_any():
                pass

    async with ClientSession(timeout=ClientTimeout(total=None), connector=TCPConnector(limit=0)) as session:
        await asyncio.gather(*(one(session) for _ in range(pages)))


async def _feed(wall, events, seconds):
    """Hand out events as time passes, one second's at a time."""
    for second in range(seconds):
        end = START + (_MINUTES_BEFORE * 60 + second + 1) * 1000
        due = []
        while events and events[-1][2] < end:
            due.append(events.pop())
        if due:
            await wall.feed(due)
            del wall._written[1:]  # only a restart would need it
        await asyncio.sleep(1)


async def soak(minutes, pages):
    """Return whether page and board have kept their size."""
    events = story(minutes=_MINUTES_BEFORE + minutes + 1, incident=f"billing@+{_MINUTES_BEFORE}m/2m x5")[::-1]
    wall = Wall()
    await wall.start()
    first = []
    while events and events[-1][2] < START + _MINUTES_BEFORE * 60_000:
        first.append(events.pop())
    wall.view.waiting = "starting"
    await wall.feed(first)
    wall.view.waiting = ""
    readers = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.board.soak", "--read", wall.url, "--pages", str(pages)
    )
    feeding = asyncio.create_task(_feed(wall, events, minutes * 60))
    sizes = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            async with opened(Chromium(Path(folder)), wall.url) as page:
                while not feeding.done():
                    began, cpu = time.monotonic(), time.process_time()
                    await asyncio.sleep(_EVERY_SECONDS)
                    core = (time.process_time() - cpu) / (time.monotonic() - began)
                    await page.call("HeapProfiler.collectGarbage")
                    heap = (await page.call("Runtime.getHeapUsage"))["usedSize"]
                    counters = await page.call("Memory.getDOMCounters")
                    board = _resident()
                    sizes.append((heap, counters["nodes"], board))
                    sys.stdout.write(
                        f"heap {heap / 1e6:.2f} MB, {counters['nodes']} nodes, {counters['jsEventListeners']} listeners,"
                        f" board {board / 1e6:.0f} MB, {core:.2f} of a core for {pages} pages\n"
                    )
                    sys.stdout.flush()
                sys.stdout.write(f"errors on the console: {page.errors}\n")
    finally:
        feeding.cancel()
        readers.terminate()
        await readers.wait()
        await wall.stop()
    base, end = sizes[len(sizes) // 4], sizes[-1]
    return not page.errors and all(after < before * _GROWTH for before, after in zip(base, end, strict=True))


def _resident():
    """Resident memory of this process in bytes."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except FileNotFoundError:  # macOS: the most it ever was
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main():
    """Run as the module says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--read", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        asyncio.run(read(options.read, options.pages))
    else:
        sys.exit(0 if asyncio.run(soak(options.minutes, options.pages)) else 1)


if __name__ == "__main__":
    main()
