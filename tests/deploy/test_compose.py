"""What docker-compose.yml and the Dockerfile name is there, is known to the program, and is closed where it can be.

There need be no Docker engine: `test_by_hand.py` starts the same commands without one.
"""

import fnmatch
import importlib.util
import re
import subprocess
import tomllib

import pytest
import yaml

from streamer import __version__
from streamer.board.server import make_app
from streamer.board.view import View
from streamer.cli import COMMANDS, _build
from streamer.demo import TARGETS
from streamer.ingest.server import Ingress
from streamer.metrics.catalogue import METRICS
from streamer.settings import load_settings
from tests.conftest import program
from tests.deploy.compose import (
    FILE,
    ROOT,
    SECRETS,
    compose,
    files_of,
    ours,
    probe,
    published,
    services,
    stages,
)
from tests.services.process import find_program

SERVICES = services()
OURS = ours()
LASTING = sorted(SERVICES.keys() - {"topics", "simulator"})
#: who waits for whom, until what
WAITS = {
    "topics": {"kafka": "service_healthy"},
    "worker": {"topics": "service_completed_successfully", "redis": "service_started"},
    "board": {"topics": "service_completed_successfully", "worker": "service_started", "redis": "service_started"},
    "ingest": {"topics": "service_completed_successfully"},
    "simulator": {"topics": "service_completed_successfully"},
    "grafana": {"prometheus": "service_started"},
}


def settings_of(name):
    return load_settings(environ=SERVICES[name]["environment"], metric_names={metric.name for metric in METRICS})


def test_compose_accepts_the_file():
    command = [program(lambda: find_program("docker-compose")), "--file", str(FILE), "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_closed_and_limited(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"])
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["pids_limit"]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["networks"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "container_name"} & service.keys()


def test_all_needed_services_are_there():
    assert SERVICES.keys() >= {"kafka", "redis", "prometheus", "alertmanager", "grafana", "worker", "board", "ingest"}
    demo = {name for name, service in SERVICES.items() if service.get("profiles") == ["demo"]}
    assert demo == {"simulator", "receiver"}


def test_ports_are_published_on_the_loopback_address_and_each_once():
    ports = [port for service in SERVICES.values() for port in published(service)]
    assert {address for address, _, _ in ports} == {"127.0.0.1"}
    assert len({outer for _, outer, _ in ports}) == len(ports)
    assert not published(SERVICES["worker"]), "a second worker could not have the port"


def test_a_published_port_has_a_network_that_is_not_internal_and_kafka_and_redis_are_not_on_front():
    networks = compose()["networks"]
    for service in SERVICES.values():
        outside = [network for network in service["networks"] if not networks[network].get("internal")]
        assert bool(outside) is bool(published(service))
    users = {network: {n for n, s in SERVICES.items() if network in s["networks"]} for network in networks}
    assert not users["front"] & {"kafka", "redis"}
    assert users["kafka-host"] == {"kafka"}


def test_images_are_pinned_to_the_versions_that_are_tested():
    images = {name: service["image"].partition(":")[2] for name, service in SERVICES.items()}
    bases = [arguments.partition(" AS ")[0] for lines in stages().values() for _, arguments in lines[:1]]
    for tag in [*images.values(), *(base.partition(":")[2] for base in bases)]:
        assert re.match(r"v?\d+\.\d+\.\d+", tag)
    assert {images[name] for name in (*OURS, "prometheus", "alertmanager", "receiver")} == {__version__}
    pom = (ROOT / "tests" / "services" / "pom.xml").read_text()
    assert f"<artifactId>kafka_2.13</artifactId>\n      <version>{images['kafka']}</version>" in pom
    dev = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["dev"]
    sdk = next(line for line in dev if line.startswith("grafana-foundation-sdk"))
    assert sdk.partition("!")[2].split(".")[:2] == images["grafana"].split(".")[:2]


def test_services_wait_for_what_can_be_waited_for():
    assert all(SERVICES[name].get("healthcheck") for name in LASTING)
    waits = {
        name: {other: needed["condition"] for other, needed in service["depends_on"].items()}
        for name, service in SERVICES.items()
        if "depends_on" in service
    }
    assert waits == WAITS
    conditions = {
        "service_healthy": lambda other: "healthcheck" in other,
        "service_completed_successfully": lambda other: other["restart"] == "no",
        "service_started": lambda _: True,
    }
    for service in SERVICES.values():
        for other, needed in service.get("depends_on", {}).items():
            assert conditions[needed["condition"]](SERVICES[other])


@pytest.mark.parametrize("name", SERVICES)
def test_what_ends_is_started_again_but_for_what_runs_once(name):
    assert SERVICES[name]["restart"] == ("unless-stopped" if name in LASTING else "no")


def test_what_must_outlive_a_container_is_on_a_volume_of_its_own():
    command = {name: " ".join(SERVICES[name].get("command", [])) for name in SERVICES}
    folders = {
        "kafka": [SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"]],
        "ingest": re.findall(r"--(?:state|spool) (\S+)", command["ingest"]),
        "prometheus": re.findall(r"--storage\.tsdb\.path=(\S+)", command["prometheus"]),
        "alertmanager": re.findall(r"--storage\.path=(\S+)", command["alertmanager"]),
        "grafana": ["/var/lib/grafana"],  # where its image keeps the database
    }
    for name, paths in folders.items():
        mounted = dict(mount.split(":")[1::-1] for mount in SERVICES[name]["volumes"] if not mount.startswith("."))
        assert paths
        for path in paths:
            (volume,) = [volume for folder, volume in mounted.items() if f"{path}/".startswith(f"{folder}/")]
            assert volume == name
    assert compose()["volumes"].keys() == folders.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_every_mounted_file_volume_and_secret_is_there(name):
    service, file = SERVICES[name], compose()
    for mount in service.get("volumes", []):
        source, _, rest = mount.partition(":")
        if source.startswith("."):
            assert rest.endswith(":ro")
            assert (ROOT / source).exists(), source
        else:
            assert source in file["volumes"]
    named = set(re.findall(rf"{SECRETS}(\w+)", yaml.safe_dump(service)))
    assert named == set(service.get("secrets", []))
    assert named <= file["secrets"].keys()


def test_secrets_are_never_in_the_environment_or_in_the_image():
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY", variable):
                assert SECRETS in value
    assert not any(fnmatch.fnmatch("secrets", line.lstrip("!/")) for line in ignore_exceptions())
    page = (ROOT / "docs" / "deployment.md").read_text()
    assert all(f"secrets/{name}" in page for name in compose()["secrets"])


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_the_program_with_options_that_it_accepts(name):
    command, *arguments = SERVICES[name]["command"]
    assert command in COMMANDS
    _build([command]).commands[command].make_context(command, list(arguments)).close()


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name):
    variables = SERVICES[name]["environment"]
    assert all(variable.startswith("STREAMER_") and "__" in variable for variable in variables)
    settings = settings_of(name)
    host, _, port = settings.kafka.bootstrap.partition(":")
    assert (host, port) == ("kafka", SERVICES["kafka"]["environment"]["KAFKA_LISTENERS"].split(":")[2].split(",")[0])
    assert settings.targets.items() >= TARGETS.items()


def test_ports_and_probes_are_those_that_the_program_serves():
    board, ingest = settings_of("board"), settings_of("ingest")
    plain = load_settings(environ={})
    view = View(plain)
    routes = {
        "worker": (settings_of("worker").worker, {"/live", "/ready", "/metrics"}),  # asked for by test_by_hand
        "board": (board.board, paths(make_app(view))),
        "ingest": (ingest.ingest, paths(Ingress(plain, None).app())),
    }
    view.close()
    exposed = {int(port) for one, text in stages()["streamer"] if one == "EXPOSE" for port in text.split()}
    assert exposed == {section.port for section, _ in routes.values()}
    for name, (section, known) in routes.items():
        port, path = probe(SERVICES[name])
        assert path in known
        assert port == section.port
        assert section.host == "0.0.0.0"
        assert {inner for _, _, inner in published(SERVICES[name])} <= {port}


def paths(app):
    return {resource.canonical for resource in app.router.resources()}


def test_every_probe_of_the_others_asks_the_port_that_is_published():
    for name in ("prometheus", "alertmanager", "grafana"):
        assert [inner for _, _, inner in published(SERVICES[name])] == [probe(SERVICES[name])[0]]


def ignore_exceptions():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines, "everything is left out but for what is named"
    return [line for line in lines if line.startswith("!")]


def test_the_dockerfile_copies_what_is_there_and_ends_without_root():
    named = [line.lstrip("!") for line in ignore_exceptions()]
    for lines in stages().values():
        for instruction, arguments in lines:
            if instruction == "COPY" and not arguments.startswith("--from"):
                for source in arguments.split()[:-1]:
                    assert (ROOT / source).exists()
                    assert source in named
    built = {service["build"]["target"] for service in SERVICES.values() if "build" in service}
    assert built == {"streamer", "prometheus", "alertmanager"}
    users = [arguments for instruction, arguments in stages()["streamer"] if instruction == "USER"]
    assert users == [service["user"] for service in OURS.values()][:1]
    install = next(text for _, text in stages()["build"] if "run.lock" in text and "pip" in text)
    assert "--require-hashes" in install
    entry = next(arguments for instruction, arguments in stages()["streamer"] if instruction == "ENTRYPOINT")
    assert entry == '["streamer"]'


def test_prometheus_finds_every_worker_the_board_the_ingress_and_alertmanager_by_name(tmp_path, promtool):
    folder = files_of("prometheus", tmp_path / "prometheus")
    checked = subprocess.run(
        [promtool, "check", "config", str(folder / "prometheus.yml")], capture_output=True, timeout=60, check=False
    )
    assert checked.returncode == 0, checked.stdout
    jobs = {job["job_name"]: job for job in yaml.safe_load((folder / "prometheus.yml").read_text())["scrape_configs"]}
    (found,) = jobs["streamer-worker"]["dns_sd_configs"]
    assert (found["names"], found["port"]) == (["worker"], probe(SERVICES["worker"])[0])
    assert "file_sd_configs" not in jobs["streamer-worker"]
    for name in ("board", "ingest", "alertmanager"):
        (group,) = yaml.safe_load((folder / "targets" / f"{name}.yml").read_text())
        assert group["targets"] == [f"{name}:{probe(SERVICES[name])[0]}"]
        assert set(SERVICES[name]["networks"]) & set(SERVICES["prometheus"]["networks"])


def test_alerts_go_to_the_receiver_and_it_runs_a_module_of_the_program(tmp_path):
    file = files_of("alertmanager", tmp_path / "alertmanager") / "alertmanager.yml"
    checked = subprocess.run(
        [program(lambda: find_program("amtool")), "check-config", str(file)],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    receiver = SERVICES["receiver"]
    urls = [hook["url"] for one in yaml.safe_load(file.read_text())["receivers"] for hook in one["webhook_configs"]]
    (address,) = receiver["command"]
    port = address.partition(":")[2]
    assert {url.rpartition("/")[0] for url in urls} == {f"http://receiver:{port}"}
    assert set(receiver["networks"]) & set(SERVICES["alertmanager"]["networks"])
    assert f"('127.0.0.1', {port})" in receiver["healthcheck"]["test"][-1]
    assert receiver["entrypoint"][:2] == ["python", "-m"]
    assert importlib.util.find_spec(receiver["entrypoint"][2])


def test_grafana_asks_prometheus_and_reads_the_dashboards_where_they_are_mounted():
    folder = ROOT / "grafana" / "provisioning"
    variables = SERVICES["grafana"]["environment"]
    (source,) = [
        one for file in folder.glob("datasources/*.y*ml") for one in yaml.safe_load(file.read_text())["datasources"]
    ]
    url = re.sub(r"\$\{?(\w+)\}?", lambda match: variables[match[1]], source["url"])
    assert url == f"http://prometheus:{probe(SERVICES['prometheus'])[0]}"
    mounted = {mount.split(":")[1] for mount in SERVICES["grafana"]["volumes"]}
    for file in folder.glob("dashboards/*.y*ml"):
        for provider in yaml.safe_load(file.read_text())["providers"]:
            assert provider["options"]["path"] in mounted
