"""The processor: a Faust worker with chunked transport and exact, write-behind tables."""

from streamer.processor.app import WorkerApp, build_app
from streamer.processor.config import WorkerConfig
from streamer.processor.errors import (
    BrokenChangelogError,
    ConfigurationChangedError,
    InvalidConfigError,
    LogTruncatedError,
    ProcessorError,
    WrongPartitionsError,
)
from streamer.processor.mark import END, MARK, Mark, decode_mark, is_control
from streamer.processor.partition import (
    Changes,
    Counting,
    DeadLetter,
    Families,
    PartitionFactory,
    PartitionState,
    Record,
)
from streamer.processor.topics import ensure_topics
from streamer.processor.worker import prepare, run_worker

__all__ = [
    "END",
    "MARK",
    "BrokenChangelogError",
    "Changes",
    "ConfigurationChangedError",
    "Counting",
    "DeadLetter",
    "Families",
    "InvalidConfigError",
    "LogTruncatedError",
    "Mark",
    "PartitionFactory",
    "PartitionState",
    "ProcessorError",
    "Record",
    "WorkerApp",
    "WorkerConfig",
    "WrongPartitionsError",
    "build_app",
    "decode_mark",
    "ensure_topics",
    "is_control",
    "prepare",
    "run_worker",
]
