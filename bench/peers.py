"""Jobs J1 to J3 beside other engines: their programs from a folder, on the same broker in the same run, as one table.

The programs are those of the folder that the caller names; they print `MARK events` on their way, and are measured like
this product's own. What they need is installed into .services/peers at the first use.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.figures import say
from bench.jobs import JOBS, broker, verify, work_off
from bench.processes import ROOT, WORKER_CORE, Cost, marks, started, steady
from bench.tickets import FEW_TOPIC, TOPIC
from tests.services.kafka import Kafka

_FOLDER = ROOT / ".services" / "peers"
_PACKAGES = ("quixstreams==3.28.0", "faust-streaming==0.15.3", "aiokafka[lz4]")
_INSTALL_SECONDS = 600
_RUN_SECONDS = 240.0
#: the address that is written in the programs
_WRITTEN = "127.0.0.1:19092"
#: events of the topic for slow engines, all of which they read and do
FEW = 200_000
_OURS = "this product, exact"
_TAIL = 300


class MissingError(RuntimeError):
    """A peer cannot be had, or did not run; the text says why."""


class Peer(NamedTuple):
    """An engine: its name, the events it is given for each job (fewer where it is slow), and how it is started."""

    name: str
    events: dict[str, int]
    #: the share of the events after which it counts as warm: a JVM compiles at first, the others count from their start
    warm: float
    command: Callable[[str, int], list[str]]
    environment: Callable[[str, int], dict[str, str]]


def _run(command: Iterable[str]) -> None:
    done = subprocess.run(list(command), capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    if done.returncode:
        raise MissingError((done.stdout + done.stderr).strip()[-_TAIL:])


def _install(what: str, stamp: Path, steps: Iterable[Iterable[str]]) -> str:
    """Install something once; return why that cannot be done, if it cannot."""
    if stamp.exists():
        return ""
    try:
        for command in steps:
            _run(command)
    except (MissingError, OSError, subprocess.TimeoutExpired) as error:
        return f"{what}: {error}"
    stamp.touch()
    return ""


def _python() -> str:
    venv = _FOLDER / "venv"
    install = (str(venv / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *_PACKAGES)
    return _install("pip", venv / ".installed", ((sys.executable, "-m", "venv", str(venv)), install))


def _java(work: Path) -> str:
    """Fetch Kafka Streams, and compile the program in the work folder; return why that cannot be done, if it cannot."""
    jars = _FOLDER / "jars"
    goal = ("dependency:copy-dependencies", f"-DoutputDirectory={jars}")
    pom = str(ROOT / "bench" / "peers.pom.xml")
    if why := _install("mvn", jars / ".installed", (("mvn", "-q", "-B", "-Dstyle.color=never", "-f", pom, *goal),)):
        return why
    compiled = work / "kstreams" / ".compiled"
    return _install("javac", compiled, (("javac", "-cp", f"{jars}/*", str(work / "kstreams" / "KS.java")),))


def _copied(peers: Path, work: Path, bootstrap: str) -> None:
    """Copy the programs, with this run's broker in the place of the one written in them."""
    for name in ("py/quix.py", "py/faustapp.py", "kstreams/KS.java"):
        source, copy = peers / name, work / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.exists():
            copy.write_text(source.read_text().replace(_WRITTEN, bootstrap))


def _streams(guarantee: str, name: str, events: int) -> Peer:
    def command(job: str, number: int) -> list[str]:
        quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
        path = f"kstreams:{_FOLDER}/jars/*"
        return ["java", "-Xmx2g", quiet, "-cp", path, "KS", job, guarantee, str(number), TOPIC]

    few = min(events, 900_000)
    return Peer(name, {"j1": events, "j2": few, "j3": events}, 1 / 3, command, lambda _job, _number: {})


def _peers(events: int) -> list[Peer]:
    python = str(_FOLDER / "venv" / "bin" / "python")
    return [
        _streams("v2", "Kafka Streams, exactly once", events),
        _streams("none", "Kafka Streams, at least once", events),
        Peer(
            "Quix Streams, at least once",
            {"j1": FEW, "j2": 40_000, "j3": FEW},
            0.0,
            lambda job, number: [python, "py/quix.py", job, str(number)],
            lambda _job, _number: {"TOPIC": FEW_TOPIC},
        ),
        Peer(
            "Faust, at least once",
            {"j1": 50_000, "j2": 1_500, "j3": 50_000},
            0.0,
            lambda _job, _number: [python, "py/faustapp.py", "worker", "-l", "error"],
            lambda job, number: {"JOB": job, "N": str(number), "STORE": "memory://", "TOPIC": FEW_TOPIC},
        ),
    ]


def _measure(peer: Peer, job: str, work: Path) -> Cost:
    """Run a peer once. Raises MissingError where it does not come to its end."""
    number, log = peer.events[job], work / f"{peer.name}-{job}.log"
    environment = peer.environment(job, number)
    try:
        with started(peer.command(job, number), log, core=WORKER_CORE, environment=environment, cwd=work) as process:
            found = marks(process, _RUN_SECONDS, number)
    except OSError as error:
        raise MissingError(str(error)) from None
    cost = steady(found, peer.warm)
    if cost is None or found[-1].events < number:
        reached = found[-1].events if found else 0
        raise MissingError(f"{reached} of {number} events; {log.read_text(errors='replace').strip()[-_TAIL:]}")
    return cost


Table = dict[str, dict[str, list[Cost]]]


def _rounds(kafka: Kafka, events: int, runs: int, work: Path, why: dict[str, str]) -> Table:
    """Run every engine and job once a round, in turn; what fails is named in `why` and left out from then on."""
    peers = _peers(events)
    table: Table = {name: {job: [] for job in JOBS} for name in (_OURS, *(peer.name for peer in peers))}
    for number in range(runs):
        for job in JOBS:
            table[_OURS][job].append(work_off(kafka, job, f"{job}-{number}", events).warm)
            say(f"  run {number} {job} {_OURS}: {table[_OURS][job][-1]}")
            for peer in peers:
                place = peer.name if peer.name in why else f"{peer.name} {job}"
                if place in why:
                    continue
                try:
                    table[peer.name][job].append(_measure(peer, job, work))
                    say(f"  run {number} {job} {peer.name}: {table[peer.name][job][-1]}")
                except MissingError as error:
                    why[place] = str(error)
                    say(f"  run {number} {job} {peer.name}: {error}")
    return table


def _cell(costs: list[Cost]) -> str:
    if not costs:
        return "not had"
    cpu, rate = median(cost.cpu for cost in costs), median(cost.rate for cost in costs)
    if all(cost.even for cost in costs):
        return f"{cpu:,.1f} us, {rate:,.0f}/s"
    low, high = sorted((cpu, median(cost.whole for cost in costs)))
    return f"{low:,.1f}-{high:,.1f} us, {rate:,.0f}/s *"


def main(peers: Path, events: int, runs: int) -> None:
    """Run this product's jobs and the peers' on one broker, and print one table: medians, once warm."""
    why: dict[str, str] = {}
    with broker({TOPIC: events, FEW_TOPIC: FEW}) as kafka:
        work = kafka.folder / "peers"
        _copied(peers, work, kafka.bootstrap)
        for names, reason in (("Quix Streams", "Faust"), _python()), (("Kafka Streams",), _java(work)):
            if reason:
                why |= {peer.name: reason for peer in _peers(events) if peer.name.startswith(names)}
        table = _rounds(kafka, events, runs, work, why)
        for job in JOBS:
            say(verify(kafka, job, f"{job}-{runs - 1}", events))
        shutil.rmtree(work)
    say(f"peers: {events} events (fewer for slow engines), medians of {runs} runs, load {os.getloadavg()[0]:.1f}")
    say("CPU of the process tree, us an event, and events a second of wall time, once warm")
    say("*: not as many events read as done meanwhile; between that and the CPU since the process began")
    say(f"{'engine':<32}" + "".join(f"{job:>28}" for job in JOBS))
    for name, found in table.items():
        say(f"{name:<32}" + "".join(f"{_cell(found[job]):>28}" for job in JOBS))
    for place, reason in why.items():
        say(f"not had: {place}: {reason}")
