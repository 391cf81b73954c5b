"""Buckets in Valkey or Redis: one limit for all gateways over one store.

Invariants:
1. A decision is one script, so that calls of all gateways are decided one after the other.
2. The time is the server's: the gateways' clocks do not matter.
3. A bucket's key is gone by itself once the bucket is full.
4. A decision takes `timeout` seconds at most, and is not asked for again: it may have been taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from importlib.resources import files
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from systemzero_base.secrets import Secret
from systemzero_core.errors import Unavailable
from systemzero_gateway.limits.gcra import Bucket, Decision

PREFIX: Final = "systemzero:limit:"
"""What the names of its keys begin with."""

_CONNECTIONS: Final = 32
_MINUTE: Final = 60e6  # microseconds


class ValkeyLimits:
    """See `LimitStore`."""

    def __init__(self, url: str, password: Secret | None, timeout: float) -> None:
        """Connects with the first decision. `url` as redis-py reads it, `timeout` in seconds."""
        secret = {"password": password.reveal()} if password else {}
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=timeout,
            socket_connect_timeout=timeout,
            socket_timeout=None,  # one bound around all of it is enough
            retry=Retry(NoBackoff(), 0),
            **secret,
        )
        self._client: Any = Redis.from_pool(pool)
        self._timeout = timeout
        source = files(__package__).joinpath("gcra.lua").read_text()
        self._script = self._client.register_script(source)  # EVALSHA, loaded where it is missing

    async def take(self, buckets: Sequence[Bucket], cost: int) -> list[Decision]:
        """See `LimitStore.take`."""
        keys = [PREFIX + bucket.key for bucket in buckets]
        arguments: list[float] = [cost]
        for _, rate, spare in buckets:
            arguments += (_MINUTE / rate.per_minute, rate.burst, spare)
        numbers = await self._bounded(self._script(keys, arguments))
        return [
            _decision(bucket.rate.burst, *numbers[3 * i : 3 * i + 3])
            for i, bucket in enumerate(buckets)
        ]

    async def remember(self, name: str, seconds: int) -> None:
        """Know `name` for so long."""
        await self._bounded(self._client.set(f"{PREFIX}familiar:{name}", 1, ex=seconds))

    async def remembers(self, name: str) -> bool:
        """Whether `name` is known."""
        found = await self._bounded(self._client.mget(f"{PREFIX}familiar:{name}"))
        return bool(found[0])

    async def return_to(self) -> None:
        """Ask whether the store answers, over a new connection; those from before are dropped.

        They may be dead without anybody having noticed, and would fail one decision each. Below TLS
        a server that hangs does not take leave either: nobody waits for that.

        Raises:
            Unavailable: it does not.
        """
        with suppress(Unavailable):
            await self._bounded(self._client.connection_pool.disconnect(inuse_connections=False))
        await self._bounded(self._client.ping())

    async def close(self) -> None:
        """See `LimitStore.close`."""
        with suppress(Unavailable):
            await self._bounded(self._client.aclose())

    async def _bounded(self, command: Any) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                return await command
        except (RedisError, OSError, TimeoutError) as error:
            raise Unavailable("the store of the rate limits does not answer") from error


def _decision(burst: int, remaining: int, excess: int, reset: int) -> Decision:
    return Decision(excess == 0, burst, remaining, excess / 1e6, reset / 1e6)
