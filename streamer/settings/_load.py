"""The one edge where the configuration file and the environment are read, and where mistakes get their places."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pydantic import ValidationError

from streamer.errors import Mistake, SettingsError
from streamer.settings._rules import Section
from streamer.settings._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pydantic_core import ErrorDetails

Key: TypeAlias = tuple[str | int, ...]
Model = TypeVar("Model", bound=Section)

_PREFIX = "STREAMER_"
_WORD = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEY = re.compile(rf"\s*({_WORD}(?:\s*\.\s*{_WORD})*)\s*=(.*)", re.DOTALL)


def load_settings(
    path: str | Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    metric_names: Collection[str] | None = None,
) -> Settings:
    """Read the configuration: the file at `path`, else at STREAMER_CONFIG, else none; then the environment on top.

    A variable STREAMER_<SECTION>__<KEY> (two underscores between all parts) sets one value; lists and tables are JSON.
    `options` are values of a command's own options by dotted key (`kafka.bootstrap`); None leaves a value as it is.
    `metric_names` are the names of the catalogue: with them, a metric that does not exist is a mistake too.
    Raises `SettingsError` with every mistake, each with its key and its line or variable.
    """
    environ = os.environ if environ is None else environ
    path = path or environ.get("STREAMER_CONFIG") or None
    data, places = ({}, {}) if path is None else _read(Path(path))
    mistakes = list(_apply_environment(data, places, environ))
    for name, value in (options or {}).items():
        section, _, key = name.partition(".")
        if value is not None and isinstance(data.setdefault(section, {}), dict):
            data[section][key] = value
            places[section, key] = "command line"
    file = "settings" if path is None else Path(path).name
    if metric_names is not None:
        found = _unknown_metrics(data, metric_names)
        mistakes += [Mistake(_place(key, places, file), _dotted(key), message) for key, message in found]
    return _validate(Settings, data, places, file, mistakes)


def load_toml(model: type[Model], path: str | Path) -> Model:
    """Read another TOML file as `model`, with the same care for mistakes. Raises `SettingsError`."""
    data, places = _read(Path(path))
    return _validate(model, data, places, Path(path).name, [])


def _validate(
    model: type[Model], data: dict[str, Any], places: dict[Key, str], file: str, mistakes: list[Mistake]
) -> Model:
    try:
        value = model.model_validate(data)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            mistakes += (
                Mistake(_place(key, places, file), _dotted(key), text) for key, text in _explain(model, details)
            )
    else:
        if not mistakes:
            return value
    raise SettingsError(sorted(mistakes, key=_by_line))


def _place(key: Key, places: Mapping[Key, str], file: str) -> str:
    known = (key[:length] for length in range(len(key), 0, -1) if key[:length] in places)
    return next((places[part] for part in known), file)


def _read(path: Path) -> tuple[dict[str, Any], dict[Key, str]]:
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
        where = f"{path.name}:{line[1]}" if line else path.name
        raise SettingsError([Mistake(where, "", f"is not TOML: {error}")]) from None
    return data, {key: f"{path.name}:{line}" for key, line in key_lines(text).items()}


def key_lines(text: str) -> dict[Key, int]:
    """Find the line, from 1, of every table and key of a valid TOML text; what is inside an inline table has none."""
    found: dict[Key, int] = {}
    table: Key = ()
    arrays: dict[Key, int] = {}  # the index of the newest table of each array of tables
    unfinished: tuple[Key, str] | None = None  # a value that goes on in the next line
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if unfinished is not None:
            key, value = unfinished[0], unfinished[1] + line
        elif match := _KEY.match(line):
            key, value = (*table, *_parse_key(f"{match[1]} = 0")), match[2]
            found.setdefault(key, number)
        else:
            if line.lstrip().startswith("["):
                table = _enter(_parse_key(line), arrays, new=line.lstrip().startswith("[["))
                found.setdefault(table, number)
            continue
        unfinished = None if _is_value(value) else (key, value)
    return found


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


def _is_value(text: str) -> bool:
    try:
        tomllib.loads(f"x ={text}")
    except tomllib.TOMLDecodeError:
        return False
    return True


def _apply_environment(data: dict[str, Any], places: dict[Key, str], environ: Mapping[str, str]) -> Iterator[Mistake]:
    """Put the variables' values into `data`. One without `__` is not ours: Kubernetes sets STREAMER_SERVICE_HOST."""
    for name in sorted(environ):
        if not name.upper().startswith(_PREFIX) or "__" not in name:
            continue
        node, key = data, []
        *tables, last = name[len(_PREFIX) :].lower().split("__")
        for part in tables:
            key.append(_same_key(node, part))
            node = node.setdefault(key[-1], {})
            if not isinstance(node, dict):
                yield Mistake(name, _dotted(tuple(key)), "is not a table")
                break
        else:
            key.append(_same_key(node, last))
            text = environ[name]
            try:
                node[key[-1]] = json.loads(text) if text.lstrip()[:1] in ("[", "{") else text
            except ValueError:
                yield Mistake(name, _dotted(tuple(key)), "begins like JSON but is not")
            places[tuple(key)] = name


def _same_key(node: Mapping[str, Any], part: str) -> str:
    return next((known for known in node if known.lower() == part), part)


def _explain(model: type[Section], details: ErrorDetails) -> Iterator[tuple[Key, str]]:
    key = tuple(part for part in details["loc"] if part != "[key]")
    if details["type"] == "mistakes":
        yield from (((*key, *below), message) for below, message in details["ctx"]["mistakes"])
    elif details["type"] == "extra_forbidden":
        sections: list[type[Section]] = [model, *Section.__subclasses__()]
        known = {name for section in sections for name in section.model_fields}
        yield key, "is not a setting" + _did_you_mean(str(key[-1]), known)
    elif details["type"] in ("model_type", "dict_type"):
        yield key, "is not a table"
    elif details["type"] == "missing":
        yield key, "is missing"
    else:
        message = details["msg"].removeprefix("Value error, ")
        given = details["input"]
        if details["type"] != "value_error" and isinstance(given, (str, int, float)):
            message = f"{message[0].lower()}{message[1:]}, not {given!r}"
        yield key, message


def _unknown_metrics(data: Mapping[str, Any], names: Collection[str]) -> Iterator[tuple[Key, str]]:
    used: list[tuple[Key, Any]] = []
    for section in ("metrics", "targets"):
        table = data.get(section)
        used += [((section, name), name) for name in table] if isinstance(table, dict) else []
    exposition = data.get("exposition")
    shown = exposition.get("metrics") if isinstance(exposition, dict) else None
    used += [(("exposition", "metrics", index), name) for index, name in enumerate(shown or ())]
    for key, name in used:
        if isinstance(name, str) and name not in names:
            yield key, f"there is no metric {name!r}" + _did_you_mean(name, names)


def _did_you_mean(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _dotted(key: Key) -> str:
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _by_line(mistake: Mistake) -> tuple[str, int]:
    file, _, line = mistake.where.rpartition(":")
    return (file, int(line)) if file and line.isdigit() else (mistake.where, 0)
