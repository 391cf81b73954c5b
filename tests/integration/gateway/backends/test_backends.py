"""Backends that die, hang, refuse and come back; what their callers and all others see of it."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from systemzero.gateway.v1 import status_service_pb2 as status_pb
from systemzero.gateway.v1 import status_service_pb2_grpc
from systemzero_gateway.backends import backend, monitor
from systemzero_gateway.backends.breaker import BreakerSettings
from systemzero_gateway.backends.retry import RetrySettings
from tests.support.gateway import World, each, refused, world
from tests.support.moody import before_moody
from tests.support.patience import PATIENCE
from tests.support.replica import replica, several

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "INTERVAL", 0.02)


async def until(here: World, name: str, status: int) -> None:
    """Watch the health that the gateway tells until it is `status`."""
    stub = health_pb2_grpc.HealthStub(here.channel)
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=name), timeout=PATIENCE)
    async for told in watch:
        if told.status == status:
            watch.cancel()
            return


async def breaker_of(here: World) -> tuple[bool, int]:
    stub = status_service_pb2_grpc.StatusServiceStub(here.channel)
    status = await stub.GetStatus(status_pb.GetStatusRequest(), metadata=here.bearer())
    return status.backends[0].serving, status.backends[0].breaker


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
async def test_an_idempotent_call_is_sent_again_and_any_other_is_not(
    tmp_path: Path, code: grpc.StatusCode
) -> None:
    async with before_moody(tmp_path) as (here, moody):
        moody.code = code
        moody.refusals = 1
        assert await here.call("Get", b"a") == b"a"
        assert moody.calls == 2
        moody.refusals = 1
        assert await each(here.call("List", b"a")) == [b"a"]
        assert moody.calls == 4
        moody.refusals = 1
        code, reason, _ = await refused(here.call("Unary", b"a"))
        assert (code, reason, moody.calls) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", 5)


@pytest.mark.parametrize(
    ("request_", "is_sent_again"),
    [
        (b"\x0a\x01r", True),
        (b"\x12\x03abc\x0a\x01r", True),
        (b"", False),
        (b"\x12\x03abc", False),
        (b"\x0a\x00", False),
        (b"\x0a\x01r\x0a\x00", False),  # the last one counts
        (b"\x12\x05\x0a\x01r12", False),  # within something else
        (b"\x08\x01", False),  # a number
        (b"\x0a\x05r", False),  # cut off
    ],
)
async def test_a_call_that_has_an_id_is_sent_again_and_one_that_could_have_had_is_not(
    tmp_path: Path, request_: bytes, is_sent_again: bool
) -> None:
    async with before_moody(tmp_path) as (here, moody):
        moody.refusals = 1
        if is_sent_again:
            assert await here.call("Put", request_) == request_
        else:
            code, _, _ = await refused(here.call("Put", request_))
            assert code is grpc.StatusCode.UNAVAILABLE
        assert moody.calls == 1 + is_sent_again


async def test_attempts_are_bounded(tmp_path: Path) -> None:
    async with before_moody(tmp_path, retry=RetrySettings(attempts=3)) as (here, moody):
        moody.refusals = 3
        await refused(here.call("Get", b"a"))
        assert moody.calls == 3


async def test_a_stream_that_has_begun_is_not_sent_again(tmp_path: Path) -> None:
    async with before_moody(tmp_path) as (here, moody):
        moody.refusals, moody.late = 1, True
        call = here.call("List", b"a")
        assert await call.read() == b"first"
        await refused(call.read())
        assert moody.calls == 1


async def test_a_backend_that_always_fails_is_not_hammered(tmp_path: Path) -> None:
    few = RetrySettings(budget=20)
    async with before_moody(tmp_path, retry=few) as (here, moody):
        moody.refusals = 1_000
        for _ in range(100):
            await refused(here.call("Get", b"a"))
        assert moody.calls < 110


async def first_of(stream: Any) -> bytes:
    """The first response. What may be lost after it is not sent again: it would come twice."""
    responses = aiter(stream)
    first: bytes = await anext(responses)
    with suppress(grpc.aio.AioRpcError):
        async for _ in responses:
            pass
    return first


async def test_callers_see_nothing_of_a_replica_that_is_killed(tmp_path: Path) -> None:
    async with replica("one") as one, replica("two") as two:
        target, seen = several(one.port, two.port), Counter[bytes]()
        # on a busy machine a channel takes its time to notice what was lost
        patient = RetrySettings(attempts=4, back_off=0.1)
        async with world(tmp_path, local=False, target=target, retry=patient) as here:

            async def ask(times: int) -> None:
                for _ in range(times):
                    seen[await here.call("Get", b"")] += 1
                    seen[await first_of(here.call("List", b""))] += 1

            while seen.keys() != {b"one", b"two"}:  # connected to both
                await ask(1)
            load = asyncio.gather(*(ask(40) for _ in range(8)))
            await one.kill()
            await load
            seen.clear()
            await ask(5)
            assert seen.keys() == {b"two"}
            assert await breaker_of(here) == (True, status_pb.BREAKER_STATE_CLOSED)


async def test_a_replica_that_says_it_does_not_serve_gets_no_calls(tmp_path: Path) -> None:
    async with replica("one") as one, replica("two") as two:
        target, seen = several(one.port, two.port), Counter[bytes]()
        async with world(tmp_path, local=False, target=target) as here:
            one.send(signal.SIGTERM)
            await one.process.wait()
            for _ in range(20):
                seen[await here.call("Unary", b"")] += 1  # a call that is not tried again
            assert seen == {b"two": 20}


async def test_calls_that_fail_keep_no_backend_away_that_says_it_serves(tmp_path: Path) -> None:
    async with before_moody(tmp_path) as (here, moody):
        moody.refusals = 20
        for _ in range(20):
            code, reason, details = await refused(here.call("Unary", b"a"))
            assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
            assert details["ErrorInfo"].metadata["backend"] == "echo"
        assert moody.calls == 20
        assert await here.call("Unary", b"a") == b"a"
        assert await breaker_of(here) == (True, status_pb.BREAKER_STATE_CLOSED)


SERVICE_BEHIND = "systemzero.capture.v1.CaptureService"


async def test_a_backend_that_hangs_is_given_up_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "PROBE_SECONDS", 0.2)
    settings = BreakerSettings(failures=3, patience=0.5)
    async with (
        replica("one") as one,
        world(tmp_path, local=False, target=several(one.port), breaker=settings) as here,
    ):
        assert await here.call("Unary", b"") == b"one"
        one.send(signal.SIGSTOP)
        await until(here, SERVICE_BEHIND, NOT_SERVING)
        _, reason, _ = await refused(here.call("Unary", b"", timeout=1_000))
        assert reason == "UNAVAILABLE"
        one.send(signal.SIGCONT)
        await until(here, SERVICE_BEHIND, SERVING)
        assert await here.call("Unary", b"") == b"one"


async def test_health_is_told_by_service_and_follows_the_backend(tmp_path: Path) -> None:
    async with (
        replica("one") as one,
        world(tmp_path, local=False, target=several(one.port)) as here,
    ):
        for name in ("", SERVICE_BEHIND):
            await until(here, name, SERVING)
        await one.kill()
        for name in ("", SERVICE_BEHIND):
            await until(here, name, NOT_SERVING)
        await until(here, "systemzero.gateway.v1.AuthService", SERVING)
        async with replica("one", one.port):
            for name in ("", SERVICE_BEHIND):
                await until(here, name, SERVING)
            assert await here.call("Get", b"") == b"one"
