"""What a worker needs to know, checked before it touches the network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from streamer.processor.errors import InvalidConfigError

SOURCES = (
    "support.tickets",
    "support.chats",
    "support.calls",
    "support.surveys",
    "support.customers",
    "support.agents",
)
DEAD_LETTERS = "support.dead-letters"
TABLES = ("timelines", "panes")
# A rebuild replays the log, so it has to reach back over the longest window (90 days) and some.
RETENTION_MS = 100 * 24 * 3_600_000


@dataclass(frozen=True, kw_only=True)
class WorkerConfig:
    """Settings of one worker process; all durations in milliseconds.

    `security` goes to every aiokafka client as it is (security_protocol, ssl_context, sasl_mechanism, ...), so a
    secret is never read or logged here. `configuration` is the hash of the settings and code that decide facts.
    """

    bootstrap: str
    app_id: str
    configuration: str
    partitions: int = 4
    replication: int = 1
    retention_ms: int = RETENTION_MS
    sources: tuple[str, ...] = SOURCES
    tables: tuple[str, ...] = TABLES
    dead_letters: str = DEAD_LETTERS
    fencing: Literal["transactions", "none"] = "transactions"
    security: Mapping[str, Any] = field(default_factory=dict)
    instance_id: str | None = None
    # Taken over by the rest of the group after this long without a heartbeat: failover against false alarms.
    session_timeout_ms: int = 10_000
    rebalance_timeout_ms: int = 20_000
    flush_interval_ms: int = 500
    # With a backlog each key is touched many times between two flushes, so fewer flushes write fewer records.
    backlog_flush_interval_ms: int = 5_000
    idle_mark_interval_ms: int = 5_000
    # The board's staleness and a partition's end wait for an open transaction at most this long if a worker dies in one
    # and nobody takes over (a new owner ends it at once).
    transaction_timeout_ms: int = 30_000
    host: str = "127.0.0.1"
    port: int | None = None
    ready_lag_max: int = 100_000

    def __post_init__(self) -> None:
        """Raise InvalidConfigError, naming the setting, where a value is missing or cannot work."""
        for name in ("bootstrap", "app_id", "configuration"):
            if not getattr(self, name):
                raise InvalidConfigError(f"{name}: must be set")
        for name in (
            "partitions", "replication", "retention_ms", "session_timeout_ms", "rebalance_timeout_ms",
            "flush_interval_ms", "backlog_flush_interval_ms", "idle_mark_interval_ms", "transaction_timeout_ms",
        ):  # fmt: skip
            if getattr(self, name) < 1:
                raise InvalidConfigError(f"{name}: must be positive")
        if self.fencing not in ("transactions", "none"):
            raise InvalidConfigError("fencing: must be 'transactions' or 'none'")
        if not self.sources or not self.tables:
            raise InvalidConfigError("sources, tables: at least one of each")

    @property
    def bootstrap_servers(self) -> list[str]:
        """The brokers to ask first, as host:port."""
        return [server.strip() for server in self.bootstrap.split(",") if server.strip()]

    @property
    def fenced(self) -> bool:
        """Whether flushes are Kafka transactions."""
        return self.fencing == "transactions"

    @property
    def isolation_level(self) -> str:
        """What a reader of the changelogs must use."""
        return "read_committed" if self.fenced else "read_uncommitted"

    def changelog(self, table: str) -> str:
        """Name of the table's changelog topic."""
        return f"{self.app_id}-{table}"

    @property
    def changelogs(self) -> dict[str, str]:
        """Changelog topic -> table."""
        return {self.changelog(table): table for table in self.tables}

    def client(self, purpose: str) -> dict[str, Any]:
        """Arguments that every aiokafka client of this worker shares; `purpose` ends in its client id."""
        return {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": f"{self.app_id}-{purpose}",
            **self.security,
        }
