"""Following a file: every line once, whatever rotates, empties or copies it, also between two starts."""

import gzip
import shutil

import pytest

from streamer.errors import InputMissingError
from streamer.ingest.follow import Follower, Place


def digest(text):
    return text


class Log:
    """A file with numbered lines that can be rotated, and who reads it."""

    def __init__(self, folder):
        self.path = folder / "queue_log"
        self.path.touch()
        self.number = 0
        self.follower = Follower(self.path, Place(), digest)
        self.place = Place()
        self.read = []

    def write(self, count=1, end="\n"):
        with self.path.open("a") as file:
            for _ in range(count):
                self.number += 1
                file.write(f"17955{self.number:05}|line {self.number}{end}")

    def rotate(self):
        for number in range(5, 0, -1):
            if (old := self.path.with_name(f"queue_log.{number}")).exists():
                old.rename(old.with_suffix(f".{number + 1}"))
        self.path.rename(self.path.with_name("queue_log.1"))
        self.path.touch()

    def copy_and_truncate(self):
        shutil.copy(self.path, self.path.with_name("queue_log.1"))
        self.path.write_text("")

    def follow(self):
        for _ in range(20):
            chunk = self.follower.read(3)
            self.read += [int(line.rpartition(" ")[2]) for line in chunk.lines]
            self.place = chunk.place
            if chunk.at_end:
                return
        raise AssertionError("no end")

    def restart(self):
        self.follower.close()
        self.follower = Follower(self.path, self.place, digest)


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path)


def everything(log):
    return list(range(1, log.number + 1))


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("change", ["rotate", "copy_and_truncate"])
@pytest.mark.parametrize("before", [0, 1, 4, 20])
@pytest.mark.parametrize("unread", [0, 2])
def test_every_line_comes_once_through_rotation_and_truncation(log, restarts, change, before, unread):
    log.write(before)
    log.follow()
    log.write(unread)
    if change == "copy_and_truncate" and not before:
        log.follow()  # nothing tells a copy whose start was never read
    getattr(log, change)()
    log.write(3)
    if restarts:
        log.restart()
    log.follow()
    log.write(2)
    log.follow()

    assert log.read == everything(log)
    assert not log.follower.lost


def test_two_rotations_while_nobody_looked(log):
    log.write(5)
    log.follow()
    for _ in range(2):
        log.write(4)
        log.rotate()
    log.write(2)
    log.restart()
    log.follow()

    assert log.read == everything(log)


def test_a_line_that_is_still_written_waits_for_its_end(log):
    log.write(1)
    log.write(1, end="")
    log.follow()
    assert log.read == [1]

    with log.path.open("a") as file:
        file.write("0\n")
    log.follow()
    assert log.read == [1, 20]


def test_a_rotated_file_that_was_compressed_is_lost_and_said_so(log):
    log.write(5)
    log.follow()
    log.write(2)
    log.rotate()
    old = log.path.with_name("queue_log.1")
    log.path.with_name("queue_log.1.gz").write_bytes(gzip.compress(old.read_bytes()))
    old.unlink()
    log.write(1)
    log.restart()
    log.follow()

    assert log.read == [1, 2, 3, 4, 5, 8]
    assert log.follower.lost


def test_a_file_that_was_emptied_and_has_grown_beyond_is_read_from_its_start(log):
    log.write(2)
    log.follow()
    log.path.write_text("")
    log.write(8)
    log.follow()

    assert log.read == everything(log)
    assert log.follower.lost


def test_without_a_place_it_begins_at_the_end(log):
    log.write(5)
    follower = Follower(log.path, None, digest)
    assert follower.read(10).lines == []
    log.write(1)

    assert [line.rpartition(" ")[2] for line in follower.read(10).lines] == ["6"]


def test_a_line_without_end_is_passed_over_in_bounded_memory(log):
    with log.path.open("a") as file:
        file.write("x" * 200_000 + "\n")
    log.write(1)
    log.follow()

    assert log.read == [1]


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputMissingError, match="queue_log"):
        Follower(tmp_path / "queue_log", Place(), digest)
