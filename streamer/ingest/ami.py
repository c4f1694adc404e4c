"""The Asterisk Manager Interface on the wire: bytes to messages, actions to bytes. Pure, and bounded whatever comes.

A message is lines of `Name: value` that end with CR LF, and an empty line after them; the first thing a server says is a
banner of one line, `Asterisk Call Manager/VERSION`.
"""

from __future__ import annotations

import hashlib
from typing import Final

from streamer.ingest.adapters.base import instant

Message = dict[str, str]
"""A message's values by their names in lower case; of a name that is repeated, the last."""

_LINE_BYTES_MAX: Final = 8_192  # Asterisk itself reads lines of 1,024
_LINES_MAX: Final = 300  # of a message; the largest of the queues' has 40
_KINDS: Final = ("event", "response")
_CLOCKS_MS: Final = 86_400_000


class Parser:
    """Takes bytes as they come and gives the messages that are whole.

    A message with a line that is too long, with too many lines, or that is neither an event nor a response is passed
    over; `refused` counts those.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._rest = b""
        self._message: Message = {}
        self._lines = 0
        self._bad = False
        self._passing = False  # over the rest of a line that is too long

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that `data` completes."""
        *lines, rest = (self._rest + data).split(b"\n")
        messages = []
        for line in lines:
            if self._passing:
                self._passing = False
            elif len(line) > _LINE_BYTES_MAX:
                self._bad = True
            elif text := line.removesuffix(b"\r"):
                self._take(text)
            elif (message := self._end()) is not None:
                messages.append(message)
        if self._passing or len(rest) > _LINE_BYTES_MAX:
            self._bad = self._passing = True
            rest = b""
        self._rest = rest
        return messages

    def _take(self, line: bytes) -> None:
        self._lines += 1
        if self._lines > _LINES_MAX:
            self._bad = True
            self._message.clear()
            return
        name, colon, value = line.decode("utf-8", "replace").partition(":")
        if colon:  # a banner and a command's output have none
            self._message[name.strip().lower()] = value.strip()

    def _end(self) -> Message | None:
        message, bad = self._message, self._bad
        self._message, self._lines, self._bad = {}, 0, False
        if not bad and any(kind in message for kind in _KINDS):
            return message
        self.refused += bad or bool(message)
        return None


def action(name: str, **fields: str) -> bytes:
    """Return an action as it is sent. Raises `ValueError` where a value would begin another line."""
    lines = [f"Action: {name}", *(f"{key}: {value}" for key, value in fields.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError(f"a value of {name} has a line end in it")
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def answer_to(challenge: str, secret: str) -> str:
    """Return what proves to know the secret without saying it: the MD5 that `AuthType: MD5` is defined by."""
    return hashlib.md5(f"{challenge}{secret}".encode(), usedforsecurity=False).hexdigest()


def time_of(message: Message, now: int) -> int:
    """Return when Asterisk says that it was, in ms, else `now`: a stamp that is days away is none."""
    stamp = message.get("timestamp")
    time = instant(stamp, "Timestamp") if stamp else now
    return time if abs(time - now) < _CLOCKS_MS else now
