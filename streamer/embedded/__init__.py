"""The broker that comes with the package, for a machine that has none: `streamer demo` and quick tests run on it."""

from streamer.embedded._broker import EmbeddedBroker
from streamer.embedded._ports import free_port, is_free

__all__ = ["EmbeddedBroker", "free_port", "is_free"]
