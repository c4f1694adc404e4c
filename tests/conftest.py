"""What all tests share: real services, each started at its first use and stopped at the end, and Hypothesis' settings.

A service that the machine does not have fails the test in CI, and skips it elsewhere with its name in the summary. A
test that uses one is marked `service` by itself.
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import hypothesis
import pytest

from streamer.embedded import EmbeddedBroker
from streamer.errors import DependencyError
from tests.services.alertmanager import Alertmanager, find_amtool
from tests.services.chromium import Chromium
from tests.services.kafka import SHORT_LIVED, Kafka
from tests.services.process import Service, ServiceMissingError
from tests.services.prometheus import Prometheus, find_promtool
from tests.services.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

S = TypeVar("S", bound=Service)
IN_CI = bool(os.environ.get("CI"))

# No deadline: the machines are noisy, and a time is never asserted. In CI the same examples each run, so that a failure
# belongs to the change.
hypothesis.settings.register_profile("streamer", deadline=None, derandomize=IN_CI, print_blob=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=5_000)
hypothesis.settings.load_profile("streamer")

# Those of bench, which imports no conftest, are measured under load.
Kafka.java_options = SHORT_LIVED


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a service, before `-m "not service"` chooses; put the files first that may take longest.

    A process takes the next file when it has none left: what takes long must not be what is left at the end.
    """
    patience: dict[Path, float] = defaultdict(float)
    for item in items:
        if "services" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.service)
        patience[item.path] = max(patience[item.path], _patience(item))
    items.sort(key=lambda item: -patience[item.path])


def _patience(item: pytest.Item) -> float:
    """Return what orders a test: the seconds of its own `timeout`, or 2 with a service, 1 if slow, else 0."""
    if timeout := item.get_closest_marker("timeout"):
        return float(timeout.args[0])
    return 2.0 if item.get_closest_marker("service") else float(item.get_closest_marker("slow") is not None)


def missing(reason: str) -> NoReturn:
    """End the test that asked for a service that the machine does not have."""
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


class Services:
    """Starts services, each in a folder of its own, and stops them after the last test."""

    def __init__(self, folders: pytest.TempPathFactory, running: ExitStack) -> None:
        self._folders = folders
        self._running = running

    def folder(self) -> Path:
        """Return a new folder."""
        return self._folders.mktemp("service")

    def start(self, make: Callable[..., S], *arguments: Any, **options: Any) -> S:
        """Return `make(folder, *arguments, **options)`, started."""
        try:
            service = make(self.folder(), *arguments, **options)
        except ServiceMissingError as error:
            missing(str(error))
        self._running.enter_context(service)
        return service


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """`services.start(Kafka)` is a broker of one's own, for a test that kills it; those of the fixtures are shared."""
    with ExitStack() as running:
        yield Services(tmp_path_factory, running)


@pytest.fixture(scope="session")
def kafka(services: Services) -> Kafka:
    """The Kafka that tests share: topics need names of their own, and it stays up."""
    return services.start(Kafka)


@pytest.fixture(scope="session")
def redis_server(services: Services) -> RedisServer:
    """The Redis that tests share: keys need a prefix of their own."""
    return services.start(RedisServer)


@pytest.fixture(scope="session")
def prometheus(services: Services) -> Callable[..., Prometheus]:
    """`prometheus(["host:port"], rule_files=[path], alertmanager="host:port")` starts a Prometheus."""
    return partial(services.start, Prometheus)


@pytest.fixture(scope="session")
def alertmanager(services: Services) -> Callable[..., Alertmanager]:
    """`alertmanager(settings)` starts an Alertmanager with a configuration or the path of one."""
    return partial(services.start, Alertmanager)


@pytest.fixture(scope="session")
def promtool(services: Services) -> str:
    """The path of promtool."""
    return program(find_promtool)


@pytest.fixture(scope="session")
def amtool(services: Services) -> str:
    """The path of amtool."""
    return program(find_amtool)


@pytest.fixture
def chromium(services: Services) -> Chromium:
    """A browser with an empty profile."""
    try:
        return Chromium(services.folder())
    except ServiceMissingError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def embedded_broker(services: Services) -> Iterator[EmbeddedBroker]:
    """The embedded broker that tests share: topics need names of their own, and it stays up."""
    broker = EmbeddedBroker()
    try:
        broker.start()
    except DependencyError as error:
        missing(str(error))
    with broker:
        yield broker


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the specification's data, where it lies beside the repository."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder `shared` beside the repository")
    return folder


def program(find: Callable[[], str]) -> str:
    """Return the path that `find` finds, or end the test."""
    try:
        return find()
    except ServiceMissingError as error:
        missing(str(error))
