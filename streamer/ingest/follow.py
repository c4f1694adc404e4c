"""Following a log file: whole lines from where it was left, through rotation and truncation, also while nobody looked."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final, NamedTuple

import msgspec

from streamer.errors import InputMissingError
from streamer.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

logger = get_logger(__name__)

_HEAD_BYTES: Final = 256  # tell a file that was emptied and written anew from the one that was there
_LINE_BYTES_MAX: Final = 65_536  # Asterisk's lines have 100; what is longer is passed over
_BLOCK_BYTES: Final = 262_144
_SIBLINGS_MAX: Final = 1_000


class Place(msgspec.Struct, frozen=True):
    """Where in which file: its inode, the bytes read, and a hash of its first `head_bytes`."""

    inode: int = 0
    offset: int = 0
    head: str = ""
    head_bytes: int = 0


class Chunk(NamedTuple):
    """Whole lines, and the place behind them. `at_end` says that there were no more."""

    lines: list[str]
    place: Place
    at_end: bool


class Follower:
    """Reads the file at `path` from `place` on; None is its end. `digest` hashes the head of a file.

    Raises `InputMissingError` where the file is not there or may not be read.
    """

    def __init__(self, path: Path, place: Place | None, digest: Callable[[str], str]) -> None:
        self._path, self._digest = path, digest
        self._file: IO[bytes] | None = None
        self._offset = 0
        self._passing = False  # over the rest of a line that is too long
        self._known = Place()
        self.lost = False
        """Whether lines may be missing: what was read last was emptied, compressed or removed."""
        if place is None:
            file = self._open(path)
            file.seek(0, os.SEEK_END)
            self._use(file, _line_end(file))
        else:
            self._resume(place)

    def read(self, lines_max: int) -> Chunk:
        """Return the next lines, at most so many; at the end of a file that was rotated go on with its successor."""
        self._check_truncation()
        chunk = self._read(lines_max)
        if not chunk.at_end or not self._was_rotated():
            return chunk
        if not chunk.lines:
            # Between the read and the look its writer may have added the last lines.
            chunk = self._read(lines_max)
        if not chunk.lines:
            self._go_on()
        return chunk._replace(at_end=False)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self, lines_max: int) -> Chunk:
        assert self._file is not None
        # Past Python's buffer, which would not see that the file was emptied.
        data = os.pread(self._file.fileno(), _BLOCK_BYTES, self._offset)
        end = data.rfind(b"\n") + 1
        if not end and len(data) < _LINE_BYTES_MAX:  # the end, or a line that is still being written
            return Chunk([], self._place(), at_end=True)
        if not end:
            self._offset += len(data)
            self._passing = True
            return Chunk([], self._place(), at_end=False)
        lines = data[:end].split(b"\n")[:-1][:lines_max]
        size = sum(map(len, lines)) + len(lines)
        self._offset += size
        if self._passing:
            del lines[0]
            self._passing = False
        text = [line.rstrip(b"\r").decode("utf-8", "replace") for line in lines if len(line) < _LINE_BYTES_MAX]
        return Chunk(text, self._place(), at_end=size == end and len(data) < _BLOCK_BYTES)

    def _place(self) -> Place:
        assert self._file is not None
        size = min(self._offset, _HEAD_BYTES)
        inode = os.fstat(self._file.fileno()).st_ino
        # What was read is told from what may stand there next time by its start, as it is now.
        self._known = Place(inode, self._offset, self._head(self._file, size), size)
        return self._known

    def _head(self, file: IO[bytes], size: int) -> str:
        return self._digest(os.pread(file.fileno(), size, 0).hex())

    def _is_at(self, file: IO[bytes], place: Place) -> bool:
        """Say whether a file is the one of the place: the same bytes at its start, and at least as long."""
        size = os.fstat(file.fileno()).st_size
        return size >= place.offset and self._head(file, place.head_bytes) == place.head

    def _check_truncation(self) -> None:
        """Where the file was emptied, go on in a copy of it, else at its start."""
        assert self._file is not None
        if not self._is_at(self._file, self._known):
            self._file.close()
            self._resume(self._known)

    def _was_rotated(self) -> bool:
        assert self._file is not None
        try:
            return self._path.stat().st_ino != os.fstat(self._file.fileno()).st_ino
        except FileNotFoundError:  # between the two steps of a rotation
            return False

    def _go_on(self) -> None:
        """Open the file that came after this one."""
        assert self._file is not None
        following = self._open(self._following(os.fstat(self._file.fileno()).st_ino))
        self._file.close()
        self._use(following, 0)

    def _following(self, inode: int) -> Path:
        """Return the oldest file that is younger than the one with this inode: it was rotated more than once."""
        files = self._siblings()
        numbers = [path.stat().st_ino if path.exists() else 0 for path in files]
        return files[numbers.index(inode) + 1] if inode in numbers[:-1] else self._path

    def _siblings(self) -> list[Path]:
        """Return the file and what it was rotated to, oldest first; compressed ones cannot be gone on with."""
        rotated = []
        for path in [*self._path.parent.glob(f"{self._path.name}?*")][:_SIBLINGS_MAX]:
            if path.suffix not in (".gz", ".xz", ".bz2", ".zst"):
                with suppress(FileNotFoundError):  # the oldest may go at any time
                    rotated.append((path.stat().st_mtime_ns, path))
        # queue_log.2 is older than queue_log.1, where the clock does not tell.
        rotated.sort(key=lambda one: (len(one[1].name), one[1].name), reverse=True)
        rotated.sort(key=lambda one: one[0])
        return [*(path for _, path in rotated), self._path]

    def _resume(self, place: Place) -> None:
        for path in reversed(self._siblings()):
            if not path.is_file():
                continue
            file = self._open(path)
            # A copy has another inode; an empty start is no mark.
            known = place.head_bytes > 0 or os.fstat(file.fileno()).st_ino == place.inode
            if known and self._is_at(file, place):
                self._use(file, place.offset)
                return
            file.close()
        if place.offset:
            logger.warning("the part read last is gone: read from the start", file=str(self._path))
            self.lost = True
        self._use(self._open(self._path), 0)

    def _use(self, file: IO[bytes], offset: int) -> None:
        self._file, self._offset, self._passing = file, offset, False
        self._known = self._place()

    def _open(self, path: Path) -> IO[bytes]:
        try:
            return path.open("rb", buffering=0)
        except OSError as error:
            raise InputMissingError(str(path), error.strerror or "cannot be opened") from None


def _line_end(file: IO[bytes]) -> int:
    """Return the end of the last whole line."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _LINE_BYTES_MAX)
    return start + os.pread(file.fileno(), size - start, start).rfind(b"\n") + 1
