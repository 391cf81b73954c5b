"""What the gateway reads of requests: nothing of a stranger's, little at a time of anybody's."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import msgspec
import pytest

from systemzero_gateway.limits import LimitSettings, Rate
from systemzero_gateway.limits.reading import OF_TENANT
from tests.support.gateway import LAVISH, SERVICE, World, refused, world
from tests.support.http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    RESET,
    Connection,
    frame,
    header_block,
    message,
)
from tests.support.loops import until
from tests.support.patience import PATIENCE

LARGE = b"hold" + bytes(4_000_000)
ROOM = 20_000_000
"""Of which a tenant has a quarter: one large message."""


@pytest.fixture(params=["server", "local"])
async def here(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    limits = msgspec.structs.replace(LAVISH, held_bytes=ROOM)
    async with world(tmp_path, local=request.param == "local", limits=limits) as running:
        yield running


def headers(secret: str, path: str) -> bytes:
    """A call's, as a header block."""
    said = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path.encode()),
        (b":authority", b"localhost"),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
        (b"authorization", f"Bearer {secret}".encode()),
    ]
    return header_block(said)


async def start(connection: Connection, secret: str, path: str = f"/{SERVICE}/Get") -> int:
    """Begin a call that sends nothing yet."""
    stream = connection.new_stream()
    await connection.send(frame(HEADERS, END_HEADERS, stream, headers(secret, path)))
    return stream


async def ended(connection: Connection, stream: int) -> int | None:
    """The status of a call that has to end."""
    return (await asyncio.wait_for(connection.answer(stream), PATIENCE)).status


@pytest.fixture
async def connection(here: World) -> AsyncIterator[Connection]:
    opened = await Connection.open(f"127.0.0.1:{here.port}")
    yield opened
    opened.abandon()


METHODS = [f"/{SERVICE}/{name}" for name in ("Get", "Unary", "List", "Server", "Both")]
OWN = [
    "/systemzero.gateway.v1.StatusService/GetStatus",
    "/systemzero.gateway.v1.AuditService/ListEntries",
]


@pytest.mark.parametrize("path", [*METHODS, *OWN])
async def test_a_stranger_is_refused_before_any_of_its_message_is_read(
    here: World, connection: Connection, path: str
) -> None:
    stream = await start(connection, "nobody", path)
    assert await ended(connection, stream) == grpc.StatusCode.UNAUTHENTICATED.value[0]


async def test_who_has_used_up_the_rate_is_refused_before_the_message_is_read(
    here: World, connection: Connection
) -> None:
    here.app.reload(LimitSettings(Rate(0.001, 10), Rate(0.001, 10)))
    for _ in range(10):
        await here.call("Get", b"a")
    stream = await start(connection, here.secret)
    assert await ended(connection, stream) == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]


@pytest.mark.parametrize("path", ["Get", "List"])
@pytest.mark.parametrize("body", [b"", message(b"a") * 2], ids=["none", "two"])
async def test_a_call_has_exactly_one_message(
    here: World, connection: Connection, path: str, body: bytes
) -> None:
    stream = await start(connection, here.secret, f"/{SERVICE}/{path}")
    await connection.send(frame(DATA, END_STREAM, stream, body))
    assert await ended(connection, stream) == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert not len(here.app.admission.reading)


async def test_a_tenant_has_so_many_messages_read_at_a_time_and_others_wait_for_their_end(
    here: World, connection: Connection
) -> None:
    half = message(LARGE)[:2_000]
    reading = here.app.admission.reading
    streams = [await start(connection, here.secret) for _ in range(3 * OF_TENANT)]
    for stream in streams:
        await connection.send(frame(DATA, 0, stream, half))
    await until(lambda: here.app.admission.calls.of("default") == len(streams))
    assert len(reading) == OF_TENANT
    waiting = asyncio.ensure_future(here.call("Get", b"a"))
    for stream in streams:
        await connection.send(frame(RESET, 0, stream, bytes(4)))
    assert await asyncio.wait_for(waiting, PATIENCE) == b"a"
    await until(lambda: not len(here.app.admission.calls))
    assert not len(reading)


async def test_the_large_messages_of_a_tenants_calls_have_a_bound_together(here: World) -> None:
    first = asyncio.ensure_future(here.call("Get", LARGE))
    await here.echo.started.wait()
    code, reason, _ = await refused(here.call("Get", LARGE))
    assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_IN_FLIGHT")
    assert await here.call("Get", b"small") == b"small"
    here.echo.release.set()
    assert await first == LARGE
    assert await here.call("Get", LARGE) == LARGE
    await until(lambda: not len(here.app.admission.messages))


async def test_a_call_that_is_given_up_holds_nothing(here: World) -> None:
    call = here.call("Get", LARGE)
    await here.echo.started.wait()
    assert len(here.app.admission.messages) == len(LARGE)
    call.cancel()
    await until(lambda: not len(here.app.admission.messages))


@pytest.mark.parametrize("body", [b"bad", LARGE], ids=["by the backend", "by the gateway"])
async def test_a_call_that_failed_leaves_nothing_of_its_message(here: World, body: bytes) -> None:
    """Not even in garbage, which is found when thousands of calls have come."""
    method, message = ("Get", b"bad" + bytes(1_000_000)) if body == b"bad" else ("Unary", body)
    await refused(here.call(method, message))
    gc.collect()
    gc.disable()
    try:
        await refused(here.call(method, message))
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kept = [held for thing in gc.garbage for held in gc.get_referents(thing)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not [held for held in kept if isinstance(held, bytes) and len(held) == len(message)]
