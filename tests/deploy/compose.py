"""docker-compose.yml and Dockerfile as data."""

import re
import shlex
import shutil
import subprocess
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
SECRETS = "/run/secrets/"


@cache  # a tenth of a second each time; nobody changes it
def compose():
    """Give the file with `$$` as the `$` that containers see; it has no variables of the caller's environment."""
    text = FILE.read_text()
    assert not re.search(r"(?<!\$)\$(?!\$)", text), "a variable would be taken from whoever starts it"
    return yaml.safe_load(text.replace("$$", "$"))


def services():
    return compose()["services"]


def ours():
    """Give the services that run a command of the program, each behind those it waits for."""
    found = {
        name: service
        for name, service in services().items()
        if service["image"].startswith("streamer:") and "entrypoint" not in service
    }
    waits = {name: [other for other in service["depends_on"] if other in found] for name, service in found.items()}
    return {name: found[name] for name in TopologicalSorter(waits).static_order()}


def published(service):
    """Give (address, port on the host, port in the container) of each published port."""
    return [(host, int(outer), int(inner)) for host, outer, inner in (p.split(":") for p in service.get("ports", []))]


def probe(service):
    """Give (port, path) of the address that the health check asks, or None."""
    test = " ".join(service.get("healthcheck", {}).get("test", []))
    found = re.search(r"http://127\.0\.0\.1:(\d+)(/[^'\" ]*)", test)
    return found and (int(found[1]), found[2])


def stages():
    """Give the Dockerfile's stages by name, each a list of (instruction, arguments)."""
    found, lines = {}, []
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    for line in text.splitlines():
        instruction, _, arguments = line.partition(" ")
        if instruction == "FROM":
            _, _, name = arguments.partition(" AS ")
            found[name] = lines = []
        if line and not line.startswith("#"):
            lines.append((instruction, arguments.strip()))
    return found


def files_of(name, folder):
    """Do to a copy of prometheus/ or alertmanager/ what the image's build does, with the same commands."""
    shutil.copytree(ROOT / name, folder)
    for instruction, arguments in stages()[f"{name}-files"]:
        if instruction == "RUN":
            command = [word.replace(f"/{name}/", f"{folder}/") for word in shlex.split(arguments)]
            subprocess.run(command, check=True, timeout=30)
    return folder
