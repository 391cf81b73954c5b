"""What the gateway hands on and what it keeps, before a backend behind a port and one within."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import grpc
import msgspec
import pytest

from systemzero_gateway.config import DeadlineSettings
from tests.support.gateway import MAX_BYTES, SERVICE, World, each, refused, sending, sent, world
from tests.support.patience import PATIENCE, deadlines


@pytest.fixture(params=["server", "local"])
async def here(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, local=request.param == "local") as running:
        yield running


async def test_all_four_arities_pass_bytes_unchanged(here: World) -> None:
    assert await here.call("Unary", b"\x00\xffraw") == b"\x00\xffraw"
    assert await each(here.call("Server", b"a b c")) == [b"a", b"b", b"c"]
    assert await here.call("Client", sending(b"a", b"b")) == b"a b"
    assert await each(here.call("Both", sending(b"a", b"b"))) == [b"a", b"b"]


async def test_a_conversation_goes_back_and_forth(here: World) -> None:
    call = here.call("Both", None)
    for number in range(5):
        await call.write(b"%d" % number)
        assert await call.read() == b"%d" % number
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF  # type: ignore[attr-defined]


async def test_the_backend_sees_the_caller_and_no_header_of_the_clients_making(
    here: World,
) -> None:
    metadata = (
        *here.bearer(),
        ("sz-identity", "forged"),
        ("sz-tenant", "another"),
        ("x-other", "1"),
        ("x-request-id", "r-1"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    )
    tenant, principal = (await here.call("Unary", b"who", metadata)).split()
    assert tenant == b"default"
    assert principal.startswith(b"key_")
    seen = dict(msgspec.json.decode(await here.call("Unary", b"metadata", metadata)))
    assert seen.pop("sz-identity") != "forged"
    transport = {"user-agent", "grpc-accept-encoding", "accept-encoding"}
    assert seen.keys() - transport == {"x-request-id", "traceparent"}
    assert here.secret not in str(seen)


async def test_what_is_forwarded_is_bounded_and_of_each_key_one(here: World) -> None:
    metadata = (
        *here.bearer(),
        *(("x-request-id", f"r-{number}") for number in range(20)),
        ("tracestate", "x" * 513),
        ("x-request-id-bin", b"\x00"),
        ("te", "trailers"),
        ("connection", "x-request-id"),
        ("keep-alive", "1"),
        ("sz-identity-bin", b"forged"),
    )
    seen = msgspec.json.decode(await here.call("Unary", b"metadata", metadata))
    transport = {"user-agent", "grpc-accept-encoding", "accept-encoding", "sz-identity"}
    assert [pair for pair in seen if pair[0] not in transport] == [["x-request-id", "r-0"]]


@pytest.mark.parametrize("method", ["Unary", "Server", "Client", "Both"])
async def test_a_rich_error_arrives_whole(here: World, method: str) -> None:
    if method in {"Client", "Both"}:
        call = await sent(here.call(method, None), b"bad")
    else:
        call = here.call(method, b"bad")
    code, reason, details = await refused(call if method in {"Unary", "Client"} else each(call))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT")
    assert details["BadRequest"].field_violations[0].field == "nodes[3].parent"


async def test_a_stream_delivers_what_came_before_its_error(here: World) -> None:
    call = here.call("Both", None)
    await call.write(b"a")
    assert await call.read() == b"a"
    await call.write(b"bad")
    code, reason, _ = await refused(call.read())
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_INPUT")


@pytest.mark.parametrize("method", ["Unary", "Server", "Client", "Both"])
async def test_trailers_arrive_with_the_limits_beside_them_and_internal_ones_do_not(
    here: World, method: str
) -> None:
    streaming = method in {"Client", "Both"}
    call = here.call(method, sending(b"trailers") if streaming else b"trailers")
    _ = await call if method in {"Unary", "Client"} else await each(call)
    trailers = dict(await call.trailing_metadata())
    assert trailers["x-entry"] == "7"
    assert trailers["x-raw-bin"] == b"\x00\xff"
    assert trailers["ratelimit-limit"] == "100000"
    assert trailers["ratelimit-remaining"] == "99999"
    assert "sz-internal" not in trailers


@pytest.mark.parametrize("method", ["Unary", "Server", "Client", "Both"])
async def test_a_caller_that_goes_away_ends_the_backends_work(here: World, method: str) -> None:
    call = here.call(method, sending(b"wait") if method in {"Client", "Both"} else b"wait")
    await here.echo.started.wait()
    call.cancel()
    await here.echo.cancelled.wait()
    assert call.cancelled()


@pytest.mark.parametrize("method", ["Unary", "Server"])
async def test_a_deadline_reaches_the_backend_and_ends_both(here: World, method: str) -> None:
    for seconds in deadlines():
        call = here.call(method, b"wait", timeout=seconds)
        code, reason, _ = await refused(each(call) if method == "Server" else call)
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED
        if reason and here.echo.started.is_set():  # the gateway's word was the first to arrive
            break
    assert reason == "DEADLINE_EXCEEDED"
    await here.echo.cancelled.wait()


@pytest.mark.parametrize(
    ("method", "default", "ceiling"),
    [("Unary", 1, 2), ("Client", 1, 2), ("Server", 4, 4), ("Both", 4, 4)],
)
async def test_the_backend_has_a_little_less_time_than_the_gateway(
    here: World, method: str, default: float, ceiling: float
) -> None:
    async def left(timeout: float | None) -> float:  # noqa: ASYNC109 - the client's deadline
        request = sending(b"left") if method in {"Client", "Both"} else b"left"
        call = here.call(method, request, timeout=timeout)
        answer = await call if method in {"Unary", "Client"} else (await each(call))[0]
        return float(answer)

    assert (default - 0.5) * PATIENCE < await left(None) < default * PATIENCE
    assert (ceiling - 0.5) * PATIENCE < await left(10 * PATIENCE) < ceiling * PATIENCE
    for seconds in deadlines():
        with suppress(grpc.aio.AioRpcError):  # it passed on the way
            assert await left(seconds) < seconds
            break


async def test_without_a_deadline_of_the_clients_the_default_holds(tmp_path: Path) -> None:
    short = DeadlineSettings(default=0.1)
    async with world(tmp_path, local=True, deadlines=short) as here:
        _, reason, _ = await refused(here.call("Unary", b"wait"))
    assert reason == "DEADLINE_EXCEEDED"


async def test_a_message_above_the_methods_bound_is_refused_with_the_bound(here: World) -> None:
    assert len(await here.call("Unary", b"x" * MAX_BYTES)) == MAX_BYTES
    code, reason, details = await refused(here.call("Unary", b"x" * (MAX_BYTES + 1)))
    assert (code, reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_LARGE")
    assert details["ErrorInfo"].metadata["limit"] == "1000"
    assert details["ErrorInfo"].metadata["actual"] == "1001"


async def test_the_bound_holds_for_each_message_of_a_stream(here: World) -> None:
    call = await sent(here.call("Client", None), b"a", b"x" * (MAX_BYTES + 1))
    _, reason, _ = await refused(call)
    assert reason == "TOO_LARGE"
    call = here.call("Both", None)
    await call.write(b"a")
    assert await call.read() == b"a"
    await call.write(b"x" * (100 * MAX_BYTES + 1))
    _, reason, _ = await refused(call.read())
    assert reason == "TOO_LARGE"


async def test_a_reader_that_stops_stops_the_sender(here: World) -> None:
    call = here.call("Both", None)

    async def send() -> None:
        for _ in range(400):
            await call.write(b"x" * 100 * MAX_BYTES)

    sender = asyncio.ensure_future(send())
    await call.read()
    _, stuck = await asyncio.wait([sender], timeout=1)
    assert stuck
    while not sender.done():
        await call.read()
    call.cancel()


async def test_a_reader_that_stops_stops_the_backend(here: World) -> None:
    call = here.call("List", b"big " * 400)
    await call.read()
    _, waiting = await asyncio.wait([asyncio.ensure_future(here.echo.finished.wait())], timeout=1)
    assert waiting
    while await call.read() is not grpc.aio.EOF:  # type: ignore[attr-defined]
        pass
    await here.echo.finished.wait()


@pytest.mark.parametrize("name", [f"{SERVICE}/Nothing", "no.such.Service/Method", "odd"])
async def test_an_unknown_method_is_refused_by_name(here: World, name: str) -> None:
    call = here.channel.unary_unary(f"/{name}", None, None)
    code, reason, _ = await refused(call(b"", metadata=here.bearer()))
    assert (code, reason) == (grpc.StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD")


async def test_a_dead_backend_is_told_at_once_and_without_its_address(tmp_path: Path) -> None:
    async with world(tmp_path, local=False) as here:
        assert await here.call("Unary", b"a") == b"a"
        await here.stop_backend()
        call = here.call("Unary", b"a", timeout=PATIENCE)
        code, reason, details = await refused(call)
        assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
        assert details["ErrorInfo"].metadata["backend"] == "echo"
        assert "127.0.0.1" not in await call.details()
        code, reason, _ = await refused(each(here.call("Both", None, timeout=PATIENCE)))
        assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
