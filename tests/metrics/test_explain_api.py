"""`/api/explain/METRIC` at the board: the same as the terminal and the page say."""

import pytest
from aiohttp.test_utils import TestClient, TestServer

from streamer.board.server import make_app
from streamer.board.view import View
from streamer.metrics.catalogue import METRICS, OWN
from streamer.metrics.explain import explanation
from streamer.settings import Settings


@pytest.fixture
async def board():
    view = View(Settings())
    async with TestClient(TestServer(make_app(view))) as client:
        yield client
    view.close()


async def test_every_metric_and_a_family_is_explained_also_while_the_board_catches_up(board):
    for metric in (*METRICS, *OWN):
        answer = await board.get(f"/api/explain/{metric.name}")
        assert answer.status == 200
        assert await answer.json() == explanation(metric)
    answer = await board.get("/api/explain/support_first_response_samples")
    assert (await answer.json())["name"] == "first_response"


async def test_an_unknown_metric_is_404_with_what_may_have_been_meant(board):
    answer = await board.get("/api/explain/abandonratio")
    assert answer.status == 404
    text = await answer.text()
    assert text.startswith("there is no metric abandonratio; did you mean abandon_ratio")
    assert text.endswith("?\n")
