"""HTTP/2 as nobody should speak it: frames by hand, so that every rule can be broken.

Of what comes back it understands as much as an answer takes (RFC 9113; header blocks by hpack).
"""

from __future__ import annotations

import asyncio
import os
import select
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, NamedTuple

import hpack

from tests.support.patience import PATIENCE

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RESET, SETTINGS, PUSH, PING, GO_AWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK, PADDED = 0x1, 0x4, 0x1, 0x8
WIDE: Final = struct.pack(">I", 2**30)


def frame(
    kind: int, flags: int, stream: int, payload: bytes = b"", length: int | None = None
) -> bytes:
    """One frame; `length` says something else than the payload's."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header_block(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers as literals that are never indexed (RFC 7541, 6.2.3): any bytes at all."""
    return b"".join(b"\x10" + _text(name) + _text(value) for name, value in headers)


def call_block(path: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """The headers of a call of gRPC, and `more`, as a block."""
    usual = [
        (b":method", b"POST"), (b":scheme", b"http"), (b":path", path),
        (b":authority", b"localhost"), (b"te", b"trailers"), (b"content-type", b"application/grpc"),
    ]  # fmt: skip
    return header_block([*usual, *more])


def message(body: bytes, compressed: int = 0, length: int | None = None) -> bytes:
    """A gRPC message in its frame; `length` says something else than the body's."""
    return struct.pack(">BI", compressed, len(body) if length is None else length) + body


def _text(text: bytes) -> bytes:
    size = len(text)
    if size < 127:
        return bytes([size]) + text
    size, prefix = size - 127, b"\x7f"
    while size >= 128:
        prefix, size = prefix + bytes([size % 128 | 128]), size // 128
    return prefix + bytes([size]) + text


class Answer(NamedTuple):
    """How a stream ended: its headers and trailers; none where it was reset, or cut off."""

    headers: dict[str, str]

    @property
    def status(self) -> int | None:
        """The gRPC status."""
        status = self.headers.get("grpc-status", "")
        return int(status) if status.isdigit() else None


class Connection:
    """One connection. What is sent is not checked; what is received is kept by stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder: Any = hpack.Decoder()
        self._headers: dict[int, dict[str, str]] = {}
        self._ended: dict[int, asyncio.Event] = {}
        self._next = 1
        self.closed = asyncio.Event()
        self._receiver = asyncio.create_task(self._receive())

    @classmethod
    async def open(cls, target: str, greeting: bytes | None = None) -> Connection:
        """Connect to `host:port`; say hello as HTTP/2 does, or with `greeting`."""
        host, _, port = target.rpartition(":")
        connection = cls(*await asyncio.open_connection(host, int(port)))
        polite = PREFACE + frame(SETTINGS, 0, 0) + frame(WINDOW, 0, 0, WIDE)
        await connection.send(polite if greeting is None else greeting)
        return connection

    def new_stream(self) -> int:
        """The id of a stream that was not used."""
        self._next += 2
        self._ended[self._next] = asyncio.Event()
        return self._next

    async def send(self, data: bytes) -> None:
        """Send `data` as it is; nothing where the peer closed."""
        with suppress(OSError):
            self._writer.write(data)
            await self._writer.drain()

    def wait_until_read(self) -> None:
        """Hold the event loop up until the peer has read what was sent: it answers a ping."""
        self._writer.write(frame(PING, 0, 0, bytes(8)))
        wanted, seen = frame(PING, ACK, 0, bytes(8)), b""
        with socket.socket(fileno=os.dup(self._writer.get_extra_info("socket").fileno())) as own:
            while wanted not in seen:
                assert select.select([own], [], [], PATIENCE)[0]
                seen = own.recv(1_000_000, socket.MSG_PEEK)  # left for who receives

    async def answer(self, stream: int) -> Answer:
        """Wait until a stream, or the connection, has ended."""
        waits = [asyncio.create_task(event.wait()) for event in (self._ended[stream], self.closed)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        del self._ended[stream]
        return Answer(self._headers.pop(stream, {}))

    def abandon(self) -> None:
        """Cut the connection, without a word."""
        self._receiver.cancel()
        self._writer.transport.abort()
        self.closed.set()

    async def _receive(self) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, hpack.HPACKError):
            while True:
                head = await self._reader.readexactly(9)
                kind, flags, stream = struct.unpack(">BBI", head[3:])
                payload = await self._reader.readexactly(int.from_bytes(head[:3]))
                await self._take(kind, flags, stream, payload)
        self.closed.set()

    async def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == HEADERS:
            decoded = self._decoder.decode(payload)
            known = self._headers.setdefault(stream, {})
            known.update((str(name), str(value)) for name, value in decoded)
        elif kind in {SETTINGS, PING} and not flags & ACK:
            await self.send(frame(kind, ACK, 0, payload if kind == PING else b""))
        over = kind == RESET or (kind in {HEADERS, DATA} and flags & END_STREAM)
        if over and stream in self._ended:
            self._ended[stream].set()
