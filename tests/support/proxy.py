"""A TCP proxy that cuts a connection at a moment a test chooses: what networks do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Proxy:
    """Passes bytes on between clients and one server.

    While `cut` is set, the next client message that has it in it is the connection's last: passed
    on first or not, as `pass_on` says; the server's answer to it never comes back.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.cut = b""
        self.pass_on = True
        self.cuts = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_server = await asyncio.open_connection(*self._target)
        self._writers |= {writer, to_server}
        answers = asyncio.create_task(_copy(upstream, writer))
        while message := await reader.read(65_536):
            if self.cut and self.cut in message:
                self.cut, self.cuts = b"", self.cuts + 1
                answers.cancel()
                if self.pass_on:
                    to_server.write(message)
                    await to_server.drain()
                break
            to_server.write(message)
        writer.close()
        # closed in an orderly way: the server still does what it was told before
        to_server.close()
        await asyncio.gather(answers, return_exceptions=True)

    def close(self) -> None:
        """Close every connection."""
        for writer in self._writers:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def proxied(host: str, port: int) -> AsyncIterator[Proxy]:
    """A proxy to `host:port`, on a free port of its own."""
    proxy = Proxy(host, port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.close()
        await server.wait_closed()
