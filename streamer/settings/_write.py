"""The effective settings as a TOML text or as JSON values: what `streamer check` shows, and what can be read again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamer.settings._settings import Settings


def as_values(settings: Settings) -> dict[str, Any]:
    """All settings as JSON values, durations as text; what is not set (files, URLs, ...) is left out."""
    return settings.model_dump(mode="json", exclude_none=True)


def as_toml(settings: Settings) -> str:
    """All settings as a TOML text that gives the same settings again."""
    return "\n".join(_table((), as_values(settings))).lstrip("\n") + "\n"


def _table(path: tuple[str, ...], table: dict[str, Any]) -> Iterator[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    if plain or not table:  # an empty table says something too: a calendar that is never open
        yield f"\n[{'.'.join(map(_key, path))}]"
        yield from (f"{_key(key)} = {_value(value)}" for key, value in plain.items())
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _table((*path, key), value)


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # texts, numbers, booleans and lists of them are alike in both
