"""The processes of docker-compose.yml without Docker: the same commands, environment, probes and order, real Kafka and Redis."""

import base64
import hmac
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from redis import AuthenticationError, Redis

from streamer.embedded import free_port
from tests.deploy import compose
from tests.deploy.compose import ROOT, SECRETS, ours, probe, prometheus_files
from tests.services.kafka import Kafka
from tests.services.process import Service, answers_ok, find_program, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SERVICES = compose.services()
FILES = "/var/lib/streamer"
SECRET = base64.b64encode(b"a secret of 24 bytes....")


class ByHand(Service):
    """What a container runs, where names, ports and paths of the containers become those of this machine."""

    start_seconds = 90.0

    def __init__(self, folder, name, translate, secrets):
        super().__init__(folder, free_port())
        self.name, self.service, self.translate, self.secrets = name, SERVICES[name], translate, secrets
        if any(mount.endswith(f":{FILES}") for mount in self.service.get("volumes", [])):
            (folder / "files").mkdir()

    def local(self, text):
        paths = {SECRETS: f"{self.secrets}/", FILES: f"{self.folder}/files", "0.0.0.0": "127.0.0.1"}
        for there, here in {**self.translate, **paths}.items():
            text = text.replace(there, here)
        return text

    def environment(self):
        return {name: self.local(value) for name, value in self.service["environment"].items()}

    def command(self):
        return [sys.executable, "-m", "streamer", *map(self.local, self.service["command"])]

    def ready(self):
        """Ask the container's own health check."""
        kind, program, *arguments = self.service["healthcheck"]["test"]
        assert (kind, program) == ("CMD", "python")
        inside, _ = probe(self.service)
        arguments = [argument.replace(f":{inside}/", f":{self.port}/") for argument in arguments]
        return not subprocess.run([sys.executable, *arguments], capture_output=True, timeout=30, check=False).returncode


class Server(ByHand):
    """A process that serves, on a port of its own."""

    def environment(self):
        section = self.service["command"][0].upper()
        return {**super().environment(), f"STREAMER_{section}__PORT": str(self.port)}

    def stopped(self):
        self.stop()
        return self._process.returncode


class Simulator(ByHand):
    def ready(self):
        return True


class RedisByHand(ByHand):
    """The server that the service's shell script starts; the password is in the file."""

    def environment(self):
        return {}

    def command(self):
        program = find_program("redis-server")
        shell, flag, script = self.service["entrypoint"]
        assert "redis-server - <<" in script
        return [
            shell,
            flag,
            self.local(script).replace("redis-server -", f"{program} - --bind 127.0.0.1 --port {self.port}", 1),
        ]

    def ready(self):
        kind, script = self.service["healthcheck"]["test"]
        assert kind == "CMD-SHELL"
        script = self.local(script).replace("redis-cli", f"{find_program('redis-cli')} -p {self.port}")
        return not subprocess.run(["sh", "-c", script], capture_output=True, timeout=30, check=False).returncode


class Watcher(ByHand):
    """Prometheus or Alertmanager with the flags of the file."""

    def environment(self):
        return {}

    def command(self):
        program = find_program(f"prometheus-{self.name}", self.name)
        return [program, *map(self.local, self.service["command"]), f"--web.listen-address={self.address}"]

    def ready(self):
        return answers_ok(self.address, probe(self.service)[1])


class KafkaByHand(Kafka):
    """The broker with the settings of the file, as its image makes them of the variables."""

    def _format(self):
        ports = {"9092": self.port, "9093": self._controller_port(), "9094": free_port()}
        lines = []
        for variable, value in SERVICES["kafka"]["environment"].items():
            if variable.startswith("KAFKA_") and variable != "KAFKA_HEAP_OPTS":
                here = value.replace("://:", "://127.0.0.1:").replace("kafka:", "127.0.0.1:")
                here = here.replace("/var/lib/kafka/data", str(self.folder / "data"))
                for there, port in ports.items():
                    here = here.replace(f":{there}", f":{port}")
                lines.append(f"{variable.removeprefix('KAFKA_').lower().replace('_', '.')}={here}\n")
        self._settings.write_text("".join(lines))
        super()._format()


@pytest.fixture
def secrets(tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name in ("redis_password", "ids_key", "grafana_password"):
        (folder / name).write_text(f"{os.urandom(16).hex()}\n")
    (folder / "events_secret").write_text(f"whsec_{SECRET.decode()}\n")
    return folder


def test_redis_takes_its_password_from_the_file_and_writes_no_disk(services, secrets):
    server = services.start(RedisByHand, "redis", {}, secrets)
    with pytest.raises(AuthenticationError), Redis(port=server.port) as stranger:
        stranger.ping()
    with Redis(port=server.port, password=(secrets / "redis_password").read_text().strip()) as known:
        assert known.config_get("save", "appendonly", "maxmemory") == {
            "save": "",
            "appendonly": "no",
            "maxmemory": str(256 << 20),
        }
    command = Path(f"/proc/{server._process.pid}/cmdline").read_bytes()
    assert (secrets / "redis_password").read_bytes().strip() not in command


def test_prometheus_and_alertmanager_start_with_their_flags_and_files(services, secrets, tmp_path):
    files, data = prometheus_files(tmp_path / "files"), tmp_path / "data"
    services.start(Watcher, "prometheus", {"/etc/prometheus": str(files), "=/prometheus": f"={data}"}, secrets)
    settings = str(ROOT / "alertmanager")
    services.start(Watcher, "alertmanager", {"/etc/alertmanager": settings, "=/alertmanager": f"={data}-a"}, secrets)


def get(process, path):
    with urllib.request.urlopen(f"http://{process.address}{path}", timeout=30) as answer:
        return answer.read().decode()


def number(board):
    """Give the open tickets that the board shows, 0 where it shows none."""
    for line in get(board, "/metrics").splitlines():
        if line.startswith("support_tickets_backlog{"):
            return float(line.rpartition(" ")[2])
    return 0.0


def delivered(ingest):
    now = time.time()
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "by-hand",
        "type": "support.ticket.created",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        "subject": "t-1",
        "data": {"customer": "c-1", "channel": "email"},
    }
    body = json.dumps(event).encode()
    signed = hmac.digest(base64.b64decode(SECRET), f"1.{int(now)}.".encode() + body, "sha256")
    headers = {
        "content-type": "application/cloudevents+json",
        "webhook-id": "1",
        "webhook-timestamp": str(int(now)),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }
    request = urllib.request.Request(f"http://{ingest.address}/in/events", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_the_processes_come_up_in_order_and_show_a_number(services, secrets):
    """A name, option, variable, port, probe or dependency that is wrong in the file ends here."""
    kafka = services.start(KafkaByHand)
    redis = services.start(RedisByHand, "redis", {}, secrets)
    translate = {"kafka:9092": kafka.bootstrap, "redis:6379": redis.address}
    first, *others = ours()
    assert first == "topics"
    topics = ByHand(services.folder(), "topics", translate, secrets)
    made = subprocess.run(
        topics.command(), env={**os.environ, **topics.environment()}, capture_output=True, timeout=120, check=False
    )
    assert made.returncode == 0, made.stderr
    running = {}
    for name in others:
        kind = Simulator if name == "simulator" else Server
        running[name] = services.start(kind, name, translate, secrets)
    assert running.keys() == {"worker", "board", "ingest", "simulator"}
    wait_until(lambda: number(running["board"]) > 0, 60, lambda: running["simulator"].running)
    assert delivered(running["ingest"]) == {"events": 1}
    assert all(running[name].ready() for name in ("worker", "board", "ingest"))
    running["simulator"].stop()
    for name in ("ingest", "board", "worker"):
        assert running[name].stopped() == 0
        # The root of a container is read-only: nothing is written but into volumes.
        written = {path.name for path in running[name].folder.iterdir()}
        assert written == ({"log", "files"} if name == "ingest" else {"log"})
