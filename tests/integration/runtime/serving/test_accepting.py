"""The server that takes calls in loops of its own: paths that are no text, many calls, the end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from systemzero_runtime.running.service import Listener
from systemzero_runtime.serving.accepting import AcceptingServer, _Acceptor
from tests.support.echo import Echo, Served, call_of, raw
from tests.support.http2 import Connection
from tests.support.loops import some_loops
from tests.support.patience import PATIENCE

PATHS = [b"/a.B/C\xff", b"\x82\x81", b"/a.B/\xed\xa0\x80", b"/a.B/C\x00", b""]


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


async def test_a_method_is_served_after_its_loop_failed() -> None:
    class Odd(_Acceptor):
        failures = 3

        def _request_registered_call(self, method: bytes) -> Any:
            if self.failures:
                self.failures -= 1
                raise RuntimeError("nobody foresaw this")
            return super()._request_registered_call(method)

    streak = some_loops().streak("accepting")
    server, echo = AcceptingServer([], streak), Echo()
    server._server = odd = Odd(server._loop, [], streak)
    server.add(echo)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    here = Served(echo, server, port)
    assert await here.call("/a.B/C", b"a", timeout=PATIENCE) == b"a"
    assert not odd.failures
    await here.channel.close(None)
    await server.stop(0)
