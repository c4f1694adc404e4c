"""One broker for this folder: a worker's topics have names that another folder's worker has too."""

import pytest

from tests.services.kafka import Kafka


@pytest.fixture(scope="session")
def broker(services):
    return services.start(Kafka)
