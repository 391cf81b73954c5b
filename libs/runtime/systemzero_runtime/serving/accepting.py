"""A grpc.aio server that takes calls in loops of its own.

The quirk (grpc.aio 1.85): one task takes all calls. It decodes the path of each that was not
registered as UTF-8, and where that fails it ends, and the server with it: one request of anybody's,
before any credential is looked at, and nobody is served any more. It also waits for all registered
methods anew with each call.

A third: a server that is stopped ends the calls that wait to be taken as CANCELLED, for which no
client calls again, where those that come a moment later are UNAVAILABLE. One call of a method is
taken in a turn of the event loop, so that under load some always wait.

The remedy: every method is registered, for which the core compares bytes, and has a loop that takes
its calls. What no method is registered for is called `UNKNOWN`; its path is looked at by nobody.
Before the end, more loops take what waits, in rounds until one finds nothing; it is answered within
the grace. A round ends with the completion queue's answer to a question that was put into it last:
the queue keeps the order, so all that was ready before has been taken, however slow the machine is.
A call that comes in that very moment may still be CANCELLED: whoever calls a service that may stop
reckons with it.

This stands on parts of grpc.aio that are not public. `trial` finds out at a process's start whether
they are as they were here; where they are not, `PublicServer` serves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Protocol

import grpc
from grpc._cython import cygrpc  # type: ignore[attr-defined]

from systemzero_base.work.rounds import is_asked_for
from systemzero_runtime.interceptors.chain import Handler
from systemzero_runtime.serving.public import UNKNOWN, Handlers

_LAST_LOOPS: Final = 16
"""For each method, at the end; they take so many calls in a round."""
_LAST_ROUNDS: Final = 100
"""At most: who never stops calling does not keep a server from its end."""


class LoopMonitor(Protocol):
    """Is told how the loops fare; `Streak` is one."""

    def failed(self, error: BaseException) -> float:
        """A round raised `error`; the seconds after which to begin the next."""
        ...

    def went_well(self) -> None:
        """A round ended."""
        ...


class AcceptingServer(grpc.aio._server.Server):  # type: ignore[name-defined,misc] # noqa: SLF001
    """As `grpc.aio.server(options=options)` makes, but for who takes the calls."""

    def __init__(self, options: list[tuple[str, Any]], streak: LoopMonitor) -> None:
        """`streak` is what its loops keep together of how they fare."""
        self._loop = cygrpc.get_working_loop()
        self._server = _Acceptor(self._loop, options, streak)

    def add(self, handlers: Handlers) -> None:
        """Serve what `handlers` has, and what it says to methods that it has not."""
        self._server.add_registered_method_handlers(handlers.by_path)
        self._server.add_generic_rpc_handlers((handlers,))

    async def listen(self, address: str, credentials: grpc.ServerCredentials | None) -> int:
        """Serve on `address`, in the clear without `credentials`; the port that it is.

        Raises:
            RuntimeError: the address can't be bound.
        """
        if credentials is None:
            port: int = self.add_insecure_port(address)
        else:
            port = self.add_secure_port(address, credentials)
        await self.start()
        return port


class _Acceptor(cygrpc.AioServer):  # type: ignore[misc]
    def __init__(
        self, loop: asyncio.AbstractEventLoop, options: list[tuple[str, Any]], streak: LoopMonitor
    ) -> None:
        self._own_loop = loop
        self._streak = streak
        self._generic: list[Any] = []
        self._registered: dict[str, Handler] = {}
        self._methods: list[bytes | None] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._over: asyncio.Future[None] = loop.create_future()
        self._taken = 0
        super().__init__(loop, None, (), None, tuple(options), None)

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """As the base class, which keeps them to itself."""
        self._generic.extend(handlers)
        super().add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, handlers: Mapping[str, Handler]) -> None:
        """As the base class, which keeps them to itself."""
        self._registered.update(handlers)
        super().add_registered_method_handlers(handlers)

    def _make_request_call_future(self, method: bytes | None) -> asyncio.Future[None]:
        """Start to take the calls of `method`. The base class waits for what comes back: the end.

        It asks once for each method, and once for all that is not registered.
        """
        self._methods.append(method)
        self._start(self._accept(method))
        return self._over

    async def shutdown(self, grace: float | None) -> None:
        """As the base class, after taking what waits to be taken; see the module."""
        if self.is_running():
            await self._take_what_waits()
        await super().shutdown(grace)

    async def _take_what_waits(self) -> None:
        for method in self._methods * _LAST_LOOPS:
            self._start(self._accept(method))
        await asyncio.sleep(0)  # in which they ask for calls
        never_connected = cygrpc.AioChannel(b"ipv4:127.0.0.1:1", (), None, self._own_loop)
        for _ in range(_LAST_ROUNDS):
            taken = self._taken
            # not READY: answered at once, behind all that is in the queue
            await never_connected.watch_connectivity_state(cygrpc.ConnectivityState.ready, None)
            if taken == self._taken:
                break
        never_connected.close()

    async def _accept(self, method: bytes | None) -> None:
        name = UNKNOWN if method is None else method.decode()
        handlers = cygrpc._MethodResolver(self._generic, self._registered)  # noqa: SLF001
        while self.is_running():
            try:
                await self._accept_one(method, name, handlers)
            except BaseException as error:
                if is_asked_for(error) or not isinstance(error, Exception | asyncio.CancelledError):
                    raise
                await asyncio.sleep(self._streak.failed(error))
            else:
                self._streak.went_well()

    async def _accept_one(self, method: bytes | None, name: str, handlers: Any) -> None:
        taken = self._request_call() if method is None else self._request_registered_call(method)
        try:
            state = await taken
        except cygrpc._RequestCallError as error:  # noqa: SLF001
            if not self.is_running():
                self._end(error)
            return
        self._taken += 1
        loop = self._own_loop
        handled = cygrpc._handle_rpc(name, handlers, (), state, loop, False)  # noqa: SLF001
        self._start(cygrpc._schedule_rpc_coro(handled, state, loop, name))  # noqa: SLF001

    def _start(self, coroutine: Any) -> None:
        task = self._own_loop.create_task(coroutine, name="rpc_task")
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)

    def _end(self, error: Exception) -> None:
        if not self._over.done():
            self._over.set_exception(error)
