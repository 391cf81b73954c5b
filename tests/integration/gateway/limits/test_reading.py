"""What the gateway reads of requests: nothing of a stranger's, little at a time of anybody's."""

from __future__ import annotations

import asyncio
import gc
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import msgspec
import pytest

from systemzero_gateway.limits import LimitSettings, Rate
from systemzero_gateway.limits.listening import OF_TENANT as LISTENED
from systemzero_gateway.limits.reading import OF_TENANT
from tests.support.gateway import LAVISH, SERVICE, World, each, refused, sending, world
from tests.support.http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PREFACE,
    RESET,
    SETTINGS,
    Connection,
    call_block,
    frame,
    message,
)
from tests.support.loops import until
from tests.support.patience import PATIENCE

_INITIAL_WINDOW_SIZE = 4
"""Of a stream: RFC 9113, 6.5.2."""
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
    return call_block(path.encode(), (b"authorization", f"Bearer {secret}".encode()))


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


async def test_of_a_stream_that_nobody_reads_little_is_taken_in(here: World) -> None:
    """The transport's work for what no rate has let pass: others wait for it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    writer.write(PREFACE + frame(SETTINGS, 0, 0))
    size = int.from_bytes((await reader.readexactly(9))[:3])
    told = dict(struct.iter_unpack(">HI", await reader.readexactly(size)))
    writer.close()
    assert told[_INITIAL_WINDOW_SIZE] <= 32_768


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
async def test_a_call_has_a_message(here: World, connection: Connection, path: str) -> None:
    stream = await start(connection, here.secret, f"/{SERVICE}/{path}")
    await connection.send(frame(DATA, END_STREAM, stream, b""))
    assert await ended(connection, stream) == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert not len(here.app.admission.reading)


@pytest.mark.parametrize("path", ["Get", "List"])
@pytest.mark.parametrize("end", [0, END_STREAM], ids=["goes on", "two"])
async def test_what_follows_the_message_of_a_call_is_not_waited_for(
    here: World, connection: Connection, path: str, end: int
) -> None:
    """Nor read: to ask whether there is more costs each call as much as to read its message."""
    stream = await start(connection, here.secret, f"/{SERVICE}/{path}")
    await connection.send(frame(DATA, end, stream, message(b"a") + message(b"b") * bool(end)))
    assert await ended(connection, stream) == 0
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
    await until(lambda: not len(here.app.admission.held))


async def test_a_call_that_is_given_up_holds_nothing(here: World) -> None:
    call = here.call("Get", LARGE)
    await here.echo.started.wait()
    assert len(here.app.admission.held) == len(LARGE)
    call.cancel()
    await until(lambda: not len(here.app.admission.held))


async def test_streams_of_which_little_is_there_are_listened_to_by_their_places_alone(
    here: World, connection: Connection
) -> None:
    """However many are open: each of them may be about to have a message of any size."""
    half = message(LARGE)[:2_000]
    streams = [await start(connection, here.secret, f"/{SERVICE}/Both") for _ in range(40)]
    for stream in streams:
        await connection.send(frame(DATA, 0, stream, half))
    await until(lambda: here.app.admission.streams.of("default") == len(streams))
    assert await here.call("Get", b"a") == b"a"
    assert len(here.app.admission.listening) == LISTENED
    waiting = asyncio.ensure_future(each(here.call("Both", sending(b"b"))))
    for stream in streams:
        await connection.send(frame(RESET, 0, stream, bytes(4)))
    assert await asyncio.wait_for(waiting, PATIENCE) == [b"b"]
    await until(lambda: not len(here.app.admission.streams))
    assert not len(here.app.admission.listening)


async def test_calls_and_streams_have_one_account_of_bytes(tmp_path: Path) -> None:
    limits = msgspec.structs.replace(LAVISH, held_bytes=ROOM // 100)
    large = b"hold" + bytes(90_000)
    async with world(tmp_path, local=False, limits=limits) as here:
        call = asyncio.ensure_future(here.call("Get", large))
        await here.echo.started.wait()
        stream = asyncio.ensure_future(each(here.call("Both", sending(large))))
        await until(lambda: len(here.app.admission.listening) == 1)
        await until(lambda: bool(here.app.admission.held.waiting))
        assert len(here.app.admission.held) == len(large)
        here.echo.release.set()
        assert await call == large
        assert await asyncio.wait_for(stream, PATIENCE) == [large]
        await until(lambda: not len(here.app.admission.held))


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
