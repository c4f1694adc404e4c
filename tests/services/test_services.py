"""Each service starts, answers, and comes back after a crash where tests rely on that."""

from __future__ import annotations

import os
import subprocess
import threading
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.services.kafka import Kafka
from tests.services.process import Service, ServiceFailedError, answers_ok, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.conftest import Services
    from tests.services.alertmanager import Alertmanager
    from tests.services.chromium import Chromium
    from tests.services.prometheus import Prometheus
    from tests.services.redis_server import RedisServer


async def write(bootstrap: str, topic: str, values: Sequence[bytes], *, create: bool = True) -> None:
    """Write the values in one transaction."""
    if create:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(topic, 2, 1)])
        await admin.close()
    async with (
        AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{topic}-writer") as producer,
        producer.transaction(),
    ):
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)


async def read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    """Read the first values that are committed."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", isolation_level="read_committed"
    )
    async with consumer:
        return [(await consumer.getone()).value for _ in range(count)]


async def test_kafka_keeps_a_transaction(kafka: Kafka) -> None:
    topic = f"kept-{uuid.uuid4()}"
    await write(kafka.bootstrap, topic, [b"one", b"two"])
    assert await read(kafka.bootstrap, topic, 2) == [b"one", b"two"]


@pytest.mark.slow
async def test_kafka_has_its_port_and_data_again_after_a_kill(services: Services) -> None:
    kafka = services.start(Kafka)
    await write(kafka.bootstrap, "kept", [b"before"])
    first = kafka.pid, kafka.bootstrap
    kafka.kill9()
    assert not kafka.running
    kafka.start()
    assert (kafka.pid, kafka.bootstrap) != first
    assert kafka.bootstrap == first[1]
    await write(kafka.bootstrap, "kept", [b"after"], create=False)
    assert await read(kafka.bootstrap, "kept", 2) == [b"before", b"after"]
    kafka.stop()
    assert not kafka.running


def test_redis_answers(redis_server: RedisServer) -> None:
    client = redis.Redis.from_url(redis_server.url)
    key = f"kept-{uuid.uuid4()}"
    client.set(key, "value")
    assert client.get(key) == b"value"
    client.close()


class Metrics(BaseHTTPRequestHandler):
    """A page with one metric."""

    def do_GET(self) -> None:
        body = b"# TYPE lamps gauge\nlamps 4\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the base class
        """Keep the test's output clean."""


@pytest.fixture
def metrics_address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Metrics) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_prometheus_scrapes_and_alerts(
    prometheus: Callable[..., Prometheus],
    alertmanager: Callable[..., Alertmanager],
    promtool: str,
    amtool: str,
    metrics_address: str,
    tmp_path: Path,
) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text("groups: [{name: lamps, rules: [{alert: TooBright, expr: lamps > 3}]}]")
    subprocess.run([promtool, "check", "rules", str(rules)], check=True, capture_output=True, timeout=30)
    alerts = alertmanager()
    database = prometheus([metrics_address], rule_files=[rules], alertmanager=alerts.address)
    assert answers_ok(database.address, "/-/ready")
    wait_until(lambda: bool(database.query("lamps")), 30)
    assert database.query("lamps")[0]["value"][1] == "4"

    def shown() -> str:
        listing = [amtool, "alert", f"--alertmanager.url={alerts.url}"]
        return subprocess.run(listing, check=True, capture_output=True, text=True, timeout=30).stdout

    wait_until(lambda: "TooBright" in shown(), 30)
    database.stop()
    alerts.stop()


@pytest.mark.slow
def test_chromium_shows_a_page(chromium: Chromium, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<h1>Hello</h1><script>document.querySelector('h1').textContent = 'Hello, you'</script>")
    assert "<h1>Hello, you</h1>" in chromium.dom(page.as_uri())
    chromium.screenshot(page.as_uri(), tmp_path / "page.png", size=(640, 360))
    picture = (tmp_path / "page.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20]) == 640
    assert os.access(chromium.driver_path, os.X_OK)


def test_a_server_that_ends_at_its_start_shows_its_log(tmp_path: Path) -> None:
    class Broken(Service):
        def command(self) -> Sequence[str]:
            return ["sh", "-c", "echo no such flag; exit 3"]

        def ready(self) -> bool:
            return False

    with pytest.raises(ServiceFailedError, match="no such flag"):
        Broken(tmp_path, 1).start()
