"""A server of two methods, and calls of paths that no gRPC client would send."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from systemzero_runtime.interceptors.chain import Handler
from tests.support.http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    Answer,
    Connection,
    call_block,
    frame,
    message,
)


class Echo(grpc.GenericRpcHandler):  # type: ignore[type-arg] # not generic at run time
    """`/a.B/C` answers with its request; `/a.B/Wait` waits for ever."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.waiting = asyncio.Event()
        self.by_path: dict[str, Handler] = {
            "/a.B/C": grpc.unary_unary_rpc_method_handler(self._echo),
            "/a.B/Wait": grpc.unary_unary_rpc_method_handler(self._wait),
        }

    async def _echo(self, request: bytes, _context: Any) -> bytes:
        return request

    async def _wait(self, _request: bytes, _context: Any) -> bytes:
        self.waiting.set()
        await asyncio.Event().wait()
        return b""

    def service(self, handler_call_details: Any) -> Handler | None:
        self.asked.append(handler_call_details.method)
        return self.by_path.get(handler_call_details.method)


class Served:
    """A running server, and ways to call it."""

    def __init__(self, echo: Echo, server: Any, port: int) -> None:
        self.echo = echo
        self.server = server
        self.target = f"127.0.0.1:{port}"
        self.channel = grpc.aio.insecure_channel(self.target)

    def call(self, path: str, request: bytes, **keywords: Any) -> Any:
        method: Any = self.channel.unary_unary(path, None, None)
        return method(request, **keywords)


def call_of(connection: Connection, path: bytes) -> tuple[int, bytes]:
    """The stream and the frames of a call with an empty request."""
    stream = connection.new_stream()
    opened = frame(HEADERS, END_HEADERS, stream, call_block(path))
    return stream, opened + frame(DATA, END_STREAM, stream, message(b""))


async def raw(target: str, path: bytes) -> Answer:
    """The answer to a call of a path that no gRPC client would send."""
    connection = await Connection.open(target)
    stream, frames = call_of(connection, path)
    await connection.send(frames)
    answer = await connection.answer(stream)
    connection.abandon()
    return answer
