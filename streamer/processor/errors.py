"""What can go wrong in a worker before or while it runs, each with the words that help."""

from aiokafka.errors import KafkaConnectionError, KafkaError

from streamer.errors import DependencyError, StreamerError


def refused(bootstrap: str, error: KafkaError) -> DependencyError:
    """Return what to raise where the brokers did not do what was asked."""
    silent = isinstance(error, KafkaConnectionError)
    return DependencyError("kafka", f"{bootstrap} does not answer" if silent else f"{bootstrap}: {error!r}")


class ProcessorError(StreamerError, RuntimeError):
    """Why a worker does not start, or does not go on: something that trying again does not mend."""


class ConfigurationChangedError(ProcessorError):
    """The saved state was made with settings or code that decide facts differently; going on would mix two meanings."""

    exit_code = 78

    def __init__(self, partition: int, found: str, wanted: str) -> None:
        self.partition, self.found, self.wanted = partition, found, wanted
        super().__init__(
            f"the saved state (partition {partition}) was made with configuration {found}, this worker has {wanted}: "
            "run `streamer rebuild` to replay the log into a new version, or put the former settings back"
        )


class WrongPartitionsError(ProcessorError):
    """Topics whose partition counts differ cannot be joined by customer."""

    exit_code = 78

    def __init__(self, found: dict[str, int], wanted: int, bootstrap: str) -> None:
        self.found, self.wanted = found, wanted
        low = [topic for topic, count in found.items() if count < wanted]
        mend = [
            f"kafka-topics.sh --bootstrap-server {bootstrap} --alter --topic {topic} --partitions {wanted}"
            for topic in low
        ]
        if len(low) < len(found):
            mend.append(f"set kafka.partitions to {max(found.values())} (a topic cannot lose partitions)")
        counts = ", ".join(f"{topic} has {count}" for topic, count in sorted(found.items()))
        super().__init__(f"every topic needs {wanted} partitions, but {counts}; mend it with: " + "; ".join(mend))


class LogTruncatedError(ProcessorError):
    """A source topic ends before what the state already includes: it was deleted and made again."""

    exit_code = 65

    def __init__(self, topic: str, partition: int, end: int, included: int) -> None:
        super().__init__(
            f"{topic}[{partition}] ends at offset {end}, but the saved state includes everything before {included}: "
            "the topic was made anew; run `streamer rebuild`"
        )


class BrokenChangelogError(ProcessorError):
    """The changelogs of a partition do not end in one common mark; only another writer can have done that."""

    exit_code = 65


class InvalidConfigError(ProcessorError, ValueError):
    """A setting of the worker is missing or impossible; the message starts with its name."""

    exit_code = 78
