"""`streamer board`: from settings to a serving board."""

from aiohttp import web

from streamer.board.server import make_app
from streamer.board.view import View
from streamer.logs import configure_logs, get_logger
from streamer.metrics.catalogue import METRICS
from streamer.options import ConfigOption
from streamer.processor.command import worker_config
from streamer.settings import load_settings


def board(config: ConfigOption = None) -> None:
    """Show the numbers: /metrics and the JSON API, until SIGTERM."""
    settings = load_settings(config, metric_names={metric.name for metric in METRICS})
    configure_logs(settings)
    host, port = settings.board.host, settings.board.port
    app = make_app(View(settings), worker_config(settings))
    get_logger(__name__).info("serving", host=host, port=port)
    web.run_app(app, host=host, port=port, print=lambda *_: None, access_log=None, shutdown_timeout=5)
