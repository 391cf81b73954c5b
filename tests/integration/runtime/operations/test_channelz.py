"""Channelz on the ops port: it tells of the server that serves, and nobody's path stops it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc

from scripts.run_split import free_port
from tests.support.http2 import END_HEADERS, END_STREAM, HEADERS, Connection, call_block, frame
from tests.support.operated import gateway
from tests.support.patience import PATIENCE

CALLS = 7


async def test_the_server_that_serves_is_listed_with_the_calls_that_were_made(
    tmp_path: Path,
) -> None:
    listen = f"127.0.0.1:{free_port()}"
    async with gateway(tmp_path, LISTEN=listen) as here:
        for _ in range(CALLS):
            await here.ask()
        async with grpc.aio.insecure_channel(here.channelz) as channel:
            stub: Any = channelz_pb2_grpc.ChannelzStub(channel)
            answer = await stub.GetServers(channelz_pb2.GetServersRequest())
        (serving,) = (
            server.data
            for server in answer.server
            if any(listen in socket.name for socket in server.listen_socket)
        )
        assert (serving.calls_started, serving.calls_succeeded) == (CALLS, CALLS)


async def test_a_path_that_is_no_text_stops_nobody(tmp_path: Path) -> None:
    async with gateway(tmp_path) as here:
        connection = await Connection.open(here.channelz)
        stream = connection.new_stream()
        block = call_block(b"/a.B/C\xff")
        await connection.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, block))
        await connection.answer(stream)
        connection.abandon()
        async with grpc.aio.insecure_channel(here.channelz) as channel:
            stub: Any = channelz_pb2_grpc.ChannelzStub(channel)
            await stub.GetServers(channelz_pb2.GetServersRequest(), timeout=PATIENCE)
