"""Logging: structlog to stderr, as JSON lines or for a terminal; what Faust and other libraries log comes out alike.

No payload is ever logged: bytes are shown by their length, and fields that could carry an event's content are left out.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Hashable, MutableMapping

    from streamer.settings import Settings

__all__ = ["configure_logs", "get_logger", "once"]

# What an event can be handed over as; an id of a customer is personal data too.
_PAYLOAD_FIELDS = frozenset({"body", "customer", "data", "headers", "payload", "raw", "record", "text", "value"})

# Keys remembered by `once`: a source that invents names must not fill the memory; beyond it a key is logged again.
_ONCE_MAX = 10_000
_seen: set[Hashable] = set()
_seen_lock = threading.Lock()


def get_logger(name: str) -> Any:
    """Return the logger of a module: `get_logger(__name__).info("what happened", key=value)`."""
    return structlog.stdlib.get_logger(name)


def once(*key: Hashable) -> bool:
    """Say whether this process meets a key for the first time.

    What goes over a limit is named in the log once: `if once("limit", name): log.warning("too many", name=name)`.
    """
    with _seen_lock:
        if key in _seen:
            return False
        if len(_seen) >= _ONCE_MAX:
            _seen.clear()
        _seen.add(key)
        return True


def configure_logs(settings: Settings, *, command: bool = False) -> None:
    """Send all log records of the process to stderr as `[logs]` says. Calling it again replaces what was set.

    A `command` ends by itself and says what it does: of its Kafka client only what is amiss is logged.
    """
    as_json = settings.logs.format == "json" or (settings.logs.format == "auto" and not sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_payloads,
    ]
    if as_json:
        shared.append(structlog.processors.format_exc_info)
        renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        # A plain traceback: the rich one shows local variables, and those hold events.
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty() and not os.environ.get("NO_COLOR"),
            exception_formatter=structlog.dev.plain_traceback,
        )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.logs.level.upper())
    # At debug they log requests and answers, and those hold records; kafka-python at info each attempt to connect.
    logging.getLogger("aiokafka").setLevel(max(root.level, logging.WARNING if command else logging.INFO))
    logging.getLogger("kafka").setLevel(max(root.level, logging.WARNING))
    logging.getLogger("kafka.net.manager").setLevel(logging.CRITICAL)  # three lines an attempt; the reason is another's
    logging.captureWarnings(capture=True)


def _quotes_nobody(record: logging.LogRecord) -> bool:
    """Say whether a record of aiohttp may be logged: of what is no HTTP it quotes the line, with a token or an id in it."""
    return not (record.exc_info and type(record.exc_info[1]).__module__ == "aiohttp.http_exceptions")


def _says_more(record: logging.LogRecord) -> bool:
    """Say whether a Kafka client's record is more than that nobody answers at the address to begin with.

    That is its caller's error, which names the address; that a certificate or a password is refused is only here.
    """
    reason = record.args[-1] if isinstance(record.args, tuple) and record.args else None
    if str(record.msg).startswith('Unable connect to "'):
        return not isinstance(reason, (ConnectionError, TimeoutError))
    return "ECONNREFUSED" not in str(reason)


logging.getLogger("aiohttp.server").addFilter(_quotes_nobody)
for _client in ("aiokafka", "kafka.net.connection"):
    logging.getLogger(_client).addFilter(_says_more)


def _without_payloads(_logger: Any, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in fields.items():
        if isinstance(value, (bytes, bytearray, memoryview)):
            fields[name] = f"<{len(value)} bytes>"
        elif name in _PAYLOAD_FIELDS:
            fields[name] = "<not logged>"
    return fields
