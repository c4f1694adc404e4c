"""The one edge where the configuration file and the environment are read, and where mistakes get their places."""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import ValidationError

from streamer.errors import Mistake, SettingsError
from streamer.metrics.catalogue import METRICS, Kind
from streamer.settings._section import Section
from streamer.settings._settings import Settings
from streamer.settings._toml import read_toml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pydantic_core import ErrorDetails

    from streamer.settings._section import Key

Model = TypeVar("Model", bound=Section)

_PREFIX = "STREAMER_"


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
    `metric_names` are the names of the catalogue: with them, a metric that does not exist is a mistake too, and so are
    windows and targets that a metric cannot have.
    Raises `SettingsError` with every mistake, each with its key and its line or variable.
    """
    environ = os.environ if environ is None else environ
    path = path or environ.get("STREAMER_CONFIG") or None
    data, places = ({}, {}) if path is None else read_toml(Path(path))
    mistakes = list(_apply_environment(data, places, environ))
    for name, value in (options or {}).items():
        section, _, key = name.partition(".")
        if value is not None and isinstance(data.setdefault(section, {}), dict):
            data[section][key] = value
            places[section, key] = "command line"
    file = "settings" if path is None else Path(path).name
    if metric_names is not None:
        found = (*_unknown_metrics(data, metric_names), *_wrong_for_the_metric(data))
        mistakes += [Mistake(_place(key, places, file), _dotted(key), message) for key, message in found]
    return _validate(Settings, data, places, file, mistakes)


def load_toml(model: type[Model], path: str | Path) -> Model:
    """Read another TOML file as `model`, with the same care for mistakes. Raises `SettingsError`."""
    data, places = read_toml(Path(path))
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


def _apply_environment(data: dict[str, Any], places: dict[Key, str], environ: Mapping[str, str]) -> Iterator[Mistake]:
    """Put the variables' values into `data`. One without `__` is not ours: Kubernetes sets STREAMER_SERVICE_HOST."""
    for name in sorted(environ):
        if not name.upper().startswith(_PREFIX) or "__" not in name:
            continue
        node, key = data, []
        *tables, last = name[len(_PREFIX) :].lower().split("__")
        for part in tables:
            key.append(_same_key(node, part))
            if key[-1] not in node:
                node[key[-1]] = {}
                places[tuple(key)] = name
            node = node[key[-1]]
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
            for below in [known for known in places if known[: len(key)] == tuple(key)]:
                del places[below]  # a table of the file that the variable's takes the place of
            places[tuple(key)] = name


def _same_key(node: Mapping[str, Any], part: str) -> str:
    return next((known for known in node if known.lower() == part), part)


def _explain(model: type[Section], details: ErrorDetails) -> Iterator[tuple[Key, str]]:
    key = tuple(part for part in details["loc"] if part != "[key]")
    if details["type"] == "mistakes":
        yield from (((*key, *below), message) for below, message in details["ctx"]["mistakes"])
    elif details["type"] == "extra_forbidden":
        yield key, "is not a setting" + did_you_mean(str(key[-1]), _settings_beside(model, key))
    elif details["type"] in ("model_type", "dict_type"):
        yield key, "is not a table"
    elif details["type"] == "tuple_type":
        yield key, "must be a list"
    elif details["type"] == "missing":
        yield key, "is missing"
    else:
        message = details["msg"].removeprefix("Value error, ")
        if details["type"] != "value_error":
            message = message[0].lower() + message[1:]
            if isinstance(given := details["input"], (str, int, float)):
                message += f", not {given!r}"
        yield key, message


def _settings_beside(model: type[Section], key: Key) -> set[str]:
    """Return the settings of the table that a key is in; names of tables and indexes of lists lead to no other model."""
    tables = [model]
    for part in key[:-1]:
        fields = [table.model_fields[part].annotation for table in tables if part in table.model_fields]
        tables = [table for field in fields for table in _sections_in(field)] if fields else tables
    return {name for table in tables for name in table.model_fields}


def _sections_in(annotation: Any) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from _sections_in(part)


def _unknown_metrics(data: Mapping[str, Any], names: Collection[str]) -> Iterator[tuple[Key, str]]:
    used: list[tuple[Key, Any]] = []
    for section in ("metrics", "targets"):
        table = data.get(section)
        used += [((section, name), name) for name in table] if isinstance(table, dict) else []
    exposition = data.get("exposition")
    shown = exposition.get("metrics") if isinstance(exposition, dict) else None
    listed = shown if isinstance(shown, list) else []
    used += [(("exposition", "metrics", index), name) for index, name in enumerate(listed)]
    for key, name in used:
        if isinstance(name, str) and name not in names:
            yield key, f"there is no metric {name!r}" + did_you_mean(name, names)


def _wrong_for_the_metric(data: Mapping[str, Any]) -> Iterator[tuple[Key, str]]:
    windows, targets = (table if isinstance(table := data.get(name), dict) else {} for name in ("metrics", "targets"))
    for metric in METRICS:
        given = windows.get(metric.name)
        if not metric.windows and isinstance(given, dict) and "windows" in given:
            yield ("metrics", metric.name, "windows"), "the metric has no windows"
        if metric.kind is Kind.RATIO and not metric.flows and metric.name in targets:
            try:
                possible = not float(targets[metric.name]) < 0 and not float(targets[metric.name]) > 1
            except (OverflowError, TypeError, ValueError):
                continue  # not a number, which is the mistake
            if not possible:
                yield ("targets", metric.name), f"must be between 0 and 1, not {targets[metric.name]!r}"


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return a hint at the known word that is most like this one; nothing where none is like it."""
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
