"""What the gateway lets pass at a time and in bytes, and how it says no."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero_gateway.limits import LimitSettings, Rate
from tests.support.gateway import MAX_BYTES, SERVICE, World, each, refused, sending, sent, world
from tests.support.patience import PATIENCE

StatusCode = grpc.StatusCode
PLENTY = Rate(1e6, 100_000)


def lavish(**bounds: Any) -> LimitSettings:
    return LimitSettings(PLENTY, PLENTY, PLENTY, **bounds)


async def under_way(here: World, method: str = "Unary") -> Any:
    """A call that waits at the backend."""
    here.echo.started.clear()
    call = here.call(method, b"wait")
    task = asyncio.ensure_future(call if method == "Unary" else each(call))
    await here.echo.started.wait()
    return call, task


async def ended(here: World, call: Any, task: Any) -> None:
    """Give a call up; it is over when the backend is told."""
    here.echo.cancelled.clear()
    call.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await here.echo.cancelled.wait()


async def none_is_counted(here: World) -> bool:
    """Whether the gateway, once it has had time to notice, believes that no call is under way."""
    calls, streams = here.app.admission.calls, here.app.admission.streams
    async with asyncio.timeout(PATIENCE):
        while len(calls) + len(streams):  # noqa: ASYNC110 - they tell nobody
            await asyncio.sleep(0.01)
    return not len(calls) + len(streams) + calls.of("default") + streams.of("default")


@pytest.mark.parametrize("method", ["Unary", "Server"])
async def test_a_tenant_has_so_many_calls_under_way(tmp_path: Path, method: str) -> None:
    async with world(tmp_path, local=True, limits=lavish(in_flight=1, streams=1)) as here:
        call, task = await under_way(here, method)
        refusing = here.call(method, b"a")
        code, reason, details = await refused(refusing if method == "Unary" else each(refusing))
        assert (code, reason) == (StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_IN_FLIGHT")
        assert details["RetryInfo"].retry_delay.ToMilliseconds() > 0
        assert details["QuotaFailure"].violations[0].subject == "tenant"
        assert "ratelimit-remaining" in dict(await refusing.trailing_metadata())
        await ended(here, call, task)
        assert await none_is_counted(here)
        assert await here.call("Unary", b"a") == b"a"


async def test_open_streams_leave_room_for_calls(tmp_path: Path) -> None:
    async with world(tmp_path, local=True, limits=lavish(in_flight=1, streams=1)) as here:
        call, task = await under_way(here, "Server")
        assert await here.call("Unary", b"a") == b"a"
        await ended(here, call, task)


async def test_beyond_the_total_load_is_shed_before_anything_else(tmp_path: Path) -> None:
    async with world(tmp_path, local=True, limits=lavish(total_in_flight=1)) as here:
        call, task = await under_way(here)
        for metadata in (None, ()):
            code, reason, details = await refused(here.call("Unary", b"a", metadata))
            assert (code, reason) == (StatusCode.UNAVAILABLE, "OVERLOADED")
            assert details["RetryInfo"].retry_delay.ToMilliseconds() > 0
        await ended(here, call, task)
        assert await here.call("Unary", b"a") == b"a"


@pytest.mark.parametrize("local", [True, False])
async def test_calls_that_end_in_every_way_leave_no_count(tmp_path: Path, local: bool) -> None:
    chance = random.Random(3)  # noqa: S311 - no secret
    limits = lavish(in_flight=30, streams=30, total_in_flight=40, total_streams=40)
    async with world(tmp_path, local=local, limits=limits) as here:

        async def one() -> None:
            word = chance.choice([b"a", b"bad", b"wait", b"x" * (MAX_BYTES + 1)])
            method = chance.choice(["Unary", "Server", "Client", "Both"])
            metadata = None if chance.random() < 0.8 else ()
            request = word if method in {"Unary", "Server"} else sending(word, b"b")
            timeout = chance.choice([0.05, 0.2])
            call = here.call(method, request, metadata, timeout=timeout)
            answer = asyncio.ensure_future(call if method in {"Unary", "Client"} else each(call))
            if chance.random() < 0.3:
                await asyncio.sleep(0)
                call.cancel()
            await asyncio.gather(answer, return_exceptions=True)

        for _ in range(4):
            await asyncio.gather(*(one() for _ in range(50)))
        assert await none_is_counted(here)


@pytest.mark.parametrize("method", ["Client", "Both"])
async def test_a_stream_has_a_budget_beside_that_of_each_message(
    tmp_path: Path, method: str
) -> None:
    async with world(tmp_path, local=True, limits=lavish(stream_bytes=2_500)) as here:
        call = await sent(here.call(method, None), *[b"x" * 900] * 3)
        code, reason, details = await refused(call if method == "Client" else each(call))
        assert (code, reason) == (StatusCode.RESOURCE_EXHAUSTED, "TOO_LARGE")
        assert details["ErrorInfo"].metadata == {"limit": "2500", "actual": "2700"}
        fits = here.call(method, sending(*[b"x" * 800] * 3))
        assert await (fits if method == "Client" else each(fits))


@pytest.mark.parametrize("algorithm", [grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_a_message_is_as_large_as_it_is_unpacked(
    tmp_path: Path, algorithm: grpc.Compression
) -> None:
    async with world(tmp_path, local=True) as here:
        packed = {"compression": algorithm}
        assert len(await here.call("Unary", b"x" * MAX_BYTES, **packed)) == MAX_BYTES
        _, reason, details = await refused(here.call("Unary", b"x" * (MAX_BYTES + 1), **packed))
        assert reason == "TOO_LARGE"
        assert details["ErrorInfo"].metadata["actual"] == str(MAX_BYTES + 1)


async def test_other_limits_hold_at_once_and_what_is_under_way_goes_on(tmp_path: Path) -> None:
    async with world(tmp_path, local=True, limits=lavish()) as here:
        call, task = await under_way(here)
        here.app.reload(lavish(in_flight=1))
        _, reason, _ = await refused(here.call("Unary", b"a"))
        assert reason == "TOO_MANY_IN_FLIGHT"
        here.app.reload(lavish(in_flight=2))
        assert await here.call("Unary", b"a") == b"a"
        assert not task.done()
        await ended(here, call, task)


BOMB = """
import sys, grpc
target, path, key, size = sys.argv[1:]
with grpc.insecure_channel(target, [("grpc.max_send_message_length", -1)]) as channel:
    call = channel.unary_unary(path)
    try:
        call(
            bytes(int(size)),
            metadata=[("authorization", "Bearer " + key)],
            compression=grpc.Compression.Gzip,
        )
    except grpc.RpcError as error:
        print(error.code().name)
"""
"""In a process of its own, since what is packed has to lie somewhere first."""


def _peak(*, reset: bool = False) -> int:
    """Kilobytes of memory that this process has had at most since the last reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


async def test_a_compression_bomb_is_refused_while_it_is_unpacked(tmp_path: Path) -> None:
    async with world(tmp_path, local=True) as here:
        await here.call("Unary", b"a")
        before = _peak(reset=True)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            BOMB,
            f"127.0.0.1:{here.port}",
            f"/{SERVICE}/Unary",
            here.secret,
            "100000000",
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        assert output.decode().strip() == "RESOURCE_EXHAUSTED"
        assert _peak() - before < 50_000
        assert await here.call("Unary", b"a") == b"a"
