"""What the pages say for other languages is what the product does."""

import re
import subprocess
from pathlib import Path

import pytest

from streamer.producers.identity import Identity
from tests.conftest import program
from tests.services.process import find_program

PAGE = Path(__file__).parents[2] / "docs" / "sdk.md"


@pytest.mark.parametrize("end", ["", "\n"])
def test_the_line_of_openssl_makes_the_id_that_events_carry(tmp_path, end):
    program(lambda: find_program("openssl"))
    key = tmp_path / "key"
    key.write_text(f"{'0123456789abcdef' * 4}{end}")
    [line] = re.findall(r"^hash=\$\((.*)\)$", PAGE.read_text(), re.MULTILINE)
    told = subprocess.run(
        ["sh", "-c", line.replace("/etc/streamer/hash.key", str(key))], capture_output=True, text=True, check=True
    )

    assert told.stdout.strip() == Identity.from_file(key).customer("ann@example.com")
