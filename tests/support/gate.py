"""A TCP gate before a server: while it is shut, connections are taken and nothing passes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class Gate:
    """Passes bytes on between clients and one server, while it is open.

    Attributes:
        port: where it listens.
        connections: how many it took.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.connections = 0

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Let nothing pass meanwhile, not even that a connection ends."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._open.wait()
            upstream, to_server = await asyncio.open_connection(*self._target)
            await asyncio.gather(self._copy(reader, to_server), self._copy(upstream, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._open.wait()
                writer.write(data)
            await self._open.wait()
        finally:
            writer.close()

    def close(self) -> None:
        """Drop every connection."""
        for task in self._tasks:
            task.cancel()


@asynccontextmanager
async def gate_before(
    host: str, port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Gate]:
    """A gate to `host:port`, on a free port of its own; with `tls` it ends that, too."""
    gate = Gate(host, port)
    server = await asyncio.start_server(gate.serve, "127.0.0.1", 0, ssl=tls)
    gate.port = server.sockets[0].getsockname()[1]
    try:
        yield gate
    finally:
        server.close()
        gate.close()
