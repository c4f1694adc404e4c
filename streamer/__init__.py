"""Live customer-service metrics from the events of a support operation."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamer.producers.emitter import Emitter
    from streamer.producers.guard import SurveyGuard

__all__ = ["Emitter", "SurveyGuard", "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import the SDK when it is asked for: the commands have no use for it."""
    if name == "Emitter":
        from streamer.producers.emitter import Emitter  # noqa: PLC0415

        return Emitter
    if name == "SurveyGuard":
        from streamer.producers.guard import SurveyGuard  # noqa: PLC0415

        return SurveyGuard
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
