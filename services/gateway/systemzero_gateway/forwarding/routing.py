"""Which handler a method has: every one that may be called is served, every other is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

import grpc

from systemzero_core.errors import UnknownMethod
from systemzero_gateway.access.policy import Method
from systemzero_runtime.interceptors.chain import Context, Handler, Interceptor, intercepted

_OTHER = "_OTHER"
"""What metrics, traces and logs call all methods that there are not, by the semantic conventions:
their names are the callers' to choose."""


class Served(Protocol):
    """One method's way: to a backend, or to a service of the gateway's own.

    Attributes:
        method: which it is.
    """

    method: Method

    def handler(self) -> Handler:
        """The handler for a gRPC server; it takes raw bytes, and lets a call in before all else."""
        ...


class Gateway(grpc.GenericRpcHandler):  # type: ignore[type-arg] # not generic at run time
    """The handlers of all methods that may be called; every other method is refused."""

    def __init__(
        self,
        served: Mapping[str, Served],
        interceptors: tuple[Interceptor, ...],
        of_streams: tuple[Interceptor, ...],
    ) -> None:
        """`of_streams` stand inside the other interceptors, around calls with a stream alone."""
        self.by_path: dict[str, Handler] = {}
        for path, way in served.items():
            around = (*interceptors, *of_streams) if way.method.is_stream else interceptors
            self.by_path[path] = intercepted(way.handler(), path, around)
        refusing = grpc.stream_stream_rpc_method_handler(_refuse)
        self._refusing = intercepted(refusing, _OTHER, interceptors)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler:
        """As gRPC asks for a handler."""
        return self.by_path.get(handler_call_details.method, self._refusing)


async def _refuse(_requests: AsyncIterator[bytes], _context: Context) -> AsyncIterator[bytes]:
    raise UnknownMethod("there is no such method")
    yield b""  # makes this a stream
