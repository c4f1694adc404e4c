"""`streamer journey CUSTOMER`: a customer's contacts, answers and purchases, from a running board."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from http import HTTPStatus
from typing import Annotated, Any

import typer

from streamer.board.words import percent, spoken
from streamer.errors import DependencyError, UsageError
from streamer.options import ConfigOption, JsonOption
from streamer.progress import waiting
from streamer.settings import load_settings

#: longer than the board takes to look through its log
_ANSWER_SECONDS = 30.0


def ask(url: str, customer: str) -> dict[str, Any] | None:
    """Return the journey that the board at `url` knows of; None where nothing is known of the customer.

    Raises DependencyError where the board does not answer, or cannot say.
    """
    address = f"{url.rstrip('/')}/api/journey/{urllib.parse.quote(customer, safe='')}"
    try:
        with urllib.request.urlopen(address, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 (http, checked by `journey`)
            said = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.NOT_FOUND:
            return None
        raise DependencyError("board", f"{url} cannot say: {error.read(500).decode().strip()}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DependencyError("board", f"{url} does not answer: {getattr(error, 'reason', error)}") from error
    if not isinstance(said, dict):
        raise DependencyError("board", f"{url} is not a board")
    return said


def journey(
    customer: Annotated[str, typer.Argument(help="The customer's id, as in the events.")],
    board: Annotated[str | None, typer.Option(help="Where the board answers; default: what [board] says.")] = None,
    as_json: JsonOption = False,  # noqa: FBT002 (a flag)
    config: ConfigOption = None,
) -> None:
    """Show a customer's contacts, answers and purchases, and what lay before the largest drop. Exit code 1: not known."""
    if board is None:
        where = load_settings(config).board
        host = "127.0.0.1" if where.host in ("0.0.0.0", "::", "") else where.host  # noqa: S104 (where it listens, not us)
        board = f"http://{host}:{where.port}"
    if not board.startswith(("http://", "https://")):
        raise UsageError(f"--board: {board} must begin with http:// or https://")
    with waiting(f"the board at {board}", _ANSWER_SECONDS):
        found = ask(board, customer)
    if found is None:
        typer.echo("nothing is known of this customer: no events yet, or erased", err=True)
        raise typer.Exit(1)
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else "\n".join(lines(found)))


def lines(found: dict[str, Any]) -> list[str]:
    """Return a journey as lines of text, the moments in order, then the largest drop and what lay between."""
    text = [line(moment) for moment in found["moments"]]
    drop = found["largest_drop"]
    if drop is not None:
        before, after = drop["before"], drop["after"]
        text += [
            "",
            (
                f"largest drop: {drop['kind']} {percent(before['score'])} -> {percent(after['score'])}"
                f" between {_when(before)} and {_when(after)}"
            ),
            *(f"  {line(moment)}" for moment in drop["between"]),
        ]
    states = [word for word in ("churned", "at_risk") if found[word]]
    return [*text, "", f"now: {', '.join(states).replace('_', ' ')}"] if states else text


def line(moment: dict[str, Any]) -> str:
    """Return a moment as one line: when, what, where, and what is worth knowing of it."""
    parts = [f"{moment['what']} {moment['id']}".strip(), " ".join(moment["group"].values())]
    if moment["score"] is not None:
        parts.append(f"score {percent(moment['score'])}")
    if moment["about"]:
        parts.append(f"about {moment['about']}")
    parts += [_detail(key, value) for key, value in moment["details"].items()]
    parts.append(f"until {_moment(moment['until'])}" if moment["until"] else "")
    return f"{_when(moment)}  {', '.join(filter(None, parts))}"


def _detail(key: str, value: Any) -> str:
    words = key.replace("_", " ")
    if value is True:
        return words
    if value is False:
        return f"not {words}"
    if "_seconds" in key:
        return f"{words.replace(' seconds', '')} {spoken(value)}"
    return f"{words} {' '.join(value) if isinstance(value, list) else value}".replace("_", " ")


def _when(moment: dict[str, Any]) -> str:
    return _moment(moment["at"])


def _moment(text: str) -> str:
    """Return an RFC 3339 time in UTC to the second."""
    return f"{text[:19].replace('T', ' ')}Z"
