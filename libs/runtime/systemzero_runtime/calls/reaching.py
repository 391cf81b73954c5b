"""Channels to services that die and come back: one that serves is reached at once.

gRPC connects again after a pause, asks a name's addresses again after another, and refuses calls
meanwhile, also when the service is long back. So a call that finds no connection has one tried for
it: a new channel, without pauses and without memory, is asked whether the service serves, and takes
the place of the old one if it does. A service that is down refuses the connection, and the call is
refused as fast; one that answers nothing is waited for, within bounds.

Invariants:
1. A call that begins after the service said that it serves is refused by no pause of this side.
2. One connection is tried at a time, and not more than some twenty in a second.
3. At most `MOST_WAITING` calls wait; the others are refused at once.
4. Calls that are under way on an old channel end there by themselves.
"""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2

from systemzero_runtime.calls.fresh import Fresh

PATIENCE: Final = 3.0
"""Seconds that a call waits for a service which neither answers nor refuses."""
MOST_WAITING: Final = 100
CONNECT_SECONDS: Final = 1.0
"""For one try: to connect, and to hear whether the service serves."""

_HEAD_START: Final = 0.05
_GLANCE: Final = 0.01
_DAY: Final = 86_400.0
_HEALTH: Final = "/grpc.health.v1.Health/Check"
_READY: Final = grpc.ChannelConnectivity.READY


class ReachableChannel(grpc.aio.Channel):
    """A channel that knows whether calls would be taken."""

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether there is a connection to a service that says that it serves."""

    @abstractmethod
    async def reach(self, seconds: float) -> bool | None:
        """Wait until `is_ready`; False as soon as there is no hope, None after `seconds`."""


async def serves(channel: grpc.aio.Channel, seconds: float) -> bool | None:
    """Whether what is behind `channel` says that it serves; None where it says nothing in time.

    In time is: in `seconds`.
    """
    check = channel.unary_unary(
        _HEALTH,
        health_pb2.HealthCheckRequest.SerializeToString,
        health_pb2.HealthCheckResponse.FromString,
    )
    try:
        answer = await check(health_pb2.HealthCheckRequest(), timeout=seconds)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return None
        # a service of the same process keeps no health of its own: that it answers is the answer
        return error.code() is grpc.StatusCode.UNIMPLEMENTED
    # None is what the transport makes of bytes that are no message
    return answer is not None and answer.status == health_pb2.HealthCheckResponse.SERVING


class ServiceChannel(ReachableChannel):
    """A channel to another process; `connect` makes a new one, which shares no connection."""

    def __init__(self, connect: Callable[[], grpc.aio.Channel]) -> None:
        self._connect = connect
        self._channel = connect()
        self._trying = Fresh(self._try, MOST_WAITING)
        self._retired: set[asyncio.Task[None]] = set()

    @property
    def current(self) -> grpc.aio.Channel:
        """The channel that calls go to now."""
        return self._channel

    @property
    def is_ready(self) -> bool:
        """See `ReachableChannel.is_ready`; has an idle channel connect."""
        return self._channel.get_state(try_to_connect=True) is _READY

    async def reach(self, seconds: float) -> bool | None:
        """See `ReachableChannel.reach`."""
        if self.is_ready:
            return True
        return await self._trying.decided(seconds)

    async def _try(self) -> bool | None:
        if await self._recovers():
            return True
        fresh = self._connect()
        answer = None
        try:
            answer = await serves(fresh, CONNECT_SECONDS)
        finally:
            if answer:
                self._retire(self._channel)
                self._channel = fresh
            else:
                await fresh.close(None)
        return True if answer or self.is_ready else answer

    async def _recovers(self) -> bool:
        """Whether the channel connects by itself in a moment, as it does at the start."""
        give_up = time.monotonic() + _HEAD_START
        while not self.is_ready:
            if time.monotonic() >= give_up:
                return False
            await asyncio.sleep(_GLANCE)
        return True

    def _retire(self, channel: grpc.aio.Channel) -> None:
        task = asyncio.create_task(channel.close(_DAY))
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)

    def unary_unary(self, *arguments: Any, **keywords: Any) -> Any:
        """As the base class."""
        return _Latest(self, "unary_unary", arguments, keywords)

    def unary_stream(self, *arguments: Any, **keywords: Any) -> Any:
        """As the base class."""
        return _Latest(self, "unary_stream", arguments, keywords)

    def stream_unary(self, *arguments: Any, **keywords: Any) -> Any:
        """As the base class."""
        return _Latest(self, "stream_unary", arguments, keywords)

    def stream_stream(self, *arguments: Any, **keywords: Any) -> Any:
        """As the base class."""
        return _Latest(self, "stream_stream", arguments, keywords)

    async def close(self, grace: float | None = None) -> None:
        """Close this channel and those that it had before."""
        await self._trying.stop()
        for task in self._retired:
            task.cancel()
        await asyncio.gather(*self._retired, self._channel.close(grace), return_exceptions=True)

    async def __aenter__(self) -> ServiceChannel:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Of the current channel."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Of the channel that is the current one now."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until the service can be reached."""
        while not await self.reach(PATIENCE):
            await self.wait_for_state_change(self.get_state())


class _Latest:
    """A multicallable that goes by the channel which is the current one; made once for each."""

    __slots__ = ("_arguments", "_arity", "_channel", "_keywords", "_made", "_owner")

    def __init__(self, owner: ServiceChannel, arity: str, arguments: Any, keywords: Any) -> None:
        self._owner = owner
        self._arity = arity
        self._arguments = arguments
        self._keywords = keywords
        self._channel: grpc.aio.Channel | None = None
        self._made: Any = None

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        current = self._owner.current
        if self._channel is not current:
            self._made = getattr(current, self._arity)(*self._arguments, **self._keywords)
            self._channel = current
        return self._made(*arguments, **keywords)
