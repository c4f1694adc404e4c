"""The names in Redis, which everybody who reads the model knows them by."""

from __future__ import annotations

from typing import NamedTuple


class Names(NamedTuple):
    """Keys and channel of one application (`kafka.app`)."""

    app: str

    def journey(self, customer: str) -> str:
        """Key of a customer's journey: the JSON of /api/journey."""
        return f"streamer:{self.app}:journey:{customer}"

    def guard(self, customer: str) -> str:
        """Key of what speaks against surveying a customer: a JSON list; it expires with the last of it."""
        return f"streamer:{self.app}:guard:{customer}"

    @property
    def positions(self) -> str:
        """Key of a hash: partition -> how far the model is (`store.Position` as JSON)."""
        return f"streamer:{self.app}:positions"

    @property
    def headline(self) -> str:
        """Key of the newest headline numbers, and the channel on which they are published each second."""
        return f"streamer:{self.app}:headline"

    @property
    def writer(self) -> str:
        """Key of the lease: the board that writes the model now."""
        return f"streamer:{self.app}:writer"
