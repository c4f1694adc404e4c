"""`streamer ingest` as a process of its own, with a source for each adapter and scheme."""

import sys

from streamer.embedded import free_port
from streamer.ingest.adapters import ADAPTERS
from tests.ingest.signing import SECRET
from tests.services.process import Service, answers_ok

# By name: adapter and scheme. cloudevents also as Standard Webhooks, and two without a secret.
SOURCES = {name: (name, adapter.scheme) for name, adapter in ADAPTERS.items()}
SOURCES["cloudevents-standard"] = ("cloudevents", "standard")
UNSET = {"zendesk-unset": ("zendesk", "zendesk"), "cloudevents-unset": ("cloudevents", "token")}


class Ingest(Service):
    """The command on a port of its own. `options` are further lines of `[ingest]`."""

    def __init__(self, folder, bootstrap, options=""):
        super().__init__(folder, free_port())
        (folder / "key").write_text("k" * 32)
        (folder / "secret").write_bytes(SECRET)
        text = f'[kafka]\nbootstrap = "{bootstrap}"\n[ingest]\nport = {self.port}\nkey_file = "{folder / "key"}"\n{options}\n'
        for name, (adapter, scheme) in (SOURCES | UNSET).items():
            text += f'[ingest.sources.{name}]\nadapter = "{adapter}"\nscheme = "{scheme}"\n'
            text += f'secret_files = ["{folder / "secret"}"]\n' if name in SOURCES else ""
        self._config = folder / "streamer.toml"
        self._config.write_text(text)
        self.state = folder / "state.sqlite"

    def command(self):
        return [sys.executable, "-m", "streamer", "ingest", "--config", str(self._config), "--state", str(self.state)]

    def ready(self):
        return answers_ok(self.address, "/live")
