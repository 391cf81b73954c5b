"""The handlers of a service with their interceptors, for a gRPC server and for local calls.

The generated `add_XServicer_to_server` functions fill it as if it were a server; see `add`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import grpc

from systemzero_runtime.interceptors.chain import Handler, Interceptor, intercepted, unread

S = TypeVar("S")


class HandlerRegistry(grpc.GenericRpcHandler):  # type: ignore[type-arg] # not generic at run time
    """Looks handlers up by method, such as `/systemzero.log.v1.LogService/GetCheckpoint`."""

    def __init__(
        self,
        interceptors: Sequence[Interceptor] = (),
        inside: Callable[[Handler], Handler] = lambda handler: handler,
    ) -> None:
        """`inside` makes of each handler the one that the interceptors stand around."""
        self._interceptors = tuple(interceptors)
        self._inside = inside
        self.by_path: dict[str, Handler] = {}
        self.services: list[str] = []
        self._unread = False

    def add(
        self, add_to_server: Callable[[S, Any], None], servicer: S, *, unread: bool = False
    ) -> None:
        """Take the handlers of `servicer`, by the function generated for its service.

        With `unread`, they are given requests with what may be large in them as it came: see
        `systemzero_wire.unread`.
        """
        self._unread = unread
        add_to_server(servicer, self)

    def add_registered_method_handlers(
        self, service: str, method_handlers: Mapping[str, Handler]
    ) -> None:
        """Take the handlers of one service; called by generated code."""
        self.services.append(service)
        for name, handler in method_handlers.items():
            method, given = f"/{service}/{name}", unread(handler) if self._unread else handler
            self.by_path[method] = intercepted(self._inside(given), method, self._interceptors)

    def add_generic_rpc_handlers(self, handlers: Iterable[object]) -> None:
        """Generated code calls this as well; the registered handlers say the same."""

    def mount(self, other: HandlerRegistry) -> None:
        """Take over the handlers of `other`, guarded as they are."""
        self.services += other.services
        self.by_path.update(other.by_path)

    def find(self, method: str) -> Handler | None:
        """The handler of `method`, or None."""
        return self.by_path.get(method)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """As gRPC asks for a handler."""
        return self.by_path.get(handler_call_details.method)
