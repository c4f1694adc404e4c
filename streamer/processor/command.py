"""`streamer worker`: from settings to a running worker."""

import hashlib
import ssl
from typing import Any

from streamer.logs import configure_logs
from streamer.metrics.catalogue import METRICS, ROWS
from streamer.metrics.plan import Plan
from streamer.options import ConfigOption
from streamer.partition import COUNTERS, FACTS_VERSION, Partition
from streamer.processor.config import WorkerConfig
from streamer.settings import Settings, load_settings, rules_hash

#: while a backlog is worked off nobody waits for one number, and what is flushed less often is flushed less
BACKLOG_FLUSH_MS = 5_000


def security(settings: Settings) -> dict[str, Any]:
    """Return the arguments by which an aiokafka client reaches the brokers; reads secrets from their files, now."""
    kafka = settings.kafka
    arguments: dict[str, Any] = {"security_protocol": kafka.security_protocol}
    if "SSL" in kafka.security_protocol:
        context = ssl.create_default_context(cafile=kafka.tls_ca_file)
        if kafka.tls_certificate_file is not None:
            password = kafka.tls_key_password()
            context.load_cert_chain(
                kafka.tls_certificate_file, kafka.tls_key_file, password.get_secret_value() if password else None
            )
        arguments["ssl_context"] = context
    password = kafka.sasl_password()
    if kafka.security_protocol.startswith("SASL") and password is not None:
        arguments |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": kafka.sasl_username,
            "sasl_plain_password": password.get_secret_value(),
        }
    return arguments


def configuration_hash(settings: Settings) -> str:
    """Hash all that decides facts and where they are kept: settings, the version of the steps, rows and slice sizes."""
    shape = Plan(settings).shape
    digest = hashlib.sha256(f"{FACTS_VERSION} {rules_hash(settings)} {ROWS!r}".encode())
    digest.update(shape.sizes.tobytes())
    return digest.hexdigest()[:16]


def worker_config(settings: Settings) -> WorkerConfig:
    """Return what the processor needs to know. Raises `SettingsError` if a secret cannot be read."""
    kafka, worker = settings.kafka, settings.worker
    return WorkerConfig(
        bootstrap=kafka.bootstrap,
        app_id=kafka.app,
        configuration=configuration_hash(settings),
        partitions=kafka.partitions,
        replication=kafka.replication,
        retention_ms=kafka.retention,
        fencing=kafka.fencing,
        security=security(settings),
        instance_id=worker.instance,
        session_timeout_ms=worker.session_timeout,
        flush_interval_ms=worker.flush_interval,
        backlog_flush_interval_ms=max(BACKLOG_FLUSH_MS, 4 * worker.flush_interval),
        idle_mark_interval_ms=worker.mark_interval,
        host=worker.host,
        port=worker.port,
        ready_lag_max=worker.lag_limit,
    )


def worker(config: ConfigOption = None) -> None:
    """Process events: Kafka to exact state, until SIGTERM."""
    from streamer.processor.worker import run_worker  # noqa: PLC0415 (a board needs the configuration, and no Faust)

    settings = load_settings(config, metric_names={metric.name for metric in METRICS})
    configure_logs(settings)
    run_worker(worker_config(settings), lambda number: Partition(settings, number), COUNTERS)
