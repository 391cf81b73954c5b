"""What clients send that no backend could be sent."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from tests.support.gateway import SERVICE, refused, world
from tests.support.http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    Connection,
    call_block,
    frame,
    message,
)


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_a_bomb_is_refused_by_what_it_would_unpack_to(
    tmp_path: Path, compression: grpc.Compression
) -> None:
    async with world(tmp_path, local=True) as running:
        bomb = running.call("Unary", bytes(50_000_000), compression=compression)
        assert (await refused(bomb))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
        small = running.call("Unary", bytes(900), compression=compression)
        assert await small == bytes(900)


@pytest.mark.parametrize("value", ["\x01", "a\x7f", "\u00e9"])
async def test_a_call_with_such_metadata_is_served(tmp_path: Path, value: str) -> None:
    async with world(tmp_path, local=False) as running:
        connection = await Connection.open(f"127.0.0.1:{running.port}")
        said = (
            (b"x-request-id", value.encode()),
            (b"authorization", f"Bearer {running.secret}".encode()),
        )
        block, stream = call_block(f"/{SERVICE}/Unary".encode(), *said), connection.new_stream()
        await connection.send(frame(HEADERS, END_HEADERS, stream, block))
        await connection.send(frame(DATA, END_STREAM, stream, message(b"hello")))
        answer = await connection.answer(stream)
        connection.abandon()
    assert answer.status == 0
