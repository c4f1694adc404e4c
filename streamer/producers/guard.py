"""The SDK's survey guard: `from streamer import SurveyGuard`. May this customer be surveyed now? From the Redis read model."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

from streamer.errors import DependencyError
from streamer.journeys.guard import Refusal, Verdict, judge, oldest, unpacked
from streamer.journeys.names import Names
from streamer.producers.identity import Identity

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["Refusal", "SurveyGuard", "Verdict"]

#: `board.stale_limit`: three marks of an idle worker
_STALE_S: Final = 15.0
_ANSWER_S: Final = 1.0


class SurveyGuard:
    """Says whether a customer may be surveyed now. One guard serves all threads of a process.

    `url` is that of Redis (redis://, rediss:// or unix://), `password_file` has its password. `key_file` has the secret of the
    hash of ids, the same as every `Emitter`'s; `app` is `kafka.app` of the processor. What was known more than `stale_s`
    seconds ago does not allow a survey. An answer takes `timeout_s` seconds at most. Raises `SettingsError`; Redis may be away.
    """

    def __init__(
        self,
        url: str,
        *,
        key_file: Path | str,
        app: str = "streamer",
        password_file: Path | str | None = None,
        stale_s: float = _STALE_S,
        timeout_s: float = _ANSWER_S,
    ) -> None:
        # Here, not above: who only imports needs no redis, and pydantic takes 0.3 s.
        from redis import Redis  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        password = None
        if password_file is not None:
            from streamer.settings import Settings  # noqa: PLC0415

            password = Settings.model_validate({"redis": {"password_file": password_file}}).redis.password()
        self._identity = Identity.from_file(key_file)
        self._names = Names(app)
        self._stale_ms = round(stale_s * 1000)
        self._redis = Redis.from_url(
            url,
            password=password.get_secret_value() if password else None,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 1),  # a connection that Redis closed meanwhile is made anew
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def may_survey(self, customer: str, *, department: str | None = None) -> Verdict:
        """Return whether a customer, by the source's own id, may be surveyed now, and what speaks against it.

        A survey of any department does; given the `department` that asks, each refusal says whether it is its own.
        Raises DependencyError where Redis does not answer.
        """
        from redis.exceptions import RedisError  # noqa: PLC0415 (as above)

        try:
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.get(self._names.guard(self._identity.customer(customer)))
                pipe.hvals(self._names.positions)
                packed, positions = pipe.execute()
        except RedisError as error:
            raise DependencyError("redis", f"does not say whether a customer may be surveyed: {error}") from error
        return judge(unpacked(packed), oldest(positions), time.time_ns() // 1_000_000, self._stale_ms, department)

    def close(self) -> None:
        """End the connections."""
        self._redis.close()
