"""`streamer journey` without a board, and with an address that cannot be."""

from tests.cli.test_cli import run


def test_a_board_that_is_away_is_named():
    result = run("journey", "ada", "--board", "http://127.0.0.1:1")

    assert (result.returncode, result.stdout) == (69, "")
    assert result.stderr.startswith("streamer: board: http://127.0.0.1:1 does not answer: ")


def test_an_address_that_is_none_is_a_usage_error():
    result = run("journey", "ada", "--board", "board:8080")

    assert (result.returncode, result.stdout) == (2, "")
    assert "must begin with http:// or https://" in result.stderr
