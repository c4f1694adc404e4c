"""The errors of the package: one root, each with its data, whether trying again can help, and an exit code.

Exit codes follow sysexits.h: a script can tell the caller's mistake from bad data and from something that is down.

=====  =======================  ==================================================================
code   class                    meaning
=====  =======================  ==================================================================
0                               done
1                               checked, and the answer is no (a comparison or an audit that differs)
2      `UsageError`             the command line is wrong (the same code as an unknown option)
65     `DataError`              input was read but part or all of it was refused
66     `InputMissingError`      an input file is not there or cannot be read
69     `DependencyError`        Kafka, Redis or another process did not answer; may be tried again
70     `StreamerError`          a defect of this program
73     `OutputError`            an output cannot be written
78     `SettingsError`          the configuration is wrong
130                             interrupted (Ctrl-C)
=====  =======================  ==================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "DataError",
    "DependencyError",
    "InputMissingError",
    "Mistake",
    "OutputError",
    "SettingsError",
    "StreamerError",
    "UsageError",
]


class StreamerError(Exception):
    """The root of every error that this package raises on purpose.

    `retryable` says whether the same call may succeed later without a change; `exit_code` is what a command ends with.
    """

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 70


class UsageError(StreamerError, ValueError):
    """A command was called in a way that cannot mean anything."""

    exit_code = 2


class DataError(StreamerError, ValueError):
    """Input was read, but it is not what it should be. `source` names it, `line` is its line number from 1."""

    exit_code = 65

    def __init__(self, message: str, *, source: str | None = None, line: int | None = None) -> None:
        where = ":".join(str(part) for part in (source, line) if part is not None)
        super().__init__(f"{where}: {message}" if where else message)
        self.source = source
        self.line = line


class InputMissingError(StreamerError, FileNotFoundError):
    """An input file is not there or cannot be read. `path` names it."""

    exit_code = 66

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class DependencyError(StreamerError, ConnectionError):
    """Another process did not do its part. `dependency` names it (`kafka`, `redis`, ...)."""

    retryable = True
    exit_code = 69

    def __init__(self, dependency: str, message: str) -> None:
        super().__init__(f"{dependency}: {message}")
        self.dependency = dependency


class OutputError(StreamerError, OSError):
    """An output cannot be written. `path` names it."""

    exit_code = 73

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class Mistake(NamedTuple):
    """One thing that is wrong in a configuration: where (`file:line` or a variable), the key, and what is wrong."""

    where: str
    key: str
    message: str

    def __str__(self) -> str:
        return f"{f'{self.where} {self.key}'.strip()}: {self.message}"


class SettingsError(StreamerError, ValueError):
    """The configuration is wrong. `mistakes` has all of them in the order of the file; `str()` is a line for each."""

    exit_code = 78

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))
