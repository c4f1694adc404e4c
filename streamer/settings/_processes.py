"""The sections that say how the processes run: what is shown, Kafka, the worker, the board, Redis, logs."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 (pydantic resolves it)
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from streamer.errors import Mistake, SettingsError
from streamer.settings._section import Section, fail_unless_unique
from streamer.settings._types import Duration, Number, PositiveDuration, Whole, Window, parse_duration

Port = Annotated[Whole, Field(ge=0, le=65_535)]  # 0 lets the system choose, which tests and `demo` use
_SASL = ("SASL_PLAINTEXT", "SASL_SSL")


class MetricSettings(Section):
    """`[metrics.NAME]`: the windows of one metric; None leaves the catalogue's."""

    windows: tuple[Window, ...] | None = None

    @field_validator("windows")
    @classmethod
    def _windows_differ(cls, windows: tuple[Window, ...] | None) -> tuple[Window, ...] | None:
        if windows == ():
            raise ValueError("must not be empty (without it the metric has the catalogue's windows)")
        fail_unless_unique(windows)
        return windows


class ExpositionSettings(Section):
    """`[exposition]`: what the board shows. None is everything; groupings must be among `dimensions.groupings`."""

    metrics: tuple[str, ...] | None = None
    windows: tuple[Window, ...] | None = None
    quantiles: tuple[Annotated[Number, Field(gt=0, lt=1)], ...] = (0.5, 0.9, 0.95)
    groupings: tuple[tuple[str, ...], ...] | None = None
    max_series: Annotated[Whole, Field(ge=100)] = 50_000

    @field_validator("metrics", "windows", "quantiles", "groupings")
    @classmethod
    def _differ(cls, values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        fail_unless_unique(values)
        return values


class KafkaSettings(Section):
    """`[kafka]`: how to reach the brokers, and the topics' shape."""

    bootstrap: Annotated[str, Field(min_length=1)] = "127.0.0.1:9092"
    app: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")] = "streamer"
    partitions: Annotated[Whole, Field(ge=1, le=1_000)] = 4
    replication: Annotated[Whole, Field(ge=1, le=10)] = 1  # one broker; 3 where there are three
    retention: PositiveDuration = parse_duration("100d")
    fencing: Literal["transactions", "none"] = "transactions"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    tls_ca_file: Path | None = None
    tls_certificate_file: Path | None = None
    tls_key_file: Annotated[Path | None, Field(validate_default=True)] = None
    tls_key_password_file: Path | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: Annotated[str | None, Field(validate_default=True)] = None
    sasl_password_file: Annotated[Path | None, Field(validate_default=True)] = None

    @field_validator("bootstrap")
    @classmethod
    def _addresses(cls, bootstrap: str) -> str:
        for server in map(str.strip, bootstrap.split(",")):
            try:
                parts = urlsplit(f"//{server}")
                fits = bool(parts.netloc == server and parts.hostname and parts.port != 0 and server[-1] != ":")
            except ValueError:
                fits = False
            if not fits:
                raise ValueError("must be HOST:PORT, several separated by commas")
        return bootstrap

    @field_validator("tls_key_file")
    @classmethod
    def _key_and_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if "tls_certificate_file" in info.data and (info.data["tls_certificate_file"] is None) != (key is None):
            raise ValueError("and tls_certificate_file go together")
        return key

    @field_validator("sasl_username", "sasl_password_file")
    @classmethod
    def _sasl_is_complete(cls, value: str | Path | None, info: ValidationInfo) -> str | Path | None:
        protocol = info.data.get("security_protocol")
        if value is None and protocol in _SASL:
            raise ValueError(f"is needed with security_protocol {protocol}")
        return value

    @property
    def bootstrap_servers(self) -> list[str]:
        """The brokers' addresses, as clients want them."""
        return [server.strip() for server in self.bootstrap.split(",") if server.strip()]

    def sasl_password(self) -> SecretStr | None:
        """Read the password from its file, now. Raises `SettingsError` if it cannot."""
        return read_secret(self.sasl_password_file, "kafka.sasl_password_file")

    def tls_key_password(self) -> SecretStr | None:
        """Read the private key's password from its file, now. Raises `SettingsError` if it cannot."""
        return read_secret(self.tls_key_password_file, "kafka.tls_key_password_file")


class WorkerSettings(Section):
    """`[worker]`: the processor."""

    host: str = "127.0.0.1"
    port: Port = 6066
    instance: str | None = None  # a static group member: a restart within the session timeout moves no partition
    flush_interval: PositiveDuration = parse_duration("300ms")
    mark_interval: PositiveDuration = parse_duration("5s")
    session_timeout: PositiveDuration = parse_duration("10s")
    shutdown_timeout: PositiveDuration = parse_duration("20s")
    lag_limit: Annotated[Whole, Field(ge=1)] = 100_000  # records behind above which /ready says no


class BoardSettings(Section):
    """`[board]`: /metrics, the API and the wall page."""

    host: str = "127.0.0.1"
    port: Port = 8080
    stale_limit: PositiveDuration = parse_duration("15s")  # three marks of an idle worker
    cache: Duration = parse_duration("1s")  # how long one evaluation serves all scrapes


class RedisSettings(Section):
    """`[redis]`: the read model of journeys; None is none."""

    url: str | None = None
    password_file: Path | None = None

    @field_validator("url")
    @classmethod
    def _no_password(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "redis://")
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        if parts.password:
            raise ValueError("has a password in it; put it into a file and name that in redis.password_file")
        return url

    def password(self) -> SecretStr | None:
        """Read the password from its file, now. Raises `SettingsError` if it cannot."""
        return read_secret(self.password_file, "redis.password_file")


class AmiSettings(Section):
    """`[ami]`: the Asterisk that `streamer tail --ami` listens to."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[Whole, Field(ge=1, le=65_535)] = 5038
    username: Annotated[str, Field(pattern=r"^[^\r\n]{1,100}$")] = "streamer"
    secret_file: Path | None = None

    def secret(self) -> SecretStr | None:
        """Read the secret from its file, now. Raises `SettingsError` if it cannot."""
        return read_secret(self.secret_file, "ami.secret_file")


class LogSettings(Section):
    """`[logs]`: to stderr; `auto` is console on a terminal, JSON lines off it."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


def read_secret(file: Path | None, key: str) -> SecretStr | None:
    """Read a secret from the file that the setting `key` names, without its last newline; None if it names none."""
    if file is None:
        return None
    try:
        secret = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise SettingsError([Mistake(str(file), key, f"cannot be read: {reason}")]) from None
    if not secret:
        raise SettingsError([Mistake(str(file), key, "is empty")])
    return SecretStr(secret)
