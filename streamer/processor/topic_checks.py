"""What a topic's settings have to be, and what follows where they are not. Pure."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from streamer.processor.errors import ProcessorError

PARTITIONS: Final = "partitions"
#: Kafka's -1: no limit
_UNLIMITED: Final = -1


class Verdict(StrEnum):
    """What to do about a setting."""

    OK = "ok"
    UNKNOWN = "unknown"
    """The brokers do not tell: the embedded one tells only what a topic was made with."""
    WARNING = "warning"
    WRONG = "wrong"
    """Numbers would be wrong or state would be lost: a worker does not start."""
    MISSING = "missing"


class _Rule(NamedTuple):
    """`fit`: how an actual value has to relate to the wanted one; `why`: what happens otherwise."""

    fit: Literal["is", "min", "max"]
    fatal: bool
    why: str


_RULES: Final[Mapping[str, _Rule]] = {
    "cleanup.policy": _Rule("is", True, "what is still needed would be deleted"),
    "message.timestamp.type": _Rule("is", False, "lateness depends on the producers' clocks"),
    "retention.ms": _Rule("min", False, "what is older can neither be rebuilt from nor sent again"),
    "min.compaction.lag.ms": _Rule("min", False, "a board that is behind misses parts of flushes"),
    "max.compaction.lag.ms": _Rule("max", False, "nothing says when an erased customer is gone from the log"),
    "segment.bytes": _Rule("max", False, "recovery reads more that is outdated"),
    "max.message.bytes": _Rule("min", False, "a customer with very many recent events cannot be written"),
}


class Finding(NamedTuple):
    """One setting of a topic: as it is wanted, as it is ("" where that is not known), and what that means."""

    topic: str
    setting: str
    wanted: str
    actual: str
    verdict: Verdict

    def words(self, bootstrap: str) -> str:
        """Say what is wrong, what follows, and the command that mends it."""
        if self.verdict is Verdict.MISSING:
            return f"topic {self.topic} does not exist; mend it with: streamer topics --create"
        is_ = f"topic {self.topic}: {self.setting} is {self.actual}, not {self.wanted}"
        if self.setting == PARTITIONS:
            return f"{is_}: topics with different counts cannot be joined by customer"
        tool = f"kafka-configs.sh --bootstrap-server {bootstrap} --alter --entity-type topics"
        change = f"--entity-name {self.topic} --add-config {self.setting}={self.wanted}"
        return f"{is_}: {_RULES[self.setting].why}; mend it with: {tool} {change}"


class UnfitTopicsError(ProcessorError):
    """Topics with settings under which a worker would lose state or events. `findings` has them all."""

    exit_code = 78

    def __init__(self, findings: list[Finding], bootstrap: str) -> None:
        self.findings = findings
        super().__init__("\n".join(finding.words(bootstrap) for finding in findings))


def judge(topic: str, wanted: Mapping[str, str], actual: Mapping[str, str]) -> Iterator[Finding]:
    """Return a finding for each wanted setting of a topic that exists."""
    for setting, value in wanted.items():
        found = actual.get(setting, "")
        yield Finding(topic, setting, value, found, _verdict(_RULES[setting], value, found))


def _verdict(rule: _Rule, wanted: str, actual: str) -> Verdict:
    if not actual:
        return Verdict.UNKNOWN
    if rule.fit == "is":
        fits = actual == wanted
    elif int(actual) == _UNLIMITED:
        fits = rule.fit == "min"
    else:
        fits = int(actual) >= int(wanted) if rule.fit == "min" else int(actual) <= int(wanted)
    if fits:
        return Verdict.OK
    return Verdict.WRONG if rule.fatal else Verdict.WARNING
