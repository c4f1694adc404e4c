"""A TOML file with the line of each of its keys."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from streamer.errors import Mistake, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from streamer.settings._section import Key

_WORD = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEY = re.compile(rf"\s*({_WORD}(?:\s*\.\s*{_WORD})*)\s*=(.*)", re.DOTALL)


def read_toml(path: Path) -> tuple[dict[str, Any], dict[Key, str]]:
    """Read a file, with the place (`file:line`) of every table and key. Raises `SettingsError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError([Mistake(str(path), "", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise SettingsError([Mistake(str(path), "", "is not UTF-8 text")]) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = line[1] if line else _unfinished_line(text)
        raise SettingsError([Mistake(f"{path.name}:{where}", "", f"is not TOML: {error}")]) from None
    return data, {key: f"{path.name}:{line}" for key, line in key_lines(text).items()}


def _unfinished_line(text: str) -> int:
    """Find the line, from 1, where that begins which is not finished at the end of the text: all before it is TOML."""
    lines = text.splitlines(keepends=True)
    return next(number for number in range(len(lines), 0, -1) if _is_toml("".join(lines[: number - 1])))


def key_lines(text: str) -> dict[Key, int]:
    """Find the line, from 1, of every table and key of a valid TOML text; what is inside an inline table has none.

    A table that is only there because of what is below it (`a` in `[a.b]`) has the line of the first of that.
    """
    found: dict[Key, int] = {}
    implied: dict[Key, int] = {}
    table: Key = ()
    arrays: dict[Key, int] = {}  # the index of the newest table of each array of tables
    unfinished: tuple[Key, str] | None = None  # a value that goes on in the next line
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if unfinished is not None:
            key, value = unfinished[0], unfinished[1] + line
        elif match := _KEY.match(line):
            key, value = (*table, *_parse_key(f"{match[1]} = 0")), match[2]
            _note(key, number, found, implied)
        else:
            if line.lstrip().startswith("["):
                table = _enter(_parse_key(line), arrays, new=line.lstrip().startswith("[["))
                _note(table, number, found, implied)
            continue
        unfinished = None if _is_toml(f"x ={value}") else (key, value)
    return implied | found


def _note(key: Key, number: int, found: dict[Key, int], implied: dict[Key, int]) -> None:
    found.setdefault(key, number)
    for length in range(1, len(key)):
        implied.setdefault(key[:length], number)


def _enter(header: Key, arrays: dict[Key, int], *, new: bool) -> Key:
    table: Key = ()
    for depth, part in enumerate(header, start=1):
        table = (*table, part)
        if new and depth == len(header):
            arrays[table] = arrays.get(table, -1) + 1
        if table in arrays:
            table = (*table, arrays[table])
    return table


def _parse_key(line: str) -> Key:
    key: list[str] = []
    node: Any = tomllib.loads(line)
    while node and isinstance(node, dict):
        key.append(next(iter(node)))
        node = node[key[-1]]
    return tuple(key)


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
