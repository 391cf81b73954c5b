"""Whether `AcceptingServer` works with the grpcio that is installed here: it is tried with calls.

A call of a method that is registered must be answered by its handler; one of a method that is not
must be asked for by `UNKNOWN`, since its path is looked at by nobody; and the server must stop. The
trial has a server and a client of its own on the loopback, and takes some milliseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final

import grpc

from systemzero_runtime.interceptors.chain import Handler
from systemzero_runtime.serving.public import UNKNOWN

SECONDS: Final = 10.0
"""What takes so long does not work."""
_METHOD: Final = "/systemzero.Trial/Method"
_NO_METHOD: Final = "/systemzero.Trial/NoMethod"
_MESSAGE: Final = b"trial"
_NO_PROXY: Final = (("grpc.enable_http_proxy", 0),)


async def trial() -> str:
    """Why `AcceptingServer` can't serve here; empty where it can."""
    try:
        async with asyncio.timeout(SECONDS):
            return await _tried()
    except TimeoutError:
        return f"the trial took more than {SECONDS:.0f} seconds"
    except Exception as error:  # noqa: BLE001 - whatever another grpcio makes of it
        return f"{type(error).__name__}: {error}"


async def _tried() -> str:
    # here: with another grpcio the import itself may fail
    from systemzero_runtime.serving.accepting import AcceptingServer

    handlers, fares = _Handlers(), _FirstFailure()
    server = AcceptingServer([], fares)
    server.add(handlers)
    try:
        port = await server.listen("127.0.0.1:0", None)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", _NO_PROXY) as channel:
            return await fares.unless_failed(_called(channel, handlers))
    finally:
        await server.stop(0)


async def _called(channel: grpc.aio.Channel, handlers: _Handlers) -> str:
    if await _call(channel, _METHOD) != _MESSAGE:
        return "a call was not answered by its handler"
    try:
        await _call(channel, _NO_METHOD)
    except grpc.aio.AioRpcError as error:
        is_unknown = error.code() is grpc.StatusCode.UNIMPLEMENTED
        return "" if is_unknown and handlers.asked == [UNKNOWN] else "paths of calls are looked at"
    return "a call of no method was answered"


async def _call(channel: grpc.aio.Channel, path: str) -> bytes:
    method: Any = channel.unary_unary(path, None, None)
    answer: bytes = await method(_MESSAGE)
    return answer


class _Handlers(grpc.GenericRpcHandler):  # type: ignore[type-arg] # not generic at run time
    """One method, which answers with its request."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.by_path: dict[str, Handler] = {_METHOD: grpc.unary_unary_rpc_method_handler(_answer)}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Handler | None:
        """As gRPC asks for a handler."""
        if handler_call_details.method != _METHOD:
            self.asked.append(handler_call_details.method)
        return self.by_path.get(handler_call_details.method)


async def _answer(request: bytes, _context: Any) -> bytes:
    return request


class _FirstFailure:
    """Ends the trial with the first error of a loop that takes calls."""

    def __init__(self) -> None:
        self._failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def failed(self, error: BaseException) -> float:
        """See `Fares`."""
        if not self._failed.done():
            self._failed.set_result(f"{type(error).__name__}: {error}")
        return SECONDS

    def went_well(self) -> None:
        """See `Fares`."""

    async def unless_failed(self, calls: Awaitable[str]) -> str:
        """What `calls` say, or what failed meanwhile."""
        calling = asyncio.ensure_future(calls)
        try:
            await asyncio.wait([calling, self._failed], return_when=asyncio.FIRST_COMPLETED)
            return self._failed.result() if self._failed.done() else await calling
        finally:
            calling.cancel()
