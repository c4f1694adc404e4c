"""The board over HTTP: the wall page, its stream, /metrics, the JSON API, /live, /ready."""

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from streamer.board.api import families, mistake, open_items, rfc3339
from streamer.board.journey import Journeys
from streamer.board.page import add_page
from streamer.board.runbook import answer as runbook
from streamer.board.stream import add_stream
from streamer.board.view import Evaluation, View
from streamer.errors import DependencyError
from streamer.events.codec import millis
from streamer.journeys.guard import as_answer
from streamer.metrics.catalogue import METRICS, Kind
from streamer.metrics.explain import explanation, find, unknown

if TYPE_CHECKING:
    from streamer.journeys.store import Store

_OPEN_LIMIT = 1_000
_METRICS = {metric.name: metric for metric in METRICS}
VIEW = web.AppKey("view", View)
JOURNEYS = web.AppKey("journeys", Journeys)


def make_app(view: View, store: "Store | None" = None) -> web.Application:
    """Return the application that answers for a view, and from the read model; following the logs is not its business."""
    app = web.Application()
    app[VIEW] = view
    app[JOURNEYS] = Journeys(view, store)
    add_stream(app, view, add_page(app))
    app.router.add_get("/metrics", _metrics)
    app.router.add_get("/api/metrics", _api_metrics)
    app.router.add_get("/api/open", _api_open)
    app.router.add_get("/api/explain/{metric}", _api_explain)
    app.router.add_get("/api/journey/{customer:.+}", _api_journey)
    app.router.add_get("/api/survey-guard/{customer:.+}", _api_survey_guard)
    app.router.add_get("/runbook", runbook)
    app.router.add_get("/live", _live)
    app.router.add_get("/ready", _ready)
    return app


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def _bad(reason: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=f"{reason}\n")


def _known(view: View) -> None:
    """Raise 503 while there is nothing that may be shown: half of a log gives wrong numbers."""
    if reason := view.refused or view.waiting:
        raise web.HTTPServiceUnavailable(text=f"{reason}\n", headers={"Retry-After": "1"})


async def _evaluation(request: web.Request) -> Evaluation:
    view = request.app[VIEW]
    _known(view)
    text = request.query.get("at")
    if text is None:
        return await view.latest()
    try:
        instant = dt.datetime.fromisoformat(text.replace(" ", "+"))  # a query's plus is a space
    except ValueError:
        raise _bad(f"at: {text!r} is not an RFC 3339 time") from None
    if instant.tzinfo is None:
        raise _bad("at: has no offset; write 2026-01-31T12:00:00Z")
    if not 0 <= millis(instant) <= view.clock():
        raise _bad("at: lies in the future, or before 1970")
    return await view.past(millis(instant))


async def _metrics(request: web.Request) -> web.Response:
    """Everything as exposition text; with ?at= as of another instant."""
    evaluation = await _evaluation(request)
    view = request.app[VIEW]
    text = await view.text(evaluation) + view.metrics.text(evaluation)
    return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


async def _api_metrics(request: web.Request) -> web.Response:
    """Families as JSON; ?name= (a metric's or a family's; may be repeated), ?by=, ?window= choose."""
    view, query = request.app[VIEW], request.query
    if reason := mistake(query.items(), view.settings):
        raise _bad(reason)
    evaluation = await _evaluation(request)
    found = families(
        evaluation.limited.blocks,
        view.settings.dimensions.names,
        names=frozenset(query.getall("name", [])),
        by=query.get("by"),
        window=query.get("window"),
    )
    return _json(
        {
            "as_of": rfc3339(evaluation.at),
            "reasons": view.unready(),
            "zone": view.settings.time.zone,
            "targets": view.settings.targets,
            "min_samples": view.settings.surveys.min_samples,
            "left_out": evaluation.limited.series_left_out,
            "families": found,
        }
    )


async def _api_open(request: web.Request) -> web.Response:
    """The oldest open items behind a stock: ?metric=queue_waiting, then labels (?state=new, ?queue=billing), ?limit=."""
    view = request.app[VIEW]
    _known(view)
    wanted = dict(request.query)
    metric = _METRICS.get(wanted.pop("metric", ""))
    if metric is None or metric.kind is not Kind.STOCK:
        raise _bad(f"metric: one of {', '.join(m.name for m in METRICS if m.kind is Kind.STOCK)}")
    try:
        limit = int(wanted.pop("limit", "20"))
    except ValueError:
        limit = 0
    if not 1 <= limit <= _OPEN_LIMIT:
        raise _bad(f"limit: a whole number from 1 to {_OPEN_LIMIT}")
    names = view.settings.dimensions.names
    known = {*names, *(key for series in metric.series for key, _ in series.labels)}
    if unknown := sorted(wanted.keys() - known):
        raise _bad(f"{', '.join(unknown)}: not a label of {metric.name}, which has {', '.join(sorted(known))}")
    at = view.instant()
    count, items = await view.run(open_items, view.merge, metric, wanted, names, at, limit)
    return _json({"as_of": rfc3339(at), "metric": metric.name, "count": count, "items": items})


async def _api_explain(request: web.Request) -> web.Response:
    """What a metric is, from the catalogue; it needs no numbers, so a board that catches up says it too."""
    name = request.match_info["metric"]
    metric = find(name)
    if metric is None:
        raise web.HTTPNotFound(text=f"{unknown(name)}\n")
    return _json(explanation(metric))


async def _api_journey(request: web.Request) -> web.Response:
    """A customer's contacts, answers and purchases in order, and the largest drop of a score."""
    _known(request.app[VIEW])
    customer = request.match_info["customer"]
    try:
        found = await request.app[JOURNEYS].of(customer)
    except DependencyError as error:
        raise web.HTTPServiceUnavailable(text=f"{error}\n", headers={"Retry-After": "1"}) from error
    if found is None:
        raise web.HTTPNotFound(text="nothing is known of this customer: no events yet, or erased\n")
    return _json(found)


async def _api_survey_guard(request: web.Request) -> web.Response:
    """Whether a customer may be surveyed now, and what speaks against it; ?department= says which of that is its own."""
    _known(request.app[VIEW])
    customer = request.match_info["customer"]
    try:
        verdict = await request.app[JOURNEYS].may_survey(customer, request.query.get("department"))
    except DependencyError as error:
        raise web.HTTPServiceUnavailable(text=f"{error}\n", headers={"Retry-After": "1"}) from error
    return _json(as_answer(verdict, customer))


async def _live(_request: web.Request) -> web.Response:
    return _json({"live": True})


async def _ready(request: web.Request) -> web.Response:
    """Whether the numbers may be believed: caught up with the log, and every partition's newest flush recent."""
    reasons = request.app[VIEW].unready()
    return _json({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)
