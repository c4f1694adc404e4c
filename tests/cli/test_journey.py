"""`streamer journey` without a board, and with an address that cannot be."""

import socket
import threading

import pytest

from tests.cli.test_cli import run


def test_a_board_that_is_away_is_named():
    result = run("journey", "ada", "--board", "http://127.0.0.1:1")

    assert (result.returncode, result.stdout) == (69, "")
    assert result.stderr.startswith("streamer: board: http://127.0.0.1:1 does not answer: ")


@pytest.mark.parametrize("arguments", [["journey", "ada", "--board"], ["top", "--once", "--url"]])
def test_what_is_no_address_and_what_speaks_no_http_is_a_line(arguments):
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_greet, args=(server,), daemon=True).start()
        for url in ("http://a b", f"http://127.0.0.1:{server.getsockname()[1]}"):
            result = run(*arguments, url)
            assert (result.returncode, result.stdout) == (69, "")
            assert result.stderr.startswith(f"streamer: board: {url} does not answer: ")
            assert result.stderr.count("\n") == 1


def _greet(server):
    connection, _ = server.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"220 mail.example ESMTP\r\n")


def test_an_address_that_is_none_is_a_usage_error():
    result = run("journey", "ada", "--board", "board:8080")

    assert (result.returncode, result.stdout) == (2, "")
    assert "must begin with http:// or https://" in result.stderr
