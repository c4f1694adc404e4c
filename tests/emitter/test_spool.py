"""The spool by itself: order, the files of the dead, and a disk that is full."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from streamer.producers.spool import Row, Spool, SpoolError

ROOT = Path(__file__).parents[2]


def rows(first, last):
    return [Row(seq, "support.tickets", b"key", str(seq).encode()) for seq in range(first, last)]


def values(spool):
    return [int(row.value) for row in spool.read(0, 100)]


def test_it_gives_in_order_what_was_appended_and_not_dropped(tmp_path):
    spool = Spool(tmp_path)
    spool.append(rows(1, 5))
    spool.append(rows(5, 9))
    spool.drop_through(2)
    assert spool.read(4, 3) == rows(5, 8)
    spool.close()
    again = Spool(tmp_path)
    assert (again.count, again.last_seq, values(again)) == (6, 8, [3, 4, 5, 6, 7, 8])
    assert again.bytes == 6 * 4
    again.close()


def test_it_is_closed_once_and_then_no_other_file_that_has_its_number(tmp_path):
    spool = Spool(tmp_path)
    spool.close()
    with (tmp_path / "other").open("w") as other:
        spool.close()
        other.write("x")
    assert (tmp_path / "other").read_text() == "x"


def test_processes_have_files_of_their_own_and_the_next_takes_over_those_of_the_dead(tmp_path):
    first, second, third = (Spool(tmp_path) for _ in range(3))
    for number, spool in enumerate((first, second, third)):
        spool.append(rows(number * 10 + 1, number * 10 + 3))
    first.close()
    third.close()
    heir = Spool(tmp_path)
    assert (values(heir), heir.count) == ([1, 2, 21, 22], 4)
    assert values(second) == [11, 12]
    heir.append(rows(heir.last_seq + 1, heir.last_seq + 2))
    second.close()
    heir.close()
    last = Spool(tmp_path)
    assert values(last)[:4] == [1, 2, 21, 22]
    assert len(list(tmp_path.glob("*.sqlite"))) == 1
    last.close()


def test_a_file_that_its_owner_had_no_time_to_fill_is_taken_over(tmp_path):
    (tmp_path / "2.sqlite").touch()
    Spool(tmp_path).close()
    assert not (tmp_path / "2.sqlite").exists()


def test_a_file_that_is_no_spool_is_named(tmp_path):
    (tmp_path / "1.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(SpoolError, match=r"1\.sqlite"):
        Spool(tmp_path)


FULL = """
import resource, sys
from pathlib import Path
from streamer.producers.spool import Row, Spool, SpoolError
spool = Spool(Path(sys.argv[1]))
big = lambda seq: [Row(seq, "t", b"key", b"x" * 60_000)]
spool.append(big(1))
size = spool.path.with_name(spool.path.name + "-wal").stat().st_size
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1000, hard))
try:
    spool.append(big(2))
except SpoolError as error:
    assert error.retryable and "sqlite" in error.path
else:
    sys.exit("it was written")
assert [row.seq for row in spool.read(0, 9)] == [1], "the failed write left something"
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
spool.append(big(2))
assert [row.seq for row in spool.read(0, 9)] == [1, 2]
"""


def test_a_disk_that_takes_no_more_is_an_error_and_not_the_end(tmp_path):
    """A limit of the file's size: the write fails as on a full disk, and works again when there is space."""
    assert resource.RLIMIT_FSIZE
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
