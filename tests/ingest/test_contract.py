"""The ingress keeps to its OpenAPI description: schemathesis, which makes requests of it, finds nothing."""

import json
import os
import subprocess
import sys
import urllib.request

import pytest

from tests.emitter.kit import make_topics
from tests.ingest.process import SOURCES, UNSET, Ingest

# 422 is no contradiction: that an event can be made of a vendor's payload is more than its JSON says.
CONFIG = '[checks.positive_data_acceptance]\nexpected-statuses = ["2xx", 401, 422]\n'
EXAMPLES = 5


@pytest.fixture(scope="module")
def ingest(services, kafka):
    make_topics(kafka.bootstrap)
    return services.start(Ingest, kafka.bootstrap)


def schemathesis(ingest, folder, hooks, *options):
    (folder / "schemathesis.toml").write_text(CONFIG)
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"http://{ingest.address}/openapi.json"]
    command += ["--checks", "all", "--max-examples", str(EXAMPLES), "--seed", "1", "--workers", "2", "--no-color"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SCHEMATHESIS_HOOKS": hooks}
    found = subprocess.run(
        [*command, *options], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def page(ingest):
    with urllib.request.urlopen(f"http://{ingest.address}/") as answer:
        return answer.read().decode()


def description(ingest):
    with urllib.request.urlopen(f"http://{ingest.address}/openapi.json") as answer:
        return json.load(answer)


def rows(ingest):
    """The row of each source in the page of the ingress."""
    return {row.partition("<td>")[0]: row for row in page(ingest).split("<tr><td>/in/")[1:]}


@pytest.mark.slow
def test_schemathesis_finds_nothing_with_signatures_of_its_own(ingest, tmp_path):
    """One source of each scheme, those without a secret, and all that needs no signature."""
    of_scheme = {scheme: name for name, (_, scheme) in SOURCES.items()}
    left_out = [name for name in SOURCES if name not in of_scheme.values()]
    options = [option for name in left_out for option in ("--exclude-path", f"/in/{name}")]
    before = rows(ingest)
    schemathesis(ingest, tmp_path, "", *options)

    after = rows(ingest)
    assert {name for name in before if before[name] != after[name]} == {*of_scheme.values(), *UNSET}
    assert not [row for row in after.values() if " accepted" in row]


@pytest.mark.slow
def test_schemathesis_finds_nothing_behind_the_signatures(ingest, tmp_path):
    """All sources with their adapters' fixtures as examples, and every delivery signed as it should be."""
    found = schemathesis(ingest, tmp_path, "tests.ingest.schemathesis_hooks")

    operations = [method for path in description(ingest)["paths"].values() for method in path]
    assert f"Tested: {len(operations) - 1}\n" in found  # the description itself is left out
    accepted = {name for name, row in rows(ingest).items() if " accepted" in row}
    assert accepted == SOURCES.keys()
    assert "Error handling request" not in ingest.log_path.read_text()
    assert ingest.ready()


def test_a_source_without_a_secret_is_described_as_closed(ingest):
    paths = description(ingest)["paths"]
    closed = {path for path in paths if "No secret" in paths[path].get("post", {}).get("description", "")}

    assert closed == {f"/in/{name}" for name in UNSET}
