"""Rows of a delimited file to events, by a small mapping file (TOML). See docs/configuration.md and examples/.

A mapping names instants that it reads from a row's columns, and a list of event templates, each with the conditions
under which a row gives it. `{column}` in a text stands for the row's value, without blanks around it.

The same file gives the same ids again, so that it may be sent twice. Two events of a file are the same only where the
mapping's `id` says so; without one, events of one subject, type and time are numbered as they stand in the file.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_type_hints
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from streamer.errors import DataError
from streamer.events.registry import TYPES
from streamer.producers.files import Line, open_input, open_text
from streamer.settings import (
    Section,
    Zone,
    did_you_mean,
    fail,
    load_toml,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from collections.abc import Mapping as Dict
    from pathlib import Path

__all__ = ["Mapping", "load_mapping", "read_rows"]

Scalar: TypeAlias = bool | int | float | str
Row: TypeAlias = dict[str, str]

_COLUMN = re.compile(r"\{([^{}]+)\}")
_DAY = timedelta(days=1)
_ID_LENGTH_MAX = 128
_FIELDS = {name: get_type_hints(cls)["data"].__struct_fields__ for name, cls in TYPES.items()}
# Every directive of strptime reads what strftime makes of it: an ISO week, half a day, an offset and a zone's name too.
_SAMPLE = datetime(2026, 12, 31, 23, 59, 58, 123_456, tzinfo=UTC)


def _with_columns(text: str) -> str:
    if re.search(r"[{}]", _COLUMN.sub("", text)):
        raise ValueError(f"{text!r} has a brace that belongs to no {{column}}")
    return text


Text: TypeAlias = Annotated[str, AfterValidator(_with_columns)]
"""A text in which `{column}` stands for the row's value; it can have no other brace."""


class Instant(Section):
    """`[times]`: an instant read from a text in a format, or some seconds after one that was named before it."""

    text: Text | None = None
    format: str | None = None  # as strptime has it; None is ISO 8601
    near: str | None = None  # the date is taken that brings the clock closest to this instant (calls over midnight)
    after: str | None = None
    seconds: Text | None = None

    @field_validator("format")
    @classmethod
    def _readable(cls, form: str | None) -> str | None:
        if form:
            try:
                datetime.strptime(_SAMPLE.strftime(form), form)  # noqa: DTZ007 (only whether it can be read)
            except (ValueError, re.error) as error:  # a directive that stands twice is an error of the pattern
                raise ValueError(f"strptime cannot read {form!r}: {error}") from None
        return form

    @model_validator(mode="after")
    def _one_way(self) -> Instant:
        if (self.text is None) == (self.after is None) or (self.after is None) != (self.seconds is None):
            raise ValueError("needs either text, or after and seconds")
        return self


class Value(Section):
    """One field of `data`: a constant or a text with columns; left out, translated, or made a number."""

    value: Scalar
    omit: tuple[str, ...] = ()
    map: dict[str, Scalar] = Field(default={})
    number: bool = False

    @model_validator(mode="after")
    def _braces_closed(self) -> Value:
        if isinstance(self.value, str):
            _with_columns(self.value)
        return self


class Condition(Section):
    """What a column must be, or must not be."""

    any_of: Annotated[tuple[str, ...] | None, Field(alias="is")] = None
    none_of: Annotated[tuple[str, ...], Field(alias="not")] = ()

    def holds(self, value: str) -> bool:
        """Say whether a row's value fulfils it."""
        return (self.any_of is None or value in self.any_of) and value not in self.none_of


def _as_value(value: Any) -> Any:
    return value if isinstance(value, dict) else {"value": value}


def _as_condition(value: Any) -> Any:
    if not isinstance(value, dict):
        value = {"is": value}
    return {key: [part] if isinstance(part, str) else part for key, part in value.items()}


Values: TypeAlias = dict[str, Annotated[Value, BeforeValidator(_as_value)]]


class Template(Section):
    """`[[events]]`: an event that a row gives when all conditions hold."""

    type: str
    time: str
    when: dict[str, Annotated[Condition, BeforeValidator(_as_condition)]] = Field(default={})
    data: Values = Field(default={})

    @field_validator("type")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in TYPES:
            raise ValueError(f"not an event type: {name!r}{did_you_mean(name, TYPES)}; schemas/v1 has a file for each")
        return name

    @model_validator(mode="after")
    def _fields_known(self) -> Template:
        mistakes = _unknown_fields(self.data, _FIELDS[self.type], self.type)
        if mistakes:
            fail(mistakes)
        return self


def _unknown_fields(data: Values, known: Collection[str], what: str) -> list[tuple[tuple[str | int, ...], str]]:
    return [
        (("data", name), f"is not a field of {what}{did_you_mean(name, known)}") for name in data if name not in known
    ]


class Mapping(Section):
    """A mapping file. `order = "time"` sorts the whole file's events, for history whose rows are not in order."""

    source: str
    subject: Text
    id: Text | None = None  # what identifies a row in its source; None: the events' subject, type and time
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(max_length=1)] = '"'  # empty: a quotation mark is a character like others
    encoding: str = "utf-8"
    columns: tuple[str, ...] | None = None  # None: the first row names them
    zone: Zone = "UTC"
    order: Literal["file", "time"] = "file"
    times: dict[str, Instant]
    data: Values = Field(default={})
    events: tuple[Template, ...]

    @field_validator("encoding")
    @classmethod
    def _encoding_known(cls, encoding: str) -> str:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise ValueError(f"not an encoding: {encoding!r}") from None
        return encoding

    # A length in the type would be said of events that have mistakes of their own, too.
    @field_validator("events")
    @classmethod
    def _one_at_least(cls, events: tuple[Template, ...]) -> tuple[Template, ...]:
        if not events:
            raise ValueError("needs at least one event")
        return events

    @model_validator(mode="after")
    def _names_exist(self) -> Mapping:
        mistakes: list[tuple[tuple[str | int, ...], str]] = []
        before: set[str] = set()
        for name, instant in self.times.items():
            mistakes += (
                (("times", name, key), f"{other!r} is not a time above this one")
                for key, other in (("near", instant.near), ("after", instant.after))
                if other is not None and other not in before
            )
            before.add(name)
        for index, event in enumerate(self.events):
            if event.time not in before:
                mistakes.append((("events", index, "time"), f"there is no {event.time!r} in [times]"))
        # A common field may be one of some of the types only: where it is none, it is not sent.
        types = list(dict.fromkeys(event.type for event in self.events))
        what = types[0] if len(types) == 1 else "any type in [[events]]"
        mistakes += _unknown_fields(self.data, {field for name in types for field in _FIELDS[name]}, what)
        if mistakes:
            fail(mistakes)
        return self

    def used_columns(self) -> set[str]:
        """Return the columns that the mapping reads: a file without one of them is another kind of file."""
        texts = [self.subject, self.id or ""]
        for instant in self.times.values():
            texts += [instant.text or "", instant.seconds or ""]
        for values in (self.data, *(event.data for event in self.events)):
            texts += [value.value for value in values.values() if isinstance(value.value, str)]
        tested = {column for event in self.events for column in event.when}
        return tested | {column for text in texts for column in _COLUMN.findall(text)}


def load_mapping(path: str | Path) -> Mapping:
    """Read a mapping file. Raises `SettingsError` with every mistake by its line."""
    return load_toml(Mapping, path)


def read_rows(path: str, mapping: Mapping) -> Iterator[Line]:
    """Give the events of each row with its line number, or why the row was refused; a row may give none.

    Raises `DataError` if the file lacks one of the mapping's columns.
    """
    with open_input(path) as file:
        rows = csv.reader(
            open_text(file, mapping.encoding),
            delimiter=mapping.delimiter,
            quotechar=mapping.quote or None,
            quoting=csv.QUOTE_MINIMAL if mapping.quote else csv.QUOTE_NONE,
        )
        columns = [name.strip().removeprefix("\ufeff") for name in mapping.columns or next(rows, [])]
        if missing := sorted(mapping.used_columns().difference(columns)):
            raise DataError(f"has no column {', '.join(missing)}", source=path)
        seen: Counter[str] = Counter()
        while True:
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield Line(rows.line_num, [], str(error))
                continue
            if cells:
                yield _read_row(mapping, columns, cells, rows.line_num, seen if mapping.id is None else Counter())


def _read_row(mapping: Mapping, columns: list[str], cells: list[str], number: int, seen: Counter[str]) -> Line:
    if len(cells) != len(columns):
        return Line(number, [], f"has {len(cells)} cells, not {len(columns)}")
    row = {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
    try:
        "".join(cells).encode()
        return Line(number, list(_events(mapping, row, seen)))
    except UnicodeEncodeError:
        return Line(number, [], f"is not {mapping.encoding}")
    except (ValueError, OverflowError) as error:
        return Line(number, [], str(error))


def _events(mapping: Mapping, row: Row, seen: Counter[str]) -> Iterator[dict[str, Any]]:
    subject = _fill(mapping.subject, row)
    own = None if mapping.id is None else _fill(mapping.id, row)
    if own == "":
        raise ValueError("id is empty")
    times: dict[str, datetime] = {}
    for template in mapping.events:
        if all(condition.holds(row[column]) for column, condition in template.when.items()):
            data = {**mapping.data, **template.data}
            time = _time(mapping, template.time, row, times).isoformat()
            what = template.type.removeprefix("support.")
            yield {
                "specversion": "1.0",
                "id": _id(f"{own}:{what}" if own else f"{subject}:{what}:{time}", seen),
                "source": mapping.source,
                "type": template.type,
                "time": time,
                "subject": subject,
                "data": {name: made for name, value in data.items() if (made := _make(name, value, row)) is not None},
            }


def _id(text: str, seen: Counter[str]) -> str:
    """Return the id of the next event that this identifies; one that is too long as a hash."""
    seen[text] += 1
    numbered = text if seen[text] == 1 else f"{text}:{seen[text]}"
    return numbered if len(numbered) <= _ID_LENGTH_MAX else hashlib.sha256(numbered.encode()).hexdigest()


def _time(mapping: Mapping, name: str, row: Row, known: dict[str, datetime]) -> datetime:
    """Compute one of the mapping's instants, and those it depends on, in the mapping's zone."""
    if name in known:
        return known[name]
    rule = mapping.times[name]
    zone = ZoneInfo(mapping.zone)
    if rule.after is not None:
        start = _time(mapping, rule.after, row, known).astimezone(UTC)
        moment = (start + timedelta(seconds=_number(name, _fill(rule.seconds or "", row)))).astimezone(zone)
    else:
        text = _fill(rule.text or "", row)
        try:
            moment = datetime.strptime(text, rule.format) if rule.format else datetime.fromisoformat(text)  # noqa: DTZ007 (below)
        except ValueError:
            raise ValueError(f"{name} is not a time") from None  # without the text: it may be anything
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        if rule.near is not None:
            reference = _time(mapping, rule.near, row, known)
            moment += _DAY * round((reference - moment) / _DAY)
    known[name] = moment
    return moment


def _make(name: str, rule: Value, row: Row) -> Scalar | None:
    value: Scalar = _fill(rule.value, row) if isinstance(rule.value, str) else rule.value
    if isinstance(value, str):
        if value in rule.omit:
            return None
        value = rule.map.get(value, value)
    return _number(name, value) if rule.number and isinstance(value, str) else value


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} is not a number") from None


def _fill(text: str, row: Dict[str, str]) -> str:
    return _COLUMN.sub(lambda match: row[match[1]], text)
