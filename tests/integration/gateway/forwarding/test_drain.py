"""Stopping a gateway under load: what is under way, what is told to go, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.gateway import World, refused, sending, world
from tests.support.patience import PATIENCE

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
GRACE = 600  # seconds; what does not end by itself would keep the test from ending


@pytest.fixture(params=["server", "local"])
async def here(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, local=request.param == "local") as running:
        yield running


async def stopped(here: World) -> asyncio.Task[None]:
    """A stop that has begun: health has said so to somebody who watches."""
    stub: Any = health_pb2_grpc.HealthStub(here.channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=""))
    await watch.read()
    task = asyncio.create_task(here.app.stop(GRACE))
    while (answer := await watch.read()) is not grpc.aio.EOF:  # type: ignore[attr-defined]
        assert answer.status == NOT_SERVING
    return task


async def told_to_go(here: World) -> None:
    """The channel knows it; calls that meet the server's last moment may be CANCELLED."""
    ready = grpc.ChannelConnectivity.READY
    while here.channel.get_state() is ready:
        await here.channel.wait_for_state_change(ready)


async def test_a_call_under_way_is_finished_and_new_ones_are_refused(here: World) -> None:
    call = asyncio.ensure_future(here.call("Unary", b"hold"))
    await here.echo.started.wait()
    stop = await stopped(here)
    await told_to_go(here)
    code, _, _ = await refused(here.call("Unary", b"late"))
    assert code is grpc.StatusCode.UNAVAILABLE
    here.echo.release.set()
    assert await call == b"hold"
    await stop


async def test_a_conversation_is_told_to_go_after_what_was_taken_is_answered(here: World) -> None:
    call = here.call("Both", None)
    await call.write(b"a")
    assert await call.read() == b"a"
    await call.write(b"hold")
    await here.echo.started.wait()
    stop = await stopped(here)
    here.echo.release.set()
    assert await call.read() == b"hold"
    code, reason, _ = await refused(call.read())
    assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
    assert "stopping" in await call.details()
    await stop


async def test_an_idle_conversation_is_told_to_go_at_once(here: World) -> None:
    call = here.call("Both", None)
    await call.write(b"a")
    assert await call.read() == b"a"
    await asyncio.wait_for(here.app.stop(GRACE), PATIENCE)
    code, reason, _ = await refused(call.read())
    assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")


async def test_an_upload_is_never_taken_for_complete_when_it_was_cut_short(here: World) -> None:
    more = asyncio.Event()

    async def requests() -> AsyncIterator[bytes]:
        yield b"hold"
        await more.wait()
        yield b"b"

    call = asyncio.ensure_future(here.call("Client", requests()))
    await here.echo.started.wait()
    stop = await stopped(here)
    here.echo.release.set()
    more.set()
    assert await call == b"hold b"
    await stop


async def test_what_does_not_end_is_cut_off_after_the_grace(here: World) -> None:
    call = asyncio.ensure_future(here.call("Client", sending(b"wait")))
    await here.echo.started.wait()
    await here.app.stop(0.05)
    with pytest.raises(grpc.aio.AioRpcError) as cut:
        await call
    assert cut.value.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    await here.echo.cancelled.wait()
