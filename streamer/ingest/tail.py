"""`streamer tail`: the lines of an Asterisk queue_log to Kafka as they are written, from where it was left; or its AMI."""

from __future__ import annotations

import asyncio
import random
import signal
import threading
from pathlib import Path  # noqa: TC003 (typer resolves it)
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer

from streamer.errors import DependencyError, Mistake, SettingsError, UsageError
from streamer.ingest.adapters.base import Source
from streamer.ingest.ami_command import AmiTail
from streamer.ingest.asterisk import QueueLog
from streamer.ingest.asterisk_memory import Memory  # noqa: TC001 (msgspec resolves it)
from streamer.ingest.follow import Follower, Place
from streamer.ingest.position import Outlet, alone, load, save
from streamer.logs import configure_logs, get_logger
from streamer.options import ConfigOption  # noqa: TC001 (typer resolves it)
from streamer.producers.kafka import KafkaSender
from streamer.settings import load_settings
from streamer.settings._processes import read_secret

if TYPE_CHECKING:
    from streamer.settings import Settings

logger = get_logger(__name__)

_LINES: Final = 2_000  # between two acknowledgements: 4,000 events, 0.1 s
_POLL_S: Final = 0.5
_BACKOFF_S: Final = 2.0
_KAFKA_S: Final = 8.0  # twice this is the longest that SIGTERM waits, and 20 s is what it may


class Position(msgspec.Struct):
    """What outlives a restart: the place in the file, what the lines before it left, and whether it is history yet."""

    place: Place
    memory: Memory
    history: bool = False


class Tail:
    """Follows one file. `position` is the file that keeps where it was; it is written when Kafka has the events."""

    def __init__(self, settings: Settings, source: Source, path: Path, position: Path, *, from_start: bool) -> None:
        self._settings, self._source, self._path, self._position_file = settings, source, path, position
        self.outlet = Outlet(settings)
        self._from_start = from_start
        self.lines = 0

    def run(self, stop: threading.Event, *, once: bool = False) -> None:
        """Send until `stop` is set, or with `once` to the end of the file; Kafka away is waited for.

        Raises `InputMissingError`, `OutputError` for the position, and with `once` `DependencyError`.
        """
        # What is wrong with the files is said before Kafka is waited for.
        if load(self._position_file, Position) is None:
            Follower(self._path, None, self._source.digest).close()
        ended = False
        while not (ended or stop.is_set()):
            try:
                with KafkaSender(self._settings, timeout_s=_KAFKA_S, tell=once) as sender:
                    self._follow(sender, stop, once=once)
                ended = True
            except DependencyError as error:
                if once:
                    raise
                # The lines wait in their file. With jitter: a broker that comes back is not met by all at once.
                logger.warning("kafka is away; the lines wait in their file", error=str(error))
                stop.wait(_BACKOFF_S * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)

    def _follow(self, sender: KafkaSender, stop: threading.Event, *, once: bool) -> None:
        position = load(self._position_file, Position)
        log = QueueLog(self._source, position.memory if position else None)
        history = position.history if position else self._from_start
        start = position.place if position else Place() if self._from_start else None
        follower = Follower(self._path, start, self._source.digest)
        try:
            while not stop.is_set():
                chunk = follower.read(_LINES)
                for line in chunk.lines:
                    for event in log.line(line):
                        self.outlet.send(sender, event, history=history)
                history = history and not chunk.at_end
                if chunk.lines or position is None or position.place != chunk.place:
                    sender.flush()
                    position = Position(chunk.place, log.memory, history)
                    save(self._position_file, msgspec.json.encode(position))
                self.lines += len(chunk.lines)
                self.outlet.refused += log.refused
                log.refused = 0
                if chunk.at_end:
                    if once:
                        return
                    stop.wait(_POLL_S)
        finally:
            follower.close()


def tail(
    file: Annotated[
        Path | None, typer.Argument(help="The queue_log, such as /var/log/asterisk/queue_log.", show_default=False)
    ] = None,
    *,
    position: Annotated[
        Path, typer.Option(help="File that keeps where it was, for the next start.", show_default=False)
    ],
    ami: Annotated[
        bool, typer.Option("--ami", help="Listen to the manager interface that [ami] names, instead of a file.")
    ] = False,
    source: Annotated[str, typer.Option(help="Name of this Asterisk.")] = "asterisk",
    name: Annotated[
        list[str] | None,
        typer.Option(
            help="OLD=NEW: a queue, or an extension that leads to one, and what it is called. May be given often.",
            show_default=False,
        ),
    ] = None,
    pass_names: Annotated[bool, typer.Option("--pass-names", help="Show every queue's name as it is.")] = False,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="The first time, send what is in the file already, as history.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="End at the end of the file.")] = False,
    config: ConfigOption = None,
) -> None:
    """Send an Asterisk's calls and agents to Kafka until SIGTERM: of its queue_log as lines are written, or of its AMI."""
    if ami == (file is not None):
        raise UsageError("either a FILE or --ami")
    if ami and (from_start or once):
        raise UsageError("--from-start and --once are for a FILE")
    settings = load_settings(config)
    configure_logs(settings)
    names = dict(_pair(one) for one in name or [])
    known = Source(source, _key(settings), names=names, pass_names=pass_names)
    with alone(position):
        if file is None:
            asyncio.run(_listen(settings, known, position))
        else:
            _follow(Tail(settings, known, file, position, from_start=from_start), once=once)


async def _listen(settings: Settings, source: Source, position: Path) -> None:
    await AmiTail(settings, source, position).run()


def _follow(tailed: Tail, *, once: bool) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    tailed.run(stop, once=once)
    logger.info("ended", lines=tailed.lines, events=tailed.outlet.events, refused=tailed.outlet.refused)


def _pair(text: str) -> tuple[str, str]:
    old, mark, new = text.partition("=")
    if not (mark and old and new):
        raise UsageError("--name is OLD=NEW")
    return old, new


def _key(settings: Settings) -> bytes:
    """Read the key of the hashes, the same as the ingress's and the SDK's."""
    key = read_secret(settings.ingest.key_file, "ingest.key_file")
    if key is None:
        raise SettingsError([Mistake("", "ingest.key_file", "is needed: ids leave as keyed hashes")])
    return key.get_secret_value().encode()
