"""Which handler a method has: every one that may be called is forwarded, every other is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import grpc

from systemzero_chassis.guards import Context, Guard, Handler, guarded
from systemzero_core.errors import UnknownMethod
from systemzero_gateway.forwarding import Forwarder

_OTHER = "_OTHER"
"""What metrics, traces and logs call all methods that there are not, by the semantic conventions:
their names are the callers' to choose."""


class Gateway(grpc.GenericRpcHandler):  # type: ignore[type-arg] # not generic at run time
    """The handlers of all methods that may be called; every other method is refused."""

    def __init__(
        self,
        forwarders: Mapping[str, Forwarder],
        guards: tuple[Guard, ...],
        of_streams: tuple[Guard, ...],
    ) -> None:
        """`of_streams` stand inside the other guards, around calls with a stream alone."""
        self.by_path: dict[str, Handler] = {}
        for path, forwarder in forwarders.items():
            own = (*guards, *of_streams) if forwarder.method.is_stream else guards
            self.by_path[path] = guarded(forwarder.handler(), path, own)
        refusing = grpc.stream_stream_rpc_method_handler(_refuse)
        self._refusing = guarded(refusing, _OTHER, guards)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler:
        """As gRPC asks for a handler."""
        return self.by_path.get(handler_call_details.method, self._refusing)


async def _refuse(_requests: AsyncIterator[bytes], _context: Context) -> AsyncIterator[bytes]:
    raise UnknownMethod("there is no such method")
    yield b""  # makes this a stream
