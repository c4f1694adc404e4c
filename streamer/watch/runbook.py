"""The runbook as a page, for boards to serve where the alerts' links lead: docs/runbook.md in the little HTML that it needs."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SOURCE: Final = Path("docs") / "runbook.md"
PAGE: Final = Path("streamer") / "board" / "runbook.html"

_HEAD: Final = """\
<!doctype html>
<!-- Made of docs/runbook.md by `python -m streamer.watch.rules`; do not edit it. -->
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Runbook</title>
"""
_BLANK: Final = re.compile(r"\n\s*\n")
_HEADING: Final = re.compile(r"(#+) (.+)")
_ITEM: Final = re.compile(r"^- ", re.MULTILINE)


def page(markdown: str) -> str:
    """Return the page of a text of headings, paragraphs and lists; a heading's id is its text in small letters."""
    return _HEAD + "".join(f"{part}\n" for block in _BLANK.split(markdown.strip()) for part in _block(block))


def _block(block: str) -> Iterator[str]:
    if heading := _HEADING.fullmatch(block):
        level, name = len(heading[1]), heading[2]
        yield f'<h{level} id="{html.escape(name.lower())}">{_inline(name)}</h{level}>'
    elif block.startswith("- "):
        yield from ("<ul>", *(f"<li>{_inline(item.strip())}" for item in _ITEM.split(block)[1:]), "</ul>")
    else:
        yield f"<p>{_inline(block)}"


def _inline(text: str) -> str:
    """Return text with its `code` and **bold**; within code nothing is bold."""
    parts = re.split(r"`([^`]+)`", html.escape(text, quote=False))
    return "".join(
        f"<code>{part}</code>" if number % 2 else re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", part)
        for number, part in enumerate(parts)
    )
