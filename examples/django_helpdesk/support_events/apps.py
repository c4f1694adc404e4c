"""The Django app: it connects the signals when Django starts."""

from django.apps import AppConfig


class SupportEvents(AppConfig):
    """Listens to the help desk's tickets and follow-ups."""

    name = "support_events"

    def ready(self) -> None:
        """Connect the receivers."""
        from support_events import signals  # noqa: F401, PLC0415 (models are there only now)
