"""Apache Kafka: one node that is broker and controller (KRaft), from the jars in .services/kafka."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streamer.embedded import free_port
from tests.services.process import Service, ServiceFailedError, ServiceMissingError, find_program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_JARS = Path(__file__).parents[2] / ".services" / "kafka"
_CLUSTER_ID = "c3RyZWFtZXItdGVzdHMtMQ"  # 16 bytes in URL-safe base64, as Kafka wants it
_FORMAT_SECONDS = 60
_ONE_COMPILER = "-XX:TieredStopAtLevel=1"
#: `java_options` of a broker that lives for a few tests: half the CPU time until it is up, slower under a long load
SHORT_LIVED = (_ONE_COMPILER, "-XX:+UseSerialGC")

# The session: after a kill the controller refuses the broker's new life until the old one's session is over (9 s by
# default). One replica of everything; few partitions of the internal topics: each is a file and a leader to elect.
_SETTINGS = """
process.roles=broker,controller
node.id=1
listeners=BROKER://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=BROKER://127.0.0.1:{port}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={data}
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""


class Kafka(Service):
    """A broker whose port and data outlive `stop`, `kill9` and `start`."""

    java_options: ClassVar[Sequence[str]] = ()
    start_seconds = 60.0  # 3 s alone; minutes of tests beside it on two cores made it 15

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, free_port())
        self._java = find_program("java")
        if not list(_JARS.glob("kafka_*.jar")):
            raise ServiceMissingError("the Kafka jars are not installed: make services")
        self._settings = folder / "server.properties"
        self._settings.write_text(
            _SETTINGS.format(port=self.port, controller=self._controller_port(), data=folder / "data")
        )
        self._format()

    @property
    def bootstrap(self) -> str:
        """The `host:port` for clients."""
        return self.address

    def command(self) -> Sequence[str]:
        return [*self._run_java("-Xmx1g", *self.java_options), "kafka.Kafka", str(self._settings)]

    def environment(self) -> Mapping[str, str]:
        return {"LC_ALL": "C"}

    def ready(self) -> bool:
        try:
            # A refused connection is known at once; the client below would back off for half a second.
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=5_000)
        except (OSError, KafkaError):
            return False
        try:
            return bool(admin.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            admin.close()

    def _controller_port(self) -> int:
        port = free_port()
        return port if port != self.port else self._controller_port()

    def _run_java(self, *options: str) -> list[str]:
        settings = {"defaultLogLevel": "warn", "showDateTime": "true", "dateTimeFormat": "HH:mm:ss.SSS"}
        logging = [f"-Dorg.slf4j.simpleLogger.{name}={value}" for name, value in settings.items()]
        return [self._java, *options, *logging, "-cp", f"{_JARS}/*"]

    def _format(self) -> None:
        arguments = ["format", "--cluster-id", _CLUSTER_ID, "--config", str(self._settings)]
        done = subprocess.run(
            [*self._run_java(_ONE_COMPILER), "kafka.tools.StorageTool", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=_FORMAT_SECONDS,
            check=False,
        )
        if done.returncode:
            raise ServiceFailedError(f"formatting Kafka's storage: {done.stdout}{done.stderr}")
