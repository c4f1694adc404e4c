"""Chromium without a window: the path for a driver, and a page as a person would see it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.services.process import ServiceFailedError, find_program

if TYPE_CHECKING:
    from pathlib import Path

_SECONDS = 60
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # the sandbox refuses root, who runs the tests in CI
    "--disable-gpu",
    "--disable-dev-shm-usage",  # /dev/shm is small in a container
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
)


class Chromium:
    """An installed Chromium; each call is a browser of its own with an empty profile in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = find_program("chromium", "chromium-browser", "google-chrome")

    @property
    def driver_path(self) -> str:
        """The path of chromedriver. Raises ServiceMissingError."""
        return find_program("chromedriver")

    @property
    def flags(self) -> list[str]:
        """What a browser in a test is started with."""
        return [*_FLAGS, f"--user-data-dir={self.folder / 'profile'}"]

    def dom(self, url: str, *, wait_ms: int = 2_000) -> str:
        """Return the HTML of the page after its scripts have run for `wait_ms` of the page's own time."""
        return self._run(url, "--dump-dom", f"--virtual-time-budget={wait_ms}")

    def screenshot(self, url: str, path: Path, *, size: tuple[int, int] = (1920, 1080), wait_ms: int = 2_000) -> None:
        """Write a PNG of the page to `path`."""
        width, height = size
        self._run(
            url,
            f"--screenshot={path}",
            f"--window-size={width},{height}",
            f"--virtual-time-budget={wait_ms}",
        )
        if not path.exists():
            raise ServiceFailedError(f"Chromium made no picture of {url}")

    def _run(self, url: str, *flags: str) -> str:
        done = subprocess.run(
            [self.path, *self.flags, *flags, url],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise ServiceFailedError(f"Chromium: {done.stderr[-2000:]}")
        return done.stdout
