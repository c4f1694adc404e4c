"""Reading event files: lines with their numbers, from a path or standard input, plain or compressed (.gz, .xz)."""

from __future__ import annotations

import gzip
import lzma
import os
import sys
import zlib
from contextlib import contextmanager
from io import BufferedReader, RawIOBase, TextIOWrapper
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from streamer.errors import DataError, InputMissingError
from streamer.events.codec import VALUE_BYTES_MAX
from streamer.events.errors import Code

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Line", "leave_output", "open_input", "open_text", "read_events", "read_json_lines"]

_GZIP = b"\x1f\x8b"
_XZ = b"\xfd7zXZ\x00"
_BOM = b"\xef\xbb\xbf"

# One more byte than a value may have shows that it is too large; the rest of such a line is read past, never kept.
_LINE_BYTES_MAX = VALUE_BYTES_MAX + 1


class Line(NamedTuple):
    """What one line (or row) of a file gave: events not yet validated, or why it was refused."""

    number: int
    events: list[dict[str, Any]]
    refusal: str = ""


@contextmanager
def open_input(path: str) -> Iterator[BufferedReader]:
    """Open a file, or standard input for `-`, and decompress what is gzip or xz by its first bytes.

    Raises `InputMissingError` if it cannot be opened, `DataError` while it is read if it is damaged.
    """
    try:
        raw = sys.stdin.buffer if path == "-" else Path(path).open("rb")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise InputMissingError(path, error.strerror or "cannot be opened") from None
    file = raw if isinstance(raw, BufferedReader) else BufferedReader(cast("RawIOBase", raw))
    try:
        start = file.peek(len(_XZ))
        if start.startswith(_GZIP):
            yield BufferedReader(cast("RawIOBase", gzip.GzipFile(fileobj=file)))
        elif start.startswith(_XZ):
            yield BufferedReader(cast("RawIOBase", lzma.LZMAFile(file)))  # noqa: SIM115 (closed with the file)
        else:
            yield file
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"is damaged: {error}", source=path) from None
    except IsADirectoryError:
        raise InputMissingError(path, "is a directory") from None
    finally:
        if path != "-":
            file.close()


def leave_output() -> None:
    """Let standard output lead nowhere, after `BrokenPipeError`: its reader has enough, as with `| head`.

    What is still buffered would otherwise fail again when the interpreter ends (exit code 120).
    """
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def open_text(file: IO[bytes], encoding: str) -> TextIOWrapper:
    """Decode an opened file. Line ends are left to the reader of the rows; what is no text becomes surrogates."""
    return TextIOWrapper(file, encoding=encoding, errors="surrogateescape", newline="")


def read_events(path: str) -> Iterator[tuple[int, bytes]]:
    """Give each line of a JSON Lines file with its number from 1, without its line end; blank lines are left out.

    A line of more than 64 KiB comes cut, one byte longer than an event may be, so that the codec refuses it.
    """
    with open_input(path) as file:
        number = 0
        while line := file.readline(_LINE_BYTES_MAX):
            number += 1
            end = line[-1:]
            while len(end) and end != b"\n" and (rest := file.readline(_LINE_BYTES_MAX)):
                end = rest[-1:]
            line = line.removeprefix(_BOM) if number == 1 else line
            if line.strip():
                yield number, line.rstrip(b"\r\n")


def read_json_lines(path: str) -> Iterator[Line]:
    """Give the event of each line, or the code of the refusal."""
    for number, value in read_events(path):
        if len(value) > VALUE_BYTES_MAX:
            yield Line(number, [], Code.TOO_LARGE)
            continue
        try:
            event = msgspec.json.decode(value)
        except RecursionError:
            yield Line(number, [], Code.TOO_DEEP)
        except (msgspec.DecodeError, UnicodeDecodeError):
            yield Line(number, [], Code.NOT_JSON)
        else:
            yield Line(number, [event]) if isinstance(event, dict) else Line(number, [], Code.NOT_JSON)
