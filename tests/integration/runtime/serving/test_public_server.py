"""The way back to grpc.aio's own server, for a grpcio whose inner parts are others."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from systemzero_base.telemetry.logs import LogSettings
from systemzero_runtime.serving import server as serving
from systemzero_runtime.serving.accepting import _Acceptor
from systemzero_runtime.serving.public import PublicServer
from systemzero_runtime.serving.server import Server
from systemzero_runtime.serving.trial import trial
from tests.support.echo import Echo, Served, raw
from tests.support.logging import lines_in, logging_as
from tests.support.loops import some_loops
from tests.support.metrics import sample
from tests.support.patience import PATIENCE

NO_TEXT = b"/a.B/C\xff"


@pytest.fixture
def untried() -> Iterator[None]:
    """As in a process that has tried nothing yet; and so again after the test."""
    serving._Tried.works = None
    yield
    serving._Tried.works = None


async def test_the_grpcio_that_is_installed_passes_the_trial() -> None:
    assert await trial() == ""


def a_name_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "systemzero_runtime.serving.accepting", None)


def loops_take_one_argument_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Acceptor, "_request_call", lambda _self, _more: None)


def nobody_asks_for_our_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(_Acceptor, "_make_request_call_future")


CHANGES = [a_name_is_gone, loops_take_one_argument_more, nobody_asks_for_our_loops]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("change", CHANGES)
async def test_a_grpcio_that_changed_is_served_by_the_public_server_which_is_said(
    change: Any, monkeypatch: pytest.MonkeyPatch, untried: None, tmp_path: Any
) -> None:
    change(monkeypatch)
    with logging_as(LogSettings(output=str(tmp_path / "log"))):
        server = Server([], some_loops().streak("accepting"))
        echo = Echo()
        server.add(echo)
        here = Served(echo, server, await server.start("127.0.0.1:0"))
        assert await here.call("/a.B/C", b"served", timeout=PATIENCE) == b"served"
        await here.channel.close(None)
        await server.stop(0)
        said = lines_in(tmp_path / "log")
    assert [line["grpcio"] for line in said if line["event"] == "server.public"] == [
        grpc.__version__
    ]
    assert sample("systemzero_server_public") == 1


async def test_ours_serves_and_nothing_is_said_where_it_works(untried: None) -> None:
    server = Server([], some_loops().streak("accepting"))
    await server.start("127.0.0.1:0")
    await server.stop(0)
    assert sample("systemzero_server_public") == 0


async def test_the_public_server_is_made_anew_when_a_path_that_is_no_text_has_ended_it() -> None:
    streak = some_loops().streak("accepting")
    server, echo = PublicServer([], streak), Echo()
    server.add(echo)
    port = await server.listen("127.0.0.1:0", None)
    here = Served(echo, server, port)
    asking = asyncio.ensure_future(raw(here.target, NO_TEXT))
    async with asyncio.timeout(PATIENCE):
        while not streak.failures:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)
    asking.cancel()
    answer = await here.call("/a.B/C", b"again", wait_for_ready=True, timeout=PATIENCE)
    assert answer == b"again"
    await here.channel.close(None)
    await server.stop(0)


async def test_the_public_server_asks_for_an_unknown_method_by_one_name() -> None:
    server, echo = PublicServer([], some_loops().streak("accepting")), Echo()
    server.add(echo)
    here = Served(echo, server, await server.listen("127.0.0.1:0", None))
    for path in ("/a.B/D", "/x"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await here.call(path, b"", timeout=PATIENCE)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert set(echo.asked) == {"unknown"}
    await here.channel.close(None)
    await server.stop(0)


async def test_grpc_s_own_server_still_ends_with_a_path_that_is_no_text() -> None:
    """Where this fails, grpcio has mended it: `AcceptingServer` may be needed no more."""
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    asking = asyncio.ensure_future(raw(f"127.0.0.1:{port}", NO_TEXT))
    with pytest.raises(UnicodeDecodeError):
        await server.wait_for_termination(PATIENCE)
    asking.cancel()
