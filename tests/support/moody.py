"""A gateway before a backend that does not always feel like answering."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from systemzero_runtime.running.service import Listener
from systemzero_runtime.serving.registry import HandlerRegistry
from tests.support.gateway import SERVICE, World, world


class Moody:
    """A backend that is unavailable for the next `refusals` calls, and counts what reaches it."""

    def __init__(self) -> None:
        self.refusals = 0
        self.code = grpc.StatusCode.UNAVAILABLE
        self.late = False
        self.calls = 0

    async def _maybe_refuse(self, context: Any) -> None:
        self.calls += 1
        if self.refusals:
            self.refusals -= 1
            await context.abort(self.code, "not now")

    async def unary(self, request: bytes, context: Any) -> bytes:
        await self._maybe_refuse(context)
        return request

    async def stream(self, request: bytes, context: Any) -> AsyncIterator[bytes]:
        if self.late:
            yield b"first"
        await self._maybe_refuse(context)
        yield request

    def handlers(self) -> dict[str, Any]:
        return {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Get": grpc.unary_unary_rpc_method_handler(self.unary),
            "Put": grpc.unary_unary_rpc_method_handler(self.unary),
            "List": grpc.unary_stream_rpc_method_handler(self.stream),
        }


@asynccontextmanager
async def before_moody(data: Path, **settings: Any) -> AsyncIterator[tuple[World, Moody]]:
    """The gateway, with `settings`, and what stands behind it."""
    moody, registry = Moody(), HandlerRegistry()
    registry.add_registered_method_handlers(SERVICE, moody.handlers())
    listener = Listener([registry], [SERVICE], 5_000_000)
    target = f"127.0.0.1:{await listener.start('127.0.0.1:0')}"
    async with world(data, local=False, target=target, **settings) as here:
        yield here, moody
    await listener.stop(0)
