"""Faust's table manager and recovery service, with the recovery itself replaced (see `restore`)."""

import asyncio
from typing import TYPE_CHECKING, cast

from faust.tables import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP
from mode import Service
from mode.utils.logging import get_logger

from streamer.processor.errors import ProcessorError
from streamer.processor.restore import restore

if TYPE_CHECKING:
    from streamer.processor.app import WorkerApp

logger = get_logger(__name__)

# Generation while there is no assignment to recover.
_NONE = -1
# Between two tries while the brokers do not answer.
RETRY_SECONDS = 1.0


class ExactRecovery(Recovery):
    """On every assignment: fence, read the end, recover, seek the sources, go."""

    @Service.task
    async def _restart_recovery(self) -> None:
        signal = self.signal_recovery_start
        while not self.should_stop:
            if await self.wait_for_stopped(signal):  # type: ignore[arg-type]
                break
            signal.clear()
            generation = self._generation_id
            if generation == _NONE:
                continue
            work = asyncio.ensure_future(self._recover(generation))
            try:
                await self._wait(work)
            except RebalanceAgain:
                continue
            except ServiceStopped:
                break
            except ProcessorError as exc:
                await cast("WorkerApp", self.app).crash(exc)
                break
            except Exception as exc:  # noqa: BLE001
                logger.warning("recovery failed, again in %s s: %r", RETRY_SECONDS, exc)
                await self.sleep(RETRY_SECONDS)
                signal.set()
            finally:
                if not work.done():  # _wait() cancelled it; the next one begins when it has let go of everything
                    work.cancel()
                    await asyncio.wait([work])

    async def _recover(self, generation: int) -> None:
        app = cast("WorkerApp", self.app)
        consumer, config = app.consumer, app.config
        await app.on_rebalance_complete.send()
        numbers = {tp.partition for tp in consumer.assignment() if tp.topic in config.sources}
        await restore(app.partitions, config, app.metrics, numbers)
        if app.consumer_generation_id != generation:
            logger.info("recovered for generation %s, which is over", generation)
            return
        app.partitions.activate()
        consumer.resume_partitions(consumer.assignment())
        await consumer.perform_seek()
        self.completed.set()
        app.flow_control.resume()
        consumer.resume_flow()
        await app._fetcher.maybe_start()  # noqa: SLF001
        self.tables.on_actives_ready()
        self.tables.on_standbys_ready()
        app.on_rebalance_end()
        logger.info("ready: partitions %s", sorted(numbers))

    def on_partitions_revoked(self, revoked: set[TP]) -> None:  # noqa: ARG002
        """Break off a recovery under way; the next assignment starts another."""
        self._generation_id = _NONE
        self.signal_recovery_start.set()


class ExactTableManager(TableManager):
    """Faust's table manager without Faust tables: the tables of this application are `Partitions`."""

    @property
    def recovery(self) -> ExactRecovery:
        """The recovery service."""
        if self._recovery is None:
            self._recovery = ExactRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return cast("ExactRecovery", self._recovery)

    async def on_start(self) -> None:
        """Start at once (Faust waits a second for tables to be declared)."""
        await self._update_channels()
        await self.recovery.start()
