"""The server that takes calls in loops of its own: paths that are no text, many calls, the end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from systemzero_runtime.interceptors.guards import Handler
from systemzero_runtime.running.service import Listener
from systemzero_runtime.serving.accepting import AcceptingServer
from tests.support.http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    Answer,
    Connection,
    frame,
    header_block,
    message,
)
from tests.support.loops import some_loops
from tests.support.patience import PATIENCE

PATHS = [b"/a.B/C\xff", b"\x82\x81", b"/a.B/\xed\xa0\x80", b"/a.B/C\x00", b""]


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

    def __init__(self, echo: Echo, server: AcceptingServer, port: int) -> None:
        self.echo = echo
        self.server = server
        self.target = f"127.0.0.1:{port}"
        self.channel = grpc.aio.insecure_channel(self.target)

    def call(self, path: str, request: bytes, **keywords: Any) -> Any:
        method: Any = self.channel.unary_unary(path, None, None)
        return method(request, **keywords)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    echo, server = Echo(), AcceptingServer([], some_loops().streak("accepting"))
    server.add(echo)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    here = Served(echo, server, port)
    yield here
    await here.channel.close(None)
    await server.stop(0)


def call_of(connection: Connection, path: bytes) -> tuple[int, bytes]:
    """The stream and the frames of a call with an empty request."""
    stream = connection.new_stream()
    headers = [
        (b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"here"),
        (b"te", b"trailers"), (b"content-type", b"application/grpc"),
    ]  # fmt: skip
    opened = frame(HEADERS, END_HEADERS, stream, header_block(headers))
    return stream, opened + frame(DATA, END_STREAM, stream, message(b""))


async def raw(target: str, path: bytes) -> Answer:
    """The answer to a call of a path that no gRPC client would send."""
    connection = await Connection.open(target)
    stream, frames = call_of(connection, path)
    await connection.send(frames)
    answer = await connection.answer(stream)
    connection.abandon()
    return answer


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_that_is_no_text_is_an_unknown_method_and_stops_nobody(
    served: Served, path: bytes
) -> None:
    answer = await raw(served.target, path)
    assert answer.status in {grpc.StatusCode.UNIMPLEMENTED.value[0], None}  # None: refused whole
    assert await served.call("/a.B/C", b"still there") == b"still there"


async def test_an_unknown_method_is_asked_for_by_one_name(served: Served) -> None:
    for path in ("/a.B/D", "/x", "/a.B/C/"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await served.call(path, b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert set(served.echo.asked) <= {"unknown", "/a.B/C"}


async def test_many_calls_at_once_are_all_answered(served: Served) -> None:
    wanted = [str(i).encode() for i in range(500)]
    assert await asyncio.gather(*(served.call("/a.B/C", each) for each in wanted)) == wanted


async def test_stop_lets_what_is_in_flight_end_within_its_grace(served: Served) -> None:
    waiting = asyncio.ensure_future(served.call("/a.B/Wait", b""))
    await served.echo.waiting.wait()
    await served.server.stop(0.05)
    with pytest.raises(grpc.aio.AioRpcError):
        await waiting
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.call("/a.B/C", b"", timeout=PATIENCE)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_stop_answers_the_calls_that_nobody_has_taken_yet(served: Served) -> None:
    connection = await Connection.open(served.target)
    calls = [call_of(connection, b"/a.B/C") for _ in range(60)]
    await connection.send(b"".join(frames for _, frames in calls))
    connection.wait_until_read()
    await served.server.stop(PATIENCE)
    answers = [await connection.answer(stream) for stream, _ in calls]
    assert [answer.status for answer in answers] == [0] * 60
    connection.abandon()


async def test_a_burst_of_calls_is_taken_in_whole() -> None:
    echo = Echo()
    listener = Listener([echo], ["a.B"], 1_000)
    port = await listener.start("127.0.0.1:0")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.burst",
        f"127.0.0.1:{port}",
        "/a.B/C",
        "4000",
        stdout=subprocess.PIPE,
    )
    told, _ = await process.communicate()
    await listener.stop(0)
    assert told == b"{'OK': 4000}\n"
