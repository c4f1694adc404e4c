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
from urllib.parse import quote

import pytest
from redis import AuthenticationError, Redis

from streamer.embedded import free_port
from tests.deploy import compose
from tests.deploy.compose import SECRETS, files_of, ours, probe
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


class ReceiverByHand(Server):
    """Who hears alerts, by the module that the container runs."""

    def environment(self):
        return {}

    def local(self, text):
        return super().local(text).replace("9095", str(self.port))

    def command(self):
        python, *module = self.service["entrypoint"]
        assert python == "python"
        return [sys.executable, *module, *map(self.local, self.service["command"])]

    def ready(self):
        kind, program, *arguments = map(self.local, self.service["healthcheck"]["test"])
        assert (kind, program) == ("CMD", "python")
        return not subprocess.run([sys.executable, *arguments], capture_output=True, timeout=30, check=False).returncode


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


def put(file, addresses):
    """Put in a file the addresses of this machine for those of the containers, each of which must be there."""
    text = file.read_text()
    for there, here in addresses.items():
        assert there in text
        text = text.replace(there, here)
    file.write_text(text)


def watching(services, secrets, folder, running):
    """Start receiver, Alertmanager and Prometheus with the files of their images, beside what runs."""
    receiver = services.start(ReceiverByHand, "receiver", {}, secrets)
    settings, files = files_of("alertmanager", folder / "alertmanager"), files_of("prometheus", folder / "prometheus")
    put(settings / "alertmanager.yml", {"receiver:9095": receiver.address})
    here = {"/etc/alertmanager": str(settings), "=/alertmanager": f"={folder}/alerts"}
    alertmanager = services.start(Watcher, "alertmanager", here, secrets)
    # There is no DNS that knows the worker; the others are named by their addresses in the image, too.
    found = "dns_sd_configs: [{names: [worker], type: A, port: 6066, refresh_interval: 5s}]"
    put(files / "prometheus.yml", {found: f"static_configs: [{{targets: ['{running['worker'].address}']}}]"})
    put(files / "targets" / "board.yml", {"board:8080": running["board"].address})
    put(files / "targets" / "ingest.yml", {"ingest:8088": running["ingest"].address})
    put(files / "targets" / "alertmanager.yml", {"alertmanager:9093": alertmanager.address})
    here = {"/etc/prometheus": str(files), "=/prometheus": f"={folder}/numbers"}
    return receiver, alertmanager, services.start(Watcher, "prometheus", here, secrets)


def scraped(prometheus):
    """Give the jobs whose targets are all up, each with its addresses."""
    found = {}
    for target in json.loads(get(prometheus, "/api/v1/targets"))["data"]["activeTargets"]:
        found.setdefault(target["labels"]["job"], []).append((target["labels"]["instance"], target["health"]))
    return {
        job: [address for address, _ in targets]
        for job, targets in found.items()
        if {health for _, health in targets} == {"up"}
    }


def alerted(alertmanager):
    """Say to Alertmanager what Prometheus says of an incident."""
    annotations = {"description": "Queue billing: 31 % give up.", "runbook_url": "http://127.0.0.1:8080/runbook#x"}
    labels = {"alertname": "Abandonment", "severity": "warning", "team": "operations", "queue": "billing"}
    body = json.dumps([{"labels": labels, "annotations": annotations}]).encode()
    url = f"http://{alertmanager.address}/api/v2/alerts"
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status


def answer(prometheus, query):
    return json.loads(get(prometheus, f"/api/v1/query?query={quote(query)}"))["data"]["result"]


def test_the_processes_come_up_in_order_show_a_number_and_are_watched(services, secrets, tmp_path):
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
    receiver, alertmanager, prometheus = watching(services, secrets, tmp_path, running)
    jobs = {f"streamer-{name}": [running[name].address] for name in ("worker", "board", "ingest")}
    wait_until(lambda: scraped(prometheus) == jobs, 60)
    known = json.loads(get(prometheus, "/api/v1/alertmanagers"))["data"]["activeAlertmanagers"]
    assert [one["url"] for one in known] == [f"http://{alertmanager.address}/api/v2/alerts"]
    # the first scrape may have come before the first ticket
    wait_until(lambda: answer(prometheus, "sum(support_tickets_backlog) > 0"), 60)
    assert alerted(alertmanager) == 200
    told = "firing (operations): queue billing, team operations\n  Abandonment (warning): Queue billing: 31 % give up."
    wait_until(lambda: told in receiver.log_path.read_text(), 60)
    assert receiver.stopped() == 0
    running["simulator"].stop()
    for name in ("ingest", "board", "worker"):
        assert running[name].stopped() == 0
        # The root of a container is read-only: nothing is written but into volumes.
        written = {path.name for path in running[name].folder.iterdir()}
        assert written == ({"log", "files"} if name == "ingest" else {"log"})
