"""Event files are read whole, compressed or not, and a bad line costs only itself."""

import gzip
import io
import lzma
import sys

import pytest

from streamer.errors import DataError, InputMissingError
from streamer.producers.files import read_events, read_json_lines

TEXT = b'\xef\xbb\xbf{"a": 1}\r\n\n  \n{"b": "\xc3\xa9"}\n{"c": 3}'
EVENTS = [(1, b'{"a": 1}'), (4, b'{"b": "\xc3\xa9"}'), (5, b'{"c": 3}')]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gz", "xz"])
def test_lines_with_their_numbers(pack, tmp_path):
    file = tmp_path / "events"
    file.write_bytes(pack(TEXT))

    assert list(read_events(str(file))) == EVENTS


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gz", "xz"])
def test_standard_input(pack, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pack(TEXT))))

    assert list(read_events("-")) == EVENTS


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gz", "xz"])
def test_a_damaged_file_is_an_error_that_names_it(pack, tmp_path):
    packed = bytearray(pack(b"\n".join(b"%d" % number for number in range(50_000))))
    for damaged in (packed[: len(packed) // 2], packed[: len(packed) // 2] + bytes(100) + packed[len(packed) // 2 :]):
        file = tmp_path / "events"
        file.write_bytes(damaged)
        with pytest.raises(DataError, match=f"^{file}: is damaged"):
            list(read_events(str(file)))


def test_a_file_that_is_not_there_or_a_folder(tmp_path):
    with pytest.raises(InputMissingError, match="nix: No such file"):
        list(read_events(str(tmp_path / "nix")))
    with pytest.raises(InputMissingError, match="directory"):
        list(read_events(str(tmp_path)))


def test_an_empty_file_has_no_events(tmp_path):
    file = tmp_path / "events"
    file.write_bytes(b"")

    assert list(read_events(str(file))) == []


def test_a_line_that_is_too_long_is_cut_and_the_next_one_read(tmp_path):
    file = tmp_path / "events"
    file.write_bytes(b"{}\n" + b"x" * 1_000_000 + b'\n{"a":1}\n' + b"y" * 65_537)

    lines = list(read_events(str(file)))

    assert [(number, len(value)) for number, value in lines] == [(1, 2), (2, 65_537), (3, 7), (4, 65_537)]


def test_what_is_no_object_is_refused_by_line(tmp_path):
    file = tmp_path / "events"
    file.write_bytes(b'{"a":1}\n[1]\n{"a":\n"\xff"\nnull\n{"b":{}}\n' + b"[" * 60_000 + b"\n" + b"1" * 70_000)

    lines = list(read_json_lines(str(file)))

    assert [(line.number, line.refusal) for line in lines if line.refusal] == [
        (2, "not_json"),
        (3, "not_json"),
        (4, "not_json"),
        (5, "not_json"),
        (7, "too_deep"),
        (8, "too_large"),
    ]
    assert [line.events for line in lines if not line.refusal] == [[{"a": 1}], [{"b": {}}]]
