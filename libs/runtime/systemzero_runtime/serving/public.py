"""A gRPC server by grpc.aio's public API alone, for a grpcio whose inner parts are not known here.

The public server ends whole where one request's path is no UTF-8 (see docs/design/grpc-aio.md). It
can't be kept from that; it is made anew, at the same address.

Invariants:
1. A server that ended by itself is followed by another, until `stop`; the calls that it had are
   lost.
2. What no method is registered for is asked for by one name, as `AcceptingServer` asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import grpc

from systemzero_base.work.streak import Streak
from systemzero_runtime.interceptors.chain import Handler

UNKNOWN: Final = "unknown"
"""What handlers are asked for in the place of a path that is not registered."""


class Handlers(Protocol):
    """Handlers of methods by their paths, such as `/systemzero.log.v1.LogService/GetEntry`."""

    @property
    def by_path(self) -> Mapping[str, Handler]:
        """Those of all methods that there are."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """The handler of a method; of one that there is not, one that refuses, or None."""


class PublicServer:
    """Serves until it is stopped, by one server of grpc.aio after another."""

    def __init__(self, options: Sequence[tuple[str, Any]], streak: Streak) -> None:
        """`streak` is told of servers that ended by themselves."""
        self._options = list(options)
        self._streak = streak
        self._handlers: list[Handlers] = []
        self._credentials: grpc.ServerCredentials | None = None
        self._address = ""
        self._server: grpc.aio.Server | None = None
        self._keeping: asyncio.Task[None] | None = None

    def add(self, handlers: Handlers) -> None:
        """Serve what `handlers` has, and what it says to methods that it has not."""
        self._handlers.append(handlers)

    async def listen(self, address: str, credentials: grpc.ServerCredentials | None) -> int:
        """Serve on `address`, in the clear without `credentials`; the port that it is.

        Raises:
            RuntimeError: the address can't be bound.
        """
        self._address, self._credentials = address, credentials
        port = await self._serve()
        host, colon, given = address.rpartition(":")
        if colon and given == "0":
            self._address = f"{host}:{port}"
        self._keeping = asyncio.create_task(self._keep(), name=self._streak.name)
        return port

    async def stop(self, grace: float | None) -> None:
        """Take no more calls, and give those under way `grace` seconds."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        if self._server is not None:
            await self._server.stop(grace)

    async def _serve(self) -> int:
        server = grpc.aio.server(options=self._options)
        server.add_generic_rpc_handlers(tuple(_Named(each) for each in self._handlers))
        if self._credentials is None:
            port = server.add_insecure_port(self._address)
        else:
            port = server.add_secure_port(self._address, self._credentials)
        await server.start()
        self._server = server
        return port

    async def _keep(self) -> None:
        while True:
            try:
                if self._server is not None:
                    # shielded: a wait that is cancelled would take the server's end with it
                    await asyncio.shield(self._server.wait_for_termination())
                    self._server = None
                await self._serve()
            except Exception as error:  # noqa: BLE001 - whatever ended it: it is told, and served on
                self._server = None
                await asyncio.sleep(self._streak.failed(error))
            else:
                self._streak.went_well()


class _Named(grpc.GenericRpcHandler):  # type: ignore[type-arg] # not generic at run time
    """Asks for what is not registered by one name: strangers' paths are no labels of metrics."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """As gRPC asks for a handler."""
        found = self._handlers.by_path.get(handler_call_details.method)
        return found or self._handlers.service(_Unknown(UNKNOWN, ()))


class _Unknown(grpc.HandlerCallDetails):
    def __init__(self, method: str, metadata: Any) -> None:
        self.method = method
        self.invocation_metadata = metadata
